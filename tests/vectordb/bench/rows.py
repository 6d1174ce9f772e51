"""A result as the benchmark gives it, without having measured anything."""

from vectordb.bench.result import Factor, Limit, Result, Row
from vectordb.bench.spread import Spread


def spread(median, low=None, high=None, count=9):
    return Spread(median, median if low is None else low, median if high is None else high, count)


SINGLE = Row(
    "single", "one query: time beyond the service's", "ms", spread(42.0, 40, 45), spread(4.0, 3.8, 4.2), Factor(5)
)
PART = Row("part", "  of which PostgreSQL's process", "ms", spread(1.5), spread(0.5))
BATCH = Row(
    "batch", "100 queries", "ms", spread(9876.0), spread(600.0, 590, 640), Factor(20), "a service that takes 64 ms"
)
BYTES = Row("payload", "payload of one query", "bytes", spread(22874.0), spread(5900.0), Factor(2))
CANCEL = Row("cancel", "cancelling a call that runs", "ms", spread(3.0), spread(2.0), Limit(500, "ms"))
RESULT = Result((SINGLE, PART, BATCH, BYTES, CANCEL), {"machine": "2 processors"})
MET = Result((SINGLE, PART, BYTES, CANCEL))
