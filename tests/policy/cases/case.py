"""What a case is, and the policy documents that cases are written with."""

import json
from dataclasses import dataclass, field
from typing import Any

PUBLIC = "which reaches outside private address space"
ABSENT_FALSE = "is absent, and false by default"
TRUE = "is true, not false"


@dataclass(frozen=True)
class Case:
    rule: str
    type: str
    properties: dict[str, Any]
    found: tuple[tuple[str, str], ...] = ()
    """(property, problem) of each finding, in order."""
    about_absence: bool = False
    """The violation is that a list lacks something: an unknown element may be what is missed."""

    alone: bool = False
    """What a good resource has beside it may excuse it: the mutations leave good resources alone."""
    settings: dict[str, Any] = field(default_factory=dict)
    """What the rule is configured with; its defaults fill the rest."""

    def __str__(self) -> str:
        return f"{self.rule}-{self.type}-{next(iter(self.properties), 'empty')}"


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def refusal(service: str, **changes: Any) -> dict[str, Any]:
    """A statement that refuses clear text on a resource and all that it contains."""
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": f"{service}:*",
        "Resource": [f"arn:aws:{service}:::one", f"arn:aws:{service}:::one/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    } | changes


READ = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
    "Action": "s3:GetObject",
    "Resource": "*",
}
