"""Rows of a comparison and what is demanded of them."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from vectordb.bench.spread import Spread

Unit = Literal["ms", "bytes", "s", "rows", "rows/s", "inserts/s", "calls", "texts", "characters", "times", "%"]

MORE_IS_BETTER: frozenset[Unit] = frozenset({"rows/s", "inserts/s", "%"})
"""Units of which the larger number is the better one; of all others the smaller."""


@dataclass(frozen=True)
class Factor:
    """Ours must be so many times better than the other side."""

    least: float

    def met(self, row: "Row") -> bool:
        """Whether the medians are that far apart."""
        if row.sample is None:
            return False
        larger, smaller = (row.ours, row.sample) if row.unit in MORE_IS_BETTER else (row.sample, row.ours)
        return larger.median >= self.least * smaller.median

    def __str__(self) -> str:
        return f"≥ {self.least:g} ×"


@dataclass(frozen=True)
class Limit:
    """Ours must be at most this, whatever the other side does."""

    most: float
    unit: Unit

    def met(self, row: "Row") -> bool:
        """Whether our median keeps it."""
        return row.ours.median <= self.most

    def __str__(self) -> str:
        return f"≤ {self.most:g} {self.unit}"


@dataclass(frozen=True)
class Least:
    """Ours must be at least this, whatever the other side does."""

    least: float
    unit: Unit

    def met(self, row: "Row") -> bool:
        """Whether our median reaches it."""
        return row.ours.median >= self.least

    def __str__(self) -> str:
        return f"≥ {self.least:g} {self.unit}"


@dataclass(frozen=True)
class Row:
    """One thing measured on both sides. A row without a demand explains another one."""

    key: str
    what: str
    unit: Unit
    sample: Spread | None
    ours: Spread
    demanded: Factor | Limit | Least | None = None
    note: str = ""

    @property
    def factor(self) -> float | None:
        """How many times better ours is. None without another side, and where a side is zero and the other is not."""
        if self.sample is None:
            return None
        larger, smaller = self.sample.median, self.ours.median
        if self.unit in MORE_IS_BETTER:
            larger, smaller = smaller, larger
        return larger / smaller if smaller > 0 else None

    @property
    def met(self) -> bool | None:
        """None where nothing is demanded."""
        return None if self.demanded is None else self.demanded.met(self)


@dataclass(frozen=True)
class Result:
    """A whole run."""

    rows: tuple[Row, ...]
    conditions: dict[str, str] = field(default_factory=dict)
    """What it was measured on and with, in words."""
    courses: dict[str, list[tuple[float, ...]]] = field(default_factory=dict)
    """What was counted while time went on, for a picture: name → points, of which the first number is the second."""

    @property
    def met(self) -> bool:
        """Whether every demand is met."""
        return all(row.met is not False for row in self.rows)

    def as_json(self) -> dict[str, Any]:
        """For `--json`: rows as they are, with factor and verdict."""
        rows = [
            {
                "key": row.key,
                "what": row.what,
                "unit": row.unit,
                "sample": asdict(row.sample) if row.sample else None,
                "ours": asdict(row.ours),
                "factor": row.factor,
                "demanded": str(row.demanded) if row.demanded else None,
                "met": row.met,
                "note": row.note,
            }
            for row in self.rows
        ]
        document = {"met": self.met, "conditions": self.conditions, "rows": rows}
        return document | ({"courses": self.courses} if self.courses else {})
