"""IAM held to the truth: what the roles of the stack may is what a run of it takes, no less and no more.

A local stack is brought up and every function of SQL that reaches AWS is called in each of its ways. The emulator has
recorded who took which action on which resource; the roles' policies, as IAM has them, are compared with that and with
the table of what services do by themselves. `recorded_calls.toml` carries what was seen to the plans of other stacks.
"""

import itertools
import json
import os
import re
import time
from dataclasses import replace

import psycopg
import pytest

from tests.local.project import Project
from vectordb.local import connections
from vectordb.local.clients import Clients
from vectordb.local.permissions import documents, needs, truth
from vectordb.local.permissions.documents import Policy
from vectordb.local.permissions.roles import Call, roles_of, services_of
from vectordb.local.state import Folder
from vectordb.plan import program, stack_configuration
from vectordb.plan.invented import Invented

INDEX = "stdlib"
DIMENSION = 256
VECTOR = "[1" + ",0" * (DIMENSION - 1) + "]"
# What of SQL reaches AWS, by itself or through another of these.
CALLING = {
    "configure", "copy_to_index", "delete_vectors", "deploy", "describe_index", "found_vectors", "full_text_query", "get_config",
    "get_vectors", "hybrid_query_vectors", "invoke", "list_all_vectors", "list_vectors", "put_vectors", "query_page", "query_vectors",
    "query_vectors_batch", "remote_indexes", "search_join", "search_text", "target_page", "validate_config", "write_items", "write_slice",
}  # fmt: skip
BOOLEANS = (False, True)


def planned(directory, stack):
    """The roles of a stack's plan, with invented names in their policies."""
    configuration = stack_configuration.read(directory, stack)
    return roles_of(program.run(configuration, Invented(configuration.region)))


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    made = Project(tmp_path_factory.mktemp("permissions") / "project")
    with made.up():
        yield made


@pytest.fixture(scope="module")
def running(project):
    return Folder.of(project.folder, "dev").running()


@pytest.fixture(scope="module")
def credentials(project, running):
    return Folder.of(project.folder, "dev").credentials()


@pytest.fixture(scope="module")
def clients(running, credentials):
    return Clients(running.emulator, running.region, credentials)


@pytest.fixture(scope="module")
def admin(running, credentials):
    with connections.connect(running, credentials, admin=True) as connection:
        connection.execute("SET ROLE vectordb_owner")
        yield connection


def wait_for_words(s3vectors, arn):
    """Until S3 Vectors has built what it needs to search by words."""
    for _ in range(100):
        configured = s3vectors.get_index(indexArn=arn)["index"]["metadataConfiguration"]["textSearchConfigurations"]
        if [one["status"] for one in configured] == ["ACTIVE"]:
            return
        time.sleep(0.1)
    pytest.fail(f"still building: {configured}")


@pytest.fixture(scope="module")
def calls(admin, running, clients):
    """What the roles were seen to take while every function of SQL was called in each of its ways."""

    def rows(statement, *values):
        return admin.execute(statement, values).fetchall()

    written = "SELECT s3vl.put_vectors(ARRAY['0', '1', '2'], ARRAY[%s, %s, %s]::vector[], %s::jsonb[], %s)"
    metadata = ["""{"kind": "x", "summary": "parse a date"}"""] * 3
    assert rows(written, *(f"[1,{n}{',0' * (DIMENSION - 2)}]" for n in range(3)), metadata, INDEX) == [(3,)]
    wait_for_words(clients("s3vectors"), running.outputs["indexArns"][INDEX])
    for with_metadata, filtered in itertools.product(BOOLEANS, [None, '{"kind": "x"}']):
        for form in ("vector", "halfvec", "text", "float8[]"):
            value = VECTOR if form != "float8[]" else VECTOR.replace("[", "{").replace("]", "}")
            query = f"SELECT * FROM s3vl.query_vectors(%s::{form}, %s, top_k => 2, return_metadata => %s, metadata_filter => %s)"
            assert len(rows(query, value, INDEX, with_metadata, filtered)) == 2
        options = (INDEX, with_metadata, filtered)
        asked = "index_name => %s, return_metadata => %s, metadata_filter => %s, top_k => 2"
        batch = f"SELECT * FROM s3vl.query_vectors_batch(ARRAY[%s, %s]::vector[], {asked})"
        assert len(rows(batch, VECTOR, VECTOR, *options)) == 4
        words = """{"summary": "date"}"""
        assert (
            len(
                rows(
                    f"SELECT * FROM s3vl.hybrid_query_vectors(%s::vector, %s::jsonb, {asked})", VECTOR, words, *options
                )
            )
            == 2
        )
        assert len(rows(f"SELECT * FROM s3vl.full_text_query(%s::jsonb, {asked})", words, *options)) == 2
        for keys in (None, ["summary"]):
            text = f"SELECT * FROM s3vl.search_text('parse a date', {asked}, full_text_keys => %s)"
            assert len(rows(text, *options, keys)) == 2
        kept = "SELECT * FROM s3vl.search_join(%s::vector, %s, %s, 2, return_metadata => %s, metadata_filter => %s)"
        assert len(rows(kept, VECTOR, INDEX, "SELECT unnest($1)", with_metadata, filtered)) == 2
    for data, with_metadata in itertools.product(BOOLEANS, BOOLEANS):
        assert (
            len(rows("SELECT * FROM s3vl.get_vectors(ARRAY['0', '1'], %s, NULL, %s, %s)", INDEX, data, with_metadata))
            == 2
        )
        for listing in ("list_vectors", "list_all_vectors"):
            asked = "index_name => %s, return_data => %s, return_metadata => %s"
            assert len(rows(f"SELECT * FROM s3vl.{listing}({asked})", INDEX, data, with_metadata)) == 3
    assert rows("SELECT dimension FROM s3vl.describe_index(%s)", INDEX) == [(DIMENSION,)]
    assert [row[0] for row in rows("SELECT service_name FROM s3vl.remote_indexes()")] == [INDEX]
    copied = f"SELECT n::text, '{VECTOR}'::vector, '{{}}'::jsonb FROM generate_series(3, 5) AS n"
    admin.execute("CALL s3vl.copy_to_index(%s, %s)", [copied, INDEX])
    assert rows("SELECT s3vl.delete_vectors(ARRAY['3', '4', '5', '6'], %s)", INDEX) == [(4,)]
    assert admin.execute("SELECT is_valid FROM s3vl.validate_config()").fetchone() == (True,)
    admin.execute("SELECT s3vl.configure(%s)", [running.outputs["functionArn"]])
    seen = clients.calls()
    assert [call for call in seen if call["decision"] not in {"operator", "allowed"}] == []
    return {
        Call(call["role"], action, resource)
        for call in seen
        # What services do with a role by themselves stands in the table, not in the record of what our code calls.
        if call["role"] and "madeBy" not in call
        for action in call["actions"]
        for resource in call["resources"]
    }


@pytest.fixture(scope="module")
def roles(project, clients):
    """The roles of the running stack: their uses from the program, their policies from IAM."""
    iam = clients("iam")
    live = iam.list_roles()["Roles"]
    found = []
    for role in planned(project.folder, "dev"):
        [one] = [r for r in live if re.fullmatch(re.escape(role.name) + r"-[0-9a-f]{7}", r["RoleName"])]
        name = one["RoleName"]
        inline = [
            documents.parse(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"], policy)
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        ]
        assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
        services = services_of(one["AssumeRolePolicyDocument"], name)
        found.append(replace(role, arn=one["Arn"], services=services, policies=tuple(inline)))
    assert len(found) == len(live)
    return found


@pytest.fixture(scope="module")
def table():
    return needs.read(needs.SERVICE_ACTIONS)


def test_the_status_says_for_how_many_roles(project, roles):
    line = f"authorisation  checked for {len(roles)} roles; you are the deployer, who may everything"
    assert line in [
        re.sub(r" {2,}", "  ", shown).strip() for shown in project.run("local", "status").stdout.splitlines()
    ]


def test_every_function_of_sql_that_reaches_aws_is_known(admin):
    found = admin.execute(
        "SELECT proname, string_agg(prosrc, ';') FROM pg_proc WHERE pronamespace = 's3vl'::regnamespace GROUP BY proname"
    ).fetchall()
    # What stands in quotes is told to people.
    bodies = {name: re.sub(r"--[^\n]*|'(?:[^']|'')*'", "", source) for name, source in found}
    reaching = {"invoke"}
    while more := {n for n, body in bodies.items() if n not in reaching and calls_one_of(reaching, body)}:
        reaching |= more
    assert reaching == CALLING


def calls_one_of(names, body):
    return re.search(rf"\bs3vl\.({'|'.join(names)})\s*\(", body) is not None


def test_every_operation_of_the_bridge_was_exercised(admin, calls):
    row = admin.execute("SELECT s3vl.invoke('test', 'availability_check', '{}') -> 'operations'").fetchone()
    assert set(row[0]) == {
        "availability_check", "query_vectors", "query_vectors_batch", "search_text", "get_vectors", "list_vectors", "list_segments",
        "describe_index", "list_indexes", "put_vectors", "delete_vectors",
    }  # fmt: skip
    assert {call.action for call in calls} == {
        "lambda:InvokeFunction", "bedrock:InvokeModel", "s3vectors:DeleteVectors", "s3vectors:GetIndex", "s3vectors:GetVectors",
        "s3vectors:ListIndexes", "s3vectors:ListVectors", "s3vectors:PutVectors", "s3vectors:QueryVectors",
    }  # fmt: skip


def test_the_roles_may_what_they_need(roles, calls, table):
    assert [str(difference) for difference in truth.missing(roles, calls, table)] == []


def test_the_roles_may_nothing_else(roles, calls, table):
    assert [str(difference) for difference in truth.unneeded(roles, calls, table)] == []


def without(role, policy, statement, action):
    """The role without one action of one statement."""
    left = replace(statement, actions=tuple(a for a in statement.actions if a != action))
    others = tuple(left if s is statement else s for s in policy.statements)
    return replace(role, policies=tuple(Policy(p.name, others) if p is policy else p for p in role.policies))


def test_no_action_can_be_taken_away_unnoticed(roles, calls, table):
    taken = 0
    for role in roles:
        for policy in role.policies:
            for statement in policy.statements:
                for action in statement.actions:
                    changed = without(role, policy, statement, action)
                    others = [changed if r is role else r for r in roles]
                    found = truth.missing(others, calls, table)
                    assert {difference.action for difference in found} == {action}, (role.name, action)
                    taken += 1
    assert taken >= 18


@pytest.mark.parametrize("action", ["s3vectors:DeleteIndex", "s3vectors:*", "ssm:GetParameter", "kms:Encrypt", "logs:CreateLogGroup"])  # fmt: skip
def test_no_action_can_be_added_unnoticed(roles, calls, table, action):
    for role in roles:
        resource = role.policies[0].statements[0].resources[0]
        more = documents.parse(
            {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": action, "Resource": resource}}, "more"
        )
        changed = replace(role, policies=(*role.policies, more))
        found = truth.unneeded([changed if r is role else r for r in roles], calls, table)
        assert [(d.role, d.action) for d in found] == [(role.name, action)]


def test_what_was_recorded_is_what_other_plans_are_judged_by(roles, calls):
    rows = needs.generalised(calls, {role.arn: role for role in roles})
    if os.environ.get("WRITE_RECORDED_CALLS"):
        comment = needs.RECORDED_CALLS.read_text(encoding="utf-8").partition("\n\n")[0].rstrip()
        needs.RECORDED_CALLS.write_text(f"{comment}\n{needs.written(rows)}", encoding="utf-8")
    assert tuple(sorted(needs.read(needs.RECORDED_CALLS))) == rows, (
        f"Write it anew with WRITE_RECORDED_CALLS=1:{needs.written(rows)}"
    )


@pytest.fixture
def change(clients, roles):
    """Take an action from a role of the running stack; it is given back afterwards."""
    iam = clients("iam")
    given = []

    def take(use, action):
        [role] = [role for role in roles if use in role.uses]
        name = role.arn.rpartition("/")[2]
        [policy] = iam.list_role_policies(RoleName=name)["PolicyNames"]
        document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        given.append({"RoleName": name, "PolicyName": policy, "PolicyDocument": json.dumps(document)})
        kept = []
        for statement in document["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            if left := [a for a in actions if a != action]:
                kept.append({**statement, "Action": left})
        if kept:
            iam.put_role_policy(**given[-1] | {"PolicyDocument": json.dumps({**document, "Statement": kept})})
        else:  # IAM refuses a policy without a statement
            iam.delete_role_policy(RoleName=name, PolicyName=policy)

    yield take
    for policy in given:
        iam.put_role_policy(**policy)


def ask(connection, *, metadata):
    query = "SELECT * FROM s3vl.query_vectors(%s::vector, %s, top_k => 1, return_metadata => %s)"
    return connection.execute(query, [VECTOR, INDEX, metadata]).fetchall()


def test_without_get_vectors_a_query_fails_as_soon_as_it_wants_metadata(admin, change, running):
    change("function:bridge", "s3vectors:GetVectors")
    assert len(ask(admin, metadata=False)) == 1
    with pytest.raises(psycopg.Error, match="is not authorized to perform: s3vectors:GetVectors") as caught:
        ask(admin, metadata=True)
    assert running.outputs["indexArns"][INDEX] in str(caught.value)
    assert caught.value.diag.message_hint


def test_without_invoke_function_sql_is_told_whom_to_allow_what(admin, change, running):
    change("database:Lambda", "lambda:InvokeFunction")
    with pytest.raises(psycopg.Error) as caught:
        ask(admin, metadata=False)
    said = f"{caught.value.diag.message_primary} {caught.value.diag.message_detail}"
    assert "is not authorized to perform: lambda:InvokeFunction" in said
    assert running.outputs["functionArn"] in said


def test_a_database_without_a_role_for_lambda_cannot_invoke(admin, clients, calls):
    [key] = {
        call["accessKey"] for call in clients.calls() if call["service"] == "lambda" and call["operation"] == "Invoke"
    }
    [role] = {call.role for call in calls if call.action == "lambda:InvokeFunction"}
    clients._own("POST", "principals", {"accessKey": key, "role": None})
    try:
        with pytest.raises(psycopg.Error) as caught:
            ask(admin, metadata=False)
        assert "Missing Authentication Token" in f"{caught.value} {caught.value.diag.message_detail}"
    finally:
        clients.assign(key, role, "database")
    assert len(ask(admin, metadata=False)) == 1


def test_a_warm_query_is_not_slower_for_being_judged(admin):
    for _ in range(5):
        ask(admin, metadata=True)
    times = []
    for _ in range(20):
        begun = time.perf_counter()
        ask(admin, metadata=True)
        times.append(time.perf_counter() - begun)
    assert min(times) < 0.05  # 9 to 17 ms on an idle machine
