"""What embed.status says, for CloudWatch: a line of the log for each vectorizer, which CloudWatch Logs turns into metrics.

That is the embedded metric format: no call, no permission, no agent. Numbers and names only. Each combination of dimensions is a
metric of its own and billed, by the hours in which it is written: what is zero is left out, unless its graph needs it, and only the
first vectorizers by name have metrics of their own. All of them count in those without a name, at which alarms look.
"""

import os
import time
from collections.abc import Mapping
from typing import Any

from embedder import log
from embedder.database import Database, RefusedError, UnavailableError

NAMESPACE = "VectorDB/Embedding"
EVERY_SECONDS = 60.0
MOST_VECTORIZERS = 20
UNITS: Mapping[str, str] = {
    "Pending": "Count",
    "OldestAgeSeconds": "Seconds",
    "Dead": "Count",
    "CircuitOpen": "Count",
    "Problems": "Count",
    "Coverage": "Percent",
    "RowsPerSecond": "Count/Second",
    "TokensPerSecond": "Count/Second",
    "Throttles": "Count",
    "Errors": "Count",
    "HiddenGarbage": "Count",
    "Missing": "Count",
    "Stale": "Count",
    "Orphan": "Count",
}
SWEEPS = "Sweeps"
_ALWAYS = frozenset({"Pending", "Coverage"})


class Metrics:
    """Of one environment of the function; outside Lambda nothing is written."""

    def __init__(self) -> None:
        self._next = 0.0

    def write(self, database: Database, *, sweep: bool = False) -> None:
        """Say how things stand, at most once a minute; and that there was a sweep, each time.

        Args:
            database: asked for `statuses`. That it cannot be asked is logged, and fails nothing.
            sweep: the work was done for a sweep.
        """
        function = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        if not function:
            return
        if sweep:
            _line(function, "swept", {SWEEPS: 1.0})
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY_SECONDS
        try:
            found = sorted(database.statuses(), key=lambda status: status.name)
        except (UnavailableError, RefusedError) as error:
            log.line("WARN", "no metrics", reason=str(error))
            return
        for place, status in enumerate(found):
            values = {name: value for name in UNITS if (value := status.values.get(name)) or name in _ALWAYS}
            written = {name: float(value) for name, value in values.items() if value is not None}
            _line(function, "status", written, vectorizer=status.name, alone=place < MOST_VECTORIZERS)


def _line(
    function: str, message: str, values: Mapping[str, float], *, vectorizer: str = "", alone: bool = False
) -> None:
    dimensions = [["FunctionName"], *([["FunctionName", "Vectorizer"]] if alone else [])]
    head: dict[str, Any] = {
        "Timestamp": int(time.time() * 1000),
        "CloudWatchMetrics": [
            {
                "Namespace": NAMESPACE,
                "Dimensions": dimensions,
                "Metrics": [{"Name": name, "Unit": UNITS.get(name, "Count")} for name in values],
            }
        ],
    }
    named = {"FunctionName": function, **({"Vectorizer": vectorizer} if vectorizer else {})}
    log.line("INFO", message, _aws=head, **named, **values)
