"""What an alarm is: a plain specification, on one metric."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

ABOVE = "GreaterThanThreshold"
AT_LEAST = "GreaterThanOrEqualToThreshold"
BELOW = "LessThanThreshold"


@dataclass(frozen=True)
class Alarm:
    """One alarm on one metric. `threshold` is in the metric's own unit, `period` in seconds."""

    target: str
    """What it watches, as people call it."""
    key: str
    """Which of the target's alarms it is: one word, used once a target."""
    description: str
    """What it means and what to do; it is in the e-mail. At most 1,024 characters."""
    namespace: str
    metric: str
    dimensions: Mapping[str, pulumi.Input[str]]
    statistic: str
    """Average, Minimum, Maximum or Sum; or a percentile such as p95."""
    comparison: str
    threshold: float
    period: int = 300
    periods: int = 3
    datapoints: int | None = None
    """How many of the `periods` have to breach. Default: all."""
    missing: str = "notBreaching"
    """What it means that there is no data. `breaching` is for what has to happen."""

    @property
    def name(self) -> str:
        """Unique within the stack."""
        return f"{self.target}-{self.key}"

    @property
    def is_percentile(self) -> bool:
        """Percentiles are CloudWatch's extended statistics."""
        return self.statistic.startswith("p")
