"""One line of JSON for each thing worth knowing, on standard output: counts, names and codes; never keys, texts or vectors.

Lambda keeps a line that is JSON as it is, and with log_format JSON filters by its `level` and `timestamp`.
"""

import json
import sys
from datetime import UTC, datetime


def line(level: str, message: str, **members: str | float | bool | None) -> None:
    """Write one; `level` is INFO, WARN or ERROR."""
    found = {
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": level,
        "message": message,
        **{name: round(value, 3) if isinstance(value, float) else value for name, value in members.items()},
    }
    sys.stdout.write(json.dumps(found, separators=(",", ":")) + "\n")
    sys.stdout.flush()
