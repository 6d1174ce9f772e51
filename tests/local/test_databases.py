"""Several databases in one stack: an Aurora cluster and an RDS instance side by side, each with its own server."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from tests.local.project import Project
from vectordb.errors import VectordbError
from vectordb.local import connections
from vectordb.local.clients import Clients
from vectordb.local.databases import Declared, folder_of, master_password
from vectordb.local.handlers import databases
from vectordb.local.state import Credentials, Folder
from vectordb.plan.recording import Registration

PROGRAM = Path(__file__).parent / "programs" / "two_databases.py"


def make(folder):
    project = Project(folder)
    shutil.rmtree(project.folder / "components")
    shutil.copy(PROGRAM, project.folder / "__main__.py")
    return project


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    made = make(tmp_path_factory.mktemp("both") / "project")
    made.configure(engine="both", auroraVersion="17.6", rdsVersion="16", snapshot="shop-before")
    yield made
    made.run("local", "down")
    assert made.processes() == []


@pytest.fixture(scope="module")
def up(project):
    project.accept()
    done = project.run("local", "up")
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def folder(project, up):
    return Folder.of(project.folder, "dev")


@pytest.fixture
def connect(folder):
    """Connections to a database by its name."""

    def open_one(name="", **options):
        return connections.connect(folder.running(), folder.credentials(), database=name, **options)

    return open_one


def test_status_lists_each_with_its_engine_endpoint_and_login(project, up):
    found = project.status()["databases"]
    assert [(d["name"], d["engine"], d["identifier"], d["user"], d["master"]) for d in found] == [
        ("database", "Aurora", "shop-dev-database-1", "database_app", "vectordb_admin"),
        ("rds", "RDS", "shop-dev-rds-1", "rds_app", "vectordb_admin"),
    ]
    aurora, rds = found
    assert re.fullmatch(r"shop-dev-database-1\.cluster-[0-9a-f]{12}\.us-east-1\.rds\.amazonaws\.com", aurora["host"])
    assert re.fullmatch(r"shop-dev-rds-1\.[0-9a-f]{12}\.us-east-1\.rds\.amazonaws\.com", rds["host"])
    assert aurora["port"] != rds["port"]
    lines = [" ".join(line.split()) for line in project.run("local", "status").stdout.splitlines()]
    how = {"c": "compiled", "spool": "over files (no C compiler)"}[aurora["transport"]]
    for database in found:
        assert (
            f"{database['name']} {database['engine']}, PostgreSQL {database['postgres_version']}, aws_lambda {how}"
            in lines
        )
        assert f"endpoint {database['host']} on 127.0.0.1:{database['port']}" in lines
        assert f"login {database['user']} on database vectordb" in lines


def test_versions_of_their_own_and_what_is_different_here(project, up):
    aurora, rds = project.status()["databases"]
    assert re.fullmatch(r"18\.\d+", aurora["postgres_version"])
    assert re.fullmatch(r"16\.\d+", rds["postgres_version"])
    assert [line for line in up.stderr.splitlines() if line.startswith("! ")] == [
        f"! database: PostgreSQL 17.6 is declared; {aurora['postgres_version']} runs here.",
        "! database: the 2 reader instances share the writer's server.",
        "! database: nothing is restored here; the database is the one that was here, or empty.",
    ]


def test_the_first_database_s_fields_stand_where_a_stack_with_one_had_them(project, up):
    status = project.status()
    assert {key: status[key] for key in status["databases"][0]} == status["databases"][0]


def test_an_instance_returns_what_the_provider_returns(project, up):
    status = project.status()
    outputs, rds = status["outputs"], status["databases"][1]
    assert outputs["rds_address"] == rds["host"]
    assert outputs["rds_endpoint"] == f"{rds['host']}:5432"
    assert outputs["rds_port"] == 5432
    assert re.fullmatch(r"db-[0-9A-F]{26}", outputs["rds_resource_id"])
    assert outputs["rds_id"] == outputs["rds_resource_id"]
    assert outputs["rds_arn"] == "arn:aws:rds:us-east-1:123456789012:db:shop-dev-rds-1"
    assert outputs["rds_identifier"] == "shop-dev-rds-1"
    (secret,) = outputs["rds_master_user_secrets"]
    assert secret["secretArn"] == rds["secret_arn"]
    assert re.search(r":secret:rds!db-[0-9a-f-]{36}-\w{6}$", secret["secretArn"])
    assert secret["secretStatus"] == "active"


def test_each_has_a_server_with_its_own_parameters_and_data(connect):
    found = {}
    for name in ("database", "rds"):
        with connect(name, admin=True) as connection:
            found[name] = connection.execute(
                "SELECT current_setting('work_mem'), (SELECT system_identifier FROM pg_control_system())"
            ).fetchone()
    assert (found["database"][0], found["rds"][0]) == ("7001kB", "7002kB")
    assert found["database"][1] != found["rds"][1]


def test_each_step_applied_its_sql_to_the_database_that_it_names(connect):
    for name, other in (("database", "rds"), ("rds", "database")):
        with connect(name) as connection:
            assert connection.execute("SELECT current_user").fetchone() == (f"{name}_app",)
            assert connection.execute("SELECT to_regrole(%s)", [f"{other}_app"]).fetchone() == (None,)
            assert connection.execute("SELECT to_regnamespace('s3vl') IS NULL").fetchone() == (False,)


def test_each_master_has_a_password_of_its_own_in_a_secret_of_its_own(folder):
    running = folder.running()
    client = Clients(running.emulator, running.region, folder.credentials())("secretsmanager")
    secrets = [
        json.loads(client.get_secret_value(SecretId=database.secret_arn)["SecretString"])
        for database in running.databases
    ]
    assert [secret["username"] for secret in secrets] == ["vectordb_admin", "vectordb_admin"]
    assert secrets[0]["password"] != secrets[1]["password"]
    for database, secret, wrong in zip(running.databases, secrets, reversed(secrets), strict=True):
        there = {
            "host": database.host, "hostaddr": "127.0.0.1", "port": database.port, "dbname": "vectordb",
            "user": "vectordb_admin", "sslmode": "verify-full", "sslrootcert": database.certificate,
        }  # fmt: skip
        psycopg.connect(**there, password=secret["password"]).close()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(**there, password=wrong["password"])


def test_a_token_of_one_database_opens_no_other(folder, connect):
    with connect("rds", admin=True) as connection:
        connection.execute("CREATE ROLE database_app LOGIN IN ROLE rds_iam")
    aurora, rds = folder.running().databases
    lines = [re.split(r"(?<!\\):", line) for line in folder.passfile.read_text().splitlines()]
    (token,) = [re.sub(r"\\(.)", r"\1", fields[4]) for fields in lines if fields[0] == aurora.host]
    with pytest.raises(psycopg.OperationalError, match='PAM authentication failed for user "database_app"'):
        psycopg.connect(
            host=rds.host, hostaddr="127.0.0.1", port=rds.port, dbname="vectordb", user="database_app", password=token,
            sslmode="verify-full", sslrootcert=rds.certificate,
        )  # fmt: skip


def test_env_chooses_a_database_and_the_first_unless_told(project, up):
    code = "import psycopg; print(psycopg.connect().execute('SELECT current_user').fetchone()[0])"
    for arguments, login in ((), "database_app"), (("--database", "rds"), "rds_app"):
        exports = project.run("local", "env", *arguments).stdout
        done = subprocess.run(
            ["/bin/sh", "-c", f'{exports}\nexec "{sys.executable}" -c "{code}"'],
            env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.stdout.strip() == login, done.stderr


def test_env_of_a_database_that_is_not_there_names_those_that_are(project, up):
    done = project.run("local", "env", "--database", "rsd")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "Error: The local stack 'dev' has no database 'rsd'.",
        "Next:  Give one of: database, rds.",
    ]


def test_readers_are_the_writer_s_server_and_up_says_so(project, up, connect):
    assert "! database: the 2 reader instances share the writer's server." in up.stderr.splitlines()
    status = project.status()
    assert sorted(status["processes"]) == [
        "emulator",
        "front-database",
        "front-rds",
        "postgres-database",
        "postgres-rds",
    ]
    assert status["outputs"]["writers"] == [True, False, False]
    reader = status["databases"][0]["host"].replace(".cluster-", ".cluster-ro-")
    assert status["outputs"]["instanceEndpoints"] == [status["databases"][0]["host"], reader, reader]


def test_the_reader_s_endpoint_leads_to_the_same_server(folder):
    aurora = folder.running().databases[0]
    password = master_password(folder.credentials(), "database")
    with psycopg.connect(
        host=aurora.host.replace(".cluster-", ".cluster-ro-"), hostaddr="127.0.0.1", port=aurora.port, dbname="vectordb",
        user="vectordb_admin", password=password, sslmode="verify-full", sslrootcert=aurora.certificate,
    ) as connection:  # fmt: skip
        assert connection.execute("SHOW work_mem").fetchone() == ("7001kB",)


@pytest.mark.long
def test_one_leaves_and_comes_back_with_its_data_and_port(project, up, folder, connect):
    before = {d["name"]: d["port"] for d in project.status()["databases"]}
    with connect("database", admin=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    project.configure(engine="rds")
    project.accept()
    assert project.run("local", "up").returncode == 0
    assert [(d["name"], d["port"]) for d in project.status()["databases"]] == [("rds", before["rds"])]
    assert sorted(project.status()["processes"]) == ["emulator", "front-rds", "postgres-rds"]
    project.configure(engine="both", primary="rds")
    project.accept()
    assert project.run("local", "up").returncode == 0
    # The output `endpoint` names the RDS instance now.
    assert [d["name"] for d in project.status()["databases"]] == ["rds", "database"]
    assert {d["name"]: d["port"] for d in project.status()["databases"]} == before
    with connect("database", admin=True) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    with connect() as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("rds_app",)


def test_killed_outright_it_leaves_no_server_and_files_of_a_stack_with_one_cluster_are_taken_over(
    project, up, folder, connect
):
    """Before there were several, `postgres`, `tls` and `front.*` lay in the stack's own folder."""
    port = folder.running().find("database").port
    with connect("database", admin=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS taken AS SELECT 7 AS n")
    os.kill(project.status()["supervisor"], signal.SIGKILL)
    deadline = time.monotonic() + 10
    while project.processes() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert project.processes() == []
    assert project.run("local", "status").returncode == 1
    root, new = folder.root, folder.root / "databases" / "database"
    authority = (new / "tls" / "ca.pem").read_bytes()
    for name in ("tls", "front.port", "front.json", "front.log"):
        (new / name).rename(root / name)
    new.rename(root / "postgres")
    assert project.run("local", "up").returncode == 0
    assert not [name for name in ("postgres", "tls", "front.port", "front.json", "front.log") if (root / name).exists()]
    assert folder.running().find("database").port == port
    assert (new / "tls" / "ca.pem").read_bytes() == authority
    with connect("database", admin=True) as connection:
        assert connection.execute("SELECT n FROM taken").fetchone() == (7,)


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A project to change the configuration of."""
    made = make(tmp_path_factory.mktemp("other") / "project")
    yield made
    made.run("local", "down")
    assert made.processes() == []


def test_what_cannot_run_here_says_what_to_do(other):
    host = "pooled.proxy-0123456789ab.us-east-1.rds.amazonaws.com"
    other.configure(engine="rds", stepHost=host)
    other.accept()
    done = other.run("local", "up")
    assert done.returncode == 2
    assert f"The step 'rds-apply' connects to {host}" in done.stderr
    assert "an RDS Proxy does not run here" in done.stderr
    assert other.processes() == []


def test_a_replica_cannot_run_here_and_says_what_to_do():
    resource = Registration("urn", "aws:rds/instance:Instance", "rds-instance", True, "", {})
    source = {"engine": "postgres", "replicateSourceDb": "shop-dev-rds-0"}
    with pytest.raises(VectordbError) as refused:
        databases.instance(SimpleNamespace(), resource, source)
    assert refused.value.message == "'rds-instance' replicates shop-dev-rds-0; there is no replication on this machine."
    assert "Leave the replica out" in refused.value.remedy


def test_rds_describes_each_as_it_is_declared(folder):
    running = folder.running()
    rds = Clients(running.emulator, running.region, folder.credentials())("rds")
    (cluster,) = rds.describe_db_clusters(DBClusterIdentifier="shop-dev-database-1")["DBClusters"]
    (instance,) = rds.describe_db_instances(DBInstanceIdentifier="shop-dev-rds-1")["DBInstances"]
    assert (cluster["Status"], cluster["Engine"], cluster["Port"]) == ("available", "aurora-postgresql", 5432)
    assert (instance["DBInstanceStatus"], instance["Engine"]) == ("available", "postgres")
    associated = {
        name: [(role["FeatureName"], role["Status"]) for role in described["AssociatedRoles"]]
        for name, described in (("database", cluster), ("rds", instance))
    }
    assert associated == {"database": [("Lambda", "ACTIVE")], "rds": [("Lambda", "ACTIVE")]}


def association(name, role, feature="Lambda"):
    resource = Registration("urn", "aws:rds/roleAssociation:RoleAssociation", name, True, "", {})
    return resource, {"dbInstanceIdentifier": "shop", "roleArn": role, "featureName": feature}


def test_the_role_of_a_feature_is_known_to_whoever_invokes():
    declared = Declared(
        name="shop", urn="urn", engine="RDS", identifier="shop", names=("shop.rds",), port=5432, version="18", settings={},
        database="d", master="m",
    )  # fmt: skip
    server = SimpleNamespace(feature_roles={}, declared=declared)
    services = SimpleNamespace(identified={"shop": server}.get)
    told, described = [], []

    class Clients:
        def __call__(self, service):
            assert service == "rds"
            return SimpleNamespace(add_role_to_db_instance=lambda **given: described.append(given))

        def assign(self, *given):
            told.append(given)

    execution = SimpleNamespace(feature_roles={}, services=services, clients=Clients())
    made = databases.role_association(execution, *association("first", "arn:aws:iam::123456789012:role/a"))
    assert made == ("shop,arn:aws:iam::123456789012:role/a", {})
    assert execution.feature_roles == {("shop", "Lambda"): "arn:aws:iam::123456789012:role/a"}
    assert server.feature_roles == {"Lambda": "arn:aws:iam::123456789012:role/a"}
    # By this access key the emulator knows who invokes.
    assert told == [(declared.access_key, "arn:aws:iam::123456789012:role/a", "shop")]
    databases.role_association(execution, *association("first", "arn:aws:iam::123456789012:role/b", "Bedrock"))
    assert told[1:] == [(declared.bedrock_access_key, "arn:aws:iam::123456789012:role/b", "shop")]
    assert declared.bedrock_access_key != declared.access_key
    databases.role_association(execution, *association("import", "arn:aws:iam::123456789012:role/c", "s3Import"))
    assert len(told) == 2
    assert described == [
        {"DBInstanceIdentifier": "shop", "FeatureName": "Lambda", "RoleArn": "arn:aws:iam::123456789012:role/a"},
        {"DBInstanceIdentifier": "shop", "FeatureName": "Bedrock", "RoleArn": "arn:aws:iam::123456789012:role/b"},
        {"DBInstanceIdentifier": "shop", "FeatureName": "s3Import", "RoleArn": "arn:aws:iam::123456789012:role/c"},
    ]
    with pytest.raises(
        VectordbError, match=r"^'second' associates .*role/b with the feature 'Lambda' of shop, which has"
    ):
        databases.role_association(execution, *association("second", "arn:aws:iam::123456789012:role/b"))


def test_of_two_databases_of_one_name_the_second_is_refused(tmp_path):
    from vectordb.local.services import Services

    services = Services(Folder(tmp_path), "us-east-1", Credentials("A", "B", "C"))
    services._starting["shop"] = None
    declared = Declared(
        name="shop", urn="urn:pulumi:dev::p::t::shop", engine="RDS", identifier="shop", names=("shop.rds",), port=5432,
        version="18", settings={}, database="shop", master="shop",
    )  # fmt: skip
    with pytest.raises(VectordbError, match="Two databases of this stack are named 'shop'"):
        services.start_database(declared)


def test_a_name_becomes_a_folder_of_its_own(tmp_path):
    declared = Declared(
        name="../a b/ü", urn="u", engine="RDS", identifier="x", names=("x",), port=5432, version="", settings={},
        database="d", master="m",
    )  # fmt: skip
    made = folder_of(tmp_path, declared)
    assert made.parent == tmp_path / "databases"
    assert made.name == "-a-b--"
    assert made.is_dir()
    assert declared.major == 18
