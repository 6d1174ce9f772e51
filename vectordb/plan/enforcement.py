"""How hard policies are enforced, and what a configuration took back of it."""

_RANKS = {"disabled": 0, "advisory": 1, "remediate": 2, "mandatory": 2}
"""Remediation blocks what it cannot put right."""


def weaker(level: str, than: str) -> bool:
    """Whether `level` lets pass what `than` would not; a level that there is not is as hard as any."""
    return _RANKS.get(level, 2) < _RANKS.get(than, 2)
