"""Rows of a comparison and what is demanded of them."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from vectordb.bench.spread import Spread

Unit = Literal["ms", "bytes"]


@dataclass(frozen=True)
class Factor:
    """The other side divided by ours must be at least this."""

    least: float

    def met(self, sample: Spread | None, ours: Spread) -> bool:
        """Whether the medians are that far apart."""
        return sample is not None and sample.median >= self.least * ours.median

    def __str__(self) -> str:
        return f"≥ {self.least:g} ×"


@dataclass(frozen=True)
class Limit:
    """Ours must be at most this, whatever the other side does."""

    most: float
    unit: Unit

    def met(self, sample: Spread | None, ours: Spread) -> bool:
        """Whether our median keeps it."""
        del sample
        return ours.median <= self.most

    def __str__(self) -> str:
        return f"≤ {self.most:g} {self.unit}"


@dataclass(frozen=True)
class Row:
    """One thing measured on both sides. A row without a demand explains another one."""

    key: str
    what: str
    unit: Unit
    sample: Spread | None
    ours: Spread
    demanded: Factor | Limit | None = None
    note: str = ""

    @property
    def factor(self) -> float | None:
        """How many times less ours takes."""
        if self.sample is None:
            return None
        return self.sample.median / self.ours.median if self.ours.median > 0 else float("inf")

    @property
    def met(self) -> bool | None:
        """None where nothing is demanded."""
        return None if self.demanded is None else self.demanded.met(self.sample, self.ours)


@dataclass(frozen=True)
class Result:
    """A whole run."""

    rows: tuple[Row, ...]
    conditions: dict[str, str] = field(default_factory=dict)
    """What it was measured on and with, in words."""

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
        return {"met": self.met, "conditions": self.conditions, "rows": rows}
