import pytest

from tests.components.recorded import ROOT
from vectordb.cli.cost import documents
from vectordb.cost import amounts, blocks
from vectordb.errors import VectordbError
from vectordb.plan import profiles
from vectordb.plan.profiles import Profile
from vectordb.plan.stack_configuration import StackConfiguration


def test_the_tables_in_the_documentation_are_current():
    """When this fails, `vectordb cost --write-docs` makes it pass: the program, the prices or the profiles have changed."""
    for file, text in documents(ROOT).items():
        assert (ROOT / file).read_text(encoding="utf-8") == text, (
            f"{file} is not what `vectordb cost --write-docs` writes"
        )


def test_the_development_stack_costs_about_33_dollars():
    ((_, estimate),) = profiles.estimates(ROOT, [Profile("dev")])
    assert 30 < estimate.total < 37
    assert estimate.unpriced == ()


def test_a_profile_is_a_stack_with_some_keys_replaced():
    values = {"a:x": '{"b": 1, "c": 2}', "a:y": "[1]", "a:z": "old"}
    stack = StackConfiguration("p", "dev", ROOT, values, frozenset())
    changed = profiles.changed(stack, {"a:x": {"c": 3}, "a:y": [], "a:z": "new", "a:new": True})
    assert changed.values == {"a:x": '{"b": 1, "c": 3}', "a:y": "[]", "a:z": "new", "a:new": "true"}
    assert stack.values["a:z"] == "old"


def test_a_block_is_replaced_and_nothing_else():
    begin, end = "<!-- it: written by `vectordb cost --write-docs` -->", "<!-- end of it -->"
    before = f"above\n{begin}\nold\n{end}\nbelow\n"
    after = f"above\n{begin}\n\n\\1 new\n\n{end}\nbelow\n"
    assert blocks.replaced(before, "it", "\\1 new", "f") == after
    assert blocks.replaced(after, "it", "\\1 new", "f") == after


@pytest.mark.parametrize("text", ["", "<!-- it: written by `vectordb cost --write-docs` -->\n<!-- end of it -->\n" * 2])
def test_a_document_without_its_block_is_refused(text):
    with pytest.raises(VectordbError, match="blocks named 'it'") as caught:
        blocks.replaced(text, "it", "new", "docs/cost.md")
    assert "<!-- end of it -->" in caught.value.remedy


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2190", "2,190"),
        ("1000.0", "1,000"),
        ("1.430511", "1.43"),
        ("0.01234", "0.0123"),
        ("12.5728", "12.6"),
        ("55879.35", "55,879"),
        ("0", "0"),
        ("0.2", "0.2"),
    ],
)
def test_quantities_have_three_digits(value, text):
    from decimal import Decimal

    assert amounts.number(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "text"), [("2.50", "2.50"), ("1", "1.00"), ("0.0000133334", "0.0000133334"), ("0.450", "0.45")]
)
def test_prices_are_as_listed(value, text):
    from decimal import Decimal

    assert amounts.price(Decimal(value)) == text
