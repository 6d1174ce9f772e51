"""One line of JSON for each thing worth knowing, on standard output: counts, names and codes; never keys, texts or vectors.

Lambda keeps a line that is JSON as it is, and with log_format JSON filters by its `level` and `timestamp`.
"""

import json
import sys
import traceback
from datetime import UTC, datetime
from typing import Any


def place(error: BaseException) -> str:
    """Where an error was raised, file and line: its text may hold content."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "?"


def line(level: str, message: str, **members: Any) -> None:
    """Write one; `level` is INFO, WARN or ERROR, the members what JSON has."""
    found = {
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": level,
        "message": message,
        **{name: round(value, 3) if isinstance(value, float) else value for name, value in members.items()},
    }
    sys.stdout.write(json.dumps(found, separators=(",", ":")) + "\n")
    sys.stdout.flush()
