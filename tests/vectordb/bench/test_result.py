"""Medians, ratios, verdicts, and how they are written."""

import json
from io import StringIO

import pytest
from rich.console import Console

from tests.components.recorded import ROOT
from tests.vectordb.bench.rows import BATCH, BYTES, CANCEL, MET, PART, RESULT, SINGLE, spread
from vectordb.bench import documents, markdown, shown, table
from vectordb.bench.result import Factor, Least, Limit, Row
from vectordb.bench.spread import Spread
from vectordb.errors import VectordbError


def test_one_slow_measurement_moves_neither_median_nor_quartiles_far():
    assert Spread.of([5, 1, 4, 2, 1000]) == Spread(4, 2, 5, 5)
    assert Spread.of([7]) == Spread(7, 7, 7, 1)
    assert Spread.of([1, 2, 3, 4]) == Spread(2.5, 1.75, 3.25, 4)


def test_no_measurement_is_no_spread():
    with pytest.raises(ValueError, match="at least one"):
        Spread.of([])


def test_a_ratio_is_the_other_side_by_ours():
    assert SINGLE.factor == 10.5
    assert BATCH.factor == pytest.approx(16.46)
    assert [row.met for row in RESULT.rows] == [True, None, False, True, True]
    assert not RESULT.met
    assert MET.met


@pytest.mark.parametrize(("ours", "met"), [(10.0, True), (10.001, False), (0.0, True)])
def test_a_factor_is_met_when_the_medians_are_that_far_apart(ours, met):
    assert Row("key", "what", "ms", spread(50.0), spread(ours), Factor(5)).met is met


def test_a_factor_without_another_side_is_not_met():
    assert Row("key", "what", "ms", None, spread(1.0), Factor(5)).met is False


@pytest.mark.parametrize(("ours", "met"), [(500.0, True), (500.1, False)])
def test_a_limit_is_for_ours_alone(ours, met):
    assert Row("key", "what", "ms", spread(1.0), spread(ours), Limit(500, "ms")).met is met


@pytest.mark.parametrize(
    ("ours", "demanded", "met", "factor"),
    [(100.0, Factor(25), True, 25), (99.0, Factor(25), False, 24.75), (60.0, Least(60, "rows/s"), True, 15)],
)
def test_of_rows_a_second_the_larger_number_is_the_better_one(ours, demanded, met, factor):
    row = Row("key", "what", "rows/s", spread(4.0), spread(ours), demanded)
    assert (row.met, row.factor) == (met, factor)


def test_a_side_that_is_zero_makes_no_ratio():
    row = Row("lost", "rows lost", "rows", spread(40.0), spread(0.0), Limit(0, "rows"))
    assert shown.cells(row)[1:] == ("40 rows", "0 rows", "", "≤ 0 rows", "met")


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [(0.314, "ms", "0.31"), (42.54, "ms", "42.5"), (7910.4, "ms", "7,910"), (22874.0, "bytes", "22,874")],
)
def test_numbers_have_three_digits_and_bytes_all(value, unit, written):
    assert shown.number(value, unit) == written


def test_cells_say_everything_about_a_row():
    assert shown.cells(SINGLE) == (
        "one query: time beyond the service's",
        "42.0 ms (40.0 to 45.0)",
        "4.00 ms (3.80 to 4.20)",
        "10.5 ×",
        "≥ 5 ×",
        "met",
    )
    assert shown.cells(PART)[3:] == ("3.0 ×", "", "")
    assert shown.cells(BYTES)[1:3] == ("22,874 bytes", "5,900 bytes")
    assert shown.cells(CANCEL)[3:] == ("1.5 ×", "≤ 500 ms", "met")


def test_the_conclusion_names_what_is_missed():
    assert shown.conclusion(RESULT) == "1 of 4 demands are not met: 100 queries."
    assert shown.conclusion(MET) == "All 3 demands are met."


def test_json_holds_the_rows_with_factor_and_verdict():
    document = json.loads(json.dumps(RESULT.as_json()))
    assert document["met"] is False
    assert document["conditions"] == {"machine": "2 processors"}
    assert document["rows"][0] == {
        "key": "single",
        "what": "one query: time beyond the service's",
        "unit": "ms",
        "sample": {"median": 42.0, "low": 40, "high": 45, "count": 9},
        "ours": {"median": 4.0, "low": 3.8, "high": 4.2, "count": 9},
        "factor": 10.5,
        "demanded": "≥ 5 ×",
        "met": True,
        "note": "",
    }


def test_markdown_is_a_table_of_six_columns():
    lines = markdown.table(RESULT).splitlines()
    assert lines[0] == "| measured | the sample's shape | vectordb | ratio | demanded | |"
    assert lines[2] == (
        "| one query: time beyond the service's | 42.0 ms (40.0 to 45.0) | 4.00 ms (3.80 to 4.20) | 10.5 × | ≥ 5 × | met |"
    )
    assert lines[3].startswith("| &emsp;of which PostgreSQL's process | 1.50 ms")
    assert len(lines) == 2 + len(RESULT.rows)
    assert markdown.whole(RESULT).endswith(
        "- 100 queries: a service that takes 64 ms\n- machine: 2 processors\n\n1 of 4 demands are not met: 100 queries."
    )


def test_a_pipe_gets_every_row_on_one_line():
    written = StringIO()
    table.show(RESULT, Console(file=written, width=60))
    lines = written.getvalue().splitlines()
    assert sum("42.0 ms (40.0 to 45.0)" in line and line.rstrip().endswith("met") for line in lines) == 1
    assert lines[-1] == "1 of 4 demands are not met: 100 queries."
    assert "\x1b" not in written.getvalue()


BEGIN, END = "<!-- bridge: written by `vectordb bench bridge --write-docs` -->", "<!-- end of bridge -->"


def test_a_block_of_the_page_is_replaced_and_nothing_else(tmp_path):
    page = tmp_path / "docs" / "performance.md"
    page.parent.mkdir()
    page.write_text(f"above\n{BEGIN}\nold\n{END}\nbelow\n")
    assert documents.write(tmp_path, "bridge", "\\1 new") == page
    assert page.read_text() == f"above\n{BEGIN}\n\n\\1 new\n\n{END}\nbelow\n"


@pytest.mark.parametrize("text", ["", f"{BEGIN}\n{END}\n" * 2])
def test_a_page_without_its_block_is_refused(tmp_path, text):
    page = tmp_path / "docs" / "performance.md"
    page.parent.mkdir()
    page.write_text(text)
    with pytest.raises(VectordbError, match="blocks named 'bridge'") as caught:
        documents.write(tmp_path, "bridge", "new")
    assert END in caught.value.remedy


def test_a_project_without_the_page_is_refused(tmp_path):
    with pytest.raises(VectordbError, match="does not exist"):
        documents.write(tmp_path, "bridge", "new")


def test_the_page_has_what_the_command_writes(tmp_path):
    page = tmp_path / "docs" / "performance.md"
    page.parent.mkdir()
    page.write_text((ROOT / documents.PERFORMANCE).read_text(encoding="utf-8"))
    documents.write(tmp_path, "bridge", markdown.whole(RESULT))
    documents.write(tmp_path, "shares", "shares", command="bridge")
    assert markdown.table(RESULT) in page.read_text()
    assert (ROOT / documents.PICTURES / "bridge.png").read_bytes().startswith(b"\x89PNG")
