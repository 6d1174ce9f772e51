"""What `vectordb embed status` shows on terminals of several widths, and below the table."""

import io

import pytest
from rich.console import Console

from vectordb.cli import embed

ROW = {
    "name": "docs", "generation": 1, "generation_state": "live", "state": "active", "delivery": "event", "pending": 12, "leased": 3,
    "delayed": 0, "dead": 0, "dead_reason": None, "oldest_age": "00:00:42.5", "coverage": 0.5, "rows_per_second": 16.6,
    "tokens_per_second": 200.4, "throttles": 0, "circuit": None, "problem": None,
}  # fmt: skip


def shown(width, *rows):
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(embed.screen(rows, width))
    return console.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100, 140, 200])
def test_a_narrow_terminal_has_fewer_columns_and_no_shortened_ones(width):
    text = shown(width, ROW, ROW | {"name": "d" * 63, "generation_state": "building"})
    header, *lines = text.splitlines()
    assert "…" not in header
    assert header.split()[:1] == ["vectorizer"]
    assert {"state", "pending", "dead", "coverage"} <= set(header.split())
    assert len(lines) == 2
    assert max(map(len, (header, *lines))) <= width
    assert lines[0].split()[0] == "docs"
    assert lines[1].startswith("ddddd")
    assert ("tokens/s" in header) == (width >= 140)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_what_is_wrong_stands_below_the_table_however_narrow(width):
    ill = ROW | {
        "state": "circuit", "circuit": "AccessDenied: no", "problem": "the table was dropped", "dead": 1, "dead_reason": "poison: long",
    }  # fmt: skip
    text = " ".join(shown(width, ill).split())
    assert "docs: the table was dropped" in text
    assert "docs: the circuit is open: AccessDenied: no mend that, then: vectordb embed resume docs" in text
    assert "docs: 1 row is dead, the latest because of: poison: long mend that, then: vectordb embed retry docs" in text


def test_no_vectorizers():
    assert "There are no vectorizers" in shown(80)
