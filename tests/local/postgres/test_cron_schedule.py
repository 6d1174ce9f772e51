"""When a job of pg_cron is due: schedules, and what the agenda makes of them. The extension must know the same schedules (test_cron.py)."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectordb.local.postgres.cron.agenda import Agenda, Job
from vectordb.local.postgres.cron.schedule import parse

START = dt.datetime(2026, 11, 21, 17, 59, 30, tzinfo=dt.UTC)  # a Saturday

SCHEDULES = [
    "* * * * *",
    "*/5 0-6,22 1 JAN,mar-Dec sun",
    "59 23 31 12 7",
    "0 12 $ * *",
    " 5\t4 * * 1-5 ",
    "*/2 * * * * *",  # what follows five fields is ignored: every second minute, not every second second
    "0-59/15 * * * Mon-FRI",
    "5-3 * * * *",
    "@hourly",
    "@reboot",
    "1 second",
    "59 seconds",
    "30seconds",
    "10 SECONDS",
]
NO_SCHEDULES = [
    "",
    "* * * *",
    "60 * * * *",
    "* 24 * * *",
    "* * 0 * *",
    "* * * 13 *",
    "* * * * 8",
    "1/5 * * * *",
    "*/0 * * * *",
    "*/60 * * * *",
    "a * * * *",
    "* * * * monday",
    "1,,2 * * * *",
    "1- * * * *",
    "* $ * * *",
    "@never",
    "0 seconds",
    "60 seconds",
    "5 minutes",
    "5 secondss",
    "-5 seconds",
    "99999999999 seconds",
]


def minutes(schedule: str, day: dt.date, days: int = 1) -> list[str]:
    """Which minutes of some days fit, as month-day hour:minute."""
    midnight = dt.datetime.combine(day, dt.time(), dt.UTC)
    moments = (midnight + dt.timedelta(minutes=number) for number in range(1440 * days))
    return [f"{moment:%m-%d %H:%M}" for moment in moments if parse(schedule).matches(moment)]


def test_fields_ranges_lists_steps_and_names() -> None:
    saturday = START.date()
    assert minutes("30 9 * * 6", saturday) == ["11-21 09:30"]
    assert minutes("30 9 * * sat", saturday) == ["11-21 09:30"]
    assert minutes("*/20 5-6 * nov *", saturday) == [f"11-21 0{h}:{m}" for h in (5, 6) for m in ("00", "20", "40")]
    assert minutes("1,58-59 0 * * *", saturday) == ["11-21 00:01", "11-21 00:58", "11-21 00:59"]
    assert minutes("10-30/10 0 * * *", saturday) == ["11-21 00:10", "11-21 00:20", "11-21 00:30"]
    assert minutes("* * * * mon-fri", saturday) == []
    assert len(minutes("*/2 * * * * *", saturday)) == 720
    assert minutes("@daily", saturday, 2) == ["11-21 00:00", "11-22 00:00"]
    assert minutes("0 0 * * 7", saturday, 3) == minutes("0 0 * * 0", saturday, 3) == ["11-22 00:00"]


def test_days_and_weekdays_are_either_unless_one_begins_with_a_star() -> None:
    assert minutes("0 0 21 * 1", START.date(), 7) == ["11-21 00:00", "11-23 00:00"]
    assert minutes("0 0 */2 * 1", START.date(), 7) == ["11-23 00:00"]


def test_the_last_day_of_a_month() -> None:
    assert minutes("0 12 $ * *", dt.date(2026, 2, 26), 5) == ["02-28 12:00"]
    assert minutes("0 12 $ * *", dt.date(2028, 2, 26), 5) == ["02-29 12:00"]


@pytest.mark.parametrize("text", SCHEDULES)
def test_a_schedule(text: str) -> None:
    parse(text)


@pytest.mark.parametrize("text", NO_SCHEDULES)
def test_no_schedule(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


def job(schedule: str, number: int = 1, *, active: bool = True) -> Job:
    return Job(number, schedule, "SELECT 1", "vectordb", "app", active)


def at(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


def starts(agenda: Agenda, until: int, *, lasts: float = 0) -> list[int]:
    """At which seconds runs begin, with a look each second and runs that take `lasts` seconds."""
    found, busy_until = [], -1.0
    for second in range(until + 1):
        if 0 <= busy_until <= second:
            agenda.ended(1)
            busy_until = -1
        if agenda.due(at(second)):
            found.append(second)
            busy_until = second + lasts
    return found


def test_seconds_count_from_when_the_job_was_first_seen_then_from_start_to_start() -> None:
    agenda = Agenda(5, START)
    agenda.know([job("10 seconds")], at(0))
    assert agenda.next_look(at(3)) == 7
    assert starts(agenda, 31, lasts=4) == [10, 20, 30]


def test_a_run_in_seconds_that_takes_long_is_followed_by_one() -> None:
    agenda = Agenda(5, START)
    agenda.know([job("5 seconds")], at(0))
    assert starts(agenda, 35, lasts=18) == [5, 23]


def test_minutes_that_pass_while_a_job_runs_wait_for_it() -> None:
    agenda = Agenda(5, START)
    agenda.know([job("* * * * *")], at(0))
    # The runs of the minutes at 90 and 150 follow at once.
    assert starts(agenda, 420, lasts=110) == [30, 140, 250, 360]


def test_a_minute_runs_once_and_the_first_half_minute_is_not_made_up() -> None:
    agenda = Agenda(5, START)
    agenda.know([job("59 17 * * *"), job("0 18 * * *", 2)], at(0))
    assert [[found.id for found in agenda.due(at(second))] for second in (0, 29, 30, 31, 60)] == [[], [], [2], [], []]


def test_no_more_at_once_than_the_limit() -> None:
    agenda = Agenda(2, START)
    agenda.know([job("1 second", number) for number in (1, 2, 3)], at(0))
    assert [found.id for found in agenda.due(at(1))] == [1, 2]
    assert agenda.due(at(5)) == []
    assert agenda.next_look(at(5)) == 25  # no look before the next minute but the one at a run's end
    agenda.ended(2)
    assert [found.id for found in agenda.due(at(5))] == [3]


def test_a_job_that_goes_or_rests_is_named_while_it_runs_and_begins_no_more() -> None:
    agenda = Agenda(5, START)
    agenda.know([job("1 second"), job("1 second", 2)], at(0))
    agenda.due(at(1))
    assert [gone.id for gone in agenda.know([job("1 second", active=False)], at(2))] == [1, 2]
    agenda.ended(1)
    agenda.ended(2)
    assert agenda.know([job("1 second", active=False)], at(3)) == []
    assert agenda.due(at(60)) == []


def test_reboot_runs_once_when_the_scheduler_begins() -> None:
    agenda = Agenda(5, START)
    agenda.know([job("@reboot")], at(0))
    assert [found.id for found in agenda.due(at(0))] == [1]
    agenda.ended(1)
    agenda.know([job("@reboot"), job("@reboot", 2)], at(1))
    assert agenda.due(at(1)) == []


def test_a_schedule_written_into_the_table_by_hand_never_runs() -> None:
    agenda = Agenda(5, START)
    agenda.know([job("nonsense")], at(0))
    assert agenda.due(at(90)) == []


@pytest.mark.parametrize(
    ("schedule", "minutes_later", "runs"),
    [
        ("5 18 * * *", 20, 1),  # set forward: a fixed time that was passed over is made up for,
        ("*/5 * * * *", 21, 1),  # a star runs for the minute that it is (18:20)
        ("5 18 * * *", 300, 0),  # another time altogether
        ("30 17 * * *", -29, 0),  # set back: it has been
        ("30 * * * *", -29, 1),
    ],
)
def test_a_clock_that_is_set(schedule: str, minutes_later: int, runs: int) -> None:
    agenda = Agenda(5, START)
    agenda.know([job(schedule)], at(0))
    assert len(agenda.due(START + dt.timedelta(minutes=minutes_later))) == runs


@given(st.lists(st.integers(1, 200), max_size=60), st.integers(1, 59))
def test_looks_at_any_times_start_a_run_at_most_once_an_interval(gaps: list[int], seconds: int) -> None:
    agenda = Agenda(5, START)
    agenda.know([job(f"{seconds} seconds")], START)
    now, last = 0, 0
    for gap in gaps:
        now += gap
        if agenda.due(at(now)):
            agenda.ended(1)
            assert now - last >= seconds
            last = now
        else:
            assert now - last < seconds
