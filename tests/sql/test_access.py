"""Who may do what: nobody gets in without a grant, and a grant gives no more than it says."""

import psycopg
import pytest
from psycopg import errors

from tests.sql.cases import PASSWORD, USERS, every_read
from tests.sql.doubles import FUNCTION_ARN, index_arn

READ = {
    "query_vectors",
    "query_vectors_batch",
    "hybrid_query_vectors",
    "full_text_query",
    "search_text",
    "search_join",
    "query_page",
    "get_vectors",
    "list_vectors",
    "list_all_vectors",
    "describe_index",
    "list_indexes",
    "get_index_info",
    "resolve_index_arn",
    "validate_config",
    "get_config",
    # What these are made of where it runs as the caller: it reads no table.
    "vector_array",
    "column_types",
    "filter_in",
    "filter_and",
}
WRITE = {
    "put_vectors",
    "delete_vectors",
    "copy_to_index",
    "begin_copy",
    "advance_copy",
    "list_copies",
    "copied_vector",
    "refused_key",
    "copy_source",
    "check_copied",
    "raise_copied",
}
DEFINERS = (READ | WRITE) - {
    "search_join",
    "column_types",
    "filter_in",
    "filter_and",
    "copy_to_index",
    "copied_vector",
    "refused_key",
    "copy_source",
    "check_copied",
    "raise_copied",
}
TABLES = ["config", "copies", "index_grants", "index_registry", "page_key", "tenants", "trusted_applications"]
SEES_ALL = "SELECT p.proname, p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 's3vl'::regnamespace"


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
        "SELECT DISTINCT p.proname, p.proowner::regrole::text, p.proconfig FROM pg_proc p"
        " WHERE p.pronamespace = 's3vl'::regnamespace AND p.prosecdef ORDER BY 1"
    ).fetchall()
    assert rows == [(name, "vectordb_owner", ["search_path=pg_catalog, pg_temp"]) for name in sorted(DEFINERS)]


def test_functions_whose_path_is_the_caller_s_look_nothing_up(superuser):
    """They can be put into the caller's statement, so they may pin nothing; then every name in them is written out."""
    rows = superuser.execute(
        "SELECT DISTINCT p.proname, p.prosecdef, l.lanname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang"
        " WHERE p.pronamespace = 's3vl'::regnamespace AND p.proconfig IS NULL"
    ).fetchall()
    assert not any(definer for _, definer, _ in rows)
    # These run the caller's own SQL, in which names mean what they mean to the caller.
    given = {"copy_to_index", "copy_source", "column_types", "search_join"}
    assert {name for name, _, language in rows if language != "sql"} == given


def test_everything_belongs_to_the_owner(superuser):
    rows = superuser.execute(
        "SELECT relname, relowner::regrole::text, relacl::text FROM pg_class WHERE relnamespace = 's3vl'::regnamespace AND relkind = 'r'"
        " ORDER BY 1"
    ).fetchall()
    assert rows == [(name, "vectordb_owner", None) for name in TABLES]
    assert superuser.execute(
        "SELECT DISTINCT relowner::regrole::text, relacl::text FROM pg_class WHERE relnamespace = 's3vl'::regnamespace"
    ).fetchall() == [("vectordb_owner", None)]
    owners = superuser.execute(
        "SELECT DISTINCT proowner::regrole::text FROM pg_proc WHERE pronamespace = 's3vl'::regnamespace"
    ).fetchall()
    assert owners == [("vectordb_owner",)]
    assert superuser.execute("SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 's3vl'").fetchone() == (
        "vectordb_owner",
    )


def test_reads_are_stable_and_dear(superuser):
    """Stable: usable where nothing may be written. Dear: the planner calls them as rarely as it can."""
    waits = READ - {
        "list_indexes",
        "get_index_info",
        "resolve_index_arn",
        "vector_array",
        "column_types",
        "search_join",
    }
    rows = superuser.execute(
        "SELECT DISTINCT proname, provolatile, procost, proparallel FROM pg_proc"
        " WHERE pronamespace = 's3vl'::regnamespace AND proname = ANY (%s)",
        (list(waits - {"filter_in", "filter_and"}),),
    ).fetchall()
    whole = {"list_all_vectors", "query_vectors_batch"}  # more calls than one
    expected = {(name, "s", 1e7 if name in whole else 1e6, "u") for name in waits - {"filter_in", "filter_and"}}
    assert set(rows) == expected


@pytest.mark.parametrize(
    ("user", "allowed"),
    [
        ("nobody", set()),
        ("vectordb_worker", READ | WRITE),
        ("analyst", READ),
        ("vectordb_app", READ | WRITE),
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
    mixed = superuser.execute(
        "SELECT proname FROM pg_proc WHERE pronamespace = 's3vl'::regnamespace"
        " GROUP BY 1 HAVING count(DISTINCT has_function_privilege('vectordb_app', oid, 'EXECUTE')) > 1"
        " OR count(DISTINCT has_function_privilege('vectordb_worker', oid, 'EXECUTE')) > 1"
    ).fetchall()
    assert mixed == []


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
        "SELECT s3vl.opened_index('x', 'many', NULL, 'read')",
        "SELECT s3vl.advance_epoch('many')",
        "SELECT s3vl.grant_index('private', 'vectordb_app')",
        "SELECT s3vl.revoke_index('many', 'vectordb_reader')",
        "SELECT s3vl.unscope_index('tenants')",
        "SELECT s3vl.scope_index('many', 'n')",
        "SELECT s3vl.add_tenant('vectordb_app', 'acme')",
        "SELECT s3vl.remove_tenant('acme', 'acme')",
        "SELECT s3vl.trust_application('vectordb_app')",
        "SELECT s3vl.distrust_application('shop')",
        "SELECT s3vl.assign_vectorizer('many', NULL)",
        "SELECT s3vl.deactivate_index('many')",
        "SELECT s3vl.activate_index('many')",
        "SELECT s3vl.unregister_index('many')",
        "SELECT * FROM s3vl.list_grants()",
        "SELECT * FROM s3vl.list_tenants()",
        "SELECT * FROM s3vl.list_trusted_applications()",
        "SELECT * FROM s3vl.remote_indexes()",
        "SELECT * FROM s3vl.tenants",
        "INSERT INTO s3vl.index_grants VALUES ('private', 'vectordb_app', 'read')",
        "SELECT setval('s3vl.epoch_0', 1)",
        "SELECT s3vl.raise_foreign('x', 'y')",
        "SELECT s3vl.shown('x')",
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
    assert rows == [(name,) for name in sorted(user["name"] for user in USERS)]


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
    writers = [user["name"] for user in USERS if user["access"] == "writer"]
    assert dict(rows) == {
        **{name: ["statement_timeout=5min", *limits] for name in writers},
        "analyst": ["statement_timeout=30s", *limits],
        "operator": [
            "statement_timeout=0",
            "lock_timeout=5s",
            "idle_in_transaction_session_timeout=10min",
            "idle_session_timeout=1h",
        ],
    }


# --- where nothing may be written


@every_read
@pytest.mark.parametrize("user", ["vectordb_app", "acme"])
def test_every_read_works_where_nothing_may_be_written(database, user, read):
    """The rules of a hot standby, as far as a primary has them: read only, no number of a transaction, of a sequence, no table."""
    with database.login(user) as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        assert connection.execute(read).fetchall()
        if user == "acme":
            for scoped in ("query_vectors('[1,1,0,1]', 'tenants')", "list_vectors(index_name => 'tenants')"):
                assert connection.execute(f"SELECT * FROM s3vl.{scoped}").fetchall()
        for local in ("get_config()", "list_indexes()", "get_index_info('many')"):
            assert connection.execute(f"SELECT * FROM s3vl.{local}").fetchall()
        assert connection.execute("SELECT pg_current_xact_id_if_assigned()").fetchone() == (None,)
