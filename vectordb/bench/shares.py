"""What processor time becomes where a function has a share of a processor only: arithmetic, not measurement."""

from vectordb.bench import shown
from vectordb.bench.result import Result

WHOLE = 1769
"""Megabytes at which a function has one vCPU (AWS Lambda Developer Guide, configure function memory)."""
MEMORIES = (128, 256, 512, 1024, WHOLE)
_COLUMNS = (
    ("single-cpu-function", "one query"),
    ("batch-cpu-function", "a batch of 100"),
    ("get-cpu-function", "get_vectors, 100 × 1536"),
)


def stretched(milliseconds: float, memory: int) -> float:
    """How long so much processor time takes when nothing else does: of one thread, so never less than itself."""
    return milliseconds * max(1.0, WHOLE / memory)


def table(result: Result) -> str:
    """Markdown: a row for each memory size, the function's part of each measurement, ours and the sample's shape."""
    rows = {row.key: row for row in result.rows}
    columns = [(rows[key], name) for key, name in _COLUMNS if key in rows]
    heads = ["memory", *(name for _, name in columns), "the sample's shape: one query"]
    lines = [f"| {' | '.join(heads)} |", f"| {' | '.join(['---:'] * len(heads))} |"]
    for memory in MEMORIES:
        cells = [f"{memory:,} MB"]
        cells += [_shown(row.ours.median, memory) for row, _ in columns]
        sample = rows["single-cpu-function"].sample
        cells.append(_shown(sample.median, memory) if sample else "")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _shown(milliseconds: float, memory: int) -> str:
    return f"{shown.number(stretched(milliseconds, memory), 'ms')} ms"
