"""A handful of measurements of one thing."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """Median and quartiles: one slow call, which a shared machine always has, moves none of them."""

    median: float
    low: float
    """The first quartile."""
    high: float
    """The third quartile."""
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of at least one value."""
        if not values:
            raise ValueError("a spread needs at least one measurement")
        if len(values) == 1:
            return cls(values[0], values[0], values[0], 1)
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high, len(values))

    def times(self, factor: float) -> "Spread":
        """Each measurement multiplied."""
        return Spread(self.median * factor, self.low * factor, self.high * factor, self.count)
