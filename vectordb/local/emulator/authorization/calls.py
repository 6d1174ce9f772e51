"""The record of calls, which GET /_vectordb/calls shows."""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Call:
    """One call as far as it is known; filled while it is judged and answered."""

    access_key: str
    service: str
    operation: str
    time: float = field(default_factory=time.time)
    status: int = 0
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    principal: str = ""
    """ARN of the session that called; empty when nobody knows."""
    role: str = ""
    """ARN of the session's role; empty for the operator."""
    actions: tuple[str, ...] = ()
    """IAM's names of what it takes, each on each of the resources."""
    resources: tuple[str, ...] = ()
    decision: str = "unchecked"
    """allowed, denied, unauthenticated, undecided (a policy holds what is not implemented), operator or unchecked."""
    made_by: str = ""
    """The service that called with the role by itself, such as lambda.amazonaws.com; empty for a request."""

    def document(self) -> dict[str, Any]:
        """As JSON shows it."""
        return {
            "time": self.time,
            "accessKey": self.access_key,
            "service": self.service,
            "operation": self.operation,
            "status": self.status,
            "requestId": self.request_id,
            "principal": self.principal,
            "role": self.role,
            "actions": list(self.actions),
            "resources": list(self.resources),
            "decision": self.decision,
            **({"madeBy": self.made_by} if self.made_by else {}),
        }
