"""Which index a login may read or write: grants, vectorizers, and the epoch that every write advances."""

import psycopg
import pytest
from psycopg import errors

from tests.sql.cases import DECLARED, PASSWORD, failure
from tests.sql.doubles import FUNCTION_ARN, index_arn

QUERY = "SELECT vector_id FROM s3vl.query_vectors('[1,2,3]', 'private')"
PUT = "SELECT s3vl.put_vectors(ARRAY['k'], ARRAY['[1,2,3]']::vector[], NULL, 'private')"
PRIVATE_GRANTS = [
    ("private", "analyst", "read", True),
    ("private", "vectordb_worker", "read", True),
    ("private", "vectordb_worker", "write", True),
]
DEFAULT = [
    ("vectordb_reader", "read"),
    ("vectordb_worker", "read"),
    ("vectordb_worker", "write"),
    ("vectordb_writer", "write"),
]
GRANTS = "SELECT * FROM s3vl.list_grants() WHERE index_name = %s"


@pytest.fixture
def operator(database):
    """An administrator whose changes are undone."""
    with database.login("operator") as connection, connection.transaction(force_rollback=True):
        yield connection


@pytest.fixture
def roles(database):
    """A login and a group that have nothing yet."""
    with database.server.superuser_connection("vectordb") as superuser:
        superuser.execute(f"CREATE ROLE robot LOGIN PASSWORD '{PASSWORD}'; CREATE ROLE \"The Group\"")
        superuser.execute("GRANT CONNECT ON DATABASE vectordb TO robot; GRANT USAGE ON SCHEMA s3vl TO robot")
        yield superuser
        superuser.execute('DROP OWNED BY robot; DROP ROLE robot; DROP ROLE "The Group"')


# --- reading and writing


def test_an_index_is_for_those_it_was_granted_to(database, app):
    with database.login("analyst") as analyst:
        assert analyst.execute(QUERY).fetchall() == [("secret",)]
    database.lambda_.events.clear()
    assert failure(app, QUERY)[:4:3] == (
        "42501",
        "An administrator grants it to a role: SELECT s3vl.grant_index('private', 'vectordb_app', 'read');",
    )
    for call in (
        "query_vectors('[1,2,3]', 'private')",
        "query_vectors(ARRAY[1,2,3], 'private')",
        "query_vectors_batch(ARRAY['[1,2,3]']::vector[], 'private')",
        "get_vectors('{secret}', 'private')",
        "list_vectors(index_name => 'private')",
        "list_all_vectors('private')",
        "describe_index('private')",
        "resolve_index_arn('private')",
    ):
        state, message, _, _ = failure(app, f"SELECT * FROM s3vl.{call}")
        name = f"s3vl.{call.partition('(')[0]}"
        assert (state, message) == ("42501", f"{name}: vectordb_app has not been granted to read the index 'private'")
    assert failure(app, PUT)[:2] == (
        "42501",
        "s3vl.put_vectors: vectordb_app has not been granted to write the index 'private'",
    )
    assert database.lambda_.events == []


def test_by_its_arn_no_more_is_said(database, app):
    arn = index_arn("private")
    state, message, _, hint = failure(app, "SELECT * FROM s3vl.query_vectors('[1,2,3]', index_arn => %s)", arn)
    assert (state, message) == (
        "42501",
        "s3vl.query_vectors: vectordb_app has not been granted to read the index of that ARN",
    )
    assert "'private'" not in hint


def test_what_is_not_granted_is_not_listed(database, app):
    said = []
    app.add_notice_handler(lambda diagnostic: said.append(diagnostic.message_primary))
    assert "private" not in {name for (name,) in app.execute("SELECT index_name FROM s3vl.list_indexes()")}
    for name in ("private", "nowhere", None):
        assert app.execute("SELECT * FROM s3vl.get_index_info(%s)", (name,)).fetchall() == []
    assert said == [
        "s3vl.get_index_info: the index 'private' is not registered, or not for you",
        "s3vl.get_index_info: the index 'nowhere' is not registered, or not for you",
        "s3vl.get_index_info: the index NULL is not registered, or not for you",
    ]
    with database.login("analyst") as analyst:
        row = analyst.execute("SELECT * FROM s3vl.get_index_info('private')").fetchone()
        assert row[:6] == ("private", index_arn("private"), None, "vectordb-dev", "us-east-1", "123456789012")
        assert row[8] is True


def test_a_grant_to_a_group_is_one_to_its_members(database, roles):
    roles.execute('GRANT vectordb_reader TO "The Group"; GRANT "The Group" TO robot')
    with database.login("robot", password=PASSWORD) as robot:
        assert failure(robot, QUERY)[0] == "42501"
        assert database.as_admin("SELECT s3vl.grant_index('private', 'The Group')") == [(True,)]
        try:
            assert robot.execute(QUERY).fetchall() == [("secret",)]
            roles.execute('REVOKE "The Group" FROM robot; GRANT vectordb_reader TO robot')
            assert failure(robot, QUERY)[0] == "42501"
        finally:
            assert database.as_admin("SELECT s3vl.revoke_index('private', 'The Group')") == [(True,)]
    assert database.as_admin("SELECT s3vl.revoke_index('private', 'The Group')") == [(False,)]


def test_reading_and_writing_are_two_things(database, app):
    try:
        assert database.as_admin("SELECT s3vl.grant_index('private', 'vectordb_app', 'write')") == [(True,)]
        assert app.execute(PUT).fetchone() == (1,)
        assert failure(app, QUERY)[0] == "42501"
        assert app.execute("SELECT s3vl.delete_vectors(ARRAY['k'], 'private')").fetchone() == (1,)
    finally:
        database.as_admin("SELECT s3vl.revoke_index('private', 'vectordb_app', 'write')")
    assert failure(app, PUT)[0] == "42501"
    assert set(database.vectors.contents("private")) == {"secret"}


def test_administrators_need_no_grant(database):
    for user in ("operator", "vectordb_admin"):
        with database.login(user) as connection:
            assert connection.execute(QUERY).fetchall() == [("secret",)]
            connection.execute("SET ROLE vectordb_owner")
            assert connection.execute(QUERY).fetchall() == [("secret",)]


def test_a_role_that_is_gone_has_nothing(database, roles):
    database.as_admin("SELECT s3vl.grant_index('private', 'The Group')")
    roles.execute('ALTER ROLE "The Group" RENAME TO renamed')
    try:
        assert ("private", "The Group", "read", False) in database.as_admin(GRANTS, "private")
        with database.login("analyst") as analyst:  # and the others go on
            assert analyst.execute(QUERY).fetchall() == [("secret",)]
    finally:
        roles.execute('ALTER ROLE renamed RENAME TO "The Group"')
        assert database.as_admin("SELECT s3vl.revoke_index('private', 'The Group')") == [(True,)]


# --- what registration gives


def test_the_first_registration_grants_and_no_later_one(database, operator):
    operator.execute("SELECT s3vl.register_index('fresh', %s)", (index_arn("fresh"),))
    rows = operator.execute(GRANTS, ("fresh",)).fetchall()
    assert [row[1:3] for row in rows] == DEFAULT
    operator.execute("SELECT s3vl.revoke_index('fresh', 'vectordb_reader')")
    operator.execute("SELECT s3vl.register_index('fresh', %s)", (index_arn("fresh"),))
    operator.execute("SELECT s3vl.deactivate_index('fresh'), s3vl.activate_index('fresh')")
    rows = operator.execute(GRANTS, ("fresh",)).fetchall()
    assert [row[1:3] for row in rows] == DEFAULT[1:]


def test_a_deployment_gives_back_nothing_that_was_revoked(database):
    try:
        assert database.apply(indexes=[index for index in DECLARED if index["name"] != "private"])
    finally:
        assert database.apply() == ["repeatable/90_deployment.sql"]
    assert database.as_admin(GRANTS, "private") == PRIVATE_GRANTS


def test_a_second_name_opens_no_more_than_the_first(database, operator):
    operator.execute("SELECT s3vl.register_index('alias', %s)", (index_arn("private"),))
    rows = operator.execute(GRANTS, ("alias",)).fetchall()
    assert [row[1:] for row in rows] == [row[1:] for row in PRIVATE_GRANTS]
    operator.execute("SELECT s3vl.assign_vectorizer('private', 'docs')")
    operator.execute("SELECT s3vl.register_index('other', %s)", (index_arn("tenants"),))
    operator.execute("SELECT s3vl.register_index('third', %s)", (index_arn("private"),))
    rows = operator.execute(
        "SELECT index_name, tenant_key, vectorizer FROM s3vl.index_registry WHERE index_name = ANY (%s) ORDER BY 1",
        (["alias", "other", "third"],),
    ).fetchall()
    assert rows == [("alias", None, "docs"), ("other", "tenant", None), ("third", None, "docs")]


def test_another_index_under_the_name_keeps_what_protects_it(operator):
    operator.execute("SELECT s3vl.register_index('tenants', %s)", (index_arn("elsewhere"),))
    row = operator.execute(
        "SELECT tenant_key, dimension FROM s3vl.index_registry WHERE index_name = 'tenants'"
    ).fetchone()
    assert row == ("tenant", None)
    # What its other names say counts for more.
    operator.execute(
        "SELECT s3vl.register_index('first', %s), s3vl.scope_index('first', 'owner')", (index_arn("first"),)
    )
    operator.execute("SELECT s3vl.register_index('tenants', %s)", (index_arn("first"),))
    row = operator.execute("SELECT tenant_key FROM s3vl.index_registry WHERE index_name = 'tenants'").fetchone()
    assert row == ("owner",)


def test_what_is_declared_is_registered(database):
    rows = database.as_admin(
        "SELECT model, non_filterable_keys, full_text_keys, tenant_key, vectorizer FROM s3vl.index_registry"
        " WHERE index_name IN ('demo-index', 'tenants') ORDER BY index_name"
    )
    assert rows == [
        ("test.embed-words", None, [{"key": "body", "language": "en"}], None, None),
        (None, None, None, "tenant", None),
    ]
    changed = [
        index | {"nonFilterableKeys": ["text", "title"]} if index["name"] == "wide" else index for index in DECLARED
    ]
    try:
        database.apply(indexes=changed)
        assert database.as_admin("SELECT non_filterable_keys FROM s3vl.index_registry WHERE index_name = 'wide'") == [
            (["text", "title"],)
        ]
        with database.login("operator") as operator:
            state, message, _, _ = failure(operator, "SELECT s3vl.scope_index('wide', 'title')")
        assert (state, message) == (
            "22023",
            "s3vl.scope_index: the metadata key 'title' of the index 'wide' is not filterable",
        )
    finally:
        database.apply()


def test_revoking_says_what_remains(database, operator):
    said = []
    operator.add_notice_handler(lambda diagnostic: said.append((diagnostic.message_primary, diagnostic.message_hint)))
    operator.execute("SELECT s3vl.grant_index('many', 'analyst')")
    operator.execute("SELECT s3vl.revoke_index('many', 'analyst')")
    assert said == [
        (
            "analyst may still read the index 'many' as a member of vectordb_reader",
            "Revoke it from those, and grant it to the roles that are to keep it.",
        )
    ]


def test_granting_says_when_the_functions_are_missing(database, roles, operator):
    said = []
    operator.add_notice_handler(lambda diagnostic: said.append((diagnostic.message_primary, diagnostic.message_hint)))
    operator.execute("SELECT s3vl.grant_index('many', 'robot'), s3vl.grant_index('many', 'analyst', 'write')")
    assert said == [
        ("robot cannot call the functions yet", "GRANT vectordb_reader TO robot;"),
        ("analyst cannot call the functions yet", "GRANT vectordb_writer TO analyst;"),
    ]


def test_unregistering_takes_everything_along_and_warns(database, operator):
    said = []
    operator.add_notice_handler(lambda diagnostic: said.append(diagnostic.message_primary))
    assert operator.execute("SELECT s3vl.unregister_index('private')").fetchone() == (True,)
    assert operator.execute(GRANTS, ("private",)).fetchall() == []
    assert said == ["the index 'private' is declared by the deployment, which will register it again"]


@pytest.mark.parametrize(
    ("call", "state", "message"),
    [
        ("grant_index('nowhere', 'analyst')", "42704", "the index 'nowhere' is not registered"),
        ("grant_index(NULL, 'analyst')", "22004", "index_name must not be NULL"),
        ("grant_index('many', NULL)", "22004", "grantee must not be NULL"),
        ("grant_index('many', 'nobody_at_all')", "42704", "there is no role nobody_at_all"),
        ("grant_index('many', 'public')", "42704", "there is no role public"),
        ("grant_index('many', 'analyst', 'own')", "22023", "privilege must be read or write, not 'own'"),
        ("grant_index('many', 'analyst', NULL)", "22004", "privilege must not be NULL"),
        ("revoke_index('many', NULL)", "22004", "grantee must not be NULL"),
        ("assign_vectorizer('nowhere', 'v')", "42704", "the index 'nowhere' is not registered"),
        ("deactivate_index('nowhere')", "42704", "the index 'nowhere' is not registered"),
        ("activate_index('nowhere')", "42704", "the index 'nowhere' is not registered"),
        ("unregister_index('nowhere')", "42704", "the index 'nowhere' is not registered"),
        ("unregister_index(NULL)", "22004", "index_name must not be NULL"),
    ],
)
def test_wrong_grants_are_refused(operator, call, state, message):
    assert failure(operator, f"SELECT s3vl.{call}")[:2] == (state, f"s3vl.{call.partition('(')[0]}: {message}")


# --- vectorizers


def test_an_index_of_a_vectorizer_is_searched_through_it(database, app, roles):
    roles.execute("GRANT vectordb_worker TO robot")
    database.as_admin("SELECT s3vl.assign_vectorizer('empty', 'docs')")
    try:
        for call in (
            "s3vl.query_vectors('[1,2,3]', 'empty')",
            "s3vl.get_vectors('{x}', 'empty')",
            "s3vl.list_vectors(index_name => 'empty')",
            "s3vl.list_all_vectors('empty')",
            "s3vl.put_vectors(ARRAY['k'], ARRAY['[1,2,3]']::vector[], NULL, 'empty')",
            "s3vl.delete_vectors(ARRAY['k'], 'empty')",
        ):
            state, message, _, hint = failure(app, f"SELECT * FROM {call}")
            assert (state, message) == (
                "42809",
                f"{call.partition('(')[0]}: the index 'empty' belongs to the vectorizer 'docs'",
            )
            assert hint.startswith("embed.search('docs', ...) searches it, ")
        assert database.lambda_.events == []
        with database.login("robot", password=PASSWORD) as robot, database.login("operator") as operator:
            for connection in (robot, operator):
                connection.execute("SELECT s3vl.put_vectors(ARRAY['k'], ARRAY['[1,2,3]']::vector[], NULL, 'empty')")
                rows = connection.execute("SELECT vector_id FROM s3vl.query_vectors('[1,2,3]', 'empty')").fetchall()
                assert rows == [("k",)]
                connection.execute("SELECT s3vl.delete_vectors(ARRAY['k'], 'empty')")
    finally:
        assert database.as_admin("SELECT s3vl.assign_vectorizer('empty', NULL)") == [(True,)]
    assert app.execute("SELECT * FROM s3vl.query_vectors('[1,2,3]', 'empty')").fetchall() == []


def test_the_vectorizer_s_worker_brings_every_tenant_s_rows(database, roles):
    roles.execute("GRANT vectordb_worker TO robot")
    listing = "SELECT count(*) FROM s3vl.list_all_vectors('tenants')"
    with database.login("robot", password=PASSWORD) as robot:
        assert failure(robot, listing)[0] == "42501"  # nobody's vectorizer: a login as others
        database.as_admin("SELECT s3vl.assign_vectorizer('tenants', 'docs')")
        try:
            assert robot.execute(listing).fetchone() == (16,)
        finally:
            database.as_admin("SELECT s3vl.assign_vectorizer('tenants', NULL)")


# --- epochs

EPOCH = "SELECT s3vl.write_epoch(r) FROM s3vl.index_registry r WHERE index_name = %s"


def test_every_write_has_its_epoch_whatever_becomes_of_the_transaction(database, operator):
    with database.login("operator") as other:

        def epoch(name="empty"):
            return other.execute(EPOCH, (name,)).fetchone()[0]

        elsewhere = epoch("many")
        seen = {epoch()}
        for _ in range(40):
            operator.execute("SELECT s3vl.advance_epoch('empty')")
            seen.add(epoch())  # in another session, before any commit
        assert len(seen) == 41
        assert epoch("many") == elsewhere
        with operator.transaction(force_rollback=True):
            operator.execute("SELECT s3vl.advance_epoch('empty')")
        assert epoch() not in seen


def test_every_step_is_in_the_log_for_replicas(database):
    """nextval logs one step of 32; a replica would not see the others."""
    with database.server.superuser_connection("vectordb") as superuser, superuser.transaction():
        for _ in range(5):
            at = superuser.execute("SELECT pg_current_wal_insert_lsn()").fetchone()[0]
            superuser.execute("SELECT s3vl.advance_epoch('empty')")
            (grown,) = superuser.execute("SELECT pg_current_wal_insert_lsn() - %s::pg_lsn", (at,)).fetchone()
            assert grown > 0


def test_an_epoch_is_read_where_nothing_can_be_written(database):
    with database.login("operator") as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        first = connection.execute(EPOCH, ("empty",)).fetchone()
        database.as_admin("SELECT s3vl.advance_epoch('empty')")
        assert connection.execute(EPOCH, ("empty",)).fetchone() != first  # no snapshot hides it
        with pytest.raises(errors.ReadOnlySqlTransaction), connection.transaction():
            connection.execute("SELECT s3vl.advance_epoch('empty')")


def test_the_names_of_one_arn_share_their_epoch(database, operator):
    operator.execute("SELECT s3vl.register_index('alias', %s)", (index_arn("empty"),))
    before = [operator.execute(EPOCH, (name,)).fetchone() for name in ("alias", "empty")]
    operator.execute("SELECT s3vl.advance_epoch('alias')")
    after = [operator.execute(EPOCH, (name,)).fetchone() for name in ("alias", "empty")]
    assert all(one != other for one, other in zip(before, after, strict=True))


def test_a_hundred_indexes_share_the_sequences(operator):
    for n in range(70):
        operator.execute("SELECT s3vl.register_index(%s, %s)", (f"index-{n}", index_arn(f"index-{n}")))
    rows = operator.execute(
        "SELECT min(epoch_slot), max(epoch_slot), count(DISTINCT epoch_slot) FROM s3vl.index_registry"
    )
    assert rows.fetchone() == (0, 63, 64)


def test_the_function_that_is_called_is_the_configured_one(database, app):
    """Endpoint, region, function and partition come from the registration: there is no argument for them."""
    app.execute("SELECT FROM s3vl.query_vectors('[0,0]', 'many', top_k => 1)")
    assert database.lambda_.functions == [FUNCTION_ARN]
    with pytest.raises(psycopg.Error):
        app.execute("SELECT FROM s3vl.query_vectors('[0,0]', 'many', lambda_arn => 'x')")
