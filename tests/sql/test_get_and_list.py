"""get_vectors, list_vectors and list_all_vectors as applications call them."""

import math

import pytest
from psycopg import errors

import limits
from tests.sql.answers import answering, arguments, refused_when
from tests.sql.cases import failure
from tests.sql.doubles import index_arn

QUERY = [0.1, 0.2, 0.3, 0.4, 0.5]
GET = "SELECT * FROM s3vl.get_vectors('{vec_001}', 'demo-index')"
LIST = "SELECT * FROM s3vl.list_vectors(index_name => 'demo-index', max_results => 2)"
LIST_ALL = "SELECT * FROM s3vl.list_all_vectors('demo-index', segments => 2)"
SHAPE = "its vectors have not the shape that was agreed"


def close(numbers):
    """As 32-bit floats keep them."""
    return pytest.approx(numbers, rel=1e-7)


# --- get_vectors


def test_get_has_a_row_for_each_distinct_key_in_the_order_given(app):
    """Defect 1 of the sample: found was always NULL."""
    cursor = app.execute(
        "SELECT * FROM s3vl.get_vectors(ARRAY['vec_003', 'nowhere', 'vec_001', 'vec_003', 'Vec_001'], 'demo-index')"
    )
    assert [(column.name, column.type_code) for column in cursor.description] == [
        ("vector_id", 25),
        ("embedding", 1022),
        ("metadata", 3802),
        ("found", 16),
    ]
    third, nowhere, first, other_case = cursor.fetchall()
    assert third == (
        "vec_003",
        close([0.3, *QUERY[1:]]),
        {"id": 3, "category": "test", "body": "words of entry 3"},
        True,
    )
    assert nowhere == ("nowhere", None, {}, False)
    assert first == ("vec_001", close(QUERY), {"id": 1, "category": "test", "body": "words of entry 1"}, True)
    assert other_case == ("Vec_001", None, {}, False)


def test_the_numbers_are_the_service_s_own(database, app):
    """Not one digit is lost or made on the way, whatever the service writes."""
    data = "0.1,-2.5e-05,1e+38,1.401298464324817e-45, 3"
    vector = {"key": "vec_001", "data": data, "metadata": {}}
    with database.lambda_.behaving(answering([{"vectors": [vector], "taken": 1}])):
        rows = app.execute("SELECT embedding FROM s3vl.get_vectors('{vec_001}', 'demo-index')").fetchall()
    assert rows == [([0.1, -2.5e-05, 1e38, 1.401298464324817e-45, 3.0],)]


def test_get_without_data_or_metadata(app):
    rows = app.execute(
        "SELECT * FROM s3vl.get_vectors(ARRAY['vec_001', 'x'], 'demo-index', NULL, false, false)"
    ).fetchall()
    assert rows == [("vec_001", None, {}, True), ("x", None, {}, False)]


def test_get_takes_any_number_of_keys(database, app):
    rows = app.execute(
        "SELECT vector_id, embedding[1], found FROM s3vl.get_vectors(ARRAY(SELECT n::text FROM generate_series(6000, 1, -2) n), 'many')"
    ).fetchall()
    assert rows == [(str(n), n / 8 if n < 5000 else None, n < 5000) for n in range(6000, 0, -2)]
    assert len(database.lambda_.events) == 4  # 900 keys each
    assert len(database.vectors.calls) == 30


def test_get_goes_on_where_an_answer_was_full(database, app, monkeypatch):
    monkeypatch.setattr(limits, "MAX_ANSWER_BYTES", 1536 * 26 * 7)
    rows = app.execute(
        "SELECT vector_id, embedding[2] FROM s3vl.get_vectors(ARRAY(SELECT n::text FROM generate_series(0, 99) n), 'wide')"
    ).fetchall()
    assert rows == [(str(n), pytest.approx(math.sin(n * 1536 + 1), rel=1e-6)) for n in range(100)]
    assert len(database.lambda_.events) > 4


def test_keys_are_any_unicode(database, app):
    strange = ["a b", "ä", "漢字", "😀", '"quoted"', "back\\slash", "new\nline", "\x01", "{}", "NULL", "x" * 1024]
    database.vectors.put("empty", {key: ([1.0, 2.0, 3.0], {"key": key[:8]}) for key in strange})
    try:
        rows = app.execute("SELECT * FROM s3vl.get_vectors(%s, 'empty')", (strange,)).fetchall()
        assert rows == [(key, [1.0, 2.0, 3.0], {"key": key[:8]}, True) for key in strange]
        for listing in ("list_vectors(index_name => 'empty')", "list_all_vectors('empty')"):
            listed = app.execute(f"SELECT vector_id FROM s3vl.{listing}").fetchall()
            assert sorted(key for (key,) in listed) == sorted(strange)
    finally:
        database.vectors.clear("empty")


def test_what_postgresql_cannot_hold_is_named(database, app):
    database.vectors.put("empty", {"odd": ([1.0, 2.0, 3.0], {"text": "a\x00b"})})
    try:
        for call in (
            "query_vectors('[1,2,3]', 'empty')",
            "query_vectors_batch(ARRAY[[1,2,3]], 'empty')",
            "get_vectors('{odd}', 'empty')",
            "list_vectors(index_name => 'empty')",
            "list_all_vectors('empty')",
        ):
            with pytest.raises(errors.UntranslatableCharacter, match=r"holds U\+0000"):
                app.execute(f"SELECT * FROM s3vl.{call}")
        assert app.execute(
            "SELECT found FROM s3vl.get_vectors('{odd}', 'empty', include_metadata => false)"
        ).fetchone() == (True,)
    finally:
        database.vectors.clear("empty")


def test_get_within_a_scope(database):
    """What is another tenant's is not there."""
    with database.login("acme") as acme:
        rows = acme.execute(
            "SELECT vector_id, found, embedding IS NULL, metadata FROM s3vl.get_vectors('{a1,g1,both2,nobody}', 'tenants')"
        ).fetchall()
    assert rows == [
        ("a1", True, False, {"tenant": "acme", "n": 1}),
        ("g1", False, True, {}),
        ("both2", True, False, {"tenant": ["acme", "globex"], "n": 2}),
        ("nobody", False, True, {}),
    ]
    assert arguments(database)[0]["scope"] == {"key": "tenant", "values": ["acme"]}


@pytest.mark.parametrize(
    ("call", "state", "message"),
    [
        ("NULL, 'demo-index'", "22004", "vector_ids must not be NULL"),
        ("'{a}', 'demo-index', include_vector_data => NULL", "22004", "include_vector_data must not be NULL"),
        ("'{a}', 'demo-index', include_metadata => NULL", "22004", "include_metadata must not be NULL"),
        ("'{a,NULL}', 'demo-index'", "22023", "vector_ids must not contain NULL"),
        ("ARRAY['']", "22023", "each of vector_ids must have 1 to 1024 characters"),
        ("ARRAY[repeat('x', 1025)]", "22023", "each of vector_ids must have 1 to 1024 characters"),
    ],
)
def test_get_refuses_before_the_call(database, app, call, state, message):
    assert failure(app, f"SELECT * FROM s3vl.get_vectors({call})")[:2] == (state, f"s3vl.get_vectors: {message}")
    assert database.lambda_.events == []


def test_no_keys_give_no_rows(database, app):
    assert app.execute("SELECT * FROM s3vl.get_vectors('{}', 'demo-index')").fetchall() == []
    assert failure(app, "SELECT * FROM s3vl.get_vectors('{}', 'unknown')")[0] == "42704"
    assert database.lambda_.events == []


HAD = {"key": "vec_001", "data": "1,2,3,4,5", "metadata": {}}


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        ({}, "its vectors have not the shape that was agreed"),
        ({"vectors": [HAD]}, "its vectors have not the shape that was agreed"),
        ({"vectors": [HAD], "taken": 0}, "it does not say which keys it has taken"),
        ({"vectors": [HAD], "taken": 2}, "it does not say which keys it has taken"),
        ({"vectors": None, "taken": 1}, "it does not say which keys it has taken"),
        ({"vectors": [HAD, HAD], "taken": 1}, "it has a key twice, or one that was not asked for"),
        ({"vectors": [HAD | {"key": "vec_002"}], "taken": 1}, "it has a key twice, or one that was not asked for"),
        ({"vectors": [{"key": "vec_001", "metadata": {}}], "taken": 1}, SHAPE),
        ({"vectors": [HAD | {"metadata": 1}], "taken": 1}, SHAPE),
        *(
            ({"vectors": [HAD | {"data": data}], "taken": 1}, SHAPE)
            for data in (
                None,
                "",
                "1,2,3,4",
                "1,2,3,4,5,6",
                "1,2,3,4,NULL",
                "1,2,3,4,NaN",
                "1,2,3,4,inf",
                "1,2,3,4,1e999",
                "1,2,3,4,x",
                "1,2,3,4,",
                "{1,2,3,4,5}",
                "1,2,3,4,5},{1,2,3,4,5",
                [1.0, 2.0, 3.0, 4.0, 5.0],
                {"float32": [1.0, 2.0, 3.0, 4.0, 5.0]},
            )
        ),
    ],
)
def test_nonsense_is_never_a_vector_that_is_missing(database, app, result, problem):
    assert refused_when(database, app, GET, answering([result])) == ("S3V01", problem)


# --- list_vectors


def test_list_pages_through_an_index(database, app):
    """Defect 2 of the sample: the token was always NULL, so there was no second page."""
    cursor = app.execute("SELECT * FROM s3vl.list_vectors(index_name => 'many', max_results => 900)")
    assert [(column.name, column.type_code) for column in cursor.description] == [
        ("vector_id", 25),
        ("vector_data", 1022),
        ("metadata", 3802),
        ("response_next_token", 25),
        ("total_count", 23),
    ]
    rows = cursor.fetchall()
    assert (len(rows), rows[0][1], rows[0][2]) == (900, None, {"n": int(rows[0][0])})
    seen = [row[0] for row in rows]
    while rows[-1][3] is not None:
        rows = app.execute(
            "SELECT * FROM s3vl.list_vectors(index_name => 'many', max_results => 900, next_token => %s)",
            (rows[-1][3],),
        ).fetchall()
        seen += [row[0] for row in rows]
        assert len({row[3] for row in rows}) == 1
        assert {row[4] for row in rows} == {None}
    assert (len(seen), set(seen)) == (5000, {str(n) for n in range(5000)})
    assert len(database.lambda_.events) == 6


def test_list_counts_when_it_has_seen_everything(app):
    """Defect 6 of the sample: total_count was the length of the page."""
    statement = "SELECT DISTINCT total_count, count(*) OVER () FROM s3vl.list_vectors(index_name => 'demo-index', max_results => {})"
    assert app.execute(statement.format(20)).fetchall() == [(20, 20)]
    assert app.execute(statement.format(19)).fetchall() == [(None, 19)]


def test_list_of_an_empty_index_has_no_rows(app):
    """Defect 6 of the sample: it had one, of NULLs."""
    assert app.execute("SELECT * FROM s3vl.list_vectors(index_name => 'empty')").fetchall() == []


def test_list_with_data_and_without_metadata(app):
    rows = app.execute(
        "SELECT * FROM s3vl.list_vectors(%s, NULL, 1, NULL, true, false)", (index_arn("demo-index"),)
    ).fetchall()
    assert [row[:3] for row in rows] == [("vec_001", close(QUERY), None)]


def test_a_page_that_shows_nothing_is_gone_on_from(database, app):
    """A scope may see nothing of a page; a row is needed to carry the token."""
    last = {"vectors": [{"key": "x", "metadata": {}}], "next_token": "c"}
    empty = [{"vectors": [], "next_token": token} for token in ("a", "b")]
    with database.lambda_.behaving(answering([*empty, last])):
        assert app.execute(LIST).fetchall() == [("x", None, {}, "c", None)]
    assert [asked["next_token"] for asked in arguments(database)] == [None, "a", "b"]


def test_list_within_a_scope(database):
    with database.login("acme") as acme:
        seen = acme.execute("SELECT vector_id, total_count FROM s3vl.list_vectors(index_name => 'tenants')").fetchall()
        every = acme.execute(
            "SELECT vector_id, metadata FROM s3vl.list_all_vectors('tenants', return_metadata => false)"
        )
        own = {f"{name}{n}" for name in ("a", "both") for n in range(1, 6)}
        assert set(seen) == {(key, 10) for key in own}
        assert set(every.fetchall()) == {(key, None) for key in own}
    assert [asked["scope"] for asked in arguments(database)] == [{"key": "tenant", "values": ["acme"]}] * 2


@pytest.mark.parametrize(
    ("call", "state", "message"),
    [
        ("list_vectors(max_results => NULL)", "22004", "max_results must not be NULL"),
        ("list_vectors(return_data => NULL)", "22004", "return_data must not be NULL"),
        ("list_vectors(max_results => 0)", "22023", "max_results must be from 1 to 1000, not 0"),
        ("list_vectors(max_results => 1001)", "22023", "max_results must be from 1 to 1000, not 1001"),
        ("list_all_vectors(segments => NULL)", "22004", "segments must not be NULL"),
        ("list_all_vectors(return_metadata => NULL)", "22004", "return_metadata must not be NULL"),
        ("list_all_vectors(segments => 0)", "22023", "segments must be from 1 to 16, not 0"),
        ("list_all_vectors(segments => 17)", "22023", "segments must be from 1 to 16, not 17"),
    ],
)
def test_list_refuses_before_the_call(database, app, call, state, message):
    name = call.partition("(")[0]
    assert failure(app, f"SELECT * FROM s3vl.{call}")[:2] == (state, f"s3vl.{name}: {message}")
    assert database.lambda_.events == []


LISTED = {"key": "vec_001", "metadata": {}}


@pytest.mark.parametrize(
    ("results", "problem"),
    [
        ([{}], "it has no vectors"),
        ([{"vectors": {}, "next_token": None}], SHAPE),
        ([{"vectors": [{"metadata": {}}], "next_token": None}], SHAPE),
        ([{"vectors": [LISTED] * 3, "next_token": None}], "it has not the number of vectors that was agreed"),
        ([{"vectors": [], "next_token": "t"}] * 2, "it has not the number of vectors that was agreed"),
    ],
)
def test_nonsense_is_never_the_end_of_a_list(database, app, results, problem):
    assert refused_when(database, app, LIST, answering(results)) == ("S3V01", problem)


def test_the_arn_comes_first_here_as_in_the_sample(app):
    rows = app.execute("SELECT count(*) FROM s3vl.list_vectors(%s)", (index_arn("demo-index"),)).fetchall()
    assert rows == [(20,)]


# --- list_all_vectors


@pytest.mark.parametrize("segments", [1, 16])
def test_every_vector_once(database, app, segments):
    rows = app.execute(
        "SELECT vector_id, vector_data, metadata FROM s3vl.list_all_vectors('many', return_data => true, segments => %s)",
        (segments,),
    ).fetchall()
    assert sorted((int(key), data, metadata) for key, data, metadata in rows) == [
        (n, [n / 8, 0.0], {"n": n}) for n in range(5000)
    ]
    assert {call["segmentCount"] for call in database.vectors.called("ListVectors")} == {segments}


def test_every_vector_once_over_many_answers(database, app, monkeypatch):
    monkeypatch.setattr(limits, "MAX_ANSWER_BYTES", 60_000)
    rows = app.execute("SELECT vector_id, metadata FROM s3vl.list_all_vectors(%s, segments => 3)", ("many",)).fetchall()
    assert sorted((int(key), metadata) for key, metadata in rows) == [(n, {"n": n}) for n in range(5000)]
    assert len(database.lambda_.events) > 3


def test_all_of_an_empty_index_is_nothing(app):
    assert app.execute("SELECT * FROM s3vl.list_all_vectors('empty')").fetchall() == []


def test_how_segments_go_on(database, app):
    results = [
        {"vectors": [{"key": "a"}], "segments": [{"index": 0, "next_token": "t"}, {"index": 1, "next_token": None}]},
        {"vectors": [], "segments": [{"index": 0, "next_token": "u"}]},
        {"vectors": [{"key": "b"}], "segments": []},
    ]
    with database.lambda_.behaving(answering(results)):
        assert app.execute(LIST_ALL).fetchall() == [("a", None, {}), ("b", None, {})]
    assert [asked["segments"] for asked in arguments(database)] == [
        [{"index": 0, "next_token": None}, {"index": 1, "next_token": None}],
        [{"index": 0, "next_token": "t"}, {"index": 1, "next_token": None}],
        [{"index": 0, "next_token": "u"}],
    ]


GONE_ON = {"vectors": [LISTED], "segments": [{"index": 1, "next_token": "t"}]}


@pytest.mark.parametrize(
    ("results", "problem"),
    [
        ([{}], "it has no vectors"),
        ([{"vectors": [LISTED]}], "it does not say how to go on"),
        ([{"vectors": [LISTED], "segments": None}], "it does not say how to go on"),
        ([{"vectors": [LISTED], "segments": {}}], SHAPE),
        ([{"vectors": [LISTED], "segments": "[]"}], SHAPE),
        ([{"vectors": [LISTED], "segments": [1]}], SHAPE),
        ([{"vectors": [LISTED], "segments": [{"next_token": "t"}]}], SHAPE),
        ([{"vectors": [LISTED], "segments": [{"index": 2, "next_token": "t"}]}], "it does not say how to go on"),
        ([GONE_ON | {"segments": GONE_ON["segments"] * 2}], "it does not say how to go on"),
        (
            [GONE_ON, {"vectors": [LISTED], "segments": [{"index": 1, "next_token": None}]}],
            "it does not say how to go on",
        ),
        (
            [GONE_ON, {"vectors": [LISTED], "segments": [{"index": 0, "next_token": "t"}]}],
            "it does not say how to go on",
        ),
        ([GONE_ON, GONE_ON | {"vectors": []}], "it does not say how to go on"),
        ([{"vectors": [{"key": ""}], "segments": []}], SHAPE),
    ],
)
def test_nonsense_is_never_the_end_of_all_vectors(database, app, results, problem):
    assert refused_when(database, app, LIST_ALL, answering(results)) == ("S3V01", problem)
