"""Who may do what: nobody gets in without a grant, and a grant gives no more than it says."""

import psycopg
import pytest
from psycopg import errors

from tests.sql.cases import PASSWORD, USERS
from tests.sql.doubles import FUNCTION_ARN, index_arn
from vectordb.errors import VectordbError

READ = {"query_vectors", "get_vectors", "list_vectors", "list_indexes", "resolve_index_arn", "validate_config"}
SEES_ALL = "SELECT p.proname, p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 's3vl'::regnamespace"
USERS_FILE = ["repeatable/95_users.sql"]


@pytest.fixture
def superuser(database):
    """For looking, and for making what a stranger would have."""
    with database.server.superuser_connection("vectordb") as connection:
        yield connection


@pytest.fixture
def nobody(database, superuser):
    """A login without any grant."""
    superuser.execute(f"CREATE ROLE nobody LOGIN PASSWORD '{PASSWORD}'")
    yield "nobody"
    superuser.execute("DROP OWNED BY nobody")
    superuser.execute("DROP ROLE nobody")


# --- the catalogue


def test_no_function_is_open_to_public(superuser):
    rows = superuser.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc p"
        " WHERE p.pronamespace = 's3vl'::regnamespace"
        " AND (p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) WHERE grantee = 0))"
    ).fetchall()
    assert rows == []
    count = superuser.execute("SELECT count(*) FROM pg_proc WHERE pronamespace = 's3vl'::regnamespace").fetchone()
    assert count[0] > 15


def test_functions_that_cross_a_line_pin_their_search_path(superuser):
    rows = superuser.execute(
        "SELECT p.proname, p.proowner::regrole::text, p.proconfig FROM pg_proc p"
        " WHERE p.pronamespace = 's3vl'::regnamespace AND p.prosecdef ORDER BY 1"
    ).fetchall()
    assert rows == [(name, "vectordb_owner", ["search_path=pg_catalog, pg_temp"]) for name in sorted(READ)]


def test_everything_belongs_to_the_owner(superuser):
    rows = superuser.execute(
        "SELECT relname, relowner::regrole::text, relacl::text FROM pg_class WHERE relnamespace = 's3vl'::regnamespace AND relkind = 'r'"
        " ORDER BY 1"
    ).fetchall()
    assert rows == [("config", "vectordb_owner", None), ("index_registry", "vectordb_owner", None)]
    owners = superuser.execute(
        "SELECT DISTINCT proowner::regrole::text FROM pg_proc WHERE pronamespace = 's3vl'::regnamespace"
    ).fetchall()
    assert owners == [("vectordb_owner",)]
    assert superuser.execute("SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 's3vl'").fetchone() == (
        "vectordb_owner",
    )


def test_reads_are_stable_small_and_dear(superuser):
    rows = superuser.execute(
        "SELECT proname, provolatile, prorows, procost, proparallel FROM pg_proc"
        " WHERE pronamespace = 's3vl'::regnamespace AND proname IN ('query_vectors', 'get_vectors', 'list_vectors')"
    ).fetchall()
    parallel = "r" if superuser.info.server_version >= 170000 else "u"
    sizes = {"query_vectors": 10, "get_vectors": 10, "list_vectors": 100}
    assert len(rows) == 6
    assert {row[1:] for row in rows if row[0] == "list_vectors"} == {("s", 100, 1_000_000, parallel)}
    assert all(row[1:] == ("s", sizes[row[0]], 1_000_000, parallel) for row in rows)


@pytest.mark.parametrize(
    ("user", "allowed"),
    [
        ("nobody", set()),
        ("vectordb_worker", set()),
        ("analyst", READ),
        ("vectordb_app", READ),
        ("operator", None),
        ("vectordb_admin", None),
    ],
)
def test_who_may_execute_what(superuser, nobody, user, allowed):
    """None: everything, as a member of the owner."""
    functions = superuser.execute(SEES_ALL).fetchall()
    may = {
        name
        for name, signature in functions
        if superuser.execute("SELECT has_function_privilege(%s, %s, 'EXECUTE')", (user, signature)).fetchone()[0]
    }
    assert may == ({name for name, _ in functions} if allowed is None else allowed)


def test_every_overload_is_granted(superuser):
    rows = superuser.execute(
        "SELECT count(*), bool_and(has_function_privilege('analyst', oid, 'EXECUTE')) FROM pg_proc"
        " WHERE pronamespace = 's3vl'::regnamespace AND proname = 'query_vectors'"
    ).fetchone()
    assert rows == (4, True)


def test_what_the_owner_makes_next_is_closed(superuser, nobody):
    with superuser.transaction(force_rollback=True):
        superuser.execute("SET ROLE vectordb_owner")
        superuser.execute("CREATE FUNCTION s3vl.future() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        assert superuser.execute("SELECT has_function_privilege('nobody', 's3vl.future()', 'EXECUTE')").fetchone() == (
            False,
        )


# --- in deed


def test_a_stranger_does_not_get_in(database, nobody, superuser):
    def login():
        return psycopg.connect(
            host=str(database.server.socket_directory),
            port=5432,
            dbname="vectordb",
            user="nobody",
            password=PASSWORD,
            autocommit=True,
        )

    with pytest.raises(psycopg.OperationalError, match='permission denied for database "vectordb"'):
        login()
    superuser.execute("GRANT CONNECT ON DATABASE vectordb TO nobody")
    with login() as connection:
        with pytest.raises(errors.InsufficientPrivilege, match="permission denied for schema s3vl"):
            connection.execute("SELECT * FROM s3vl.query_vectors('[0,0]', 'many')")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE public.mine (n int)")
        superuser.execute("GRANT USAGE ON SCHEMA s3vl TO nobody")
        with pytest.raises(errors.InsufficientPrivilege, match="permission denied for function query_vectors"):
            connection.execute("SELECT * FROM s3vl.query_vectors('[0,0]', 'many')")
    assert database.lambda_.events == []


@pytest.mark.parametrize("user", ["analyst", "vectordb_app"])
@pytest.mark.parametrize(
    "statement",
    [
        f"SELECT s3vl.configure('{FUNCTION_ARN}')",
        f"SELECT s3vl.register_index('mine', '{index_arn('mine')}')",
        "SELECT s3vl.deploy('', '[]')",
        "SELECT s3vl.invoke('x', 'availability_check', '{}')",
        "SELECT s3vl.registered_index('x', 'many')",
        "SELECT s3vl.raise_foreign('x', 'y')",
        "SELECT s3vl.label_parallel('s3vl.list_indexes()')",
        "SELECT * FROM s3vl.config",
        "SELECT * FROM s3vl.index_registry",
        "UPDATE s3vl.index_registry SET is_active = false",
        "CREATE TABLE s3vl.mine (n int)",
        f"SELECT aws_lambda.invoke('{FUNCTION_ARN}', '{{}}'::json)",
        "SET ROLE vectordb_owner",
        "CREATE SCHEMA mine",
        "CREATE EXTENSION aws_commons",
    ],
)
def test_users_reach_the_bridge_by_its_functions_only(database, user, statement):
    """Defects 19 and 20 of the sample: whoever searched could call any function and reconfigure the bridge."""
    with database.login(user) as connection, pytest.raises((errors.InsufficientPrivilege, errors.DuplicateObject)):
        connection.execute(statement)
    assert database.lambda_.events == []


def test_readers_and_writers_search(database):
    for user in ("analyst", "vectordb_app", "operator", "vectordb_admin"):
        with database.login(user) as connection:
            assert connection.execute("SELECT count(*) FROM s3vl.query_vectors('[0,0]', 'many')").fetchone() == (10,)


def test_a_hostile_session_changes_nothing(database, app):
    """What a caller can put in the way of names: temporary objects and the search path."""
    for name in ("config", "index_registry", "pg_proc", "unnest"):
        app.execute(f"CREATE TEMP TABLE {name} (n int)")
    app.execute("CREATE FUNCTION pg_temp.format(text) RETURNS text LANGUAGE sql AS $$ SELECT 'stolen' $$")
    app.execute("CREATE FUNCTION pg_temp.json_build_object() RETURNS json LANGUAGE sql AS $$ SELECT '{}'::json $$")
    app.execute("SET search_path = pg_temp, pg_catalog")
    for vector in ("'[0,0]'", "ARRAY[0,0]", "'[0,0]'::public.vector"):
        rows = app.execute(f"SELECT vector_id FROM s3vl.query_vectors({vector}, 'many', top_k => 2)").fetchall()
        assert rows == [("0",), ("1",)]
    app.execute("SET search_path = ''")
    assert len(app.execute("SELECT * FROM s3vl.list_vectors(index_name => 'empty')").fetchall()) == 0
    assert app.execute("SELECT found FROM s3vl.get_vectors('{1}', 'many')").fetchall() == [(True,)]


# --- roles


def test_the_groups_cannot_log_in_and_the_master_is_no_superuser(superuser):
    rows = superuser.execute(
        "SELECT rolname, rolcanlogin, rolsuper, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname LIKE 'vectordb\\_%' ORDER BY 1"
    ).fetchall()
    assert rows == [
        ("vectordb_admin", True, False, True, False),
        ("vectordb_app", True, False, False, False),
        ("vectordb_owner", False, False, False, False),
        ("vectordb_reader", False, False, False, False),
        ("vectordb_worker", False, False, False, False),
        ("vectordb_writer", False, False, False, False),
    ]


def test_who_logs_in_by_token(superuser):
    """A role in rds_iam, even indirectly, cannot log in by password any more; groups and the master stay out of it."""
    rows = superuser.execute(
        "SELECT r.rolname FROM pg_roles r WHERE pg_has_role(r.oid, 'rds_iam', 'USAGE') AND NOT r.rolsuper AND r.rolname <> 'rds_iam' ORDER BY 1"
    ).fetchall()
    assert rows == [("analyst",), ("operator",), ("vectordb_app",)]


def test_the_master_holds_logins_by_administration_only(superuser):
    rows = superuser.execute(
        "SELECT m.roleid::regrole::text, m.admin_option, m.inherit_option, m.set_option FROM pg_auth_members m"
        " WHERE m.member = 'vectordb_admin'::regrole AND m.roleid::regrole::text IN ('vectordb_app', 'analyst', 'operator') ORDER BY 1"
    ).fetchall()
    assert rows == [(name, True, False, False) for name in ("analyst", "operator", "vectordb_app")]


def test_what_holds_up_others_is_limited(superuser):
    rows = superuser.execute(
        "SELECT setrole::regrole::text, setconfig FROM pg_db_role_setting WHERE setdatabase = 0 AND setrole::regrole::text <> 'vectordb_admin'"
    ).fetchall()
    limits = ["lock_timeout=5s", "idle_in_transaction_session_timeout=60s", "idle_session_timeout=0"]
    assert dict(rows) == {
        "vectordb_app": ["statement_timeout=5min", *limits],
        "analyst": ["statement_timeout=30s", *limits],
        "operator": [
            "statement_timeout=0",
            "lock_timeout=5s",
            "idle_in_transaction_session_timeout=10min",
            "idle_session_timeout=1h",
        ],
    }


# --- the configured users


def memberships(superuser, user):
    return superuser.execute(
        "SELECT m.roleid::regrole::text FROM pg_auth_members m WHERE m.member = %s::regrole ORDER BY 1", (user,)
    ).fetchall()


def test_a_user_that_is_configured_no_more_is_locked_out(database, superuser):
    try:
        assert database.apply(users=[user for user in USERS if user["name"] != "analyst"]) == USERS_FILE
        said = "repeatable/95_users.sql: NOTICE: the user 'analyst' is configured no more: it cannot log in again; sessions that are open stay"
        assert said in database.said
        assert [line for line in database.said if "WARNING" in line] == []
        with pytest.raises(psycopg.OperationalError, match='role "analyst" is not permitted to log in'):
            database.login("analyst")
        assert memberships(superuser, "analyst") == [("rds_iam",)]
    finally:
        assert database.apply() == USERS_FILE
    assert memberships(superuser, "analyst") == [("rds_iam",), ("vectordb_reader",)]
    with database.login("analyst") as connection:
        assert connection.execute("SELECT count(*) FROM s3vl.list_indexes()").fetchone() == (4,)


def test_access_changes_with_the_configuration(database, superuser):
    try:
        database.apply(users=[{"name": "vectordb_app", "access": "reader"}, {"name": "operator", "access": "writer"}])
        assert memberships(superuser, "vectordb_app") == [("rds_iam",), ("vectordb_reader",)]
        assert memberships(superuser, "operator") == [("rds_iam",), ("vectordb_writer",)]
    finally:
        database.apply()
    assert memberships(superuser, "vectordb_app") == [("rds_iam",), ("vectordb_writer",)]
    assert memberships(superuser, "operator") == [("rds_iam",), ("vectordb_owner",), ("vectordb_writer",)]


@pytest.mark.parametrize("name", ["nobody", "vectordb_admin", "vectordb_owner", "rds_iam", "rdsadmin"])
def test_a_role_of_somebody_else_is_never_taken_over(database, superuser, nobody, name):
    before = memberships(superuser, name)
    with pytest.raises(VectordbError, match="exists and was not made by the deployment"):
        database.apply(users=[*USERS, {"name": name, "access": "admin"}])
    assert memberships(superuser, name) == before
    assert database.apply() == []


def test_odd_names_are_names(database, superuser):
    odd = 'Ann"; DROP ROLE x; --'
    try:
        database.apply(users=[*USERS, {"name": odd, "access": "reader"}])
        assert superuser.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = %s", (odd,)).fetchone() == (True,)
    finally:
        database.apply()
        superuser.execute(psycopg.sql.SQL("DROP ROLE {}").format(psycopg.sql.Identifier(odd)))


def test_an_access_that_does_not_exist_is_refused(database):
    with pytest.raises(VectordbError, match="the user 'x' has the access 'root'"):
        database.apply(users=[{"name": "x", "access": "root"}])
    assert database.apply() == []


def test_the_files_can_be_applied_from_nothing_again(database, superuser):
    """Roles outlive a database: a second database of the same server finds them."""
    superuser.execute("CREATE DATABASE second OWNER vectordb_admin")
    try:
        from vectordb.database import migrate, sqlfiles

        values = {
            "function_arn": FUNCTION_ARN,
            "indexes": "[]",
            "master": "vectordb_admin",
            "region": "us-east-1",
            "users": "[]",
        }
        from tests.sql.cases import SQL

        summary = migrate.apply(
            lambda: psycopg.connect(
                host=str(database.server.socket_directory),
                dbname="second",
                user="vectordb_admin",
                password=PASSWORD,
                autocommit=True,
            ),
            sqlfiles.discover(SQL),
            values,
            timeout=30,
            say=lambda text: None,
        )
        assert summary.applied == [
            f"{path.parent.name}/{path.name}"
            for path in sorted(SQL.rglob("*.sql"), key=lambda p: (p.parent.name != "versioned", p.name))
        ]
    finally:
        superuser.execute("DROP DATABASE second WITH (FORCE)")
