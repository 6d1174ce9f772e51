"""Values that AWS lets change in one direction only, though nothing is replaced. Pure functions."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from vectordb.plan.changes import Change, Kind, listed

_TYPES = ("aws:rds/cluster:Cluster", "aws:rds/instance:Instance")


def refused(
    changes: Sequence[Change], before: Mapping[str, Any], plan: Mapping[str, Any]
) -> Iterator[tuple[str, str, str, str]]:
    """(URN, property, sentence, remedy) of each change in place that AWS refuses.

    Args:
        changes: from `before` to `plan`.
        before: a plan or a state; of a state, what AWS last said counts more than what the program asked for.
        plan: a plan.
    """
    old, new = ({resource["urn"]: resource for resource in listed(data)} for data in (before, plan))
    for change in changes:
        was, will = old.get(change.was or change.urn), new.get(change.urn)
        if change.kind is not Kind.CHANGED or change.type not in _TYPES or was is None or will is None:
            continue
        for key, judged in _JUDGED.items():
            if key in change.properties and (found := judged(was, will)):
                sentence, remedy = found
                yield change.urn, key, f"{change.name}: {sentence}", remedy


def _version(was: Mapping[str, Any], will: Mapping[str, Any]) -> tuple[str, str] | None:
    """RDS User Guide, upgrading PostgreSQL: there is no way back to an older version."""
    now = (was.get("outputs") or {}).get("engineVersionActual") or was["inputs"].get("engineVersion")
    wanted = will["inputs"].get("engineVersion")
    old, new = _numbers(now), _numbers(wanted)
    # "18" is any 18: only what both name is compared.
    shared = min(len(old), len(new))
    if new[:shared] >= old[:shared]:
        return None
    return (
        f"engineVersion would go from {now} back to {wanted}; RDS refuses that.",
        (
            "Leave the version. An older one takes another vectordb:database.generation, and a snapshot of before the upgrade "
            "or pg_dump to fill it."
        ),
    )


def _storage(was: Mapping[str, Any], will: Mapping[str, Any]) -> tuple[str, str] | None:
    """RDS API, ModifyDBInstance, AllocatedStorage: a value below ten per cent more is refused, and so is a smaller one."""
    now = (was.get("outputs") or {}).get("allocatedStorage") or was["inputs"].get("allocatedStorage")
    wanted = will["inputs"].get("allocatedStorage")
    if not isinstance(now, int | float) or not isinstance(wanted, int | float) or wanted == now:
        return None
    if wanted < now:
        return (
            f"allocatedStorage would go from {now:g} down to {wanted:g} GiB; storage never shrinks, and RDS refuses that.",
            "Leave the size. Less takes another vectordb:database.generation, filled by pg_dump: a snapshot does not shrink.",
        )
    if wanted * 10 < now * 11:
        return (
            f"allocatedStorage would go from {now:g} to {wanted:g} GiB; RDS refuses less than ten per cent more.",
            f"Ask for {math.ceil(now * 11 / 10)} GiB or more.",
        )
    return None


def _numbers(version: Any) -> tuple[int, ...]:
    parts = str(version).split(".") if isinstance(version, str) else []
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else ()


_JUDGED: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], tuple[str, str] | None]] = {
    "allocatedStorage": _storage,
    "engineVersion": _version,
}
