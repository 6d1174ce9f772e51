"""Rows that are too large, that the database refuses, or that a run is too short for: each is its own fault, and no other row's."""

import pytest

from embedder import events, handler, rows
from embedder.chunking import Plan
from embedder.database import Content, RefusedError
from embedder.errors import SettingsError
from embedder.providers.provider import Answer
from embedder.rows import Recipe, Row, UnfitError
from embedder.stopping import Stopping
from embedder.template import read
from embedder.worker import Worker
from tests.embed.queue_double import Queue

CONFIG = {
    "chunking": {"method": "recursive", "size": 20},
    "embedding": {"provider": "bedrock", "model": "cohere.embed-v4:0", "dimension": 256},
    "limits": {"batch_rows": 96, "lease_seconds": 30},
}


def answered(provider, texts, purpose):
    return Answer([[1.0] * provider.dimension for _ in texts], None)


def work(queue, ask=answered, stopping=None):
    worker = Worker(queue, ask, stopping or Stopping())
    try:
        return worker.work()
    finally:
        worker.close()


def queue(count, text="text {}"):
    made = Queue(CONFIG)
    for n in range(count):
        made.write(f"[{n}]", text.replace("{}", str(n)))
    return made


@pytest.mark.parametrize("code", ["23514", "P0001", "54000", "22003"])
def test_a_row_that_the_table_refuses_dies_alone(code):
    """By a CHECK, a trigger, its size, or a number that halfvec does not hold."""
    made = queue(64)
    finish = made.finish

    def refusing(vectorizer, generation, items):
        if any(item["key"] in {"[7]", "[40]"} for item in items):
            raise RefusedError(code)
        return finish(vectorizer, generation, items)

    made.finish = refusing
    work(made)
    assert made.dead == dict.fromkeys(("[7]", "[40]"), f"Sql{code}: the database refuses to store this row's vectors")
    assert len(made.saved) == 62
    assert made.circuit is None


def test_a_constraint_that_a_lone_row_violates_opens_no_circuit():
    made = queue(1)
    made.refuses = "23514"
    work(made)
    assert (list(made.dead), made.circuit) == (["[0]"], None)


def test_contents_are_read_in_portions_that_fit_into_memory(monkeypatch):
    monkeypatch.setattr("embedder.run.PORTION_CHARACTERS", 2_000)
    monkeypatch.setattr("embedder.run.MOST_CHARACTERS", 20_000)
    made = queue(96, "words of row {} " * 30)
    asked = []
    content = made.content
    made.content = lambda vectorizer, generation, keys: asked.append(len(keys)) or content(vectorizer, generation, keys)
    work(made)
    assert len(made.saved) == 96
    assert asked[0] == 16
    assert max(asked[1:]) < 16
    assert len(made.released) > 40, "rows beyond what may be in memory are given back"


def test_a_row_of_too_many_chunks_is_refused_and_says_how_many_there_may_be():
    recipe = Recipe(handler.settings.provider(CONFIG), Plan("recursive", 20), read(None))
    row = Row("[1]", 1, "u", 1, 0)
    most = rows.MOST_BYTES // rows.NUMBER_BYTES // 256
    assert len(recipe.pieces(row, "0123456789 01234567 " * most, {})) == most
    with pytest.raises(
        UnfitError, match=rf"^the content makes {most + 1} chunks, and of 256 dimensions at most {most} are"
    ):
        recipe.pieces(row, "0123456789 01234567 " * (most + 1), {})


@pytest.mark.parametrize("text", ["a\0b", "half \ud83d of it"])
def test_what_postgresql_cannot_hold_is_refused(text):
    recipe = Recipe(handler.settings.provider(CONFIG), Plan(), read("$title $chunk"))
    for content, title in ((text, "t"), ("c", text)):
        with pytest.raises(UnfitError, match="no PostgreSQL takes"):
            recipe.pieces(Row("[1]", 1, "u", 1, 0), content, {"title": title})


def test_a_row_that_a_run_is_too_short_for_is_not_begun_for_ever():
    """Its calls are paid for each time. Small rows are given back as they were."""
    made = queue(0)
    made.write("[0]", "0123456789 01234567 " * 1000)
    made.write("[1]", "small")
    made.config["limits"] = {"batch_rows": 96, "lease_seconds": 30, "concurrency": 1, "max_attempts": 8}
    for attempt in range(8):
        stopping = Stopping()
        calls = []

        def ask(provider, texts, purpose, stopping=stopping, calls=calls):
            calls.append(len(texts))
            if len(calls) == 3:
                stopping.stop()
            return answered(provider, texts, purpose)

        work(made, ask, stopping)
        made.clock = lambda attempt=attempt: 1e9 * (attempt + 1)  # the delay is over
    assert made.dead == {"[0]": "Unfinished: the run ended before a row of 1000 chunks was embedded"}
    work(made)
    assert list(made.saved) == ["[1]"]


def test_a_row_that_breaks_the_chunker_dies_by_its_attempts(monkeypatch):
    made = queue(2)
    content = made.content

    def odd(vectorizer, generation, keys):
        return {key: Content("x", [7], "h") if key == "[0]" else found for key, found in content(1, 1, keys).items()}

    made.content = odd
    for attempt in range(9):
        made.clock = lambda attempt=attempt: 1e9 * (attempt + 1)
        work(made)
    assert list(made.saved) == ["[1]"]
    assert made.dead["[0]"].startswith("AttributeError: the row cannot be cut (rows.py:")


@pytest.mark.parametrize("records", [None, 7, {}, "x"])
def test_records_that_are_no_list(records):
    with pytest.raises(SettingsError):
        events.tickets({"Records": records})
