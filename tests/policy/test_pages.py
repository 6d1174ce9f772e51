"""The pages of the rules are what the rules say."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from isolation.registry import RULES

ROOT = Path(__file__).parents[2]


def _script() -> Any:
    spec = importlib.util.spec_from_file_location("rule_pages", ROOT / "scripts" / "rule_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pages = _script()


def test_each_page_is_the_rule_s_own() -> None:
    files = [(ROOT / pages.FOLDER / f"{rule.id}.md", rule) for rule in RULES]
    old = [rule.id for file, rule in files if not file.exists() or file.read_text() != pages.page(rule)]
    assert old == [], "run make docs"


def test_the_index_has_every_rule_and_no_page_is_left_over() -> None:
    text = (ROOT / pages.INDEX).read_text()
    assert text == pages.index(text), "run make docs"
    assert {file.stem for file in (ROOT / pages.FOLDER).glob("*.md")} == {rule.id for rule in RULES}, "run make docs"


@pytest.mark.parametrize("text", ["", f"{pages.BEGIN}\n{pages.END}\n" * 2])
def test_an_index_without_one_place_for_the_table_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="once each"):
        pages.index(text)


def test_each_rule_says_why() -> None:
    wrong = [rule.id for rule in RULES if not 100 <= len(rule.why) <= 1000 or not rule.why.endswith(".")]
    assert wrong == []
