"""full_text_query, hybrid_query_vectors and search_text."""

import json

import pytest

from tests.sql.answers import answering, arguments, refused_when
from tests.sql.cases import failure
from tests.sql.doubles import MODEL, embedded, index_arn, refused

SHAPE = "its vectors have not the shape that was agreed"
COLUMNS = [
    ("vector_id", 25),
    ("fused_score", 701),
    ("bm25_score", 701),
    ("bm25_scores", 3802),
    ("distance", 701),
    ("similarity_score", 701),
    ("metadata", 3802),
]
HYBRID = """SELECT * FROM s3vl.hybrid_query_vectors('[1,2,3,4,5]', '{"body": "entry 7"}', 'demo-index', top_k => 3)"""
FULL_TEXT = """SELECT * FROM s3vl.full_text_query('{"body": "entry 7"}', 'demo-index', top_k => 3)"""
TEXT = "SELECT * FROM s3vl.search_text('words of entry 7', 'demo-index', top_k => 3)"


# --- full_text_query


def test_full_text_has_scores_and_no_distance(database, app):
    cursor = app.execute(FULL_TEXT)
    assert [(column.name, column.type_code) for column in cursor.description] == COLUMNS
    rows = cursor.fetchall()
    assert rows[0][0] == "vec_007"
    for vector_id, fused, score, scores, distance, similarity, metadata in rows:
        assert (fused, distance, similarity) == (None, None, None)
        assert scores == {"body": score}
        assert metadata["body"] == f"words of entry {int(vector_id[4:])}"
    assert [row[2] for row in rows] == sorted((row[2] for row in rows), reverse=True)
    (call,) = database.vectors.called("QueryVectors")
    assert call["queryTexts"] == [{"text": "entry 7", "metadataKey": "body"}]
    assert call["returnScores"] is True
    assert "queryVector" not in call


def test_words_that_nothing_has_find_nothing(app):
    assert app.execute("""SELECT * FROM s3vl.full_text_query('{"body": "zebra"}', 'demo-index')""").fetchall() == []


def test_several_keys_have_a_score_each(database, app):
    vectors = [
        {"key": "a", "distance": None, "bm25": {"title": 2.5, "body": 1.25}, "metadata": {}},
        {"key": "b", "distance": None, "bm25": {"body": 0.5}, "metadata": {}},
    ]
    with database.lambda_.behaving(answering([{"metric": "cosine", "vectors": vectors, "next_token": None}])):
        rows = app.execute(
            """SELECT vector_id, bm25_score, bm25_scores FROM s3vl.full_text_query('{"title": "x", "body": "y"}', 'demo-index')"""
        ).fetchall()
    assert rows == [("a", 3.75, {"title": 2.5, "body": 1.25}), ("b", 0.5, {"body": 0.5})]
    assert arguments(database)[0]["query_texts"] == [{"key": "body", "text": "y"}, {"key": "title", "text": "x"}]


def test_a_filter_holds_for_words_too(app):
    rows = app.execute(
        """SELECT vector_id FROM s3vl.full_text_query('{"body": "words"}', 'demo-index', metadata_filter => '{"id": {"$lte": 2}}')"""
    ).fetchall()
    assert sorted(rows) == [("vec_001",), ("vec_002",)]


# --- hybrid_query_vectors


def test_hybrid_puts_both_together(database, app):
    cursor = app.execute(HYBRID)
    assert [(column.name, column.type_code) for column in cursor.description] == COLUMNS
    rows = {row[0]: row[1:] for row in cursor.fetchall()}
    assert len(rows) == 3
    by_words = rows["vec_007"]
    assert by_words[1] == by_words[2]["body"] > 1
    for fused, _, _, distance, similarity, _ in rows.values():
        assert fused > 0
        assert (distance is None) == (similarity is None)
        assert distance is None or similarity == 1 - distance
    assert [row[0] for row in rows.values()] == sorted((row[0] for row in rows.values()), reverse=True)
    assert len(database.vectors.called("QueryVectors")) == 1


def test_what_one_search_did_not_find_has_no_score_of_it(database, app):
    vectors = [
        {"key": "both", "distance": 0.25, "fused": 0.75, "bm25": {"body": 2.0}, "metadata": {}},
        {"key": "near", "distance": 0.5, "fused": 0.5, "metadata": {"n": 1}},
        {"key": "words", "distance": None, "fused": 0.25, "bm25": {"body": 1.0}},
    ]
    with database.lambda_.behaving(answering([{"metric": "cosine", "vectors": vectors, "next_token": None}] * 2)):
        assert app.execute(HYBRID).fetchall() == [
            ("both", 0.75, 2.0, {"body": 2.0}, 0.25, 0.75, {}),
            ("near", 0.5, None, {}, 0.5, 0.5, {"n": 1}),
            ("words", 0.25, 1.0, {"body": 1.0}, None, None, {}),
        ]
    with database.lambda_.behaving(answering([{"metric": "euclidean", "vectors": vectors, "next_token": None}])):
        assert [row[4:6] for row in app.execute(HYBRID)] == [(0.25, None), (0.5, None), (None, None)]


@pytest.mark.parametrize(
    "vector",
    [
        "'[1,2,3,4,5]'",
        "'{1,2,3,4,5}'",
        "'[1,2,3,4,5]'::vector",
        "'[1,2,3,4,5]'::halfvec",
        "ARRAY[1,2,3,4,5]",
        "ARRAY[1.0,2,3,4,5]",
        "ARRAY[1,2,3,4,5]::real[]",
        "ARRAY[1,2,3,4,5]::float8[]",
    ],
)
def test_every_kind_of_vector(database, app, vector):
    app.execute(f"""SELECT * FROM s3vl.hybrid_query_vectors({vector}, '{{"body": "x"}}', 'demo-index')""")
    assert arguments(database)[0]["query_vector"] == "P4AAAEAAAABAQAAAQIAAAECgAAA="


def test_page_after_page(database, app):
    vectors = [{"key": str(n), "distance": 0.5, "fused": 0.5, "metadata": {}} for n in range(3)]
    answers = [{"metric": "cosine", "vectors": vectors[:2], "next_token": "2:t"}]
    answers += [{"metric": "cosine", "vectors": vectors[2:], "next_token": None}]
    with database.lambda_.behaving(answering(answers)):
        assert [row[0] for row in app.execute(HYBRID)] == ["0", "1", "2"]
    first, second = arguments(database)
    assert second == first | {"next_token": "2:t", "received": 2}


# --- search_text


def test_a_text_is_embedded_and_searched(database, app):
    cursor = app.execute(TEXT)
    assert [(column.name, column.type_code) for column in cursor.description] == COLUMNS
    rows = cursor.fetchall()
    assert len(rows) == 3
    near = app.execute(
        "SELECT vector_id, NULL::float8, NULL::float8, '{}'::jsonb, distance, similarity_score, metadata"
        " FROM s3vl.query_vectors(%s::float8[], 'demo-index', top_k => 3)",
        (embedded("words of entry 7", 5),),
    ).fetchall()
    assert rows == near
    operations = [operation for operation, _ in database.vectors.calls]
    assert operations == ["InvokeModel", "QueryVectors", "QueryVectors"]
    asked = arguments(database)[0]
    assert isinstance(asked.pop("epoch"), int)
    assert asked == {
        "index_arn": index_arn("demo-index"),
        "text": "words of entry 7",
        "model": MODEL,
        "dimension": 5,
        "full_text_keys": None,
        "top_k": 3,
        "limit": 500,
        "return_metadata": True,
        "metadata_filter": None,
        "query_mode": None,
        "scope": None,
    }


def test_a_text_is_searched_by_its_words_too(database, app):
    rows = app.execute(
        "SELECT * FROM s3vl.search_text('entry 7', 'demo-index', top_k => 3, full_text_keys => '{body,body}')"
    ).fetchall()
    found = {row[0]: row for row in rows}
    assert found["vec_007"][2] == found["vec_007"][3]["body"] > 1
    assert all(row[1] > 0 for row in rows)
    assert arguments(database)[0]["full_text_keys"] == ["body"]
    (call,) = database.vectors.called("QueryVectors")
    assert call["queryTexts"] == [{"text": "entry 7", "metadataKey": "body"}]
    assert "queryVector" in call


def test_further_pages_need_no_second_embedding(database, app):
    vectors = [{"key": str(n), "distance": 0.5, "fused": 0.5} for n in range(4)]
    answers = [
        {"metric": "cosine", "vectors": vectors[:1], "next_token": "1:t", "query_vector": "P4AAAA=="},
        {"metric": "cosine", "vectors": vectors[1:2], "next_token": "2:t"},
        {"metric": "cosine", "vectors": vectors[2:], "next_token": None},
    ]
    statement = "SELECT vector_id FROM s3vl.search_text('a \"b\"', 'demo-index', full_text_keys => '{title,body}')"
    with database.lambda_.behaving(answering(answers)):
        assert app.execute(statement).fetchall() == [("0",), ("1",), ("2",), ("3",)]
    operations = [json.loads(event)["operation"] for event in database.lambda_.events]
    assert operations == ["search_text", "query_vectors", "query_vectors"]
    _, second, third = arguments(database)
    assert second["query_vector"] == third["query_vector"] == "P4AAAA=="
    assert second["query_texts"] == [{"key": "body", "text": 'a "b"'}, {"key": "title", "text": 'a "b"'}]
    assert [(one["received"], one["next_token"]) for one in (second, third)] == [(1, "1:t"), (2, "2:t")]
    with database.lambda_.behaving(answering([answers[0] | {"query_vector": None}])):
        assert failure(app, statement)[:2] == (
            "S3V01",
            "s3vl.search_text: the answer is not the bridge function's: it leads on without the vector of the text",
        )


def test_many_results_of_a_text_come_in_order(database, app, monkeypatch):
    """Real pages: more than an answer's limit would be needed to see the second request, so the answer is made small."""
    import limits

    monkeypatch.setattr(limits, "MAX_ANSWER_BYTES", 900)
    rows = app.execute(
        "SELECT vector_id, distance FROM s3vl.search_text('words', 'demo-index', top_k => 20)"
    ).fetchall()
    monkeypatch.undo()
    assert len({key for key, _ in rows}) == 20
    assert [distance for _, distance in rows] == sorted(distance for _, distance in rows)
    assert len(database.lambda_.events) > 2


def test_a_tenant_s_scope_goes_with_every_search(database):
    database.as_admin("UPDATE s3vl.index_registry SET model = %s WHERE index_name = 'tenants'", MODEL)
    scope = {"key": "tenant", "values": ["acme"]}
    result = {"metric": "cosine", "vectors": [], "next_token": None}
    try:
        with database.login("acme") as acme, database.lambda_.behaving(answering([result] * 3)):
            acme.execute("SELECT * FROM s3vl.search_text('x', 'tenants')")
            acme.execute("""SELECT * FROM s3vl.full_text_query('{"body": "x"}', 'tenants')""")
            acme.execute("""SELECT * FROM s3vl.hybrid_query_vectors('[1,2,3,4]', '{"body": "x"}', 'tenants')""")
    finally:
        database.as_admin("UPDATE s3vl.index_registry SET model = NULL WHERE index_name = 'tenants'")
    assert [asked["scope"] for asked in arguments(database)] == [scope] * 3
    assert all(isinstance(asked["epoch"], int) for asked in arguments(database))


def test_an_index_without_a_model_says_where_to_give_it_one(database, app):
    state, message, _, hint = failure(app, "SELECT * FROM s3vl.search_text('x', 'many')")
    assert (state, message) == ("55000", "s3vl.search_text: the index 'many' is registered without a model")
    assert "vectordb:indexes" in hint
    assert "s3vl.query_vectors" in hint
    assert database.lambda_.events == []


def test_what_the_model_refuses_is_said(database, app):
    """As a text that is too long for it: the limit is the model's."""

    def before(operation, parameters):
        if operation == "InvokeModel":
            return refused("ValidationException", "Too many input tokens. Max input tokens: 8192")
        return None

    database.vectors.before = before
    state, message, detail, _ = failure(app, "SELECT * FROM s3vl.search_text(repeat('word ', 9000), 'demo-index')")
    assert state == "22023"
    assert message.startswith("s3vl.search_text: ValidationException: ")
    assert "Max input tokens: 8192" in message
    assert "s3-request-1" in detail


# --- what is refused


TEXTS = "query_texts must be a JSON object of metadata keys and the words to find in them"


@pytest.mark.parametrize(
    ("texts", "state", "message"),
    [
        (None, "22004", "query_texts must not be NULL"),
        ("[]", "22023", TEXTS),
        ('"words"', "22023", TEXTS),
        ("{}", "22023", TEXTS),
        ('{"body": 1}', "22023", "query_texts: the value of 'body' must be a text of 1 to 1024 characters"),
        ('{"body": null}', "22023", "query_texts: the value of 'body' must be a text of 1 to 1024 characters"),
        ('{"body": ""}', "22023", "query_texts: the value of 'body' must be a text of 1 to 1024 characters"),
        ('{"body": " \\n"}', "22023", "query_texts: the value of 'body' must be a text of 1 to 1024 characters"),
        (
            json.dumps({"a": "x", "b": "x" * 1025}),
            "22023",
            "query_texts: the value of 'b' must be a text of 1 to 1024 characters",
        ),
        ('{"": "x"}', "22023", "query_texts must have 1 to 10 metadata keys of 1 to 63 characters"),
        (json.dumps({"k" * 64: "x"}), "22023", "query_texts must have 1 to 10 metadata keys of 1 to 63 characters"),
        (
            json.dumps({f"k{n}": "x" for n in range(11)}),
            "22023",
            "query_texts must have 1 to 10 metadata keys of 1 to 63 characters",
        ),
    ],
)
@pytest.mark.parametrize(
    "call", ["full_text_query(%s::jsonb, 'demo-index')", "hybrid_query_vectors('[1,2,3,4,5]', %s, 'demo-index')"]
)
def test_texts_are_refused_before_the_call(database, app, call, texts, state, message):
    name = call.partition("(")[0]
    assert failure(app, f"SELECT * FROM s3vl.{call}", texts)[:2] == (state, f"s3vl.{name}: {message}")
    assert database.lambda_.events == []


@pytest.mark.parametrize(
    ("call", "state", "message"),
    [
        ("search_text(NULL, 'demo-index')", "22004", "query must not be NULL"),
        ("search_text('', 'demo-index')", "22023", "query must not be empty"),
        ("search_text(E' \\t\\n', 'demo-index')", "22023", "query must not be empty"),
        ("search_text('x', 'demo-index', top_k => 0)", "22023", "top_k must be from 1 to 10000, not 0"),
        (
            "search_text('x', 'demo-index', full_text_keys => '{}')",
            "22023",
            "full_text_keys must name metadata keys; NULL searches by meaning alone",
        ),
        (
            "search_text('x', 'demo-index', full_text_keys => '{{a,NULL}}')",
            "22023",
            "full_text_keys must name metadata keys; NULL searches by meaning alone",
        ),
        (
            "search_text('x', 'demo-index', full_text_keys => ARRAY[repeat('k', 64)])",
            "22023",
            "full_text_keys must be 1 to 10 metadata keys of 1 to 63 characters",
        ),
        (
            "search_text(repeat('x', 1025), 'demo-index', full_text_keys => '{body}')",
            "22023",
            "query has 1025 characters; with full_text_keys it must have at most 1024",
        ),
        (
            "hybrid_query_vectors(NULL::vector, '{\"a\": \"b\"}', 'demo-index')",
            "22004",
            "query_vector must not be NULL",
        ),
        (
            "hybrid_query_vectors('[1]', '{\"a\": \"b\"}', 'demo-index')",
            "22023",
            "query_vector has 1 dimensions, the index 'demo-index' has 5",
        ),
        (
            "full_text_query('{\"a\": \"b\"}', 'demo-index', metadata_filter => '1')",
            "22023",
            "metadata_filter must be a JSON object, not number",
        ),
        ("full_text_query('{\"a\": \"b\"}', 'nowhere')", "42704", None),
        ("search_text('x', 'private')", "42501", None),
    ],
)
def test_what_else_is_refused_before_the_call(database, app, call, state, message):
    name = call.partition("(")[0]
    found, said, _, _ = failure(app, f"SELECT * FROM s3vl.{call}")
    assert found == state
    assert message is None or said == f"s3vl.{name}: {message}"
    assert database.lambda_.events == []


def test_a_key_without_full_text_search_is_the_service_s_to_refuse(app):
    state, message, _, _ = failure(app, """SELECT * FROM s3vl.full_text_query('{"category": "test"}', 'demo-index')""")
    assert state == "22023"
    assert message.startswith("s3vl.full_text_query: ValidationException: ")


ONE = {"key": "k", "distance": 0.5, "fused": 0.5, "bm25": {"body": 1.0}}


@pytest.mark.parametrize("statement", [HYBRID, FULL_TEXT, TEXT.replace("top_k", "full_text_keys => '{body}', top_k")])
@pytest.mark.parametrize(
    "found",
    [
        [{"key": "k"}],
        [{"key": "k", "distance": None}],
        [ONE | {"fused": "NaN"}],
        [ONE | {"fused": "high"}],
        [ONE | {"bm25": 1.0}],
        [ONE | {"bm25": [1.0]}],
        [ONE | {"bm25": {"body": "1"}}],
        [ONE | {"bm25": {"body": None}}],
        [ONE | {"bm25": {"body": {"score": 1}}}],
        [ONE | {"distance": "Infinity"}],
        [ONE | {"key": None}],
        [ONE | {"metadata": 1}],
    ],
)
def test_nonsense_is_never_a_score(database, app, statement, found):
    result = {"metric": "cosine", "vectors": found, "next_token": None}
    assert refused_when(database, app, statement, answering([result])) == ("S3V01", SHAPE)
