"""What both sides make of a quota of requests, and what they lose when there is too little of it."""

from vectordb.bench.embedding.race import OURS, THEIRS, Course, racing
from vectordb.bench.embedding.stage import ALONE, PACKED, Stage
from vectordb.bench.result import Factor, Least, Limit, Row
from vectordb.bench.spread import Spread

PER_MINUTE = 600
PACKED_PER_MINUTE = 180
"""Of the model that takes 96 texts: 288 rows a second, which leave the machine room for the other side."""
TEXTS = 96
_START_SECONDS = 3.0
"""After the first vector: by then both sides have used up what their buckets held at first."""
_DRAIN_SECONDS = 100.0


def packed(stage: Stage, seconds: float) -> tuple[list[Row], Course]:
    """Rows a second of a model that takes 96 texts in a request."""
    requests = int((seconds + 2 * _START_SECONDS) * PACKED_PER_MINUTE / 60)
    with racing(stage, "packed", PACKED, PACKED_PER_MINUTE, requests * TEXTS, requests * 2) as race:
        race.watch(seconds + 2 * _START_SECONDS)
    theirs, ours = (_rate(race.course, side, seconds) for side in (THEIRS, OURS))
    what = f"a model of {TEXTS} texts a request: rows embedded"
    note = f"{PACKED_PER_MINUTE} requests a minute for each side, both at once, for {seconds:g} seconds"
    most = PACKED_PER_MINUTE / 60
    return [
        Row("packed", what, "rows/s", _one(theirs), _one(ours), Factor(25), note),
        Row(
            "packed-most",
            "  against a row a request of which none is refused (by arithmetic)",
            "rows/s",
            _one(most),
            _one(ours),
            Factor(25),
        ),
    ], race.course


def alone(stage: Stage, seconds: float) -> tuple[list[Row], Course]:
    """A model that takes one text in a request, and more rows at once than its quota lets through, to the end of both sides."""
    rows = int((seconds + 2 * _START_SECONDS) * PER_MINUTE / 60)
    with racing(stage, "alone", ALONE, PER_MINUTE, rows, rows) as race:
        race.watch(seconds + 2 * _START_SECONDS)
        race.watch(_DRAIN_SECONDS, lambda: race.over)
        lost = [rows - stage.embedded("alone"), rows - stage.embedded_by_sample()]
        letters = len(race.queue.dead)
        refused = [sum(side.refused.values()) for side in (stage.ours, stage.theirs)]
    theirs, ours = (_rate(race.course, side, seconds) * 60 / PER_MINUTE for side in (THEIRS, OURS))
    return [
        Row(
            "alone",
            "a model of one text a request: rows embedded, of its quota",
            "%",
            _one(100 * theirs),
            _one(100 * ours),
            Least(95, "%"),
            f"{PER_MINUTE} requests a minute for each side, {rows} rows at once, for {seconds:g} seconds; the other side asks for the "
            "same rows several times",
        ),
        Row("refused", "  requests that the model refused (429)", "calls", _one(refused[1]), _one(refused[0])),
        Row(
            "lost",
            f"rows of {rows} without an embedding when both sides have ended",
            "rows",
            _one(lost[1]),
            _one(lost[0]),
            Limit(0, "rows"),
        ),
        Row(
            "letters",
            "  messages in the dead letters, of rows that were embedded or not",
            "rows",
            _one(letters),
            _one(0),
        ),
    ], race.course


def halved(stage: Stage, seconds: float) -> tuple[list[Row], Course]:
    """The quota is halved while rows are embedded."""
    before = 2 * _START_SECONDS
    rows = int((before + seconds + _START_SECONDS) * PER_MINUTE / 60)
    with racing(stage, "halved", ALONE, PER_MINUTE, rows, rows) as race:
        race.watch(before)
        for side in (stage.ours, stage.theirs):
            side.set_quota(PER_MINUTE / 2)
        began = race.now
        race.watch(seconds + 0.5)
    theirs, ours = (race.course.gain(side, began, began + seconds) * 120 / PER_MINUTE for side in (THEIRS, OURS))
    what = "the quota halved: rows embedded from that moment on, of what is left of it"
    note = f"from {PER_MINUTE} to {PER_MINUTE // 2} requests a minute, nobody is told; {seconds:g} seconds"
    return [Row("halved", what, "%", _one(100 * theirs), _one(100 * ours), Least(90, "%"), note)], race.course


def _rate(course: Course, side: int, seconds: float) -> float:
    begin = course.first(OURS) + _START_SECONDS
    return course.rate(side, begin, begin + seconds)


def _one(value: float) -> Spread:
    return Spread.of([float(value)])
