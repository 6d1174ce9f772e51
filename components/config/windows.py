"""RDS's windows, in UTC, as minutes of the week: pure functions."""

import re

DAY, WEEK = 24 * 60, 7 * 24 * 60
SHORTEST = 30
"""Minutes (RDS API, CreateDBCluster, PreferredBackupWindow and PreferredMaintenanceWindow)."""
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = r"([01]\d|2[0-3]):([0-5]\d)"
_DAILY = re.compile(rf"{_TIME}-{_TIME}", re.ASCII)
_WEEKLY = re.compile(rf"({'|'.join(_DAYS)}):{_TIME}-({'|'.join(_DAYS)}):{_TIME}", re.ASCII)


def daily(text: str) -> tuple[int, int] | None:
    """First minute of the day and length of `03:00-04:00`; None when it is no window, or too short a one."""
    found = _DAILY.fullmatch(text)
    if not found:
        return None
    first, last = (int(found[n]) * 60 + int(found[n + 1]) for n in (1, 3))
    return _window(first, (last - first) % DAY)


def weekly(text: str) -> tuple[int, int] | None:
    """First minute of the week and length of `sun:04:30-sun:05:30`; None when it is no window, or too short a one."""
    found = _WEEKLY.fullmatch(text)
    if not found:
        return None
    first, last = (_DAYS.index(found[n]) * DAY + int(found[n + 1]) * 60 + int(found[n + 2]) for n in (1, 4))
    return _window(first, (last - first) % WEEK)


def overlap(every_day: str | None, every_week: str | None) -> bool:
    """Whether a daily and a weekly window share a minute; one that is not given shares none."""
    day, week = daily(every_day or ""), weekly(every_week or "")
    if day is None or week is None:
        return False
    starts = [day[0] + number * DAY for number in range(7)]
    return any((start - week[0]) % WEEK < week[1] or (week[0] - start) % WEEK < day[1] for start in starts)


def _window(first: int, minutes: int) -> tuple[int, int] | None:
    return (first, minutes) if minutes >= SHORTEST else None
