"""What a policy pack corrects before it judges, as the Pulumi CLI lets it: off unless the configuration says `remediate`."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, order=True)
class Remediation:
    """One property that a policy has set: `value` is what it is now."""

    urn: str
    policy: str
    path: str
    value: Any

    @property
    def resource(self) -> str:
        """The resource's name, the last part of its URN."""
        return self.urn.rpartition("::")[2]

    def as_json(self) -> dict[str, Any]:
        return {"urn": self.urn, "policy": self.policy, "property": self.path, "value": self.value}


def changed(before: Any, after: Any, path: str = "") -> list[tuple[str, Any]]:
    """(property, new value) of each place where two trees of inputs differ, in order."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return [] if before == after else [(path, after)]
    found = []
    for key in sorted(before.keys() | after.keys()):
        below = f"{path}.{key}" if path else key
        # What the policy made as a whole is told property by property too.
        old = {} if key not in before and isinstance(after.get(key), dict) else before.get(key)
        found += changed(old, after.get(key), below)
    return found
