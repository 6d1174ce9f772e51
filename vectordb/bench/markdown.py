"""A result for a page or a pull request."""

from vectordb.bench import shown
from vectordb.bench.result import Result

_ALIGNED = ("---", "---:", "---:", "---:", "---:", "---")


def table(result: Result) -> str:
    """The rows; what explains another row is indented."""
    lines = [_line(shown.HEADINGS), _line(_ALIGNED)]
    for row in result.rows:
        what, *rest = shown.cells(row)
        indented = f"&emsp;{what.strip()}" if what.startswith(" ") else what
        lines.append(_line((indented, *rest)))
    return "\n".join(lines)


def whole(result: Result) -> str:
    """The rows, their notes, what they were measured on, and the conclusion."""
    told = "\n".join(f"- {line}" for line in (*shown.notes(result), *shown.conditions(result)))
    return f"{table(result)}\n\n{told}\n\n{shown.conclusion(result)}"


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")
