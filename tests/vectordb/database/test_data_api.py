"""The applier over the RDS Data API: the same files, the same ledger, the same errors, and what the API cannot do."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from vectordb.database import extensions, ledger, lexer, lock, migrate, sqlfiles
from vectordb.database.data_api import answers, statements
from vectordb.errors import VectordbError

from .conftest import GOOD, MASTER, VALUES
from .data_api import CLUSTER, HASTY, OFF, Cloud

SQL = Path(__file__).parents[3] / "sql"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, front):
    made = Cloud(tmp_path_factory.mktemp("emulator") / "state", front)
    yield made
    made.running.end()


@pytest.fixture(autouse=True)
def no_faults(cloud):
    yield
    cloud.running.request("DELETE", "/_vectordb/faults")


def test_files_run_once_in_order_and_are_recorded(cloud, database):
    database.write("versioned/001_table.sql", "create table t (x int);\n-- the; comment\ncreate index on t (x);")
    database.write("versioned/002_rows.sql", "insert into t values (1), (2);;")
    database.write("repeatable/view.sql", "create or replace view v as select sum(x), :{region} as region from t")
    first = cloud.apply(database)
    assert first.applied == ["versioned/001_table.sql", "versioned/002_rows.sql", "repeatable/view.sql"]
    assert (first.unchanged, dict(first.versions)) == (0, {"plpgsql": "1.0"})
    assert database.rows("select * from v") == [(3, "us-east-1")]
    second = cloud.apply(database)
    assert (second.applied, second.unchanged) == ([], 3)
    assert database.rows("select applied_by, text from vectordb.migrations where name = '002_rows.sql'") == [
        (MASTER, "insert into t values (1), (2);;")
    ]
    # Over a connection it is the same ledger.
    assert database.apply().applied == []


@pytest.mark.long
def test_the_projects_own_files(cloud, database):
    """Function bodies, DO blocks, queries that return `void`, roles: all of sql/ goes call by call."""
    files = sqlfiles.discover(SQL)
    values = VALUES | {"function_arn": "", "users": '[{"name":"data_api_user","access":"writer"}]'}
    try:
        summary = migrate.apply(lambda: cloud.open(database), files, values, timeout=20, say=database.said.append)
        assert summary.applied == [file.label for file in files]
        assert database.rows("select to_regprocedure('s3vl.validate_config()') is not null") == [(True,)]
        assert database.rows(
            "select proowner::regrole::text from pg_proc where oid = to_regprocedure('s3vl.validate_config()')"
        ) == [("vectordb_owner",)]
        with cloud.open(database) as session:
            again = migrate.plan(session, files, values)
        assert (again.steps, again.unchanged) == ((), len(files))
    finally:
        with database.server.superuser_connection() as superuser:
            superuser.execute("drop owned by data_api_user; drop role if exists data_api_user")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select :{function_arn},\n  nope", ['2:3: ERROR 42703: column "nope" does not exist', "  2 |   nope", "    |   ^"]),
        ("create table t ();\n\n  selec 1;", ['3:3: ERROR 42601: syntax error at or near "selec"', "  3 |   selec 1;", "    |   ^"]),
        ("select 1;\n select 'é☃', nope", ['2:15: ERROR 42703: column "nope" does not exist', "  2 |  select 'é☃', nope", "    |               ^"]),
        ("create table t (x int primary key);\n insert into t values (1), (1)",
         ['2:2: ERROR 23505: duplicate key value violates unique constraint "t_pkey"', "  2 |  insert into t values (1), (1)", "    |  ^"]),
        ("select 1;\ndo $$ begin\n raise exception 'no; Position: 3' using hint = 'do this; now', errcode = 'VD001'; end $$",
         ["2:1: ERROR VD001: no; Position: 3", "  HINT: do this; now", "  2 | do $$ begin", "    | ^"]),
        ("select 1;\n select 1 / x from generate_series(0, 1) as g(x)",
         ["2:2: ERROR 22012: division by zero", "  2 |  select 1 / x from generate_series(0, 1) as g(x)", "    |  ^"]),
        ("select 1;\n select (array[1, 2])[1:2]",
         ["2:2: ERROR 0A000: The statement names the parameter 2, which has no value.",
          ("  HINT: Outside of quotes and comments the Data API takes a colon and what follows it for a parameter: put a space between, "
          "as in values[1 : 2]; or apply over the transport ssm or direct, which have no such parameters."),
          "  2 |  select (array[1, 2])[1:2]", "    |  ^"]),
    ],
    ids=["value before", "syntax", "characters", "no position", "own code", "within a query", "a slice"],
)  # fmt: skip
def test_an_error_names_line_and_column(cloud, database, text, expected):
    path = database.write("versioned/001_a.sql", text)
    with pytest.raises(VectordbError) as caught:
        cloud.apply(database)
    assert caught.value.message.splitlines() == [f"{path}:{expected[0]}", *expected[1:]]
    assert database.rows("select to_regclass('t'), to_regclass('vectordb.migrations')") == [(None, None)]


def test_an_error_at_commit_names_the_file(cloud, database):
    path = database.write(
        "versioned/001_a.sql",
        "create table p (x int primary key); create table c (x int references p deferrable initially deferred); insert into c values (1)",
    )
    with pytest.raises(VectordbError, match="at the end of its transaction: 23503") as caught:
        cloud.apply(database)
    assert caught.value.message.startswith(str(path))
    assert database.rows("select to_regclass('c')") == [(None,)]


def test_a_file_without_a_transaction_is_refused_before_anything_runs(cloud, database):
    database.write("versioned/001_t.sql", "create table t (x int)")
    path = database.write("versioned/002_i.sql", "-- vectordb: no-transaction\ncreate index concurrently i on t (x)")
    with pytest.raises(VectordbError) as caught:
        cloud.apply(database)
    assert caught.value.message.startswith(f"{path}: a file without a transaction")
    assert "VECTORDB_TRANSPORT=ssm" in caught.value.remedy
    assert database.rows("select to_regclass('t')") == [(None,)]


def test_a_query_of_any_type_and_size_runs(cloud, database):
    """Nothing of it comes back, so no limit of a result holds."""
    database.write(
        "versioned/001_a.sql",
        "create table runs (x int); create function f() returns void language sql as 'insert into runs values (1)';\n"
        "select f();\n select '1 day'::interval, 'pg_class'::regclass; select repeat('x', 2000000); values (1); table runs;\n"
        "with new as (insert into runs values (2) returning x) select x from new; select 3 as y into kept; (select f())",
    )
    cloud.apply(database)
    assert database.rows("select x from runs order by x") == [(1,), (1,), (2,)]
    assert database.rows("select y from kept") == [(3,)]


@pytest.mark.parametrize(
    ("sql", "sent"),
    [
        ("select 1", ["DECLARE vectordb_unread NO SCROLL CURSOR FOR select 1", "MOVE FORWARD ALL IN vectordb_unread", "CLOSE vectordb_unread"]),
        ("insert into t values (1)", ["insert into t values (1)"]),
        ("select 1 into t", ["select 1 into t"]),
        ("with x as (delete from t returning 1) select 1 from x", ["with x as (delete from t returning 1) select 1 from x"]),
        ("set local role a", ["set local role a"]),
        ("select x from t for update", ["DECLARE vectordb_unread NO SCROLL CURSOR FOR select x from t for update",
                                        "MOVE FORWARD ALL IN vectordb_unread", "CLOSE vectordb_unread"]),
        ("select 'into', \"into\" -- into", ["DECLARE vectordb_unread NO SCROLL CURSOR FOR select 'into', \"into\"",
                                             "MOVE FORWARD ALL IN vectordb_unread", "CLOSE vectordb_unread"]),
    ],
)  # fmt: skip
def test_what_is_sent_for_a_statement(sql, sent):
    [statement] = lexer.statements(sql)
    assert [call.sql for call in statements.calls(sql, statement)] == sent


def test_a_statement_longer_than_a_call_is_waited_for(cloud, database):
    database.write(
        "versioned/001_a.sql", "create table t as select 1 as x from pg_sleep(1.2); insert into t values (2)"
    )
    assert cloud.apply(database, cluster=HASTY).applied == ["versioned/001_a.sql"]
    assert database.rows("select x from t order by x") == [(1,), (2,)]
    assert any(
        line.startswith("waiting: a statement takes longer than a call of the Data API") for line in database.said
    )


def test_a_statement_that_fails_after_its_call_has_ended_is_told(cloud, database):
    path = database.write(
        "versioned/001_a.sql", "create table t ();\n do $$ begin perform pg_sleep(0.8); raise 'no'; end $$"
    )
    with pytest.raises(VectordbError) as caught:
        cloud.apply(database, cluster=HASTY)
    assert caught.value.message.splitlines()[0] == (
        f"{path}:2:2: ERROR 25P02: a statement that took longer than a call of the Data API (45 s) failed, and its error is lost"
    )
    assert database.rows("select to_regclass('t')") == [(None,)]


def test_a_paused_cluster_is_woken(cloud, database):
    database.write("versioned/001_a.sql", "create table t ()")
    resuming = (
        "The Aurora DB instance db-X is resuming after being auto-paused. Please wait a few seconds and try again."
    )
    cloud.fail("ExecuteStatement", "DatabaseResumingException", resuming, times=2)
    cloud.fail("BeginTransaction", "DatabaseResumingException", resuming)
    assert cloud.apply(database).applied == ["versioned/001_a.sql"]
    waits = [line for line in database.said if line.startswith("waiting: the cluster was paused and is resuming (")]
    assert len(waits) == 2  # once for the ledger, once for the transaction


def test_a_cluster_that_does_not_wake_is_told_with_its_time(cloud, database):
    database.write("versioned/001_a.sql", "create table t ()")
    cloud.fail("ExecuteStatement", "DatabaseResumingException", "resuming", times=99)
    with pytest.raises(VectordbError) as caught:
        cloud.apply(database, timeout=1)
    assert caught.value.message == f"{CLUSTER}: no answer within 1 s: the cluster was paused and is resuming: resuming"


def test_a_full_database_is_waited_for(cloud, database):
    database.write("versioned/001_a.sql", "create table t ()")
    cloud.fail("BeginTransaction", "DatabaseErrorException",
               "FATAL: remaining connection slots are reserved for roles with the SUPERUSER attribute; SQLState: 53300", times=2)  # fmt: skip
    assert cloud.apply(database).applied == ["versioned/001_a.sql"]
    assert any(line.startswith("waiting: the database has no connection free") for line in database.said)


@pytest.mark.parametrize(
    ("code", "status"), [("DatabaseUnavailableException", 504), ("TransactionNotFoundException", 404), ("ServiceUnavailableError", 503)]
)  # fmt: skip
def test_a_transaction_that_is_lost_is_run_again(cloud, database, code, status):
    database.write("versioned/001_a.sql", "create table t ()")
    database.write("versioned/002_b.sql", "create table u ()")
    cloud.fail("CommitTransaction", code, "gone", status=status)
    summary = cloud.apply(database)
    assert summary.applied == ["versioned/001_a.sql", "versioned/002_b.sql"]
    assert sum("the connection was lost" in line for line in database.said) == 1
    assert database.ledger() == ["versioned/001_a.sql", "versioned/002_b.sql"]


def test_a_transaction_that_nobody_continues_lets_go_of_the_lock(cloud, database):
    database.write("versioned/001_a.sql", "create table t ()")
    client = cloud.client()
    target = {"resourceArn": HASTY, "secretArn": cloud.secret}
    left = client.begin_transaction(**target, database=database.name)["transactionId"]
    client.execute_statement(**target, transactionId=left, sql=f"select pg_try_advisory_xact_lock({lock.KEY})")
    started = time.monotonic()
    assert cloud.apply(database, cluster=HASTY).applied == ["versioned/001_a.sql"]
    assert 0.5 < time.monotonic() - started < 8
    assert any("waiting: another session applies SQL files" in line and "rds-data" in line for line in database.said)


def test_the_lock_is_shared_with_those_who_connect(cloud, database):
    database.write("versioned/001_a.sql", "create table t ()")
    with database.open() as holder:
        holder.execute("select pg_advisory_lock(%s)", (lock.KEY,))
        with pytest.raises(VectordbError, match=r"has held the migration lock for 0\.4 s: PID"):
            cloud.apply(database, timeout=0.4)
    assert cloud.apply(database).applied == ["versioned/001_a.sql"]


def test_appliers_of_both_kinds_at_once(cloud, database):
    database.write("versioned/001_a.sql", "create table runs (x int); select pg_sleep(0.05)")
    for number in range(2, 6):
        database.write(
            f"versioned/{number:03d}_b.sql", f"insert into runs values ({number}); create table t{number} ()"
        )
    results, failures = [], []

    def work(apply):
        try:
            results.append(apply())
        except Exception as error:  # noqa: BLE001 - told below
            failures.append(error)

    kinds = [lambda: cloud.apply(database, timeout=60), lambda: database.apply(timeout=60)] * 5
    threads = [threading.Thread(target=work, args=(kind,)) for kind in kinds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(file for summary in results for file in summary.applied) == sorted(database.ledger())
    assert database.rows("select x from runs order by x") == [(2,), (3,), (4,), (5,)]


def test_ten_megabytes_are_refused_as_one_statement_and_taken_as_many(cloud, database):
    path = database.write(
        "versioned/001_a.sql", "create table t (x text);\ninsert into t values ('" + "x" * 10_000_000 + "')"
    )
    with pytest.raises(VectordbError) as caught:
        cloud.apply(database)
    assert caught.value.message.splitlines()[0].startswith(
        f"{path}:2:1: ERROR 54000: the statement makes a request of 10,000,"
    )
    assert "over the transport ssm or direct" in caught.value.message
    one = "insert into t values ('" + "é☃" * 250_000 + "');\n"
    path.write_text("create table t (x text);\n" + one * 5)
    cloud.apply(database)
    assert database.rows("select count(*), min(length(x)) from t") == [(5, 500_000)]
    assert database.rows("select text from vectordb.migrations") == [(path.read_text(),)]


def test_an_edit_whose_text_is_too_large_to_read(cloud, database):
    path = database.write("versioned/001_a.sql", "select 1; --" + "x" * 1_200_000)
    cloud.apply(database)
    path.write_text("select 2")
    with pytest.raises(VectordbError) as caught:
        cloud.apply(database)
    assert (
        caught.value.message.splitlines()[-1]
        == "(what was applied cannot be shown: The result exceeds the size limit 1 MB.)"
    )


def test_a_cluster_without_the_api_a_wrong_secret_and_a_wrong_password(cloud, database):
    database.write("versioned/001_a.sql", "select 1")
    with pytest.raises(VectordbError) as caught:
        cloud.apply(database, cluster=OFF)
    assert (
        caught.value.message
        == f"the Data API refused (HttpEndpointNotEnabledException): HttpEndpoint is not enabled for resource {OFF}"
    )
    assert "vectordb:transport: data-api" in caught.value.remedy
    with pytest.raises(VectordbError, match="SecretsErrorException") as caught:
        cloud.apply(database, secret="arn:aws:secretsmanager:us-east-1:123456789012:secret:none-AAAAAA")
    assert "secretsmanager:GetSecretValue" in caught.value.remedy
    wrong = cloud.make_secret(f"wrong-{database.name}", MASTER, "not-it")
    with pytest.raises(VectordbError, match="password in the secret was refused") as caught:
        cloud.apply(database, secret=wrong)
    assert "not-it" not in f"{caught.value.message}{caught.value.remedy}"
    denied = "User: x is not authorized to perform: rds-data:ExecuteStatement"
    cloud.fail("ExecuteStatement", "AccessDeniedException", denied, status=403)
    with pytest.raises(VectordbError) as caught:
        cloud.apply(database)
    assert caught.value.message == f"the Data API refused (AccessDeniedException): {denied}"
    assert f"on {CLUSTER}" in caught.value.remedy


def test_a_rotation_under_way_is_waited_for(cloud, database):
    database.write("versioned/001_a.sql", "create table t ()")
    cloud.fail(
        "ExecuteStatement",
        "DatabaseErrorException",
        f'FATAL: password authentication failed for user "{MASTER}"; SQLState: 28P01',
    )
    assert cloud.apply(database).applied == ["versioned/001_a.sql"]
    assert any("a rotation may be under way" in line for line in database.said)


def test_a_killed_apply_is_continued(cloud, database):
    """Fork and kill -9 at random moments: ledger and schema agree after the next run."""
    chance = random.Random(20261122)  # noqa: S311 - moments, not secrets
    for number in range(1, 7):
        database.write(
            f"versioned/{number:03d}_t.sql",
            f"create table t{number} (); select pg_sleep(0.02); create table u{number} ()",
        )
    for _ in range(6):
        child = os.fork()
        if not child:
            try:
                cloud.apply(database, cluster=HASTY)
            finally:
                os._exit(0)
        time.sleep(chance.random() * 0.8)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        if database.rows("select to_regclass('vectordb.migrations') is not null") == [(True,)]:
            recorded = {name[len("versioned/") :][:3] for name in database.ledger()}
            made = {
                f"{int(name[1:]):03d}"
                for (name,) in database.rows("select relname from pg_class where relname ~ '^u[1-6]$'")
            }
            assert recorded == made
    cloud.apply(database, cluster=HASTY)
    assert len(database.ledger()) == 6


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # As the live service words them.
        ('ERROR: relation "no_such_table_xyz" does not exist; Position: 15; SQLState: 42P01', ("ERROR", "42P01", 'relation "no_such_table_xyz" does not exist', None, "15")),
        (("ERROR: operator does not exist: integer = text; Hint: No operator matches the given name and argument types. You might need "
         "to add explicit type casts.; Position: 36; SQLState: 42883"),
         ("ERROR", "42883", "operator does not exist: integer = text",
          "No operator matches the given name and argument types. You might need to add explicit type casts.", "36")),
        ("ERROR: current transaction is aborted, commands ignored until end of transaction block; SQLState: 25P02",
         ("ERROR", "25P02", "current transaction is aborted, commands ignored until end of transaction block", None, None)),
        ('ERROR: syntax error at or near "`"\nPosition: 22; SQLState: 42601', ("ERROR", "42601", 'syntax error at or near "`"', None, "22")),
        ('FATAL: password authentication failed for user "x"', ("FATAL", "XX000", 'password authentication failed for user "x"', None, None)),
    ],
)  # fmt: skip
def test_the_servers_errors_are_read_from_their_text(text, expected):
    error = answers.database_error(text)
    diag = error.diag
    assert (diag.severity, error.sqlstate, diag.message_primary, diag.message_hint, diag.statement_position) == expected
    assert isinstance(error, psycopg.Error)


def test_what_is_no_error_of_the_server_is_not_taken_for_one():
    assert answers.database_error("Transaction is still running a query") is None


def test_as_a_process_with_nothing_but_https(cloud, database):
    """What the SQL step runs: no address of the database is needed, and one that is given is not used."""
    database.write("versioned/001_t.sql", "create table t (x text); insert into t values (:{master})")
    environment = os.environ | GOOD | {
        "VECTORDB_TRANSPORT": "data-api", "VECTORDB_CLUSTER_ARN": CLUSTER, "VECTORDB_SECRET_ARN": cloud.secret,
        "VECTORDB_DATABASE": database.name, "AWS_ENDPOINT_URL": cloud.running.url,
        "VECTORDB_HOSTADDR": "127.0.0.1", "VECTORDB_HOSTADDR_PORT": "9",
    }  # fmt: skip

    def run(*arguments):
        command = [sys.executable, "-m", "vectordb", "migrate", *arguments, "--sql", str(database.folder)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)

    assert run("check").returncode == 1
    applied = run("apply")
    assert applied.returncode == 0, applied.stderr
    assert applied.stderr.splitlines()[0] == "transport: data-api (VECTORDB_TRANSPORT says so)"
    assert run("check").returncode == 0
    assert database.rows("select x from t") == [(MASTER,)]


def test_indexes_are_built_serially_while_pgvector_is_unsafe(cloud, database, monkeypatch):
    monkeypatch.setattr(extensions, "SAFE_PGVECTOR", (99,))
    show = "current_setting('max_parallel_maintenance_workers')"
    database.write("versioned/001_a.sql", f"create extension vector; create table seen as select {show} as workers")
    cloud.apply(database)
    assert database.rows("select workers from seen") == [("0",)]
    assert any("CVE-2026-3172" in line for line in database.said)


def test_the_ledger_of_an_empty_database_is_read_without_an_error(cloud, database):
    with cloud.open(database) as session:
        assert ledger.read(session).exists is False
        assert ledger.exists(session) is False
