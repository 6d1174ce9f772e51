"""The filter language: what is of it is sent as given and joined with the scope, what is not is refused by name."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import filters
import scope as scopes
from protocol import BridgeError
from tests.bridge_support import arguments
from vectordb.local.emulator.s3vectors.filters import compile_filter

SECRET = "s3cr3t"
TENANTS = {"key": "tenant", "values": ["acme"]}


def joined(document, scope=None, mode=None):
    text = filters.joined({"metadata_filter": document}, scopes.requested({"scope": scope}), mode)
    return None if text is None else json.loads(text)


def refusal(document, scope=None, mode=None):
    with pytest.raises(BridgeError) as caught:
        joined(document, scope, mode)
    assert caught.value.code == "InvalidRequest"
    return caught.value.message


VALID = [
    {"module": "gzip"},
    {"module": "gzip", "lines": 3.5, "public": True},
    {"lines": {"$gte": 1, "$lt": 10}},
    {"$and": [{"module": {"$in": ["gzip", "zlib"]}}, {"lines": {"$gt": 3.5}}]},
    {"$or": [{"a": {"$exists": False}}, {"$and": [{"b": {"$ne": "x"}}, {"c": {"$nin": [1, True]}}]}]},
    {"title": {"$startsWith": "re"}},
    {"a b": {"$eq": "😀"}, "": {"$lte": -1e300}},
]


@pytest.mark.parametrize("document", VALID)
def test_a_filter_is_sent_as_given(document):
    assert joined(document) == document


@pytest.mark.parametrize("document", VALID)
def test_the_scope_stands_beside_it(document):
    assert joined(document, TENANTS) == {"$and": [{"tenant": {"$eq": "acme"}}, document]}


def test_the_scope_alone_and_none():
    assert joined(None, TENANTS) == {"tenant": {"$eq": "acme"}}
    assert joined(None) is None
    two = {"key": "tenant", "values": ["acme", 1, 1.0, True]}
    assert joined(None, two) == {
        "$or": [{"tenant": {"$eq": "acme"}}, {"tenant": {"$eq": 1.0}}, {"tenant": {"$eq": True}}]
    }


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "metadata_filter must be an object"),
        (SECRET, "metadata_filter must be an object"),
        ({}, "metadata_filter is empty; give at least one condition, or null for no filter"),
        ({"a": {}}, "metadata_filter.a has no operator"),
        ({"a": {"$regex": SECRET}}, "metadata_filter.a $regex is no operator; $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists, $startsWith are"),
        ({"a": {"b": SECRET}}, "metadata_filter.a b is no operator; $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists, $startsWith are"),
        ({"$not": {"a": SECRET}}, "metadata_filter.$not is no logical operator; $and and $or are"),
        ({"$eq": SECRET}, "metadata_filter.$eq is no logical operator; $and and $or are"),
        ({"$and": []}, "metadata_filter.$and needs a non-empty array of filters"),
        ({"$or": {"a": SECRET}}, "metadata_filter.$or needs a non-empty array of filters"),
        ({"$and": [{"a": 1}, SECRET]}, "metadata_filter.$and[1] must be an object"),
        ({"$and": [{"a": 1}, {"$or": [{"b": {"$gt": SECRET}}]}]}, "metadata_filter.$and[1].$or[0].b $gt needs a number"),
        ({"a": None}, "metadata_filter.a $eq needs a string, number or boolean"),
        ({"a": [SECRET]}, "metadata_filter.a $eq needs a string, number or boolean; $in takes an array"),
        ({"a": {"$eq": {"b": SECRET}}}, "metadata_filter.a $eq needs a string, number or boolean"),
        ({"a": {"$ne": None}}, "metadata_filter.a $ne needs a string, number or boolean"),
        ({"a": {"$gte": True}}, "metadata_filter.a $gte needs a number"),
        ({"a": {"$lt": float("nan")}}, "metadata_filter.a $lt needs a number"),
        ({"a": {"$lte": 10**400}}, "metadata_filter.a $lte needs a number"),
        ({"a": {"$in": []}}, "metadata_filter.a $in needs a non-empty array of strings, numbers or booleans"),
        ({"a": {"$in": SECRET}}, "metadata_filter.a $in needs a non-empty array of strings, numbers or booleans"),
        ({"a": {"$nin": [1, None]}}, "metadata_filter.a $nin needs a non-empty array of strings, numbers or booleans"),
        ({"a": {"$nin": [[SECRET]]}}, "metadata_filter.a $nin needs a non-empty array of strings, numbers or booleans"),
        ({"a": {"$exists": 1}}, "metadata_filter.a $exists needs true or false"),
        ({"a": {"$startsWith": 5}}, "metadata_filter.a $startsWith needs a string"),
        ({"a": "\ud800"}, "metadata_filter.a $eq needs a string, number or boolean"),
        ({"\ud800": 1}, "metadata_filter has a key that is not valid Unicode"),
        ({"a": {"$in": list(range(101))}}, "metadata_filter has 101 constraints (each value of a list counts); at most 100 are allowed together"),
    ],
)  # fmt: skip
def test_what_is_not_of_the_language_is_refused_by_operator_and_path(document, message):
    assert refusal(document) == message
    assert SECRET not in message


def test_a_prefix_is_of_enhanced_mode_only():
    document = {"title": {"$startsWith": "re"}}
    assert joined(document, mode="ENHANCED") == document
    message = "metadata_filter.title $startsWith exists in query mode ENHANCED only, not in CLASSIC"
    assert refusal(document, mode="CLASSIC") == message


def test_the_tenants_count_as_constraints():
    values = [f"t{n}" for n in range(60)]
    scope = {"key": "tenant", "values": values}
    document = {"n": {"$in": list(range(40))}}
    assert joined(document, scope)["$and"][1] == document
    assert refusal({"n": {"$in": list(range(41))}}, scope) == (
        "metadata_filter has 41 constraints (each value of a list counts) beside 60 of the tenants; "
        "at most 100 are allowed together"
    )


def test_a_filter_as_deep_as_the_stack_is_refused():
    document = {"a": 1}
    for _ in range(5000):
        document = {"$and": [document]}
    message = refusal(document)
    assert message.startswith("...")
    assert message.endswith("is nested more than 32 deep")
    assert len(message) < 300


scalars = (
    st.text(max_size=6)
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
conditions = st.one_of(
    st.fixed_dictionaries({}, optional={"$eq": scalars, "$ne": scalars, "$exists": st.booleans()}),
    st.fixed_dictionaries({}, optional={"$gt": numbers, "$gte": numbers, "$lt": numbers, "$lte": numbers}),
    st.fixed_dictionaries(
        {},
        optional={"$in": st.lists(scalars, min_size=1, max_size=3), "$nin": st.lists(scalars, min_size=1, max_size=3)},
    ),
    st.fixed_dictionaries({"$startsWith": st.text(min_size=1, max_size=4)}),
).filter(bool)
fields = st.dictionaries(
    st.text(max_size=6).filter(lambda key: not key.startswith("$")), scalars | conditions, min_size=1, max_size=3
)
documents = st.recursive(
    fields,
    lambda inner: st.fixed_dictionaries(
        {}, optional={"$and": st.lists(inner, min_size=1, max_size=3), "$or": st.lists(inner, min_size=1, max_size=3)}
    ).filter(bool),
    max_leaves=6,
)


@settings(max_examples=50, derandomize=True, database=None)
@given(document=documents)
def test_every_filter_of_the_grammar_is_accepted_and_joined(document):
    assert joined(document) == document
    both = joined(document, TENANTS)
    assert both == {"$and": [{"tenant": {"$eq": "acme"}}, document]}
    compile_filter(both)  # and is what the local service takes for one


WRONG = [
    ("operator", {"$like": SECRET}),
    ("nested", {"inner": {"$eq": SECRET}}),
    ("null", None),
    ("list", [SECRET]),
    ("empty", {}),
    ("empty list", {"$in": []}),
    ("number", {"$gt": SECRET}),
    ("null in list", {"$nin": [SECRET, None]}),
    ("object", {"$eq": {SECRET: 1}}),
    ("infinite", {"$lt": float("inf")}),
    ("flag", {"$exists": SECRET}),
]


@settings(max_examples=40, derandomize=True, database=None)
@given(document=documents, wrong=st.sampled_from(WRONG), wraps=st.lists(st.sampled_from(["$and", "$or"]), max_size=3))
def test_one_wrong_condition_anywhere_is_refused_and_its_value_not_shown(document, wrong, wraps):
    path = "metadata_filter"
    mutated = {**document, "wrong": wrong[1]}
    for logical in wraps:
        mutated = {logical: [document, mutated]}
    for logical in reversed(wraps):
        path += f".{logical}[1]"
    message = refusal(mutated)
    assert message.startswith(f"{path}.wrong ")
    assert SECRET not in message


def test_the_filter_on_the_wire(call, emulated):
    emulated.put({f"k{n}": ([1.0, n], {"n": n, "tags": ["even" if n % 2 == 0 else "odd", "any"]}) for n in range(20)})
    document = {"$and": [{"n": {"$gte": 4}}, {"tags": {"$eq": "even"}}]}
    result = call("query_vectors", arguments("query_vectors", metadata_filter=document, top_k=20))
    assert {vector["metadata"]["n"] for vector in result["vectors"]} == {4, 6, 8, 10, 12, 14, 16, 18}
    assert emulated.called("QueryVectors")[0]["filter"] == document
