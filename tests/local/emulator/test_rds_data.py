"""The stand-in of the Data API, asked as a client asks it: limits, types, transactions and errors as AWS has them."""

import json
import os
import threading
import time

import pytest
from botocore.exceptions import ClientError

from tests.local.emulator.running import Running
from vectordb.local import certificates
from vectordb.local.postgres import PostgresServer, bootstrap
from vectordb.local.proxy import ProxyConfiguration
from vectordb.processes import end, python

HOST = "db.cluster-c0ffee.us-east-1.rds.amazonaws.com"
CLUSTER, HASTY, OFF = (f"arn:aws:rds:us-east-1:123456789012:cluster:{name}" for name in ("db", "hasty", "off"))
MASTER, PASSWORD = "vectordb_admin", "only-on-this-machine"


class Api:
    """One database behind three clusters: as AWS has it, with limits that a test can wait for, and switched off."""

    def __init__(self, emulator, secret):
        self.emulator, self.client, self.secret = emulator, emulator.client("rds-data", read_timeout=60), secret

    def target(self, cluster=CLUSTER):
        return {"resourceArn": cluster, "secretArn": self.secret}

    def run(self, sql, cluster=CLUSTER, **more):
        return self.client.execute_statement(**{"database": "vectordb", "sql": sql, **self.target(cluster), **more})

    def begin(self, cluster=CLUSTER):
        return self.client.begin_transaction(**self.target(cluster), database="vectordb")["transactionId"]

    def rows(self, sql, **more):
        return self.run(sql, **more)["records"]


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rds-data")
    server = PostgresServer(folder / "data", version=18, transport="spool", runtimes=folder / "runtimes")
    server.start()
    bootstrap(server, database="vectordb", master=MASTER, password=PASSWORD)
    issued = certificates.issue(folder / "tls", [HOST])
    ProxyConfiguration(
        socket_directory=str(server.socket_directory), port=0, certificate=str(issued.certificate), key=str(issued.key),
        names=[HOST], region="us-east-1", access_keys={},
    ).write(folder / "front.json")  # fmt: skip
    with (folder / "front.log").open("wb") as log:
        front = python(
            "vectordb.local.proxy", "--config", str(folder / "front.json"), log=log, environment=dict(os.environ)
        )
    port = int(front.stdout.readline().split()[1])
    emulator = Running(folder / "state", "--no-warm", "--no-preload")
    for arn in (CLUSTER, HASTY, OFF):
        limits = {"call_seconds": 0.3, "idle_seconds": 0.6} if arn == HASTY else {}
        document = {
            "arn": arn,
            "enabled": arn != OFF,
            "host": HOST,
            "port": port,
            "certificate": str(issued.ca),
            **limits,
        }
        assert emulator.request("POST", "/_vectordb/clusters", document)[0] == 200
    content = json.dumps({"username": MASTER, "password": PASSWORD})
    secret = emulator.client("secretsmanager").create_secret(Name="master", SecretString=content)["ARN"]
    yield Api(emulator, secret)
    emulator.end()
    end(front)
    front.stdout.close()
    server.stop()


def refused(call, *arguments, **more):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **more)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("1::int2", {"longValue": 1}), ("2::bigint", {"longValue": 2}), ("1.5::float8", {"doubleValue": 1.5}), ("1.50::numeric", {"stringValue": "1.50"}),
        ("true", {"booleanValue": True}), ("null::text", {"isNull": True}), ("'x'::varchar", {"stringValue": "x"}),
        ("'\\xff00'::bytea", {"blobValue": b"\xff\x00"}), ("'{\"a\": 1}'::jsonb", {"stringValue": '{"a": 1}'}),
        ("'2026-01-02'::date", {"stringValue": "2026-01-02"}), ("'2026-01-02 03:04:05+01'::timestamptz", {"stringValue": "2026-01-02 02:04:05"}),
        ("array[1,2]", {"arrayValue": {"longValues": [1, 2]}}), ("array['a','b']", {"arrayValue": {"stringValues": ["a", "b"]}}),
    ],
)  # fmt: skip
def test_values_come_as_fields(api, value, field):
    assert api.rows(f"select {value} as x") == [[field]]


@pytest.mark.parametrize(
    ("value", "name"),
    [("'1 day'::interval", "INTERVAL"), ("pg_sleep(0)", "VOID"), ("'pg_class'::regclass", "REGCLASS"), ("'x'::name", "NAME"), ("array['1 s'::interval]", "_INTERVAL")],
)  # fmt: skip
def test_types_that_are_not_returned(api, value, name):
    assert refused(api.run, f"select {value}") == (
        "UnsupportedResultException", f"The result contains the unsupported data type {name}."
    )  # fmt: skip


def test_a_result_of_more_than_a_mebibyte(api):
    assert refused(api.run, "select repeat('x', 1100000)") == (
        "UnsupportedResultException",
        "The result exceeds the size limit 1 MB.",
    )
    assert len(api.rows("select repeat('x', 1000000)")[0][0]["stringValue"]) == 1_000_000


def test_one_statement_a_call(api):
    assert refused(api.run, "select 1; select 2") == ("ValidationException", "Multistatements aren't supported.")
    assert api.rows("select 1;") == [[{"longValue": 1}]]
    assert refused(api.run, "select 1", schema="s") == ("ValidationException", "The schema parameter isn't supported")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELEKT 1", 'ERROR: syntax error at or near "SELEKT"; Position: 1; SQLState: 42601'),
        ("select * from no_such", 'ERROR: relation "no_such" does not exist; Position: 15; SQLState: 42P01'),
        ("select 1 = 'a'::text",
         ("ERROR: operator does not exist: integer = text; Hint: No operator matches the given name and argument types. You might need to "
         "add explicit type casts.; Position: 10; SQLState: 42883")),
        ("select 1/0", "ERROR: division by zero; SQLState: 22012"),
    ],
)  # fmt: skip
def test_the_servers_errors_are_one_line(api, sql, message):
    code, said = refused(api.run, sql)
    # PostgreSQL 18 words the hint differently from 17.
    assert (code, said.split("; Hint:")[0]) == ("DatabaseErrorException", message.split("; Hint:")[0])
    assert said.split("; ")[-1] == message.split("; ")[-1]


def test_parameters_are_typed_and_names_in_text_are_none(api):
    given = [
        {"name": "n", "value": {"longValue": 5}}, {"name": "t", "value": {"stringValue": "a:b"}},
        {"name": "u", "value": {"stringValue": "11111111-1111-1111-1111-111111111111"}, "typeHint": "UUID"},
    ]  # fmt: skip
    sql = "select :n + 1, :t, ':t', $q$ :t $q$, '1'::int, pg_typeof(:n)::text, :u /* :x */ -- :y"
    assert api.rows(sql, parameters=given) == [[
        {"longValue": 6}, {"stringValue": "a:b"}, {"stringValue": ":t"}, {"stringValue": " :t "}, {"longValue": 1}, {"stringValue": "bigint"},
        {"stringValue": "11111111-1111-1111-1111-111111111111"},
    ]]  # fmt: skip
    assert refused(api.run, "select :missing")[0] == "ValidationException"
    arrays = [{"name": "n", "value": {"arrayValue": {"longValues": [1]}}}]
    assert refused(api.run, "select :n", parameters=arrays) == (
        "ValidationException",
        "Array parameters are not supported.",
    )


def test_writes_batches_metadata_and_json(api):
    assert "records" not in api.run("create table batches (x int, y text)")
    assert api.run("insert into batches values (0, 'z')")["numberOfRecordsUpdated"] == 1
    sets = [[{"name": "x", "value": {"longValue": n}}] for n in (1, 2)]
    done = api.client.batch_execute_statement(
        **api.target(), database="vectordb", sql="insert into batches values (:x)", parameterSets=sets
    )
    assert done["updateResults"] == [{"generatedFields": []}] * 2
    found = api.run("select x, y from batches order by x", includeResultMetadata=True)
    assert [(c["name"], c["typeName"]) for c in found["columnMetadata"]] == [("x", "int4"), ("y", "text")]
    as_json = api.run("select x, y from batches order by x", formatRecordsAs="JSON")["formattedRecords"]
    assert json.loads(as_json) == [{"x": 0, "y": "z"}, {"x": 1, "y": None}, {"x": 2, "y": None}]


def test_transactions(api):
    name = api.begin()
    api.run("create table kept (x int)", transactionId=name)
    assert refused(api.run, "select * from kept")[0] == "DatabaseErrorException"
    assert (
        api.client.commit_transaction(**api.target(), transactionId=name)["transactionStatus"]
        == "Transaction Committed"
    )
    assert api.rows("select * from kept") == []
    code, message = refused(api.run, "select 1", transactionId=name)
    assert (code, message.split(" is not found. ")[1]) == (
        "TransactionNotFoundException", "One previous call resulted in a termination of your transaction."
    )  # fmt: skip
    other = api.begin()
    api.run("drop table kept", transactionId=other)
    assert (
        api.client.rollback_transaction(**api.target(), transactionId=other)["transactionStatus"] == "Rollback Complete"
    )
    assert api.rows("select * from kept") == []
    failed = api.begin()
    assert refused(api.run, "nonsense", transactionId=failed)[0] == "DatabaseErrorException"
    assert refused(api.run, "select 1", transactionId=failed)[1].endswith("SQLState: 25P02")
    assert (
        refused(api.client.commit_transaction, **api.target(), transactionId=failed)[0]
        == "TransactionNotFoundException"
    )


def test_calls_share_no_session(api):
    api.run("select set_config('search_path', 'nowhere', false)")
    assert api.rows("select current_setting('search_path')") == [[{"stringValue": '"$user", public'}]]


def test_a_transaction_that_waits_too_long_is_rolled_back(api):
    name = api.begin(HASTY)
    api.run("select pg_advisory_xact_lock(7)::text", HASTY, transactionId=name)
    time.sleep(0.9)
    assert api.rows("select pg_try_advisory_xact_lock(7)") == [[{"booleanValue": True}]]
    assert refused(api.run, "select 1", HASTY, transactionId=name)[0] == "TransactionNotFoundException"


def test_a_call_that_takes_too_long(api):
    assert refused(api.run, "select pg_sleep(5)::text", HASTY) == ("StatementTimeoutException", "Request timed out")
    name = api.begin(HASTY)
    assert (
        refused(
            api.run,
            "create table late as select 1 as x from pg_sleep(0.7)",
            HASTY,
            transactionId=name,
            continueAfterTimeout=True,
        )[0]
        == "StatementTimeoutException"
    )
    assert refused(api.run, "select 1", HASTY, transactionId=name) == (
        "DatabaseErrorException",
        "Transaction is still running a query",
    )
    time.sleep(0.5)
    assert api.rows("select x from late", cluster=HASTY, transactionId=name) == [[{"longValue": 1}]]
    api.client.commit_transaction(**api.target(HASTY), transactionId=name)


def test_two_calls_at_once_in_one_transaction(api):
    name = api.begin()
    thread = threading.Thread(target=api.run, args=("select pg_sleep(0.5)::text",), kwargs={"transactionId": name})
    thread.start()
    time.sleep(0.2)
    assert refused(api.run, "select 1", transactionId=name)[1] == "Transaction is still running a query"
    thread.join()
    assert api.rows("select 1", transactionId=name) == [[{"longValue": 1}]]


def test_wrong_secrets_and_clusters(api):
    assert refused(api.run, "select 1", OFF) == (
        "HttpEndpointNotEnabledException",
        f"HttpEndpoint is not enabled for resource {OFF}",
    )
    assert refused(api.run, "select 1", f"{CLUSTER}-2")[0] == "HttpEndpointNotEnabledException"
    secrets = api.emulator.client("secretsmanager")
    texts = {
        "wrong": json.dumps({"username": MASTER, "password": "no"}),
        "odd": "plain",
        "else": json.dumps({"user": "x"}),
    }
    arns = {name: secrets.create_secret(Name=name, SecretString=text)["ARN"] for name, text in texts.items()}

    def with_secret(arn):
        return refused(
            api.client.execute_statement, resourceArn=CLUSTER, secretArn=arn, sql="select 1", database="vectordb"
        )

    assert with_secret(arns["wrong"]) == (
        "DatabaseErrorException",
        f'FATAL: password authentication failed for user "{MASTER}"; SQLState: 28P01',
    )
    assert with_secret(arns["odd"])[0] == "InvalidSecretException"
    assert with_secret(arns["else"])[0] == "InvalidSecretException"
    assert with_secret(f"{arns['odd']}-none")[0] == "SecretsErrorException"
    assert (
        refused(api.run, "select 1", database="nowhere")[1]
        == 'FATAL: database "nowhere" does not exist; SQLState: 3D000'
    )


def test_a_paused_cluster(api):
    order = {
        "service": "rds-data",
        "operation": "ExecuteStatement",
        "code": "DatabaseResumingException",
        "status": 400,
        "message": "resuming",
    }
    assert api.emulator.request("POST", "/_vectordb/faults", order)[0] == 200
    assert refused(api.run, "select 1") == ("DatabaseResumingException", "resuming")
    assert api.rows("select 1") == [[{"longValue": 1}]]


def test_a_cluster_has_to_be_described_wholly(api):
    assert api.emulator.request("POST", "/_vectordb/clusters", {"arn": CLUSTER})[0] == 400
