"""Two tenants in one index: nothing that a session can say, set or make shows it, or lets it change, the other's vectors."""

import json

import pytest
from psycopg import errors

from tests.sql.cases import PASSWORD, failure
from tests.sql.doubles import index_arn

ACME = {f"{name}{n}" for name in ("a", "both") for n in range(1, 6)}
GLOBEX = {f"{name}{n}" for name in ("g", "both") for n in range(1, 6)}
ALL = ACME | GLOBEX | {"nobody"}
READS = [
    "query_vectors('[1,1,0,1]', 'tenants', top_k => 100)",
    f"query_vectors(ARRAY[1,1,0,1], index_arn => '{index_arn('tenants')}', top_k => 100, return_metadata => false)",
    "query_vectors_batch(ARRAY['[1,1,0,1]', '[0,0,0,1]']::vector[], 'tenants', top_k => 100)",
    f"get_vectors('{{{','.join(sorted(ALL))}}}', 'tenants') WHERE found",
    "list_vectors(index_name => 'tenants', max_results => 1000)",
    "list_vectors(index_name => 'tenants', max_results => 1000, return_metadata => false, return_data => true)",
    "list_all_vectors('tenants')",
]
reads = pytest.mark.parametrize("read", READS, ids=lambda read: read.partition("(")[0])

ATTEMPTS = {
    "SET": ["SET s3vl.tenant = 'globex'"],
    "set_config": ["SELECT set_config('s3vl.tenant', 'globex', false)"],
    "a group": ["SET ROLE vectordb_writer"],
    "a smaller group": ["SET ROLE vectordb_reader"],
    "search_path": ["SET search_path = pg_temp, s3vl, public, pg_catalog"],
    "temporary tables": [
        "CREATE TEMP TABLE tenants AS SELECT 'acme'::name AS role_name, 'globex' AS tenant",
        "CREATE TEMP TABLE trusted_applications AS SELECT 'acme'::name AS role_name",
        "CREATE TEMP TABLE index_registry (index_name text, index_arn text, tenant_key text)",
        "CREATE TEMP TABLE index_grants (index_name text, grantee name, privilege text)",
        "CREATE TEMP TABLE pg_roles (rolname name, oid oid)",
        "SET search_path = pg_temp, s3vl, public",
    ],
    "temporary functions": [
        "CREATE FUNCTION pg_temp.pg_has_role(name, name, text) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        "CREATE FUNCTION pg_temp.pg_has_role(name, oid, text) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        "CREATE FUNCTION pg_temp.current_setting(text, boolean) RETURNS text LANGUAGE sql AS $$ SELECT 'globex' $$",
        "SET search_path = pg_temp, pg_catalog",
    ],
    "an operator": [
        "CREATE FUNCTION pg_temp.always(name, name) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        "CREATE OPERATOR pg_temp.= (LEFTARG = name, RIGHTARG = name, FUNCTION = pg_temp.always)",
        "SET search_path = pg_temp, pg_catalog",
    ],
}
REFUSED = {
    "another's session": "SET SESSION AUTHORIZATION globex",
    "another's role": "SET ROLE globex",
    "the owner's role": "SET ROLE vectordb_owner",
    "an application": "SELECT s3vl.trust_application('acme')",
    "a tenant": "SELECT s3vl.add_tenant('acme', 'globex')",
    "a row": "INSERT INTO s3vl.tenants VALUES ('acme', 'globex')",
    "replication": "SET session_replication_role = replica",
    "a function of the schema": "CREATE FUNCTION s3vl.tenant_scope() RETURNS json LANGUAGE sql AS 'SELECT NULL::json'",
    "its own setting": "ALTER ROLE acme SET s3vl.tenant = 'globex'",
    "another's setting": "ALTER ROLE shop SET s3vl.tenant = 'globex'",
}


@pytest.fixture
def acme(database):
    with database.login("acme") as connection:
        yield connection


@pytest.fixture
def shop(database):
    with database.login("shop") as connection:
        yield connection


def seen(connection, read):
    rows = connection.execute(
        f"SELECT vector_id FROM s3vl.{read}".replace("::vector[]", "::public.vector[]")
    ).fetchall()
    return {key for (key,) in rows}


# --- reading


@reads
def test_each_sees_its_own(database, read):
    for user, keys in (("acme", ACME), ("globex", GLOBEX), ("operator", ALL)):
        with database.login(user) as connection:
            assert seen(connection, read) == keys, user


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_nothing_that_a_session_does_widens_it(acme, attempt):
    for statement in attempt:
        acme.execute(statement)
    for read in READS:
        assert seen(acme, read) == ACME, read


@pytest.mark.parametrize("attempt", REFUSED.values(), ids=REFUSED)
def test_what_would_widen_it_is_refused(acme, attempt):
    with pytest.raises(errors.InsufficientPrivilege):
        acme.execute(attempt)
    assert seen(acme, READS[0]) == ACME


def test_nor_does_what_a_connection_brings_along(database):
    with database.login("acme", options="-c s3vl.tenant=globex -c role=vectordb_reader") as connection:
        assert seen(connection, READS[0]) == ACME


def test_nor_does_a_function_that_runs_as_another(database, acme):
    """Who calls is the login, whatever current_user is."""
    with database.server.superuser_connection("vectordb") as superuser:
        superuser.execute(
            "CREATE FUNCTION public.all_of_it() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS"
            " $$ SELECT vector_id FROM s3vl.query_vectors('[1,1,0,1]'::public.vector, 'tenants', top_k => 100) $$"
        )
        try:
            superuser.execute("ALTER FUNCTION public.all_of_it() OWNER TO globex")
            superuser.execute("CREATE VIEW public.view_of_it AS SELECT * FROM public.all_of_it() AS key")
            superuser.execute("GRANT SELECT ON public.view_of_it TO PUBLIC")
            for source in ("public.all_of_it() AS key", "public.view_of_it"):
                rows = acme.execute(f"SELECT key FROM {source}").fetchall()
                assert {key for (key,) in rows} == ACME
        finally:
            superuser.execute("DROP FUNCTION public.all_of_it() CASCADE")


@pytest.mark.parametrize(
    ("wanted", "keys"),
    [
        ({"tenant": "globex"}, {f"both{n}" for n in range(1, 6)}),
        ({"$or": [{"tenant": "globex"}, {"n": {"$gte": 0}}]}, ACME),
        ({"tenant": {"$ne": "acme"}}, set()),
        ({"$and": [{"tenant": {"$in": ["globex", "acme"]}}]}, ACME),
        ({"n": 1}, {"a1", "both1"}),
        ({"tenant": {"$exists": False}}, set()),
    ],
)
def test_a_filter_narrows_and_never_widens(acme, wanted, keys):
    cursor = acme.execute(
        "SELECT vector_id FROM s3vl.query_vectors('[1,1,0,1]', 'tenants', top_k => 100, metadata_filter => %s)",
        (json.dumps(wanted),),
    )
    assert {key for (key,) in cursor} == keys


def test_the_service_is_asked_for_the_tenant_s(database, acme):
    seen(acme, READS[0])
    asked = json.dumps([call["filter"] for call in database.vectors.called("QueryVectors")])
    assert '"tenant"' in asked
    assert '"acme"' in asked
    assert "globex" not in asked


def test_a_token_of_another_tenant_s_pages_shows_nothing_of_it(database, acme):
    page = "SELECT vector_id, response_next_token FROM s3vl.list_vectors(index_name => 'tenants', max_results => 3"
    with database.login("globex") as other:
        (_, token), *_ = other.execute(f"{page})").fetchall()
    rows = acme.execute(f"{page}, next_token => %s)", (token,)).fetchall()
    assert {key for key, _ in rows} <= ACME


# --- changing


@pytest.fixture
def contents(database):
    """What the index holds before, and again after."""
    before = database.vectors.contents("tenants")
    yield before
    database.vectors.clear("tenants")
    database.vectors.put("tenants", before)


PUT = "SELECT s3vl.put_vectors(%s, %s::public.vector[], %s::jsonb[], 'tenants')"
VECTOR = ["[4,3,2,1]"]


@pytest.mark.parametrize(
    ("key", "metadata"),
    [("g1", None), ("g1", {"tenant": "acme"}), ("nobody", None), ("new", {"tenant": "globex"}), ("new", {"tenant": 1})],
)
def test_another_s_key_or_name_is_refused_and_nothing_is_written(database, acme, contents, key, metadata):
    given = [json.dumps(metadata)] if metadata else None
    for keys in ([key], ["fresh", key]):
        vectors, documents = VECTOR * len(keys), given and ["{}"] * (len(keys) - 1) + given
        state, message, _, hint = failure(acme, PUT, keys, vectors, documents)
        assert (state, message.split(": ")[1]) == ("42501", "TenantMismatch")
        assert "globex" not in message + hint
    assert database.vectors.contents("tenants") == contents


def test_what_a_tenant_puts_is_its_own(database, acme, contents):
    assert acme.execute(PUT, (["a1", "fresh"], VECTOR * 2, ['{"n": 9}', "{}"])).fetchone() == (2,)
    after = database.vectors.contents("tenants")
    assert after["a1"] == ([4.0, 3.0, 2.0, 1.0], {"n": 9, "tenant": "acme"})
    assert after["fresh"] == ([4.0, 3.0, 2.0, 1.0], {"tenant": "acme"})
    assert {key: after[key] for key in contents if key != "a1"} == {k: v for k, v in contents.items() if k != "a1"}


def test_a_tenant_deletes_its_own_only(database, acme, contents):
    acme.execute("SELECT s3vl.delete_vectors(ARRAY['a1', 'g1', 'nobody', 'x'], 'tenants')")
    assert set(contents) - set(database.vectors.contents("tenants")) == {"a1"}


# --- who is whose


@reads
def test_a_login_without_a_tenant_sees_nothing(database, app, read):
    state, message, _, hint = failure(app, f"SELECT * FROM s3vl.{read}")
    assert state == "42501"
    assert message.endswith("the index 'tenants' holds the vectors of tenants, and vectordb_app is bound to none")
    assert hint == "An administrator binds the login: SELECT s3vl.add_tenant('vectordb_app', '<tenant>');"
    assert database.lambda_.events == []


def test_a_trusted_application_has_to_say_whose_it_is(database, shop):
    for statement in (None, "SET s3vl.tenant = ''", "RESET s3vl.tenant"):
        if statement:
            shop.execute(statement)
        state, message, _, hint = failure(shop, f"SELECT * FROM s3vl.{READS[0]}")
        assert (state, hint) == (
            "42501",
            "The application shop is trusted to say it, in each transaction: SET LOCAL s3vl.tenant = '<tenant>';",
        )
        assert message == (
            "s3vl.query_vectors: the session does not say whose vectors of the index 'tenants' it is to see"
        )
    assert database.lambda_.events == []
    for tenant, keys in (("acme", ACME), ("globex", GLOBEX), ("nowhere", set())):
        with shop.transaction():
            shop.execute("SELECT set_config('s3vl.tenant', %s, true)", (tenant,))
            for read in READS:
                assert seen(shop, read) == keys
    assert failure(shop, f"SELECT * FROM s3vl.{READS[0]}")[0] == "42501"


def test_an_application_that_is_bound_names_only_those(database, shop):
    database.as_admin("SELECT s3vl.add_tenant('shop', 'acme'), s3vl.add_tenant('shop', 'initech')")
    try:
        shop.execute("SET s3vl.tenant = 'acme'")
        assert seen(shop, READS[0]) == ACME
        shop.execute("SET s3vl.tenant = 'globex'")
        state, message, _, _ = failure(shop, f"SELECT * FROM s3vl.{READS[0]}")
        assert (state, message) == (
            "42501",
            "s3vl.query_vectors: s3vl.tenant is none of the tenants of the application shop",
        )
    finally:
        database.as_admin("SELECT s3vl.remove_tenant('shop', 'acme'), s3vl.remove_tenant('shop', 'initech')")


def test_a_login_may_have_several_tenants(database, app):
    database.as_admin("SELECT s3vl.add_tenant('vectordb_app', 'acme'), s3vl.add_tenant('vectordb_app', 'globex')")
    try:
        assert seen(app, READS[0]) == ACME | GLOBEX
        assert failure(app, PUT, ["new"], VECTOR, None)[0] in {"22023", "42501"}  # whose would it be?
    finally:
        database.as_admin("SELECT s3vl.remove_tenant('vectordb_app', t) FROM unnest('{acme,globex}'::text[]) t")
    assert failure(app, f"SELECT * FROM s3vl.{READS[0]}")[0] == "42501"


def test_a_tenant_is_its_login_s_not_its_members(database):
    """Bound by the exact name: membership in a login that has a tenant gives nothing."""
    with database.server.superuser_connection("vectordb") as superuser:
        superuser.execute(f"CREATE ROLE friend LOGIN PASSWORD '{PASSWORD}'; GRANT acme, shop TO friend")
    try:
        with database.login("friend", password=PASSWORD) as friend:
            for statement in ("SELECT 1", "SET ROLE acme", "SET ROLE shop; SET s3vl.tenant = 'acme'"):
                friend.execute(statement)
                with pytest.raises(errors.InsufficientPrivilege, match="and friend is bound to none"):
                    friend.execute(f"SELECT * FROM s3vl.{READS[0]}")
    finally:
        with database.server.superuser_connection("vectordb") as superuser:
            superuser.execute("DROP ROLE friend")


def test_indexes_without_a_tenant_key_have_no_tenants(database, acme, shop):
    for connection in (acme, shop):
        connection.execute("SELECT FROM s3vl.query_vectors('[0,0]', 'many', top_k => 1)")
    assert all("filter" not in call for call in database.vectors.called("QueryVectors"))


def test_the_function_is_told_the_scope(database, acme):
    seen(acme, READS[0])
    with database.login("operator") as operator:
        seen(operator, READS[0])
    scopes = [json.loads(event)["arguments"]["scope"] for event in database.lambda_.events]
    assert scopes == [{"key": "tenant", "values": ["acme"]}, None]


# --- setting it up


def test_scoping_an_index(database, app):
    try:
        assert database.as_admin("SELECT s3vl.scope_index('many', 'owner')") == [(True,)]
        assert database.as_admin("SELECT s3vl.scope_index('many', 'owner')") == [(False,)]
        assert failure(app, "SELECT * FROM s3vl.query_vectors('[0,0]', 'many')")[0] == "42501"
        # A deployment that does not speak of it leaves it, and says so.
        assert database.apply(function_arn=database_function("next")) == ["repeatable/90_deployment.sql"]
        said = "NOTICE: the index 'many' keeps its tenant key 'owner', which the deployment does not declare"
        assert sum(said in line for line in database.said) == 1
        assert failure(app, "SELECT * FROM s3vl.query_vectors('[0,0]', 'many')")[0] == "42501"
    finally:
        assert database.as_admin("SELECT s3vl.unscope_index('many')") == [(True,)]
        database.apply()
    assert database.as_admin("SELECT s3vl.unscope_index('many')") == [(False,)]
    assert len(app.execute("SELECT * FROM s3vl.query_vectors('[0,0]', 'many')").fetchall()) == 10


def database_function(alias):
    from tests.sql.doubles import FUNCTION_ARN

    return FUNCTION_ARN.replace(":live", f":{alias}")


@pytest.mark.parametrize(
    ("call", "state", "message"),
    [
        ("scope_index('nowhere', 'k')", "42704", "the index 'nowhere' is not registered"),
        ("scope_index('many', NULL)", "22004", "tenant_key must not be NULL"),
        (
            "scope_index('many', '')",
            "22023",
            "tenant_key must be a metadata key of 1 to 63 characters, not beginning with $",
        ),
        (
            "scope_index('many', '$or')",
            "22023",
            "tenant_key must be a metadata key of 1 to 63 characters, not beginning with $",
        ),
        ("add_tenant('nobody_at_all', 'x')", "42704", "there is no role nobody_at_all"),
        ("add_tenant(NULL, 'x')", "22004", "role_name must not be NULL"),
        ("add_tenant('acme', NULL)", "22004", "tenant must not be NULL"),
        ("add_tenant('acme', '')", "22023", "tenant must have 1 to 1024 characters"),
        ("remove_tenant('acme', NULL)", "22004", "tenant must not be NULL"),
        ("trust_application('nobody_at_all')", "42704", "there is no role nobody_at_all"),
        ("distrust_application(NULL)", "22004", "role_name must not be NULL"),
    ],
)
def test_set_up_refuses(database, call, state, message):
    with database.login("operator") as operator:
        assert failure(operator, f"SELECT s3vl.{call}")[:2] == (state, f"s3vl.{call.partition('(')[0]}: {message}")


def test_a_login_has_at_most_fifty_tenants(database):
    with database.login("operator") as operator, operator.transaction(force_rollback=True):
        operator.execute("SELECT s3vl.add_tenant('acme', n::text) FROM generate_series(1, 49) n")
        state, message, _, hint = failure(operator, "SELECT s3vl.add_tenant('acme', 'one too many')")
    assert (state, message) == ("22023", "s3vl.add_tenant: acme would be bound to more than 50 tenants")
    assert "s3vl.trust_application" in hint


def test_lists_for_administrators(database):
    assert database.as_admin("SELECT * FROM s3vl.list_tenants()") == [
        ("acme", "acme", True),
        ("globex", "globex", True),
    ]
    assert database.as_admin("SELECT * FROM s3vl.list_trusted_applications()") == [("shop", True)]
