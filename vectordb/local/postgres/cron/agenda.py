"""What is due when: the decisions of the scheduler, without a database or a clock of their own."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from vectordb.local.postgres.cron.schedule import Schedule, parse

_MINUTE = dt.timedelta(minutes=1)
# Vixie cron's: beyond five minutes the clock was set, beyond three hours it was set to something else altogether.
_LATE = 5
_ANOTHER_TIME = 180


@dataclass(frozen=True)
class Job:
    """A row of `cron.job`."""

    id: int
    schedule: str
    command: str
    database: str
    username: str
    active: bool


@dataclass
class _Task:
    job: Job
    last_start: dt.datetime
    waiting: int = 0
    """Runs that are due and have not begun."""
    running: bool = False

    @property
    def schedule(self) -> Schedule:
        try:
            return parse(self.job.schedule)
        except ValueError:  # written into the table by hand: it never runs
            return Schedule()


class Agenda:
    """The jobs and their runs to come. Not thread-safe.

    Args:
        most: how many runs there are at once.
        now: when it begins; minutes before that are not made up for.
    """

    def __init__(self, most: int, now: dt.datetime) -> None:
        self._most = most
        self._minute = _floor(now)
        self._tasks: dict[int, _Task] = {}
        self._begun = False

    def know(self, jobs: Iterable[Job], now: dt.datetime) -> list[Job]:
        """Take the jobs as they are now; returns those that run and should not any more.

        The seconds of a job that was unknown are counted from here.
        """
        found = {job.id: job for job in jobs}
        for job in found.values():
            self._tasks.setdefault(job.id, _Task(job, now)).job = job
        gone = []
        for id_, task in list(self._tasks.items()):
            if id_ in found and found[id_].active:
                continue
            task.waiting = 0
            if task.running:
                gone.append(task.job)
            else:
                del self._tasks[id_]
        if not self._begun:
            self._begun = True
            for task in self._tasks.values():
                task.waiting += task.schedule.at_start
        return gone

    def due(self, now: dt.datetime) -> list[Job]:
        """The jobs to begin now; each counts as running until `ended`."""
        for task in self._tasks.values():
            seconds = task.schedule.seconds
            # However late, a run that is counted in seconds waits once.
            if seconds and not task.waiting and now >= task.last_start + dt.timedelta(seconds=seconds):
                task.waiting = 1
        self._count_minutes(now)
        begun = []
        for task in sorted(self._tasks.values(), key=lambda task: task.last_start):
            if task.waiting and not task.running and self._running() < self._most:
                task.waiting -= 1
                task.running = True
                task.last_start = now
                begun.append(task.job)
        return begun

    def ended(self, job_id: int) -> None:
        """A run of the job is over."""
        if task := self._tasks.get(job_id):
            task.running = False

    def next_look(self, now: dt.datetime) -> float:
        """Seconds until something may be due, if nothing changes."""
        moments = [_floor(now) + _MINUTE]
        # A run that waits for another to end is looked at when that has ended.
        moments += [
            task.last_start + dt.timedelta(seconds=task.schedule.seconds)
            for task in self._tasks.values()
            if task.schedule.seconds and not task.running and not task.waiting
        ]
        return max(0.0, (min(moments) - now).total_seconds())

    def _running(self) -> int:
        return sum(task.running for task in self._tasks.values())

    def _count_minutes(self, now: dt.datetime) -> None:
        minute = _floor(now)
        passed = (minute - self._minute) // _MINUTE
        if passed == 0:
            return
        missed = [self._minute + _MINUTE * number for number in range(1, passed + 1)]
        for task in self._tasks.values():
            schedule = task.schedule
            if 0 < passed <= _LATE:
                task.waiting += sum(schedule.matches(moment) for moment in missed)
            elif _LATE < passed <= _ANOTHER_TIME:
                # The clock was set forward: a fixed time that was passed over is made up for, a star is not.
                moments = [minute] if schedule.wild else missed
                task.waiting += sum(schedule.matches(moment) for moment in moments)
            elif -_ANOTHER_TIME < passed < 0:
                # The clock was set back: a fixed time has been already.
                task.waiting += schedule.wild and schedule.matches(minute)
            else:
                task.waiting += schedule.matches(minute)
        if not -_ANOTHER_TIME < passed < 0:
            self._minute = minute


def _floor(moment: dt.datetime) -> dt.datetime:
    return moment.replace(second=0, microsecond=0)
