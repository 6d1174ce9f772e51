"""The statements of a page, and what psql prints of them."""

import re
from pathlib import Path

from psycopg import Cursor

DOCS = Path(__file__).resolve().parents[2] / "docs"
_BLOCK = re.compile(r"^ *```sql ?(\w*)\n(.*?)^ *```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
_NUMBERS = {20, 21, 23, 700, 701, 1700}
"""OIDs of the types that psql sets to the right."""
_SHORT = {None: "", True: "t", False: "f"}


def blocks(page: str) -> list[tuple[str, str, str]]:
    """SQLSTATE (empty when it succeeds), statements, and the printed answer (empty where the page shows none)."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = _BLOCK.findall(text)
    assert len(found) == text.count("```sql") > 0
    return found


def printed(cursor: Cursor[tuple[object, ...]]) -> str:
    """The rows as psql prints them, without its last line."""
    columns = cursor.description or ()
    rows = [[column.name for column in columns]]
    rows += [
        [_SHORT[value] if value is None or isinstance(value, bool) else str(value) for value in row] for row in cursor
    ]
    numbers = [column.type_code in _NUMBERS for column in columns]
    widths = [max(len(row[place]) for row in rows) for place in range(len(numbers))]
    lines = [" " + " | ".join(value.center(width) for value, width in zip(rows[0], widths, strict=True))]
    lines.append("+".join("-" * (width + 2) for width in widths))
    lines += [
        " "
        + " | ".join(
            value.rjust(width) if number else value.ljust(width)
            for value, width, number in zip(row, widths, numbers, strict=True)
        )
        for row in rows[1:]
    ]
    return "".join(f"{line.rstrip()}\n" for line in lines)
