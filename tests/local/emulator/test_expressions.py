"""When schedule expressions fall due."""

import itertools
from datetime import UTC, datetime

import pytest

from vectordb.local.emulator.schedules.expressions import parse


def times(expression, after, count, zone="UTC"):
    """The next times as UTC texts."""
    following = parse(expression, zone, datetime.fromisoformat(after).timestamp())
    moment = datetime.fromisoformat(after).timestamp()
    found = []
    for _ in range(count):
        moment = following(moment)
        if moment is None:
            return [*found, None]
        found.append(datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        # After Saturday 2026-11-21 10:07:30.
        ("* * * * ? *", ["2026-11-21 10:08", "2026-11-21 10:09"]),
        ("0/15 * * * ? *", ["2026-11-21 10:15", "2026-11-21 10:30"]),
        ("1/10 * * * ? *", ["2026-11-21 10:11", "2026-11-21 10:21"]),
        ("0 18 ? * MON-FRI *", ["2026-11-23 18:00", "2026-11-24 18:00"]),
        ("0 18 ? * 2-6 *", ["2026-11-23 18:00", "2026-11-24 18:00"]),
        ("0 18 ? * SAT-SUN *", ["2026-11-21 18:00", "2026-11-22 18:00"]),
        ("15 10 ? * 6L 2026-2027", ["2026-11-27 10:15", "2026-12-25 10:15"]),
        ("0 9 ? * 2#1 *", ["2026-12-07 09:00", "2027-01-04 09:00"]),
        ("0 9 ? * 6#5 *", ["2027-01-29 09:00", "2027-04-30 09:00"]),
        ("0 9 ? * L *", ["2026-11-28 09:00", "2026-12-05 09:00"]),
        ("0 9 L * ? *", ["2026-11-30 09:00", "2026-12-31 09:00"]),
        ("0 9 LW * ? *", ["2026-11-30 09:00", "2026-12-31 09:00"]),
        ("0 9 LW 1,2 ? *", ["2027-01-29 09:00", "2027-02-26 09:00"]),
        ("0 9 1W * ? *", ["2026-12-01 09:00", "2027-01-01 09:00"]),
        ("0 9 1W MAY ? 2027", ["2027-05-03 09:00", None]),
        ("0 9 31 * ? *", ["2026-12-31 09:00", "2027-01-31 09:00"]),
        ("0 0 29 FEB ? *", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("0,30 8-9 1 1,7 ? *", ["2027-01-01 08:00", "2027-01-01 08:30"]),
        ("0 22-1 ? * 1 *", ["2026-11-22 00:00", "2026-11-22 01:00"]),
    ],
)
def test_cron(fields, expected):
    assert times(f"cron({fields})", "2026-11-21T10:07:30+00:00", 2) == expected


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("cron(60 * * * ? *)", "60 is outside of 0 to 59"),
        ("cron(* * 0 * ? *)", "0 is outside of 1 to 31"),
        ("cron(* * * * ? 1969)", "1969 is outside of 1970 to 2199"),
        ("cron(*/0 * * * ? *)", r"\*/0 is outside"),
        ("cron(* * * FOO ? *)", "'FOO' is no number"),
        ("cron(* * ? * 2#6 *)", "one to five"),
        ("cron(* * ? * ? *)", "exactly one"),
        ("rate(5 seconds)", "none of"),
        ("rate(5minutes)", "none of"),
        ("at(2026-11-21)", "none of"),
        ("at(2026-13-21T00:00:00)", "month must be in"),
        ("every day", "none of"),
    ],
)
def test_what_is_no_expression(expression, reason):
    with pytest.raises(ValueError, match=reason):
        parse(expression, "UTC", 0)


def test_a_rate_counts_from_its_start():
    start = datetime.fromisoformat("2026-11-21T10:07:30+00:00").timestamp()
    following = parse("rate(2 hours)", "UTC", start)
    assert following(start - 1) == start
    assert following(start) == start + 7200
    assert following(start + 7199) == start + 7200
    assert following(start + 7201) == start + 14400
    assert parse("rate(1 day)", "UTC", start)(start) == start + 86400


def test_at_is_once_and_in_its_zone():
    assert times("at(2026-12-01T09:00:00)", "2026-11-21T00:00:00+00:00", 2, "America/New_York") == [
        "2026-12-01 14:00",
        None,
    ]


def test_a_time_that_clocks_skip_is_skipped():
    """New York, 2027-03-14: 2:00 becomes 3:00."""
    daily = times("cron(30 2 * * ? *)", "2027-03-12T12:00:00+00:00", 3, "America/New_York")
    assert daily == ["2027-03-13 07:30", "2027-03-15 06:30", "2027-03-16 06:30"]


def test_a_time_that_clocks_repeat_runs_once():
    """New York, 2026-11-01: 2:00 becomes 1:00."""
    daily = times("cron(30 1 * * ? *)", "2026-10-31T12:00:00+00:00", 3, "America/New_York")
    assert daily == ["2026-11-01 05:30", "2026-11-02 06:30", "2026-11-03 06:30"]


def test_each_time_is_later_than_the_one_before():
    following = parse("cron(*/7 * ? * MON#1,TUE *)".replace("MON#1,TUE", "TUE-SAT"), "Europe/Berlin", 0)
    moments = [datetime.fromisoformat("2026-10-24T22:00:00+00:00").timestamp()]
    for _ in range(600):
        moments.append(following(moments[-1]))
    assert all(later > earlier for earlier, later in itertools.pairwise(moments))
