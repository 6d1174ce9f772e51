"""Applying files to a real PostgreSQL: each once, all or nothing, and errors that point at the place."""

import contextlib
import threading

import pytest

from vectordb import __version__
from vectordb.database import lock, migrate, sqlfiles
from vectordb.errors import VectordbError

from .conftest import VALUES


@pytest.fixture(params=[16, 18], ids=["PostgreSQL 16", "PostgreSQL 18"])
def each(request, make_database):
    return make_database(request.param)


def test_files_run_once_in_order_and_are_recorded(each):
    each.write("versioned/002_rows.sql", "insert into t values (1), (2);")
    each.write("versioned/001_table.sql", "create table t (x int);\ncreate index on t (x);")
    each.write("repeatable/view.sql", "create or replace view v as select sum(x), :{region} as region from t;")
    first = each.apply()
    assert first.applied == ["versioned/001_table.sql", "versioned/002_rows.sql", "repeatable/view.sql"]
    assert (first.unchanged, dict(first.versions)) == (0, {"plpgsql": "1.0"})
    assert each.rows("select * from v") == [(3, "us-east-1")]
    second = each.apply()
    assert (second.applied, second.unchanged) == ([], 3)
    assert each.rows("select * from v") == [(3, "us-east-1")]
    assert each.rows("select kind, name, applied_by, runner_version, duration_ms >= 0, length(checksum), text from vectordb.migrations order by name limit 1") == [
        ("versioned", "001_table.sql", "vectordb_admin", __version__, True, 64, "create table t (x int);\ncreate index on t (x);")
    ]  # fmt: skip


def test_the_summary_has_fixed_keys_in_a_fixed_order(database):
    database.write("versioned/001_a.sql", "select 1")
    summary = database.apply().as_json()
    assert list(summary) == ["applied", "unchanged", "versions", "duration_ms"]
    assert {key: value for key, value in summary.items() if key != "duration_ms"} == {
        "applied": ["versioned/001_a.sql"],
        "unchanged": 0,
        "versions": {"plpgsql": "1.0"},
    }
    assert isinstance(summary["duration_ms"], int)


def test_repeatable_files_run_again_when_they_or_their_values_change(database):
    database.write("versioned/001_t.sql", "create table runs (name text)")
    database.write("repeatable/a.sql", "insert into runs values ('a')")
    database.write("repeatable/b.sql", "insert into runs values (:{region})")
    database.write("repeatable/c.sql", "insert into runs values ('c') -- not :{region}")
    database.apply()
    assert database.apply(values={"region": "eu-west-1"}).applied == ["repeatable/b.sql"]
    database.write("repeatable/a.sql", "insert into runs values ('a2')")
    assert database.apply(values={"region": "eu-west-1"}).applied == ["repeatable/a.sql"]
    assert [name for (name,) in database.rows("select name from runs")] == ["a", "us-east-1", "c", "eu-west-1", "a2"]


def test_a_versioned_file_that_was_edited_is_refused_with_the_difference(database):
    path = database.write("versioned/001_t.sql", "create table t (\n  x int\n);\n")
    database.apply()
    path.write_text("create table t (\n  x bigint\n);\n")
    database.write("versioned/002_u.sql", "create table u ()")
    with pytest.raises(VectordbError) as caught:
        database.apply()
    message = caught.value.message
    assert message.splitlines()[0] == f"{path} was changed after it had been applied"
    assert "--- versioned/001_t.sql as applied\n+++ versioned/001_t.sql now\n" in message
    assert "\n-  x int\n+  x bigint\n" in message
    [recorded] = database.rows("select checksum from vectordb.migrations")[0]
    assert f"  applied: {recorded}\n" in message
    assert database.rows("select to_regclass('u')") == [(None,)]


def test_line_ends_and_a_byte_order_mark_are_no_edit(database):
    path = database.write("versioned/001_t.sql", "create table t (\n  x int\n);\n")
    database.apply()
    path.write_bytes(b"\xef\xbb\xbfcreate table t (\r\n  x int\r\n);\r\n")
    assert database.apply().applied == []


def test_values_of_a_versioned_file_belong_to_the_day_it_ran(database):
    database.write("versioned/001_t.sql", "create table t as select :{function_arn} as arn")
    database.apply()
    assert database.apply(values={"function_arn": "arn:another"}).applied == []


def test_a_renamed_versioned_file_does_not_run_twice(database):
    path = database.write("versioned/001_t.sql", "create table t ()")
    database.apply()
    path.rename(path.with_name("001_u.sql"))
    with pytest.raises(VectordbError, match=r"001_u\.sql: number 1 was applied as 001_t\.sql"):
        database.apply()


def test_what_has_no_file_any_more_is_a_warning(database):
    database.write("versioned/001_t.sql", "create table t ()")
    database.write("versioned/003_u.sql", "create table u ()")
    database.apply()
    (database.folder / "versioned/001_t.sql").unlink()
    database.write("versioned/002_v.sql", "create table v ()")
    database.said.clear()
    assert database.apply().applied == ["versioned/002_v.sql"]
    assert database.said[:2] == [
        "warning: versioned/001_t.sql was applied to this database and has no file here; an older checkout?",
        "warning: versioned/002_v.sql is applied after files with higher numbers",
    ]


def test_a_failing_file_leaves_nothing_and_stops_the_rest(each):
    each.write("versioned/001_a.sql", "create table a ()")
    each.write("versioned/002_b.sql", "create table b ();\ncreate table c ();\n\n  selec 1;")
    each.write("versioned/003_d.sql", "create table d ()")
    with pytest.raises(VectordbError) as caught:
        each.apply()
    path = each.folder / "versioned/002_b.sql"
    assert caught.value.message.splitlines() == [
        f'{path}:4:3: ERROR 42601: syntax error at or near "selec"',
        "  4 |   selec 1;",
        "    |   ^",
    ]
    assert each.rows("select to_regclass('a')::text, to_regclass('b'), to_regclass('c'), to_regclass('d')") == [
        ("a", None, None, None)
    ]
    assert each.ledger() == ["versioned/001_a.sql"]
    path.write_text("create table b ()")
    assert each.apply().applied == ["versioned/002_b.sql", "versioned/003_d.sql"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # A position from the server, behind a value that is longer than its placeholder.
        ("select :{function_arn},\n  nope", ['2:3: ERROR 42703: column "nope" does not exist', "  2 |   nope", "    |   ^"]),
        # None from the server: the statement that failed, found by counting.
        ("create table t (x int primary key);;\n-- the; comment\n insert into t values (1), (1);\nselect 1",
         ['3:2: ERROR 23505: duplicate key value violates unique constraint "t_pkey"', "  DETAIL: Key (x)=(1) already exists.",
          "  3 |  insert into t values (1), (1);", "    |  ^"]),
        ("select 1;\ndo $$ begin\n raise exception 'no' using hint = 'do this', errcode = 'VD001'; end $$",
         ["2:1: ERROR VD001: no", "  HINT: do this", "  CONTEXT: PL/pgSQL function inline_code_block line 2 at RAISE", "  2 | do $$ begin", "    | ^"]),
        ("select 'é☃', nope", ['1:14: ERROR 42703: column "nope" does not exist', "  1 | select 'é☃', nope", "    |              ^"]),
        ("select 1;\ncopy pg_class to stdout", ["2:1: ERROR 0A000: COPY from or to the client is not possible in a file",
                                                "  2 | copy pg_class to stdout", "    | ^"]),
    ],
    ids=["server position", "counted", "context", "characters", "copy"],
)  # fmt: skip
def test_an_error_names_line_and_column(database, text, expected):
    path = database.write("versioned/001_a.sql", text)
    with pytest.raises(VectordbError) as caught:
        database.apply(timeout=3)
    expected[0] = f"{path}:{expected[0]}"
    assert caught.value.message.splitlines() == expected


def test_an_error_at_commit_names_the_file(database):
    path = database.write(
        "versioned/001_a.sql",
        "create table p (x int primary key); create table c (x int references p deferrable initially deferred); insert into c values (1)",
    )
    with pytest.raises(VectordbError, match="at the end of its transaction: 23503") as caught:
        database.apply()
    assert caught.value.message.startswith(str(path))
    assert "Key (x)=(1) is not present" in caught.value.message
    assert database.rows("select to_regclass('c')") == [(None,)]


def test_a_statement_that_wants_no_transaction_gets_a_remedy(database):
    database.write("versioned/001_a.sql", "create table t (x int); vacuum")
    with pytest.raises(VectordbError, match="25001") as caught:
        database.apply()
    assert (
        caught.value.remedy
        == "Put this statement into a file of its own that begins with `-- vectordb: no-transaction`."
    )


def test_an_unknown_value_is_told_before_anything_is_connected(database):
    database.write("versioned/001_a.sql", "create table a ()")
    database.write("repeatable/b.sql", "select :{nobody}")
    with pytest.raises(VectordbError, match=r"b\.sql:1:8: unknown value 'nobody'"):
        migrate.apply(
            lambda: pytest.fail("connected"),
            sqlfiles.discover(database.folder),
            VALUES,
            timeout=1,
            say=database.said.append,
        )


def test_percent_signs_braces_and_nested_dollar_quotes_pass_as_they_are(database):
    database.write(
        "versioned/001_a.sql",
        "create table t as select '100%s %(x)s {} %%' as x;\ndo $a$ begin execute $b$ insert into t values ($c$;%$c$) $b$; end $a$",
    )
    database.apply()
    assert database.rows("select x from t") == [("100%s %(x)s {} %%",), (";%",)]


def test_a_file_cannot_change_the_session_of_the_next(database):
    database.write(
        "versioned/001_a.sql",
        "create role nobody_here; grant nobody_here to vectordb_admin; set role nobody_here; set search_path = pg_catalog; set lock_timeout = '1h'",
    )
    database.write(
        "versioned/002_b.sql",
        "create table public.seen as select current_user::text as who, current_setting('search_path') as path, current_setting('lock_timeout') as lock",
    )
    try:
        database.apply()
        assert database.rows("select * from seen") == [("vectordb_admin", '"$user", public', "5s")]
    finally:
        with database.connect() as opened:
            opened.execute("drop role if exists nobody_here")


def test_notices_are_said_with_the_file_they_come_from(database):
    database.write("versioned/001_a.sql", "do $$ begin raise warning 'look' using hint = 'there'; end $$")
    database.apply()
    assert "versioned/001_a.sql: WARNING: look there" in database.said


def test_ten_megabytes(database):
    database.write(
        "versioned/001_a.sql", "create table t (x text);\ninsert into t values ('" + "x''" * 3_400_000 + "');"
    )
    database.apply()
    assert database.rows("select length(x) from t") == [(6_800_000,)]


def test_an_unchanged_database_costs_few_round_trips(database):
    database.write("versioned/001_a.sql", "create table t ()")
    database.write("repeatable/b.sql", "select 1")
    database.apply()
    with database.open() as watched:
        sent = []
        execute = watched.execute
        watched.execute = lambda *given, **more: (sent.append(given[0]), execute(*given, **more))[1]

        class Lent:
            def __enter__(self):
                return watched

            def __exit__(self, *_):
                pass

        summary = migrate.apply(Lent, sqlfiles.discover(database.folder), VALUES, timeout=5, say=database.said.append)
    assert (summary.unchanged, len(sent)) == (2, 2)


def test_plan_changes_nothing(database):
    database.write("versioned/001_a.sql", "create table t ()")
    database.write("repeatable/b.sql", "select 1")
    with database.connect() as opened:
        compared = migrate.plan(opened, sqlfiles.discover(database.folder), VALUES)
    assert [(step.label, step.why) for step in compared.steps] == [
        ("versioned/001_a.sql", "new"),
        ("repeatable/b.sql", "new"),
    ]
    assert compared.differs()
    assert database.rows("select to_regclass('vectordb.migrations'), to_regclass('t')") == [(None, None)]
    database.apply()
    database.write("repeatable/b.sql", "select 2")
    with database.connect() as opened:
        compared = migrate.plan(opened, sqlfiles.discover(database.folder), VALUES)
    assert [(step.label, step.why) for step in compared.steps] == [("repeatable/b.sql", "changed")]


def test_twenty_appliers_at_once(database):
    database.write("versioned/001_a.sql", "create table runs (x int); select pg_sleep(0.05)")
    for number in range(2, 6):
        database.write(
            f"versioned/{number:03d}_b.sql", f"insert into runs values ({number}); create table t{number} ()"
        )
    database.write(
        "repeatable/c.sql",
        "create or replace function f() returns int language sql as 'select 1'; insert into runs values (6)",
    )
    results, failures = [], []

    def work():
        try:
            results.append(database.apply())
        except Exception as error:  # noqa: BLE001 - told below
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(results) == 20
    assert sorted(file for summary in results for file in summary.applied) == sorted(database.ledger())
    assert all(len(summary.applied) + summary.unchanged == 6 for summary in results)
    assert [x for (x,) in database.rows("select x from runs order by x")] == [2, 3, 4, 5, 6]


def test_a_lock_that_is_not_let_go_names_its_holder(database):
    database.write("versioned/001_a.sql", "create table t ()")
    with database.open() as holder:
        holder.execute("select pg_advisory_lock(%s)", (lock.KEY,))
        pid = holder.info.backend_pid
        with pytest.raises(VectordbError) as caught:
            database.apply(timeout=0.3)
    assert (
        f"has held the migration lock for 0.3 s: PID {pid}, user vectordb_admin, vectordb-migrate/{__version__}, from a local socket"
        in caught.value.message
    )
    assert "idle: select pg_advisory_lock($1)" in caught.value.message
    assert database.apply().applied == ["versioned/001_a.sql"]


def test_the_lock_is_let_go_also_after_a_failure(database):
    database.write("versioned/001_a.sql", "select nope")
    free = []

    @contextlib.contextmanager
    def lent():
        with database.connect() as opened, database.connect() as other:
            try:
                yield opened
            finally:  # while the first session is still there
                free.append(other.execute("select pg_try_advisory_lock(%s)", (lock.KEY,)).fetchone())

    with pytest.raises(VectordbError):
        migrate.apply(lent, sqlfiles.discover(database.folder), VALUES, timeout=1, say=database.said.append)
    assert free == [(True,)]


def test_a_table_that_others_hold_is_waited_for(database):
    database.write("versioned/001_a.sql", "create table t ()")
    database.apply()
    database.write("versioned/002_b.sql", "set local lock_timeout = '100ms'; alter table t add x int")
    holder = database.open()
    holder.execute("begin; lock table t")
    threading.Timer(0.8, holder.close).start()
    assert database.apply().applied == ["versioned/002_b.sql"]
    assert [line for line in database.said if "55P03" in line]


def test_a_lost_connection_is_opened_again(database):
    database.write("versioned/001_a.sql", "create table a ()")
    database.write("versioned/002_b.sql", "create table b ()")
    database.write("versioned/003_c.sql", "create sequence once; select pg_sleep(0.3)")
    killed = []

    def kill():
        with database.server.superuser_connection() as superuser:
            while not killed:
                killed.extend(superuser.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and query like '%%sequence once%%' and state = 'active'",
                    (database.name,),
                ).fetchall())  # fmt: skip

    thread = threading.Thread(target=kill)
    thread.start()
    summary = database.apply()
    thread.join()
    assert summary.applied == ["versioned/001_a.sql", "versioned/002_b.sql", "versioned/003_c.sql"]
    assert summary.unchanged == 0
    assert any("the connection was lost" in line for line in database.said)


def test_a_file_that_always_breaks_the_connection_fails_in_the_end(database):
    database.write("versioned/001_a.sql", "select pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(VectordbError, match="terminating connection due to administrator command"):
        database.apply()
    assert sum("the connection was lost" in line for line in database.said) == 2


def test_a_user_who_may_not_read_the_ledger_is_told_so(database):
    database.write("versioned/001_a.sql", "select 1")
    database.apply()
    with database.server.superuser_connection(database.name) as superuser:
        superuser.execute("create role stranger; set role stranger")
        with pytest.raises(VectordbError, match="may not read the ledger"):
            migrate.plan(superuser, sqlfiles.discover(database.folder), VALUES)
        superuser.execute("reset role; drop role stranger")
