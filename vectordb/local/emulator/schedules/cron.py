"""AWS's cron expressions: minutes, hours, day of month, month, day of week, year (Scheduler user guide, schedule types)."""

import calendar
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

_MONTHS = {
    "JAN": 1,
    "FEB": 2,
    "MAR": 3,
    "APR": 4,
    "MAY": 5,
    "JUN": 6,
    "JUL": 7,
    "AUG": 8,
    "SEP": 9,
    "OCT": 10,
    "NOV": 11,
    "DEC": 12,
}
_DAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2199))
_FIELDS = 6
_WEEK = 7
_SATURDAY, _SUNDAY = 5, 6  # as date.weekday() counts
_LAST_WEEKDAY = "LW"

Days = Callable[[int, int], set[int]]
"""Year and month → the days of it that a field means."""


@dataclass(frozen=True)
class Cron:
    """An expression, read."""

    minutes: Sequence[int]
    hours: Sequence[int]
    days: Days
    months: frozenset[int]
    years: Sequence[int]

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The times later than `moment`, the earliest first; without a time zone, as clocks on the wall show them."""
        for year in self.years:
            if year < moment.year:
                continue
            for month in sorted(self.months):
                if (year, month) < (moment.year, moment.month):
                    continue
                for day in sorted(self.days(year, month)):
                    if date(year, month, day) < moment.date():
                        continue
                    for hour in self.hours:
                        for minute in self.minutes:
                            found = datetime(year, month, day, hour, minute)  # noqa: DTZ001 - it is a wall clock's
                            if found > moment:
                                yield found


def parse(text: str) -> Cron:
    """Read what stands between the parentheses of cron().

    Raises:
        ValueError: it is no such expression.
    """
    fields = text.upper().split()
    if len(fields) != _FIELDS:
        raise ValueError(f"a cron expression has six fields, not {len(fields)}")
    if (fields[2] == "?") == (fields[4] == "?"):
        raise ValueError("exactly one of day of month and day of week is ?")
    minutes, hours = _numbers(fields[0], 0), _numbers(fields[1], 1)
    months = frozenset(_numbers(fields[3], 3, _MONTHS))
    days = _days_of_month(fields[2]) if fields[4] == "?" else _days_of_week(fields[4])
    return Cron(minutes, hours, days, months, _numbers(fields[5], 5))


def _numbers(text: str, field: int, names: dict[str, int] | None = None) -> Sequence[int]:
    """The values of a field: lists of numbers, ranges and steps."""
    least, most = _BOUNDS[field]
    if text == "*":
        return range(least, most + 1)
    found = set[int]()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        start = least if first == "*" else _number(first, names)
        end = _number(last, names) if dash else (most if slash or first == "*" else start)
        if not (least <= start <= most and least <= end <= most) or (slash and _number(step, None) < 1):
            raise ValueError(f"{part} is outside of {least} to {most}")
        if start <= end:
            found.update(range(start, end + 1, _number(step, None) if slash else 1))
        else:  # FRI-MON goes round
            found.update((*range(start, most + 1), *range(least, end + 1)))
    return sorted(found)


def _number(text: str, names: dict[str, int] | None) -> int:
    if names is not None and text in names:
        return names[text]
    if not text.isdecimal():
        raise ValueError(f"{text!r} is no number")
    return int(text)


def _days_of_month(text: str) -> Days:
    if text == "L":
        return lambda year, month: {_length(year, month)}
    if text == _LAST_WEEKDAY:
        return lambda year, month: {_nearest_weekday(year, month, _length(year, month))}
    if text.endswith("W"):
        day = _numbers(text[:-1], 2)[0]
        return lambda year, month: {_nearest_weekday(year, month, day)} if day <= _length(year, month) else set()
    days = _numbers(text, 2)
    return lambda year, month: {day for day in days if day <= _length(year, month)}


def _days_of_week(text: str) -> Days:
    if text == "L":  # the last day of the week: Saturday
        text = "7"
    if text.endswith("L"):
        [last] = _numbers(text[:-1], 4, _DAYS)
        return lambda year, month: {_all(year, month, {last})[-1]}
    if "#" in text:
        name, _, number = text.partition("#")
        [weekday] = _numbers(name, 4, _DAYS)
        which = _number(number, None)
        if not 1 <= which <= 5:  # noqa: PLR2004 - no month has a sixth one
            raise ValueError(f"{text}: there are one to five of a weekday in a month")
        return lambda year, month: set(_all(year, month, {weekday})[which - 1 : which])
    weekdays = set(_numbers(text, 4, _DAYS))
    return lambda year, month: set(_all(year, month, weekdays))


def _all(year: int, month: int, weekdays: set[int]) -> list[int]:
    """The days of a month that are one of the weekdays, Sunday being 1."""
    return [
        day
        for day in range(1, _length(year, month) + 1)
        if (date(year, month, day).weekday() + 1) % _WEEK + 1 in weekdays
    ]


def _length(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def _nearest_weekday(year: int, month: int, day: int) -> int:
    """Monday to Friday nearest to a day, in the same month."""
    wanted = date(year, month, day)
    shift = {_SATURDAY: -1, _SUNDAY: 1}.get(wanted.weekday(), 0)
    found = wanted + timedelta(days=shift)
    return found.day if found.month == month else (wanted - timedelta(days=2 * shift)).day
