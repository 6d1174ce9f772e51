"""Two tenants in one index: whatever acme passes, nothing of globex's is seen, replaced or deleted."""

import itertools
import json

import pytest

import limits
import scope as scopes
import service
from tests.bridge_support import answered, arguments, packed, record

ACME = {"key": "tenant", "values": ["acme"]}
BOTH = {"key": "tenant", "values": ["acme", "globex"]}
NEAR = [1.0, 0.0]
HIDDEN = "globex-only"

MINE = {"a0", "a1", "a2", "shared"}
OTHERS = {"g0", "g1", "g2", "nobody", "number", "null-like"}


@pytest.fixture
def tenants(emulated):
    emulated.index(2, "euclidean", texts=["body"])
    rows = {f"a{n}": ([1.0, n + 1.0], {"tenant": "acme", "n": n, "body": "red words"}) for n in range(3)}
    rows |= {f"g{n}": ([1.0, n * 1.0], {"tenant": "globex", "n": n, "body": f"red {HIDDEN}"}) for n in range(3)}
    rows["shared"] = ([1.0, 0.5], {"tenant": ["globex", "acme"], "n": 7, "body": "red words"})
    rows["nobody"] = ([1.0, 0.0], {"n": 8, "body": HIDDEN})
    rows["number"] = ([1.0, 0.0], {"tenant": 1, "body": HIDDEN})
    rows["null-like"] = ([1.0, 0.0], {"tenant": ["globex", "acmeish", ""], "body": HIDDEN})
    emulated.put(rows)
    emulated.before = emulated.contents()
    return emulated


FILTERS = [
    None,
    {"tenant": "globex"},
    {"tenant": {"$ne": "acme"}},
    {"tenant": {"$in": ["globex", "acme"]}},
    {"tenant": {"$nin": ["acme"]}},
    {"tenant": {"$exists": False}},
    {"$or": [{"tenant": "globex"}, {"tenant": "acme"}]},
    {"$or": [{"n": {"$gte": 0}}, {"tenant": {"$exists": False}}]},
    {"$and": [{"$or": [{"tenant": {"$ne": "acme"}}, {"tenant": {"$startsWith": ""}}]}]},
]


def keys(result):
    return {vector["key"] for vector in result["vectors"]}


@pytest.mark.parametrize("metadata", [True, False])
@pytest.mark.parametrize("document", FILTERS[:-1])
def test_a_query_sees_its_own_whatever_the_filter(call, tenants, document, metadata):
    changes = {"metadata_filter": document, "scope": ACME, "top_k": 100, "return_metadata": metadata}
    result = call("query_vectors", arguments("query_vectors", query_vector=packed(NEAR), **changes))
    assert keys(result) <= MINE
    assert HIDDEN not in json.dumps(result)
    many = arguments("query_vectors_batch", query_vectors=[packed(NEAR)] * 3, **changes)
    assert call("query_vectors_batch", many)["results"] == [result["vectors"]] * 3
    if document is None:
        assert keys(result) == MINE


def test_words_find_their_own(call, tenants):
    given = [{"key": "body", "text": f"red {HIDDEN}"}]
    for vector in (None, packed(NEAR)):
        changes = {"query_vector": vector, "query_texts": given, "scope": ACME, "top_k": 100}
        result = call("query_vectors", arguments("query_vectors", **changes))
        assert keys(result) == MINE
        assert HIDDEN not in json.dumps(result)


def test_a_search_by_text_finds_its_own(call, tenants, monkeypatch):
    monkeypatch.setenv("VECTORDB_MODELS", '["amazon.titan-embed-text-v2:0"]')
    numbers = [1.0] + [0.0] * 255
    tenants.instead["model/amazon.titan-embed-text-v2%3A0/invoke"] = lambda _: answered({"embedding": numbers})
    tenants.instead["QueryVectors"] = lambda _: answered({"vectors": [], "distanceMetric": "cosine"})
    for words in (None, ["body"]):
        given = {"model": "amazon.titan-embed-text-v2:0", "dimension": 256, "full_text_keys": words, "scope": ACME}
        call("search_text", arguments("search_text", metadata_filter={"tenant": "globex"}, **given))
    for request in tenants.called("QueryVectors"):
        assert request["filter"] == {"$and": [{"tenant": {"$eq": "acme"}}, {"tenant": "globex"}]}


@pytest.mark.parametrize("metadata", [True, False])
@pytest.mark.parametrize("data", [True, False])
def test_keys_of_others_are_as_if_they_were_not_there(call, tenants, data, metadata):
    asked = sorted(MINE | OTHERS | {"none"})
    changes = {"return_data": data, "return_metadata": metadata, "scope": ACME}
    result = call("get_vectors", arguments("get_vectors", keys=asked, **changes))
    assert (keys(result), result["taken"]) == (MINE, len(asked))
    assert all(
        vector.keys() == {"key"} | ({"data"} if data else set()) | ({"metadata"} if metadata else set())
        for vector in result["vectors"]
    )
    assert HIDDEN not in json.dumps(result)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_listing_leads_through_its_own_only(call, tenants, size):
    found, token = [], None
    while True:
        changes = {"max_results": size, "next_token": token, "return_metadata": False, "scope": ACME}
        result = call("list_vectors", arguments("list_vectors", **changes))
        assert 1 <= len(result["vectors"]) <= size or result["next_token"] is None
        assert all(vector.keys() == {"key"} for vector in result["vectors"])
        found += [vector["key"] for vector in result["vectors"]]
        token = result["next_token"]
        if token is None:
            break
    assert found == sorted(MINE)


def test_a_listing_without_time_says_where_to_go_on(call, tenants, monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr(service.time, "monotonic", lambda: next(clock) * 0.3)
    nobody = {"key": "tenant", "values": ["initech"]}
    given = arguments("list_vectors", max_results=1, scope=nobody)
    result = call("list_vectors", given, timeout_ms=2500)
    assert result["vectors"] == []
    assert result["next_token"] is not None


def test_what_is_not_seen_takes_no_room(call, emulated, monkeypatch):
    monkeypatch.setattr(limits, "MAX_ANSWER_BYTES", 3000)
    emulated.put({f"g{n}": (NEAR, {"tenant": "globex", "t": "x" * 350}) for n in range(9)})
    emulated.put({key: (NEAR, {"tenant": "acme"}) for key in ("a", "z")})
    wanted = [{"key": key, "metadata": {"tenant": "acme"}} for key in ("a", "z")]
    assert call("list_vectors", arguments("list_vectors", max_results=2, scope=ACME))["vectors"] == wanted
    asked = ["a", *(f"g{n}" for n in range(9)), "z"]
    assert call("get_vectors", arguments("get_vectors", keys=asked, scope=ACME)) == {"vectors": wanted, "taken": 11}


def test_segments_hold_their_own_only(call, tenants):
    segments = [{"index": n, "next_token": None} for n in range(4)]
    given = arguments("list_segments", segment_count=4, segments=segments, return_data=True, scope=ACME)
    result = call("list_segments", given)
    assert (keys(result), result["segments"]) == (MINE, [])
    assert HIDDEN not in json.dumps(result)


# Writing


def put(call, *records, scope=ACME):
    return call("put_vectors", arguments("put_vectors", vectors=list(records), scope=scope))


def test_a_new_vector_gets_the_tenant(call, tenants):
    assert (
        put(call, record("new", NEAR), record("new2", NEAR, {"n": 5}), record("new3", NEAR, {"tenant": "acme"}))[
            "written"
        ]
        == 3
    )
    contents = tenants.contents()
    assert (contents["new"], contents["new2"]) == ({"tenant": "acme"}, {"n": 5, "tenant": "acme"})
    assert contents["new3"] == {"tenant": "acme"}


@pytest.mark.parametrize("value", ["globex", "", "ACME", ["globex"], ["acme", "globex"], [], 1, True, ["acme", 1]])
def test_another_tenant_s_metadata_is_refused(call, tenants, value):
    error = put(call, record("ok", NEAR), record("new", NEAR, {"tenant": value}))
    assert error["code"] == "TenantMismatch"
    assert error["message"] == "vectors[1].metadata.tenant belongs to a tenant that is not the caller's"
    assert tenants.contents() == tenants.before


@pytest.mark.parametrize("key", sorted(OTHERS | {"shared"}))
def test_a_key_of_another_s_is_not_replaced(call, tenants, key):
    error = put(call, record("new", NEAR), record(key, NEAR))
    assert error == {
        "code": "TenantMismatch",
        "message": "vectors[1].key is in use by a tenant that is not the caller's",
        "retryable": False,
        "request_id": None,
    }
    assert tenants.contents() == tenants.before


def test_its_own_key_is_replaced(call, tenants):
    assert put(call, record("a0", NEAR, {"n": 99})) == {"written": 1, "error": None}
    assert tenants.contents()["a0"] == {"n": 99, "tenant": "acme"}


def test_the_stamp_counts_in_the_metadata_s_size(call, tenants):
    exact = {"t": "x" * (2048 - len('{"t":"","tenant":"acme"}'))}
    assert put(call, record("new", NEAR, exact))["written"] == 1
    exact["t"] += "x"
    assert put(call, record("new", NEAR, exact))["code"] == "InvalidRequest"
    assert (
        put(call, record("new", NEAR, {f"k{n}": n for n in range(50)}))["message"]
        == "vectors[0].metadata has 51 keys, at most 50 are allowed"
    )


def test_of_several_tenants_the_vector_says_which(call, tenants):
    error = put(call, record("new", NEAR), scope=BOTH)
    assert error["code"] == "InvalidRequest"
    assert error["message"] == "vectors[0].metadata.tenant does not say which of the caller's tenants it belongs to"
    assert (
        put(
            call,
            record("new", NEAR, {"tenant": ["acme", "globex"]}),
            record("g0", NEAR, {"tenant": "globex"}),
            scope=BOTH,
        )["written"]
        == 2
    )


def test_only_its_own_is_deleted(call, tenants):
    asked = sorted(MINE | OTHERS | {"none"})
    result = call("delete_vectors", arguments("delete_vectors", keys=asked, scope=ACME))
    assert result == {"deleted": len(asked), "error": None}
    assert tenants.contents().keys() == tenants.before.keys() - {"a0", "a1", "a2"}
    assert tenants.called("DeleteVectors")[0]["keys"] == ["a0", "a1", "a2"]


def test_where_nothing_is_its_own_nothing_is_asked(call, tenants):
    result = call("delete_vectors", arguments("delete_vectors", keys=["g0", "none"], scope=ACME))
    assert (result, tenants.called("DeleteVectors")) == ({"deleted": 2, "error": None}, [])


def test_a_write_without_a_scope_sees_no_tenants(call, tenants):
    assert put(call, record("g0", NEAR, {"tenant": "acme"}), scope=None)["written"] == 1
    assert tenants.called("GetVectors") == []


def test_a_service_that_ignores_the_filter_is_an_error(call, wire):
    found = [{"key": "g0", "distance": 0.5, "metadata": {"tenant": "globex", "body": HIDDEN}}]
    wire.reply("QueryVectors", {"vectors": found, "distanceMetric": "cosine"})
    error = call("query_vectors", arguments("query_vectors", scope=ACME))
    assert error["code"] == "ServiceContradiction"
    assert HIDDEN not in json.dumps(error)


@pytest.mark.parametrize(
    ("values", "seen", "unseen"),
    [
        (["a"], ["a", ["b", "a"], ["a"]], ["b", "A", "", [], ["b"], None, {"a": 1}, [["a"]], {"a": "a"}]),
        ([1], [1, 1.0, [2, 1]], [True, "1", [True], [None], 1.5]),
        ([True], [True, [True]], [1, 1.0, "true", False]),
        ([0], [0, -0.0], [False, "", None, []]),
        (["a", 2], ["a", 2, ["x", 2.0]], ["2", "b", [True]]),
    ],
)
def test_values_are_compared_by_their_kind(values, seen, unseen):
    scope = scopes.requested({"scope": {"key": "k", "values": values}})
    assert scope is not None
    for value in seen:
        assert scope.sees({"k": value}), value
    for value in unseen:
        assert not scope.sees({"k": value}), value
        assert not scope.owns({"k": value}), value
    for metadata in (None, {}, {"K": values[0]}, {"other": values[0]}):
        assert not scope.sees(metadata)
        assert not scope.owns(metadata)
