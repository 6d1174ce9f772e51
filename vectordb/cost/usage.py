"""What a stack is used for in a month: the part of its cost that no plan can know."""

import math
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal

from vectordb.errors import VectordbError

_HOURS = 730


def _assumed(default: float, unit: str, text: str) -> float:
    """A field with its default; `text` and `unit` are what a reader of the table sees."""
    value: float = field(default=default, metadata={"unit": unit, "text": text})
    return value


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Assumptions about a month. The defaults are those of a development stack.

    Raises:
        VectordbError: a number is negative or not finite, or there are more active hours than a month has.
    """

    active_hours: float = _assumed(40, "hours", "hours in which somebody uses the database")
    average_capacity: float = _assumed(1, "ACU", "capacity of a serverless instance in those hours")
    storage_gb: float = _assumed(10, "GB", "data in an Aurora cluster")
    io_millions: float = _assumed(1, "million", "storage reads and writes of an Aurora cluster")
    vectors: float = _assumed(1_000_000, "vectors", "in each S3 Vectors index")
    metadata_bytes: float = _assumed(512, "bytes", "key and metadata of a vector")
    vectors_written: float = _assumed(100_000, "vectors", "put into each index")
    queries: float = _assumed(10_000, "queries", "of each index, and calls of each function")
    function_seconds: float = _assumed(0.2, "seconds", "that a function works on a call")
    embedded_rows: float = _assumed(100_000, "rows", "embedded by the embedding worker")
    tokens_of_a_row: float = _assumed(200, "tokens", "of such a row")
    worker_seconds_of_a_row: float = _assumed(0.05, "seconds", "that the embedding worker works on such a row")
    logs_gb: float = _assumed(1, "GB", "that all log groups and flow logs take in")

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not math.isfinite(value) or value < 0:
                raise VectordbError(
                    f"{name} is {value}.", remedy="Every assumption is a number from 0 up: see `vectordb cost --help`."
                )
        if self.active_hours > _HOURS:
            raise VectordbError(
                f"active_hours is {self.active_hours}; a month has {_HOURS} hours.",
                remedy=f"Give --active-hours from 0 to {_HOURS}.",
            )

    def exact(self, name: str) -> Decimal:
        """One assumption as the decimal number that was written."""
        return Decimal(str(getattr(self, name)))

    def described(self) -> list[tuple[str, Decimal, str, str]]:
        """(name, value, unit, what it means) of each assumption, in their order."""
        return [(f.name, self.exact(f.name), f.metadata["unit"], f.metadata["text"]) for f in fields(self)]
