"""Both sides embed at once, each with the same quota of requests, and are watched."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from vectordb.bench.embedding.queue import Queue
from vectordb.bench.embedding.stage import Stage

OURS, THEIRS = 1, 2
"""Places in a point."""
Point = tuple[float, ...]
"""Seconds since the rows were there; rows that our side has embedded by then, and the other one."""
_LOOK_SECONDS = 0.2


@dataclass
class Course:
    """How many rows were embedded while time went on."""

    points: list[Point] = field(default_factory=list)

    def first(self, side: int) -> float:
        """When a side's first vector was seen."""
        return next((point[0] for point in self.points if point[side]), 0.0)

    def gain(self, side: int, begin: float, end: float) -> float:
        """Rows a second from the last look before `begin` to the last before `end`."""
        earlier = [point for point in self.points if point[0] <= begin][-1]
        later = [point for point in self.points if point[0] <= end][-1]
        return (later[side] - earlier[side]) / (later[0] - earlier[0]) if later[0] > earlier[0] else 0.0

    def rate(self, side: int, begin: float, end: float) -> float:
        """Rows a second between the first and the last look within `begin` and `end` that found more than the one before.

        So a group of rows that is written just after the end is not missing. For what goes on all the time.
        """
        changes = [
            later[0]
            for earlier, later in zip(self.points, self.points[1:], strict=False)
            if later[side] > earlier[side] and begin <= later[0] <= end
        ]
        return self.gain(side, changes[0], changes[-1]) if len(changes) > 1 else 0.0


@dataclass
class Race:
    """One that goes on."""

    stage: Stage
    name: str
    queue: Queue
    course: Course = field(default_factory=Course)
    _began: float = field(default_factory=time.monotonic)

    @property
    def now(self) -> float:
        """Seconds since the rows were there."""
        return time.monotonic() - self._began

    @property
    def over(self) -> bool:
        """Whether neither side has anything left to do."""
        return not self.stage.queued() and not len(self.queue)

    def watch(self, seconds: float, over: Callable[[], bool] = lambda: False) -> None:
        """Look for so long, or until it is over."""
        until = self.now + seconds
        self._look()
        while self.now < until and not over():
            time.sleep(_LOOK_SECONDS)
            self._look()

    def _look(self) -> None:
        ours, theirs = self.stage.embedded(self.name), self.stage.embedded_by_sample()
        self.course.points.append((round(self.now, 2), ours, theirs))


@contextmanager
def racing(stage: Stage, name: str, model: str, per_minute: float, ours: int, theirs: int) -> Iterator[Race]:
    """So many new rows on each side, a quota for each, and those who embed them.

    Args:
        stage: where.
        name: of the table of our side.
        model: that both ask.
        per_minute: requests that each side may make.
        ours: rows of our side.
        theirs: rows of the other side.
    """
    stage.table(name)
    stage.declare(name, model, per_minute=per_minute)
    stage.sample.clear()
    for side in (stage.ours, stage.theirs):
        side.forget()
        side.set_quota(per_minute)
    with stage.sample.consuming(model) as queue, stage.working():
        texts = (
            "SELECT n, 'title ' || n, 'what row ' || n || ' of {table} is about' FROM generate_series(1, {count}) AS n"
        )
        for table, count in (("plain_embedding.documents", theirs), (f"bench.{name}", ours)):
            stage.superuser.execute(
                f"INSERT INTO {table} (id, title, content) {texts.format(table=table, count=count)}".encode()
            )
        yield Race(stage, name, queue)
    for side in (stage.ours, stage.theirs):
        side.forget()
    stage.end(name)
