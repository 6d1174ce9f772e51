"""One job: what was asked for, and how it stands."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

PHASES = (("Submitted", 1.0), ("Validating", 2.0), ("Scheduled", 3.0), ("InProgress", 5.0))
"""Until how many seconds after it was asked for: hours on AWS."""
STOPPING_SECONDS = 1.0
ENDED = frozenset({"Completed", "PartiallyCompleted", "Failed", "Stopped", "Expired"})
_URI = re.compile(r"s3://([a-z0-9][-.a-z0-9]{1,61}[a-z0-9])/?(.*)")


@dataclass
class Ending:
    """How a test wants the job to end."""

    status: str = ""
    errors: frozenset[int] = frozenset()
    only: int | None = None
    shuffle: bool = False


@dataclass
class Job:
    """Its fields are GetModelInvocationJob's where they have its names."""

    arn: str
    asked: Mapping[str, Any]
    submitted: float
    ending: Ending
    status: str = "Submitted"
    message: str | None = None
    ended: float | None = None
    stop_at: float | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """jobName."""
        return str(self.asked["jobName"])

    @property
    def expires(self) -> float:
        """When it times out."""
        return self.submitted + 3600.0 * int(self.asked.get("timeoutDurationInHours") or 24)

    def place(self, which: str) -> tuple[str, str]:
        """Bucket and prefix of `input` or `output`."""
        data = self.asked[f"{which}DataConfig"][f"s3{which.capitalize()}DataConfig"]
        found = _URI.fullmatch(data["s3Uri"])
        assert found is not None
        return found[1], found[2]

    def document(self) -> dict[str, Any]:
        """As GetModelInvocationJob answers."""
        told = {
            "jobArn": self.arn,
            **{
                name: self.asked[name]
                for name in (
                    "jobName",
                    "modelId",
                    "clientRequestToken",
                    "roleArn",
                    "inputDataConfig",
                    "outputDataConfig",
                )
                if name in self.asked
            },
            "status": self.status,
            "submitTime": moment(self.submitted),
            "jobExpirationTime": moment(self.expires),
            "timeoutDurationInHours": int(self.asked.get("timeoutDurationInHours") or 24),
            "modelInvocationType": "InvokeModel",
            **self.counts,
        }
        if self.message is not None:
            told["message"] = self.message
        if self.ended is not None:
            told["endTime"] = moment(self.ended)
        return told


def is_place(uri: object) -> bool:
    """Whether it is a place in S3."""
    return isinstance(uri, str) and _URI.fullmatch(uri) is not None


def moment(seconds: float) -> str:
    """A time as the service writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
