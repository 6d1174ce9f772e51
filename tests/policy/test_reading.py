"""Every way in which a value can be absent, unknown, secret or of the wrong shape."""

import pytest
from pulumi_policy import proxy
from pulumi_policy.deserialize import deserialize_properties

from isolation.reading.properties import UNKNOWN, Property
from tests.policy.support import secret

SENTINELS = [
    proxy.UNKNOWN_BOOLEAN_VALUE,
    proxy.UNKNOWN_NUMBER_VALUE,
    proxy.UNKNOWN_STRING_VALUE,
    proxy.UNKNOWN_ARRAY_VALUE,
    proxy.UNKNOWN_ASSET_VALUE,
    proxy.UNKNOWN_ARCHIVE_VALUE,
    proxy.UNKNOWN_OBJECT_VALUE,
]


def plain(properties):
    return Property("", properties)


def proxied(properties):
    return Property("", proxy.unknown_checking_proxy(deserialize_properties(properties)))


@pytest.fixture(params=[plain, proxied], ids=["plain", "proxied"])
def root(request):
    return request.param


@pytest.mark.parametrize("sentinel", SENTINELS)
def test_every_sentinel_is_unknown_and_so_is_all_below_it(root, sentinel):
    value = root({"a": sentinel})
    assert value.at("a") == Property("a", UNKNOWN)
    assert value.at("a", "b", "c") == Property("a.b.c", UNKNOWN)
    assert list(value.at("a").elements()) == []
    assert not value.at("a").given
    assert not value.at("a").absent


def test_one_unknown_element_hides_no_other(root):
    elements = list(root({"a": ["x", SENTINELS[2], None, {"b": SENTINELS[0], "c": 1}]}).at("a").elements())
    assert [(e.path, e.unknown, e.absent) for e in elements] == [
        ("a[0]", False, False),
        ("a[1]", True, False),
        ("a[2]", False, True),
        ("a[3]", False, False),
    ]
    assert elements[3].at("b").unknown
    assert elements[3].at("c") == Property("a[3].c", 1)
    assert [e.path for e in root({"a": ["x", SENTINELS[2], None]}).at("a").each()] == ["a[0]"]


def test_absent_null_and_empty_string_are_absent(root):
    value = root({"null": None, "empty": ""})
    assert [value.at(key).absent for key in ("missing", "null", "empty")] == [True, True, True]
    assert value.at("missing", "below") == Property("missing.below", None)


def test_an_empty_string_in_a_list_stays(root):
    assert list(root({"a": [""]}).at("a").each()) == [Property("a[0]", "")]


def test_a_key_with_dots_is_one_key(root):
    assert root({"a.b": {"c": 1}}).at("a.b", "c").value == 1


@pytest.mark.parametrize("value", ["text", True, 1.5])
def test_what_is_no_list_counts_as_one_element(root, value):
    assert list(root({"a": value}).at("a").each()) == [Property("a", value)]


def test_an_object_where_a_list_is_expected_counts_as_one_element(root):
    [element] = root({"a": {"b": 1}}).at("a").each()
    assert element.at("b") == Property("a.b", 1)


def test_select_walks_every_known_element(root):
    value = root({"a": [{"b": {"c": 1}}, SENTINELS[6], {"b": {"c": SENTINELS[1]}}, {}]})
    assert list(value.select("a[].b.c")) == [
        Property("a[0].b.c", 1),
        Property("a[2].b.c", UNKNOWN),
        Property("a[3].b.c", None),
    ]
    assert list(value.select("x.y")) == [Property("x.y", None)]
    assert list(value.select("x[].y")) == []


def test_secrets_are_read_through(root):
    value = root({"a": secret({"b": secret("x")}), "c": [secret(SENTINELS[2])]})
    assert value.at("a", "b") == Property("a.b", "x")
    assert [e.unknown for e in value.at("c").elements()] == [True]


@pytest.mark.parametrize(
    ("value", "truth"),
    [
        (True, True),
        ("true", True),
        ("True", True),
        (False, False),
        ("false", False),
        (1.0, None),
        ("1", None),
        (None, None),
    ],
)
def test_truth(value, truth):
    assert Property("a", value).truth is truth


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (6, 6),
        (6.0, 6),
        ("6", 6),
        (6.5, None),
        (True, None),
        ("6x", None),
        ("-1", None),
        ("²", None),
        (None, None),
        (float("nan"), None),
        (float("inf"), None),
        ("9" * 5000, None),
    ],
)
def test_number(value, number):
    assert Property("a", value).number == number


@pytest.mark.parametrize(
    ("value", "described"),
    [
        (None, "absent"),
        (True, "true"),
        (False, "false"),
        ("hunter2", "a string"),
        (7.0, "a number"),
        ({"hunter2": 1}, "an object"),
        (["hunter2"], "a list"),
        (object(), "of another kind"),
    ],
)
def test_described_names_the_class_and_never_the_value(value, described):
    assert Property("a", value).described == described


def test_whole_finds_an_unknown_at_any_depth(root):
    assert root({"a": [{"b": [1, "x", None]}]}).whole
    assert not root({"a": [{"b": [1, SENTINELS[2]]}]}).whole
    assert not root({"a": [{"b": SENTINELS[3]}]}).whole
