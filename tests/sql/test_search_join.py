"""s3vl.search_join, its pages, and the helpers that make filters."""

import json

import pytest
from psycopg import errors
from psycopg.types.json import Jsonb

from tests.sql.cases import failure
from tests.sql.doubles import index_arn

EVERY = "SELECT * FROM s3vl.search_join('[0,0]', 'many', %s, {})"


@pytest.fixture
def heard(app):
    """The session's warnings: (message, hint)."""
    messages = []
    app.add_notice_handler(lambda diagnosis: messages.append((diagnosis.message_primary, diagnosis.message_hint)))
    return messages


def sizes(database):
    """What was asked of the function: (received, limit) of each request."""
    asked = [json.loads(event)["arguments"] for event in database.lambda_.events]
    assert {event["top_k"] for event in asked} <= {10_000} or len(asked) == 1
    return [(arguments["received"], arguments["limit"]) for arguments in asked]


def every(n):
    return f"SELECT key FROM unnest($1) AS c(key) WHERE key::integer % {n} = 0"


# --- what is found


def test_the_nearest_that_survive_in_order(database, app, heard):
    """`many` has 5,000 vectors; the one of key n is at n / 8."""
    cursor = app.execute(EVERY.format("k => 3"), (every(7),))
    assert [(column.name, column.type_code) for column in cursor.description] == [
        ("rank", 23),
        ("vector_id", 25),
        ("distance", 701),
        ("similarity_score", 701),
        ("metadata", 3802),
    ]
    assert cursor.fetchall() == [
        (1, "0", 0.0, None, {"n": 0}),
        (2, "7", 0.875, None, {"n": 7}),
        (3, "14", 1.75, None, {"n": 14}),
    ]
    assert sizes(database) == [(0, 100)]
    assert heard == []


@pytest.mark.parametrize(("divisor", "k"), [(1, 10), (3, 40), (50, 10), (333, 10), (1000, 5), (2500, 2)])
def test_it_goes_on_until_k_survive(database, app, heard, divisor, k):
    rows = app.execute(EVERY.format(f"k => {k}"), (every(divisor),)).fetchall()
    assert [(row[0], row[1]) for row in rows] == [(place, str((place - 1) * divisor)) for place in range(1, k + 1)]
    assert heard == []
    looked_at = sum(len(event["vectors"]) for event in answers(database))
    needed = (k - 1) * divisor + 1
    assert needed <= looked_at <= max(2.5 * needed, 4 * k + 100)
    assert len(database.lambda_.events) <= 6


def answers(database):
    """What the function answers again to each request."""
    return [json.loads(database.lambda_.honest(event).body)["result"] for event in list(database.lambda_.events)]


def test_the_next_page_is_as_large_as_the_survivors_say(database, app):
    """One of 20 survives: after 100 candidates 5 are found, so 5 more need 100 and a fifth more."""
    app.execute(EVERY.format("k => 10"), (every(20),))
    assert sizes(database) == [(0, 100), (100, 200)]
    database.lambda_.events.clear()
    app.execute(EVERY.format("k => 10, candidates => 250"), (every(20),))
    assert sizes(database) == [(0, 300)]
    database.lambda_.events.clear()
    app.execute(EVERY.format("k => 3"), (every(4000).replace("% 4000", "% 4000 + 1"),))
    assert [limit for _, limit in sizes(database)] == [100, 400, 1800, 2000, 2000]


def test_fewer_than_k_without_a_warning_are_all_there_are(app, heard):
    rows = app.execute(EVERY.format("k => 10"), (every(1000),)).fetchall()
    assert [row[1] for row in rows] == ["0", "1000", "2000", "3000", "4000"]
    assert app.execute(EVERY.format("k => 10"), ("SELECT 'nobody'",)).fetchall() == []
    assert app.execute("SELECT * FROM s3vl.search_join('[1,0,0]', 'empty', 'SELECT unnest($1)')").fetchall() == []
    assert heard == []


def test_when_most_ends_the_search_it_warns(database, app, heard):
    rows = app.execute(EVERY.format("k => 10, most => 250"), (every(100),)).fetchall()
    assert [row[1] for row in rows] == ["0", "100", "200"]
    assert heard == [
        (
            "s3vl.search_join: 3 of 10 found among the nearest 250, which is the most to look at",
            "Raise most, up to 10000, or let metadata_filter leave out what keep would.",
        )
    ]
    assert [event["top_k"] for event in (json.loads(event)["arguments"] for event in database.lambda_.events)] == [
        250,
        250,
    ]


def test_a_filter_leaves_candidates_out(database, app):
    rows = app.execute(
        EVERY.format('k => 2, metadata_filter => \'{"n": {"$gte": 700}}\''),
        (every(7),),
    ).fetchall()
    assert [row[1] for row in rows] == ["700", "707"]
    assert database.vectors.called("QueryVectors")[0]["filter"] == {"n": {"$gte": 700}}


def test_scores_are_those_of_the_metric(app):
    rows = app.execute(
        "SELECT distance, similarity_score, metadata->'id' FROM s3vl.search_join('[1,2,3,4,5]', 'demo-index', 'SELECT unnest($1)', k => 2)"
    )
    for distance, score, number in rows:
        assert 0 <= distance < 1
        assert score == 1 - distance
        assert number in range(1, 21)


def test_without_metadata(database, app):
    rows = app.execute(EVERY.format("k => 2, return_metadata => false"), (every(2),)).fetchall()
    assert [row[4] for row in rows] == [{}, {}]
    assert "returnMetadata" not in database.vectors.called("QueryVectors")[0]


# --- keep


def test_keep_has_the_rights_and_the_path_of_the_caller(app):
    app.execute("CREATE TEMP TABLE mine AS SELECT n AS id, n % 3 = 0 AS third FROM generate_series(0, 200) n")
    rows = app.execute(
        EVERY.format("k => 3"), ("SELECT id, third FROM mine WHERE third AND id = ANY ($1::integer[]) -- mine\n ;",)
    )
    assert [row[1] for row in rows] == ["0", "3", "6"]
    assert [row[1] for row in app.execute(EVERY.format("k => 2"), ("SELECT id FROM mine WHERE id > 5",))] == ["6", "7"]
    with pytest.raises(errors.InsufficientPrivilege, match="permission denied for table index_registry"):
        app.execute(EVERY.format("k => 2"), ("SELECT index_name FROM s3vl.index_registry",))
    rows = app.execute(
        EVERY.format("k => 2"), ("SELECT key FROM unnest($1) AS c(key) WHERE current_user = 'vectordb_app'",)
    )
    assert len(rows.fetchall()) == 2


def test_keep_sees_what_row_security_lets_its_caller_see(database, app):
    with database.login("vectordb_admin") as admin:
        admin.execute("CREATE TABLE public.guarded AS SELECT n AS id, n % 2 = 0 AS open FROM generate_series(0, 50) n")
        admin.execute("ALTER TABLE public.guarded ENABLE ROW LEVEL SECURITY")
        admin.execute("CREATE POLICY seen ON public.guarded USING (open)")
        admin.execute("GRANT SELECT ON public.guarded TO vectordb_reader")
    try:
        rows = app.execute(EVERY.format("k => 3"), ("SELECT id FROM public.guarded",)).fetchall()
        assert [row[1] for row in rows] == ["0", "2", "4"]
    finally:
        with database.login("vectordb_admin") as admin:
            admin.execute("DROP TABLE public.guarded")


@pytest.mark.parametrize(
    ("keep", "state", "message"),
    [
        ("SELECT 1; SELECT 2", "22023", 's3vl.search_join: keep must be one SELECT: syntax error at or near ";"'),
        ("SELECT 1) AS x(y) ON true; DROP TABLE nothing; --", "22023", "s3vl.search_join: keep must be one SELECT"),
        ("DELETE FROM pg_class", "22023", "s3vl.search_join: keep must be one SELECT"),
        (
            "WITH d AS (DELETE FROM mine RETURNING 1) SELECT * FROM d",
            "22023",
            "s3vl.search_join: keep must be one SELECT",
        ),
        ("", "22023", "s3vl.search_join: keep must be one SELECT"),
        ("SELECT nothing", "42703", 'column "nothing" does not exist'),
        ("SELECT $2::text", "42P02", "there is no parameter $2"),
    ],
)
def test_what_keep_may_not_be_is_told_before_the_first_call(database, app, keep, state, message):
    app.execute("CREATE TEMP TABLE mine (id text)")
    found = failure(app, EVERY.format("k => 2"), keep)
    assert (found[0], found[1][: len(message)]) == (state, message)
    assert database.lambda_.events == []


def test_it_writes_nothing(app):
    """As on a replica: a read-only transaction, and no transaction id taken."""
    with app.transaction():
        app.execute("SET TRANSACTION READ ONLY")
        assert len(app.execute(EVERY.format("k => 3"), (every(2),)).fetchall()) == 3
        assert app.execute("SELECT pg_current_xact_id_if_assigned()").fetchone() == (None,)


# --- arguments


@pytest.mark.parametrize(
    ("arguments", "state", "message"),
    [
        ("NULL, 'many', 'SELECT 1'", "22004", "query_vector must not be NULL"),
        ("'[1,2]', NULL, 'SELECT 1'", "22004", "index_name must not be NULL"),
        ("'[1,2]', 'many', NULL", "22004", "keep must not be NULL"),
        ("'[1,2]', 'many', 'SELECT 1', NULL", "22004", "k must not be NULL"),
        ("'[1,2]', 'many', 'SELECT 1', most => NULL", "22004", "most must not be NULL"),
        ("'[1,2]', 'many', 'SELECT 1', return_metadata => NULL", "22004", "return_metadata must not be NULL"),
        ("'[1,2]', 'many', 'SELECT 1', 0", "22023", "k must be from 1 to 10000, not 0"),
        ("'[1,2]', 'many', 'SELECT 1', 5, most => 4", "22023", "most must be from k, which is 5, to 10000, not 4"),
        (
            "'[1,2]', 'many', 'SELECT 1', most => 10001",
            "22023",
            "most must be from k, which is 10, to 10000, not 10001",
        ),
        ("'[1,2]', 'many', 'SELECT 1', candidates => 0", "22023", "candidates must be at least 1, not 0"),
        (
            "'[1,2]', 'many', 'SELECT 1', metadata_filter => '[]'",
            "22023",
            "metadata_filter must be a JSON object, not array",
        ),
        ("'[1,2,3]', 'many', 'SELECT 1'", "22023", "query_vector[1] has 3 dimensions, the index 'many' has 2"),
        ("'[1,2]', 'nowhere', 'SELECT 1'", "42704", "the index 'nowhere' is not registered"),
        ("'[1,2,3]', 'private', 'SELECT 1'", "42501", "vectordb_app has not been granted to read the index 'private'"),
    ],
)
def test_wrong_arguments(database, app, arguments, state, message):
    assert failure(app, f"SELECT * FROM s3vl.search_join({arguments})")[:2] == (state, f"s3vl.search_join: {message}")
    assert database.lambda_.events == []


# --- tenants, and tokens from elsewhere


def test_a_tenant_sees_its_own_candidates_only(database):
    everything = "SELECT vector_id FROM s3vl.search_join('[1,1,0,1]', 'tenants', 'SELECT unnest($1)', k => 100)"
    with database.login("acme") as acme, database.login("globex") as globex:
        assert {key for (key,) in acme.execute(everything)} == {
            f"{name}{n}" for name in ("a", "both") for n in range(1, 6)
        }
        assert {key for (key,) in globex.execute(everything)} == {
            f"{name}{n}" for name in ("g", "both") for n in range(1, 6)
        }
    with database.login() as nobody:
        assert failure(nobody, everything)[0] == "42501"


PAGE = "SELECT keys, following FROM s3vl.query_page(%s::vector, %s, %s, %s, %s, %s, %s, %s)"


def test_a_token_is_good_for_its_query_only(database, app):
    first = ("[0,0]", "many", 1000, 100, 0, None, None, False)
    keys, token = app.execute(PAGE, first).fetchone()
    assert keys == [str(n) for n in range(100)]
    goes_on = [*first[:4], 100, token, *first[6:]]
    assert app.execute(PAGE, goes_on).fetchone()[0] == [str(n) for n in range(100, 200)]
    events = len(database.lambda_.events)
    changes = {0: "[0,1]", 2: 999, 6: Jsonb({"n": {"$gt": 5}}), 7: True, 5: token[:-1] + "x"}
    for place, value in changes.items():
        other = [*goes_on[:place], value, *goes_on[place + 1 :]]
        assert failure(app, PAGE, *other)[:2] == ("22023", "s3vl.search_join: next_token was not given for this query")
    with database.login("analyst") as analyst:
        assert failure(analyst, PAGE, *goes_on)[0] == "22023"
    for token in ("", "x", "0" * 64 + ":0:", ":" * 70):
        assert failure(app, PAGE, *goes_on[:5], token, *goes_on[6:])[0] == "22023"
    assert len(database.lambda_.events) == events


def test_a_token_does_not_cross_the_tenant_line(database):
    """A trusted application that was acme's a moment ago cannot go on as globex's."""
    page = ["[1,1,0,1]", "tenants", 10, 1, 0, None, None, False]
    with database.login("shop") as shop:
        shop.execute("SET s3vl.tenant = 'acme'")
        keys, token = shop.execute(PAGE, page).fetchone()
        assert keys == ["a1"] or keys[0].startswith(("a", "both"))
        goes_on = [*page[:4], 1, token, *page[6:]]
        shop.execute("SET s3vl.tenant = 'globex'")
        assert failure(shop, PAGE, *goes_on)[:2] == (
            "22023",
            "s3vl.search_join: next_token was not given for this query",
        )
        shop.execute("SET s3vl.tenant = 'acme'")
        assert shop.execute(PAGE, goes_on).fetchone()[0][0].startswith(("a", "both"))


def test_nobody_reads_the_secret(app):
    for statement in ("SELECT * FROM s3vl.page_key", "SELECT s3vl.page_mac('[]', '')"):
        with pytest.raises(errors.InsufficientPrivilege):
            app.execute(statement)


# --- filters


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("filter_in('kind', 'class')", {"kind": {"$in": ["class"]}}),
        ("filter_in('kind', 'class', 'function', 'class')", {"kind": {"$in": ["class", "function"]}}),
        ("filter_in('kind', ARRAY['ä', '\"'])", {"kind": {"$in": ["ä", '"']}}),
        ("filter_in('kind', VARIADIC ARRAY['a', 'b'])", {"kind": {"$in": ["a", "b"]}}),
        ("filter_in('id', 3, 1, 2)", {"id": {"$in": [3, 1, 2]}}),
        ("filter_in('id', 9007199254740993)", {"id": {"$in": [9007199254740993]}}),
        ("filter_in('id', 1.5, 2)", {"id": {"$in": [1.5, 2]}}),
        ("filter_in('id', ARRAY(SELECT n FROM generate_series(1, 100) n))", {"id": {"$in": list(range(1, 101))}}),
        ("filter_in('x', ARRAY[0.1, 2]::float8[])", {"x": {"$in": [0.1, 2]}}),
        ("filter_in('flag', ARRAY[true])", {"flag": {"$in": [True]}}),
        (
            "filter_in('u', ARRAY['6f1cbd9e-4f43-4f0e-8a1b-6a1f0a3f1f11'::uuid])",
            {"u": {"$in": ["6f1cbd9e-4f43-4f0e-8a1b-6a1f0a3f1f11"]}},
        ),
        ("filter_and(s3vl.filter_in('a', 1), '{\"b\": true}')", {"$and": [{"a": {"$in": [1]}}, {"b": True}]}),
        ("filter_and(NULL, '{}', '{\"b\": true}')", {"b": True}),
        ("filter_and(NULL::jsonb)", None),
        ("filter_and(VARIADIC ARRAY[]::jsonb[])", None),
    ],
)
def test_filters(app, call, expected):
    assert app.execute(f"SELECT s3vl.{call}").fetchone() == (expected,)


@pytest.mark.parametrize(
    ("call", "state", "message"),
    [
        (
            "filter_in('id', ARRAY(SELECT n FROM generate_series(1, 101) n))",
            "22023",
            "101 values; a filter of the service has at most 100",
        ),
        ("filter_in('id', ARRAY(SELECT n FROM generate_series(1, 0) n))", "22023", "there is no value"),
        ("filter_in('id', ARRAY[1, NULL])", "22023", "the values must be texts, numbers or booleans; one is NULL"),
        (
            "filter_in('id', ARRAY['{}'::jsonb])",
            "22023",
            "the values must be texts, numbers or booleans; one is object",
        ),
        ("filter_in('', 1)", "22023", "'' is no metadata key"),
        ("filter_in('$or', 1)", "22023", "'$or' is no metadata key"),
        ("filter_in(NULL, 1)", "22004", "key must not be NULL"),
        ("filter_in('a', NULL::text[])", "22004", "items must not be NULL"),
    ],
)
def test_filters_that_are_none(app, call, state, message):
    found = failure(app, f"SELECT s3vl.{call}")
    assert found[:2] == (state, f"s3vl.filter_in: {message}")
    if message.startswith("101"):
        assert "s3vl.search_join" in found[3]


def test_a_filter_and_of_what_is_no_object(app):
    assert failure(app, "SELECT s3vl.filter_and('[1]')")[:2] == (
        "22023",
        "s3vl.filter_and: each filter must be a JSON object or NULL; one is array",
    )


def test_filters_are_taken_by_a_query(database, app):
    rows = app.execute(
        "SELECT vector_id FROM s3vl.query_vectors('[0,0]', 'many', top_k => 10,"
        " metadata_filter => s3vl.filter_and(s3vl.filter_in('n', 7, 5, 9), '{\"n\": {\"$lt\": 9}}'))"
    ).fetchall()
    assert rows == [("5",), ("7",)]
    assert database.vectors.called("QueryVectors")[0]["indexArn"] == index_arn("many")
