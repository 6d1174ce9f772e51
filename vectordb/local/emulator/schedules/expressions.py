"""Schedule expressions: when the next time is."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from vectordb.local.emulator.schedules import cron

_RATE = re.compile(r"rate\((\d+) (minute|minutes|hour|hours|day|days)\)")
_CRON = re.compile(r"cron\((.+)\)")
_AT = re.compile(r"at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}

Next = Callable[[float], float | None]
"""A time → the first one after it, both in seconds since 1970; None when there is none."""


def parse(expression: str, zone: str, first: float) -> Next:
    """Read a schedule expression.

    Args:
        expression: rate(), cron() or at().
        zone: an IANA name; a rate does not care.
        first: when a rate runs first, in seconds since 1970: the start date, or when the schedule was made.

    Raises:
        ValueError: it is none of the three, with the reason.
        KeyError: there is no such time zone (zoneinfo's error is one).
    """
    where = ZoneInfo(zone)
    if match := _RATE.fullmatch(expression):
        # "Unit: minutes, hours or days"; the API takes the singular, too.
        interval = int(match[1]) * _SECONDS[match[2].removesuffix("s")]
        if not interval:
            raise ValueError("a rate is positive")
        return lambda after: first if after < first else first + ((after - first) // interval + 1) * interval
    if match := _AT.fullmatch(expression):
        once = datetime.fromisoformat(match[1]).replace(tzinfo=where).timestamp()
        return lambda after: once if after < once else None
    if match := _CRON.fullmatch(expression):
        return _cron(cron.parse(match[1]), where)
    raise ValueError("it is none of rate(value unit), cron(six fields) and at(yyyy-mm-ddThh:mm:ss)")


def _cron(expression: cron.Cron, where: ZoneInfo) -> Next:
    def following(after: float) -> float | None:
        wall = datetime.fromtimestamp(after, where).replace(tzinfo=None)
        # An hour earlier: when clocks go back, the wall's times come twice, and the first ones count.
        for found in expression.after(wall - timedelta(hours=1)):
            moment = found.replace(tzinfo=where).timestamp()
            # A time that clocks skip in spring is skipped (user guide, daylight saving time).
            exists = datetime.fromtimestamp(moment, UTC).astimezone(where).replace(tzinfo=None) == found
            if moment > after and exists:
                return moment
        return None

    return following
