"""What one text costs: one that the model refuses among others, and one paragraph that is edited in a long document."""

import math
import random
import time

from vectordb.bench.embedding.model import POISON
from vectordb.bench.embedding.stage import PACKED, Stage
from vectordb.bench.result import Limit, Row
from vectordb.bench.spread import Spread

TEXTS = 96
PARAGRAPHS = 50
_POISON_VISIBILITY_SECONDS = 4.0
"""Shorter than elsewhere, and longer than a batch takes: otherwise it would be received while it is worked on."""
_CALLS = 10
"""Of so many is the stream in which a refused text is to hold nobody up."""
_WORDS = (
    "row",
    "table",
    "key",
    "word",
    "vector",
    "queue",
    "model",
    "about",
    "what",
    "is",
    "of",
    "the",
    "and",
    "its",
    "says",
)


def poison(stage: Stage, rounds: int) -> list[Row]:
    """One text among 96 that the model refuses: requests, and who has to wait or is lost."""
    chosen = random.Random(1)  # noqa: S311 - no secret
    places = [1, TEXTS, *(chosen.randint(2, TEXTS - 1) for _ in range(max(0, rounds - 2)))][:rounds]
    ours: list[float] = []
    waits: dict[bool, list[float]] = {False: [], True: []}
    stage.table("poison")
    stage.declare("poison", PACKED)
    with stage.working():
        for place in places:
            _poisoned(stage, TEXTS, place)
            ours.append(float(_requests(stage) - 1))
            for poisoned in (False, True):
                waits[poisoned].append(_poisoned(stage, _CALLS * TEXTS, place if poisoned else 0))
    stage.end("poison")
    theirs, letters = _poisoned_sample(stage, places[0])
    return [
        Row(
            "poison",
            f"a text that the model refuses among {TEXTS}: requests more than without it",
            "calls",
            Spread.of([theirs]),
            Spread.of(ours),
            Limit(int(2 * math.log2(TEXTS)), "calls"),
            f"at {rounds} places of the {TEXTS}; 2·log2 {TEXTS} is {2 * math.log2(TEXTS):.1f}",
        ),
        Row(
            "poison-letters",
            "  other rows set aside with it",
            "rows",
            Spread.of([letters]),
            Spread.of([0.0]),
            Limit(0, "rows"),
        ),
        Row(
            "poison-wait",
            f"  the rows of the {_CALLS - 1} other requests: when they are there, of the time without it",
            "times",
            None,
            Spread.of([with_it / without for without, with_it in zip(waits[False], waits[True], strict=True)]),
            Limit(1.2, "times"),
            f"{_CALLS * TEXTS} rows at once, in turns with the same rows without a refused text",
        ),
    ]


def edit(stage: Stage, rounds: int) -> list[Row]:
    """One paragraph of fifty is edited: shorter, longer, first, last, in the middle."""
    chosen = random.Random(2)  # noqa: S311 - no secret
    paragraphs = [_paragraph(chosen, number) for number in range(PARAGRAPHS)]
    stage.table("edited")
    stage.declare("edited", PACKED, chunking="embed.chunk_recursive()")
    texts: list[float] = []
    sent: list[float] = []
    whole: list[float] = []
    with stage.working():
        stage.admin.execute("INSERT INTO bench.edited VALUES (1, 'title', %s)", ("\n\n".join(paragraphs),))
        stage.settle()
        chunks = stage.embedded("edited")
        places = [0, PARAGRAPHS - 1, *(chosen.randrange(1, PARAGRAPHS - 1) for _ in range(max(0, rounds - 2)))][:rounds]
        for number, place in enumerate(places):
            edited = paragraphs[place] + " And a sentence more." if number % 2 else _paragraph(chosen, place)
            paragraphs[place] = edited
            stage.ours.forget()
            stage.admin.execute("UPDATE bench.edited SET content = %s", ("\n\n".join(paragraphs),))
            stage.settle()
            texts.append(float(len(stage.ours.texts)))
            sent.append(float(sum(map(len, stage.ours.texts))))
            whole.append(float(len("\n\n".join(paragraphs))))
    stage.end("edited")
    return [
        Row(
            "edit",
            f"one paragraph of {PARAGRAPHS} edited: chunks embedded",
            "texts",
            None,
            Spread.of(texts),
            Limit(2, "texts"),
            f"{rounds} edits of a document of {chunks} chunks: a paragraph written anew, or with a sentence more; the most were {max(texts):g}",
        ),
        Row("edit-sent", "  characters sent to the model", "characters", Spread.of(whole), Spread.of(sent)),
    ]


def _poisoned(stage: Stage, rows: int, place: int) -> float:
    """New rows, of which the one at `place` is refused (0: none), to the end. Seconds until those of all requests but one were there."""
    stage.admin.execute("DELETE FROM bench.poison")
    stage.settle()
    stage.ours.forget()
    stage.admin.execute(
        "INSERT INTO bench.poison (id, title, content) "
        "SELECT n, 'title', CASE WHEN n = %s THEN %s ELSE 'what row ' || n || ' is about' END FROM generate_series(1, %s) AS n",
        (place, POISON, rows),
    )
    began = 0.0
    others = 0.0
    while True:
        if not began and (stage.ours.calls or stage.ours.refused):
            began = time.monotonic()
        if not others and stage.embedded("poison") >= rows - TEXTS:
            others = time.monotonic()
        if not stage.queued():
            return others - began
        time.sleep(0.02)


def _requests(stage: Stage) -> int:
    return len(stage.ours.calls) + sum(stage.ours.refused.values())


def _poisoned_sample(stage: Stage, place: int) -> tuple[float, float]:
    """The same on the other side: requests more than one for each row, and other rows in the dead letters."""
    stage.sample.clear()
    stage.theirs.forget()
    with stage.sample.consuming(PACKED, _POISON_VISIBILITY_SECONDS) as queue:
        stage.superuser.execute(
            "INSERT INTO plain_embedding.documents (id, title, content) "
            "SELECT n, 'title', CASE WHEN n = %s THEN %s ELSE 'what row ' || n || ' is about' END FROM generate_series(1, %s) AS n",
            (place, POISON, TEXTS),
        )
        until = time.monotonic() + 60
        while len(queue) and time.monotonic() < until:
            time.sleep(0.1)
    requests = len(stage.theirs.calls) + sum(stage.theirs.refused.values())
    return float(requests - TEXTS), float(len(queue.dead) - 1)


def _paragraph(chosen: random.Random, number: int) -> str:
    """Of 250 to 700 characters, in sentences."""
    sentences = [
        f"In paragraph {number} " + " ".join(chosen.choice(_WORDS) for _ in range(chosen.randint(8, 20))) + "."
        for _ in range(chosen.randint(3, 6))
    ]
    return " ".join(sentences)
