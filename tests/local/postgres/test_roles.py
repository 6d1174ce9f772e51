"""What AWS has made before anyone logs in, and what the master can and cannot do."""

import psycopg
import pytest
from psycopg import errors

from vectordb.local.postgres import bootstrap

from .conftest import DATABASE, MASTER, PASSWORD, Stack


def test_the_master_is_no_superuser_and_owns_the_database(stack: Stack) -> None:
    rows = stack.execute(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls,"
        " (SELECT datdba = r.oid FROM pg_database WHERE datname = current_database()) FROM pg_roles r WHERE rolname = current_user"
    )
    assert rows == [(False, True, True, True, False, False, True)]


def test_nobody_but_rdsadmin_is_a_superuser(stack: Stack) -> None:
    assert stack.execute("SELECT rolname FROM pg_roles WHERE rolsuper") == [("rdsadmin",)]


def test_the_groups_and_their_members(stack: Stack) -> None:
    rows = stack.execute(
        "SELECT m.roleid::regrole::text, m.member::regrole::text, m.admin_option, m.inherit_option, m.set_option FROM pg_auth_members m"
        " WHERE m.member::regrole::text IN ('rds_superuser', 'vectordb_admin') ORDER BY 2, 1"
    )
    assert rows == [
        ("pg_checkpoint", "rds_superuser", True, True, True),
        ("pg_monitor", "rds_superuser", True, True, True),
        ("pg_signal_backend", "rds_superuser", True, True, True),
        ("rds_iam", "rds_superuser", True, False, False),
        ("rds_password", "rds_superuser", True, True, True),
        ("rds_replication", "rds_superuser", True, True, True),
        ("rds_superuser", "vectordb_admin", True, True, True),
    ]


def test_it_may_run_again_with_another_password(stack: Stack) -> None:
    bootstrap(stack.server, database=DATABASE, master=MASTER, password="another")
    stack.connect(password="another").close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        stack.connect()
    bootstrap(stack.server, database=DATABASE, master=MASTER, password=PASSWORD)
    stack.connect().close()


def test_it_finishes_what_was_begun(stack: Stack) -> None:
    with stack.server.superuser_connection() as connection:
        connection.execute("REVOKE rds_iam FROM rds_superuser")
        connection.execute(f"ALTER ROLE {MASTER} SUPERUSER NOLOGIN".encode())
    bootstrap(stack.server, database=DATABASE, master=MASTER, password=PASSWORD)
    test_the_master_is_no_superuser_and_owns_the_database(stack)
    test_the_groups_and_their_members(stack)


def test_the_master_grants_rds_iam_and_keeps_its_password(stack: Stack) -> None:
    stack.execute("CREATE ROLE app LOGIN; GRANT rds_iam TO app")
    try:
        rows = stack.execute(
            "SELECT r, pg_has_role(r, 'rds_iam', 'USAGE') OR pg_has_role(r, 'rds_iam', 'SET') FROM unnest(ARRAY[current_user, 'app']) r"
        )
        assert rows == [(MASTER, False), ("app", True)]
        stack.connect().close()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            stack.connect(password="wrong")
    finally:
        stack.execute("DROP ROLE app")


def test_the_master_creates_the_extensions_of_rds(stack: Stack) -> None:
    stack.execute("CREATE EXTENSION vector")
    try:
        assert stack.execute("SELECT '[1,2]'::vector <-> '[1,4]'") == [(2.0,)]
        assert stack.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'") == [("0.8.5",)]
    finally:
        stack.execute("DROP EXTENSION vector")


@pytest.mark.parametrize(
    "statement",
    [
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('postgresql.conf')",
        "ALTER SYSTEM SET work_mem = '1MB'",
        "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'libc', 'getpid'",
        "SET ROLE rdsadmin",
        "SET ROLE rds_iam",
        "ALTER ROLE rdsadmin PASSWORD 'x'",
    ],
)
def test_what_only_a_superuser_does(stack: Stack, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        stack.execute(statement)


def test_the_master_may_see_and_end_other_sessions(stack: Stack) -> None:
    stack.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    try:
        with stack.connect("guest", "guest") as guest:
            row = guest.execute("SELECT pg_backend_pid()").fetchone()
            assert row is not None
            assert stack.execute("SELECT usename, query FROM pg_stat_activity WHERE pid = %s", row[0]) == [
                ("guest", "SELECT pg_backend_pid()")
            ]
            assert stack.execute("SELECT pg_terminate_backend(%s)", row[0]) == [(True,)]
    except errors.AdminShutdown:
        pass
    finally:
        stack.execute("DROP ROLE guest")


def test_quotes_in_names(stack: Stack) -> None:
    bootstrap(stack.server, database='data"base', master='mas"ter', password="pass")
    try:
        stack.connect('mas"ter', "pass", dbname='data"base').close()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            stack.connect('mas"ter', "wrong", dbname='data"base')
    finally:
        bootstrap(stack.server, database=DATABASE, master=MASTER, password=PASSWORD)
        with stack.server.superuser_connection() as connection:
            connection.execute('DROP DATABASE "data""base"; ')
            connection.execute('DROP ROLE "mas""ter"')
