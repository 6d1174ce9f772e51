"""`vectordb doctor` on a running stack: all green, and each broken link reported under its own name and no other's."""

import datetime as dt
import json
import socket
from dataclasses import replace
from types import SimpleNamespace

import botocore.auth
import pytest
from botocore.stub import Stubber

from tests.local.broken_links import faults, letting_clear_text_in, unapplied
from tests.local.project import Project
from vectordb.cli.target import chosen
from vectordb.database import aws, iam
from vectordb.doctor.checks import CHECKS
from vectordb.doctor.context import Subject
from vectordb.doctor.run import examine
from vectordb.local import certificates, connections
from vectordb.local.clients import Clients
from vectordb.local.databases import master_password
from vectordb.local.state import Folder

GREEN = {
    "region-and-identity": "ok",
    "clock-skew": "ok",
    "vpc-block-public-access": "ok",
    "database-state": "ok",
    "plugin": "not applicable",
    "bastion": "not applicable",
    "document": "not applicable",
    "tunnel": "not applicable",
    "dns": "ok",
    "tls-chain": "ok",
    "forced-tls": "ok",
    "iam-login": "ok",
    "extensions": "ok",
    "role-associations": "ok",
    "bridge": "ok",
    "vector-indexes": "ok",
    "s3-vectors": "ok",
    "sql-ledger": "ok",
    "bedrock-models": "ok",
}
ABSENT = ["data-api", "embedding-worker", "queue", "embedding-sweeps", "vectorizers"]
SECONDS = 3.0


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    made = Project(tmp_path_factory.mktemp("doctor") / "project")
    with made.up():
        yield made


@pytest.fixture(scope="module")
def stack(project):
    folder = Folder.of(project.folder, "dev")
    running, credentials = folder.running(), folder.credentials()
    return SimpleNamespace(
        folder=folder,
        running=running,
        credentials=credentials,
        client=Clients(running.emulator, running.region, credentials),
    )


@pytest.fixture
def target(project, stack, monkeypatch):
    """What the command works on, with its environment set as the command sets it."""
    monkeypatch.chdir(project.folder)
    found = chosen("", True)
    for name in found.unset:
        monkeypatch.delenv(name, raising=False)
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    aws.session.cache_clear()
    yield found
    aws.session.cache_clear()


@pytest.fixture
def look(project, target):
    """The report of this moment, with settings, outputs or stand-ins of a test's own."""

    def run(*, settings=None, outputs=None, **stand_ins):
        subject = Subject(
            settings=settings or target.settings,
            outputs={**target.outputs, **(outputs or {})},
            sql=project.folder / "sql",
            user=target.user,
            local=True,
        )
        return examine(subject, CHECKS, **stand_ins)

    return run


@pytest.fixture
def master(stack):
    with connections.connect(stack.running, stack.credentials, admin=True) as connection:
        yield connection


def states(report):
    return {outcome.name: outcome.state.value for outcome in report.outcomes}


def finding(report, name):
    return next(outcome for outcome in report.outcomes if outcome.name == name)


def skipped(*names):
    return dict.fromkeys(names, "skipped")


# The whole


def test_everything_is_green_in_time_and_says_no_secret(project, stack):
    done = project.run("doctor", "--local", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert {check["name"]: check["state"] for check in found["checks"]} == GREEN
    assert (found["stack"], found["database"], found["local"], found["sound"]) == ("dev", "database", True, True)
    assert found["not_declared"] == ABSENT
    assert found["seconds"] <= SECONDS
    assert all(0 <= check["seconds"] <= SECONDS and not check["remedy"] for check in found["checks"])
    said = done.stdout + done.stderr
    secrets = [stack.credentials.secret_access_key, master_password(stack.credentials, "database"), "X-Amz-Signature"]
    assert [secret for secret in secrets if secret in said] == []


def test_a_person_gets_a_line_for_each_link_and_the_exit_code_tells(project, master):
    with unapplied(master, "repeatable/95_users.sql"):
        done = project.run("doctor", "--local")
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert [line[16:].split()[0] for line in lines] == list(GREEN)
    [ledger] = [line for line in lines if line[16:].startswith("sql-ledger")]
    assert ledger.startswith("failed")
    assert ledger.endswith(
        "not applied: repeatable/95_users.sql (changed)  → Apply them with `pulumi up`, or vectordb migrate apply."
    )
    assert done.stderr.splitlines()[-1] == f"Not part of this stack: {', '.join(ABSENT)}"


def test_without_a_stack_it_says_how_to_start_one(project):
    done = project.run("doctor", "--local", "--stack", "prod")
    assert (done.returncode, done.stderr.splitlines()) == (
        1,
        ["Error: The local stack 'prod' is not running.", "Next:  Start it with: make up"],
    )


# Who asks, and when


def test_credentials_that_nobody_knows(look, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "LKIANOBODY")
    aws.session.cache_clear()
    report = look()
    assert states(report) == GREEN | {"region-and-identity": "failed"} | skipped(
        "vpc-block-public-access", "database-state", "iam-login", "extensions", "role-associations", "bridge", "vector-indexes",
        "s3-vectors", "sql-ledger", "bedrock-models",
    )  # fmt: skip
    assert finding(report, "region-and-identity").remedy.startswith("AWS does not know these credentials")


def test_a_clock_that_is_wrong(look):
    report = look(now=lambda: dt.datetime.now(dt.UTC) + dt.timedelta(minutes=20))
    assert states(report) == GREEN | {"clock-skew": "failed"} | skipped("iam-login")


# The database as AWS sees it


def test_a_cluster_that_is_stopped(look, stack):
    rds, name = stack.client("rds"), stack.running.primary.identifier
    rds.stop_db_cluster(DBClusterIdentifier=name)
    try:
        report = look()
    finally:
        rds.start_db_cluster(DBClusterIdentifier=name)
    assert states(report) == GREEN | {"database-state": "failed"}
    assert finding(report, "database-state").detail == f"{name} is stopped"


def test_a_role_that_was_detached(look, stack):
    rds, name = stack.client("rds"), stack.running.primary.identifier
    before = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
    (role,) = before["AssociatedRoles"]
    assert role["FeatureName"] == "Lambda"
    # moto cannot take a role away, so the cluster is described anew without one.
    anew = {key: before[key] for key in ("DBClusterIdentifier", "Engine", "EngineVersion", "MasterUsername", "Port")}
    rds.delete_db_cluster(DBClusterIdentifier=name, SkipFinalSnapshot=True)
    for snapshot in rds.describe_db_cluster_snapshots(DBClusterIdentifier=name)["DBClusterSnapshots"]:
        rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=snapshot["DBClusterSnapshotIdentifier"])
    rds.create_db_cluster(**anew, MasterUserPassword="only-on-this-machine")
    try:
        report = look()
    finally:
        rds.add_role_to_db_cluster(DBClusterIdentifier=name, FeatureName="Lambda", RoleArn=role["RoleArn"])
    assert states(report) == GREEN | {"role-associations": "failed"} | skipped("bridge", "s3-vectors")
    assert finding(report, "role-associations").detail == f"no role for Lambda at {name}"


# The wire


def test_another_authority(look, target, tmp_path):
    other = certificates.issue(tmp_path, [target.settings.host]).ca
    report = look(settings=replace(target.settings, ca_bundle=other))
    # Clear text is refused all the same.
    assert states(report) == GREEN | {"tls-chain": "failed"} | skipped(
        "iam-login", "extensions", "bridge", "s3-vectors", "sql-ledger"
    )
    assert "is refused: " in finding(report, "tls-chain").detail


def test_a_certificate_of_another_name(look, target):
    name, _, domain = target.settings.host.partition(".")
    report = look(settings=replace(target.settings, host=f"{name}.cluster-0{domain.removeprefix('cluster-')}"))
    assert states(report) == GREEN | {"tls-chain": "failed"} | skipped(
        "iam-login", "extensions", "bridge", "s3-vectors", "sql-ledger"
    )
    assert "Hostname mismatch" in finding(report, "tls-chain").detail


def test_a_server_that_is_not_there(look, target):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        report = look(settings=replace(target.settings, hostaddr_port=taken.getsockname()[1]))
    assert states(report) == GREEN | {"tls-chain": "failed"} | skipped(
        "forced-tls", "iam-login", "extensions", "bridge", "s3-vectors", "sql-ledger"
    )


def test_clear_text_that_is_let_in(look, target):
    with letting_clear_text_in(target.settings.hostaddr_port) as port:
        report = look(settings=replace(target.settings, hostaddr_port=port))
    assert states(report) == GREEN | {"forced-tls": "failed"}


# Logins


def test_a_token_that_has_expired(look, target, monkeypatch):
    long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=16)
    with monkeypatch.context() as patched:
        patched.setattr(botocore.auth, "get_current_datetime", lambda **_: long_ago.replace(tzinfo=None))
        expired = iam.token(
            host=target.settings.host, port=target.settings.port, user=target.user, region=target.settings.region
        )
    assert f"X-Amz-Date={long_ago:%Y%m%dT%H%M}" in expired
    monkeypatch.setattr(iam, "token", lambda **_: expired)
    report = look()
    assert states(report) == GREEN | {"iam-login": "failed"}
    assert "PAM authentication failed" in finding(report, "iam-login").detail


@pytest.mark.parametrize(
    ("broken", "mended", "detail"),
    [
        ("REVOKE rds_iam FROM vectordb_app", "GRANT rds_iam TO vectordb_app", "vectordb_app is no member of rds_iam"),
        ("ALTER ROLE vectordb_app NOLOGIN", "ALTER ROLE vectordb_app LOGIN", "vectordb_app may not log in (NOLOGIN)"),
    ],
)
def test_a_user_without_its_grants_hides_nothing_else(look, master, broken, mended, detail):
    master.execute(broken)
    try:
        report = look()
    finally:
        master.execute(mended)
    assert states(report) == GREEN | {"iam-login": "failed"}
    assert finding(report, "iam-login").detail == detail
    statement = mended.replace("vectordb_app", '"vectordb_app"')
    assert finding(report, "iam-login").remedy.endswith(f"as the master: {statement};")


def test_a_user_that_was_never_made_among_those_that_get_in(look, target):
    users = [*json.loads(target.settings.users), {"access": "reader", "name": "vectordb_report"}]
    report = look(settings=replace(target.settings, users=json.dumps(users)))
    # The list is a value of repeatable/95_users.sql, so that file would have to be applied again.
    assert states(report) == GREEN | {"iam-login": "failed", "sql-ledger": "failed"}
    assert finding(report, "iam-login").detail == "vectordb_report does not exist"


def test_a_caller_without_the_master_s_secret_gets_a_warning(look, target):
    def make_client(service):
        client = aws.client(service, target.settings.region)
        if service == "secretsmanager":
            stub = Stubber(client)
            stub.add_client_error(
                "get_secret_value", "AccessDeniedException", "not authorized: secretsmanager:GetSecretValue"
            )
            stub.activate()
        return client

    report = look(make_client=make_client)
    assert states(report) == GREEN | {"sql-ledger": "warning"}
    assert "secretsmanager:GetSecretValue" in finding(report, "sql-ledger").detail


# Inside the database


def test_an_extension_that_is_gone(look, master):
    master.execute("DROP EXTENSION aws_lambda CASCADE")
    try:
        report = look()
    finally:
        master.execute("CREATE EXTENSION aws_lambda CASCADE")
        master.execute("GRANT USAGE ON SCHEMA aws_lambda TO vectordb_owner")
        master.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA aws_lambda TO vectordb_owner")
    assert states(report) == GREEN | {"extensions": "failed"} | skipped("bridge", "s3-vectors")
    assert finding(report, "extensions").detail == "not installed: aws_lambda"


@pytest.mark.parametrize(
    ("label", "detail"),
    [
        ("repeatable/90_deployment.sql", "not applied: repeatable/90_deployment.sql (changed)"),
        ("versioned/002_extensions.sql", "changed after they had been applied: versioned/002_extensions.sql"),
    ],
)
def test_a_ledger_that_differs(look, master, label, detail):
    with unapplied(master, label):
        report = look()
    assert states(report) == GREEN | {"sql-ledger": "failed"}
    assert finding(report, "sql-ledger").detail == detail


# What SQL reaches


def test_a_function_that_fails(look, stack):
    with faults(
        stack, service="lambda", operation="Invoke", code="ServiceException", status=500, message="out of order"
    ):
        report = look()
    assert states(report) == GREEN | {"bridge": "failed"} | skipped("s3-vectors")


def test_an_alias_that_is_gone(look, stack):
    client, arn = stack.client("lambda"), stack.running.outputs["functionArn"]
    function, alias = arn.split(":")[6:]
    before = client.get_alias(FunctionName=function, Name=alias)
    client.delete_alias(FunctionName=function, Name=alias)
    try:
        report = look()
    finally:
        client.create_alias(FunctionName=function, Name=alias, FunctionVersion=before["FunctionVersion"])
    assert states(report) == GREEN | {"bridge": "failed"} | skipped("s3-vectors")
    assert "there is no such function" in finding(report, "bridge").detail
    assert finding(report, "bridge").remedy.startswith("Deploy again (pulumi up)")


def test_an_index_that_was_deleted(look, stack):
    client, arn = stack.client("s3vectors"), stack.running.outputs["indexArns"]["stdlib"]
    found = client.get_index(indexArn=arn)["index"]
    client.delete_index(indexArn=arn)
    try:
        report = look()
    finally:
        kept = ("vectorBucketName", "indexName", "dataType", "dimension", "distanceMetric")
        client.create_index(**{key: found[key] for key in kept})
    assert states(report) == GREEN | {"vector-indexes": "failed"} | skipped("s3-vectors")
    assert finding(report, "vector-indexes").detail == f"stdlib is gone ({arn})"


def test_an_index_that_was_made_anew_gets_its_full_text_keys_again(project, look):
    report = look()
    assert states(report) == GREEN | {"vector-indexes": "warning"}
    found = finding(report, "vector-indexes")
    assert found.detail == "stdlib (256, cosine); stdlib does not search summary by words"
    assert found.remedy == "`vectordb indexes apply --local` configures it, and waits."
    lacking = project.run("indexes", "check", "--local")
    assert (lacking.returncode, lacking.stdout) == (1, "stdlib  lacks summary\n")
    done = project.run("indexes", "apply", "--local")
    assert (done.returncode, json.loads(done.stdout)["indexes"][0]["added"]) == (0, ["summary"]), done.stderr
    assert done.stderr.splitlines()[0] == "stdlib: added summary"
    again = project.run("indexes", "check", "--local")
    assert (again.returncode, again.stdout) == (0, "stdlib  as declared: summary (en)\n")
    assert finding(look(), "vector-indexes").detail == "stdlib (256, cosine, by words: summary)"


def test_a_function_that_may_not_read_the_index(look, stack):
    with faults(stack, service="s3vectors", operation="GetVectors", code="AccessDeniedException", status=403):
        report = look()
    assert states(report) == GREEN | {"s3-vectors": "failed"}


def test_a_queue_with_dead_letters_and_a_model(look, stack):
    sqs = stack.client("sqs")
    queue, dead = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("embeddings", "embeddings-dead"))
    outputs = {"queueUrl": queue, "deadLetterQueueUrl": dead, "bedrockModels": ["amazon.titan-embed-text-v2:0"]}
    report = look(outputs=outputs)
    # SQL that calls models needs a role for it, which this stack was not given.
    expected = GREEN | {"role-associations": "failed"} | skipped("bridge", "s3-vectors")
    assert states(report) == expected | {"queue": "ok", "bedrock-models": "ok"}
    sqs.send_message(QueueUrl=dead, MessageBody="{}")
    assert states(look(outputs=outputs)) == expected | {"queue": "failed", "bedrock-models": "ok"}


def test_after_all_of_that_everything_is_green(look):
    assert states(look()) == GREEN
