"""A schedule: five fields as cron has them, a name for such, or a number of seconds. What is one, the function in SQL tells as well."""

import datetime as dt
import re
from dataclasses import dataclass
from functools import lru_cache

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_AT_START = ("@reboot", "@restart")
_SECONDS = re.compile(r"\s*(\d{1,9})\s*seconds?\s*")
_ITEM = re.compile(r"(?:\*|(?P<first>[a-z]+|\d{1,9})(?:-(?P<last>[a-z]+|\d{1,9}))?)(?:/(?P<step>\d{1,9}))?")
_LAST_DAY = "$"
_MOST_SECONDS = 59
_SUNDAYS = (0, 7)


@dataclass(frozen=True)
class _Field:
    lowest: int
    highest: int
    names: tuple[str, ...] = ()

    def values(self, text: str) -> frozenset[int]:
        """The numbers that a list of numbers, names, ranges and steps stands for.

        Raises:
            ValueError: it is none.
        """
        found: set[int] = set()
        for item in text.split(","):
            parts = _ITEM.fullmatch(item)
            if parts is None or (parts["step"] and parts["first"] and not parts["last"]):
                raise ValueError(item)
            first = self._number(parts["first"], self.lowest)
            last = self._number(parts["last"], first if parts["first"] else self.highest)
            step = int(parts["step"] or 1)
            if not 1 <= step <= self.highest:
                raise ValueError(item)
            found.update(range(first, last + 1, step))
        return frozenset(found)

    def _number(self, text: str | None, default: int) -> int:
        if text is None:
            return default
        number = int(text) if text.isdigit() else self.names.index(text) + self.lowest
        if not self.lowest <= number <= self.highest:
            raise ValueError(text)
        return number


_FIELDS = (_Field(0, 59), _Field(0, 23), _Field(1, 31), _Field(1, 12, _MONTHS), _Field(0, 7, _DAYS))


@dataclass(frozen=True)
class Schedule:
    """When a job runs.

    Attributes:
        seconds: between the starts of two runs; 0 for one that goes by the clock.
        at_start: when the scheduler starts, and never again.
        minutes, hours, days, months, weekdays: of the clock; Sunday is 0 and 7.
        last_day: the last of each month, too.
        any_day: the field of days or of weekdays begins with a star, so that both must fit; else one of them does.
        wild: the field of minutes or of hours begins with a star.
    """

    seconds: int = 0
    at_start: bool = False
    minutes: frozenset[int] = frozenset()
    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    last_day: bool = False
    any_day: bool = False
    wild: bool = False

    def matches(self, moment: dt.datetime) -> bool:
        """Whether a minute is one of the schedule's."""
        tomorrow = moment + dt.timedelta(days=1)
        day = moment.day in self.days or (self.last_day and tomorrow.day == 1)
        weekday = moment.isoweekday() % 7 in self.weekdays
        fits = (day and weekday) if self.any_day else (day or weekday)
        return moment.minute in self.minutes and moment.hour in self.hours and moment.month in self.months and fits


@lru_cache(maxsize=1000)
def parse(text: str) -> Schedule:
    """What a schedule says.

    Raises:
        ValueError: it is none.
    """
    lower = text.lower()
    fields = lower.split()
    if fields and fields[0] in _AT_START:
        return Schedule(at_start=True)
    if seconds := _SECONDS.fullmatch(lower):
        if not 1 <= int(seconds[1]) <= _MOST_SECONDS:
            raise ValueError(text)
        return Schedule(seconds=int(seconds[1]))
    if fields and fields[0] in _NAMED:
        fields = _NAMED[fields[0]].split()
    if len(fields) < len(_FIELDS):
        raise ValueError(text)
    minute, hour, day, month, weekday = fields[: len(_FIELDS)]  # what follows them is ignored, as there
    last_day = day == _LAST_DAY
    weekdays = _FIELDS[4].values(weekday)
    return Schedule(
        minutes=_FIELDS[0].values(minute),
        hours=_FIELDS[1].values(hour),
        days=frozenset() if last_day else _FIELDS[2].values(day),
        months=_FIELDS[3].values(month),
        weekdays=weekdays | set(_SUNDAYS) if weekdays & set(_SUNDAYS) else weekdays,
        last_day=last_day,
        any_day=day.startswith("*") or weekday.startswith("*"),
        wild=minute.startswith("*") or hour.startswith("*"),
    )
