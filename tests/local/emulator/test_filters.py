"""Metadata filters against a second, naive reading of the rules, and each refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectordb.local.emulator.s3vectors.filters import compile_filter
from vectordb.local.emulator.wire import ServiceError

KEYS = st.sampled_from(["a", "b", "c"])
# Few values, so that they meet; 1, 1.0, True and "1" must be kept apart where JSON does.
SCALARS = st.sampled_from([0, 1, 2, -1, 1.0, 1.5, True, False, "", "1", "x", "xy", "yx", "true"])
NUMBERS = st.sampled_from([-1, 0, 1, 1.0, 1.5, 2])
METADATA = st.dictionaries(KEYS, SCALARS | st.lists(SCALARS, max_size=3), max_size=3)
CONDITIONS = st.one_of(
    SCALARS,
    st.dictionaries(st.sampled_from(["$eq", "$ne"]), SCALARS, min_size=1, max_size=2),
    st.dictionaries(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), NUMBERS, min_size=1, max_size=2),
    st.dictionaries(st.sampled_from(["$in", "$nin"]), st.lists(SCALARS, min_size=1, max_size=3), min_size=1),
    st.dictionaries(st.just("$exists"), st.booleans(), min_size=1),
    st.dictionaries(st.just("$startsWith"), st.sampled_from(["x", "1", "y"]), min_size=1),
)
FILTERS = st.recursive(
    st.dictionaries(KEYS, CONDITIONS, min_size=1, max_size=2),
    lambda inner: st.dictionaries(
        st.sampled_from(["$and", "$or"]), st.lists(inner, min_size=1, max_size=3), min_size=1
    ),
    max_leaves=6,
)


def kind(value):
    return "boolean" if isinstance(value, bool) else "string" if isinstance(value, str) else "number"


def holds(document, metadata):
    """The rules, read one by one."""
    outcomes = []
    for key, value in document.items():
        if key == "$and":
            outcomes.append(all(holds(part, metadata) for part in value))
        elif key == "$or":
            outcomes.append(any(holds(part, metadata) for part in value))
        elif isinstance(value, dict):
            outcomes += [condition_holds(operator, operand, metadata, key) for operator, operand in value.items()]
        else:
            outcomes.append(condition_holds("$eq", value, metadata, key))
    return all(outcomes)


def condition_holds(operator, operand, metadata, key):  # noqa: PLR0911 - a rule, a return
    if operator == "$exists":
        return (key in metadata) == operand
    if operator == "$ne":
        return not condition_holds("$eq", operand, metadata, key)
    if operator == "$nin":
        return not condition_holds("$in", operand, metadata, key)
    if operator == "$in":
        return any(condition_holds("$eq", value, metadata, key) for value in operand)
    if key not in metadata:
        return False
    value = metadata[key]
    if operator == "$eq":
        return any(kind(v) == kind(operand) and v == operand for v in (value if isinstance(value, list) else [value]))
    if operator == "$startsWith":
        return any(
            kind(v) == "string" and v[: len(operand)] == operand
            for v in (value if isinstance(value, list) else [value])
        )
    if isinstance(value, list) or kind(value) != "number":
        return False
    difference = value - operand
    return {"$gt": difference > 0, "$gte": difference >= 0, "$lt": difference < 0, "$lte": difference <= 0}[operator]


@given(FILTERS, METADATA)
def test_filters_mean_what_the_rules_say(document, metadata):
    assert compile_filter(document)(metadata) is holds(document, metadata)


@pytest.mark.parametrize(
    ("document", "metadata", "expected"),
    [
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": "1"}, {"a": 1}, False),
        ({"a": "x"}, {"a": ["y", "x"]}, True),
        ({"a": {"$ne": "x"}}, {"a": ["y", "x"]}, False),
        ({"a": {"$ne": "x"}}, {}, True),
        ({"a": {"$nin": ["x"]}}, {}, True),
        ({"a": {"$gte": 1, "$lt": 2}}, {"a": 1}, True),
        ({"a": {"$gte": 1, "$lt": 2}}, {"a": 2}, False),
        ({"a": {"$gt": 0}}, {"a": True}, False),
        ({"a": {"$gt": 0}}, {"a": "1"}, False),
        ({"a": {"$exists": False}}, {"b": 1}, True),
        ({"a": {"$startsWith": "gz"}}, {"a": "gzip"}, True),
        ({"a": {"$startsWith": "gz"}}, {"a": "bz2"}, False),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, False),
        ({"$or": [{"a": 1}, {"b": 2}], "c": 3}, {"b": 2, "c": 3}, True),
        ({"$or": [{"a": 1}, {"b": 2}], "c": 3}, {"b": 2, "c": 4}, False),
    ],
)
def test_examples(document, metadata, expected):
    assert compile_filter(document)(metadata) is expected


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({}, "a filter is a JSON object with at least one condition"),
        ([], "a filter is a JSON object with at least one condition"),
        ("a", "a filter is a JSON object with at least one condition"),
        ({"$and": []}, "$and needs a non-empty array of filters"),
        ({"$or": {"a": 1}}, "$or needs a non-empty array of filters"),
        ({"$and": [1]}, "a filter is a JSON object with at least one condition"),
        ({"$not": {"a": 1}}, "$not is no logical operator; $and and $or are"),
        ({"a": {}}, "the condition on 'a' is empty"),
        ({"a": None}, "$eq on 'a' needs a string, number or boolean"),
        ({"a": [1]}, "$eq on 'a' needs a string, number or boolean"),
        ({"a": {"$gt": "1"}}, "$gt on 'a' needs a number"),
        ({"a": {"$gt": True}}, "$gt on 'a' needs a number"),
        ({"a": {"$in": []}}, "$in on 'a' needs a non-empty array of strings, numbers or booleans"),
        ({"a": {"$nin": [None]}}, "$nin on 'a' needs a non-empty array of strings, numbers or booleans"),
        ({"a": {"$exists": 1}}, "$exists on 'a' needs true or false"),
        ({"a": {"$startsWith": 1}}, "$startsWith on 'a' needs a non-empty string"),
        ({"secret": 1}, "the metadata key 'secret' is not filterable in this index"),
        (
            {"$or": [{"a": 1}, {"secret": {"$exists": True}}]},
            "the metadata key 'secret' is not filterable in this index",
        ),
        ({"a": {"$in": list(range(101))}}, "it has 101 constraints, at most 100 are allowed (each value counts)"),
    ],
)
def test_refusals(document, reason):
    with pytest.raises(ServiceError) as caught:
        compile_filter(document, non_filterable=["secret"])
    assert (caught.value.code, caught.value.status) == ("ValidationException", 400)
    assert caught.value.message == f"Invalid query filter: {reason}"
    assert caught.value.members["fieldList"] == [{"path": "/filter", "message": caught.value.message}]


def test_unknown_operators_are_named_with_the_known():
    with pytest.raises(ServiceError, match=r"\$regex is no operator; \$eq, \$exists, \$gt"):
        compile_filter({"a": {"$regex": "x"}})


def test_a_hundred_values_are_allowed_and_deep_nesting_is_not():
    assert compile_filter({"a": {"$in": list(range(100))}})({"a": 99}) is True
    document = {"a": 1}
    for _ in range(200):
        document = {"$and": [document]}
    with pytest.raises(ServiceError, match="nested too deeply"):
        compile_filter(document)
