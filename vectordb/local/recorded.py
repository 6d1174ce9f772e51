"""What a local stack has no stand-in for, by what it is about: listed for people, nothing left out."""

from collections.abc import Mapping

_KINDS = {
    "network": ("ec2/", "vpc/", "ram/", "route53/", "networkfirewall/"),
    "access": ("iam/", "kms/", "ssm/", "secretsmanager/", "s3/", "lambda/permission:"),
    "databases": ("rds/",),
    "scaling": ("appautoscaling/",),
    "delivery": ("sqs/", "scheduler/", "pipes/", "lambda/"),
    "watching": ("cloudwatch/", "sns/", "budgets/", "xray/", "chatbot/"),
}
"""What it is about → how the types begin, without `aws:`; the longest beginning that fits decides."""

_REST = "other"
_SEVERAL = frozenset({"Alias", "Document", "Group", "Instance", "Policy", "Proxy", "Target"})
"""Short names that say little, or that several services have: listed with the service."""


def grouped(recorded: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Counts by what the types are about.

    Args:
        recorded: type token → how many.

    Returns:
        What it is about → a type's short name → how many, both in a fixed order; `other` for types of no known kind, last.
    """
    found: dict[str, dict[str, int]] = {kind: {} for kind in (*_KINDS, _REST)}
    for token, count in sorted(recorded.items(), key=lambda item: _name(item[0]).casefold()):
        names = found[_kind(token)]
        names[_name(token)] = names.get(_name(token), 0) + count
    return {kind: names for kind, names in found.items() if names}


def listed(names: Mapping[str, int]) -> str:
    """`Subnet ×2, Vpc`."""
    return ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in names.items())


def _kind(token: str) -> str:
    package, _, rest = token.partition(":")
    if package != "aws":
        return _REST
    fitting = [(len(start), kind) for kind, starts in _KINDS.items() for start in starts if rest.startswith(start)]
    return max(fitting)[1] if fitting else _REST


def _name(token: str) -> str:
    name = token.rpartition(":")[2]
    return f"{token.split(':')[1].partition('/')[0]} {name}" if name in _SEVERAL else name
