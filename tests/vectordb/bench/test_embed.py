"""Embeddings beside the sample's shape: the other side is what it says, numbers mean what they say, and the whole of it runs."""

import importlib.util
import json
import struct
import time

import pytest
from typer.testing import CliRunner

from tests.components.recorded import ROOT
from tests.vectordb.bench.rows import spread
from vectordb.bench import documents, embed, markdown
from vectordb.bench.embedding import picture, single, stage, writes
from vectordb.bench.embedding.model import Model, RefusedError
from vectordb.bench.embedding.queue import Queue
from vectordb.bench.embedding.race import OURS, THEIRS, Course
from vectordb.bench.result import Factor, Least, Limit, Result, Row
from vectordb.cli.app import app


def row(key, unit, sample, ours, demanded=None):
    return Row(key, key, unit, None if sample is None else spread(sample), spread(ours), demanded)


RESULT = Result(
    (
        row("packed", "rows/s", 1.5, 280.0, Factor(25)),
        row("alone", "%", 40.0, 97.0, Least(95, "%")),
        row("lost", "rows", 210.0, 0.0, Limit(0, "rows")),
        row("letters", "rows", 230.0, 0.0),
        row("halved", "%", 30.0, 91.0, Least(90, "%")),
        row("poison", "calls", 20.0, 8.0, Limit(13, "calls")),
        row("edit", "texts", None, 1.0, Limit(2, "texts")),
        row("edit-sent", "characters", 19000.0, 500.0),
        row("irrelevant-cpu", "times", 1.1, 1.3, Limit(2, "times")),
        row("write-scheduled", "%", 40.0, 70.0, Least(60, "%")),
        row("write-event", "%", 40.0, 65.0, Least(60, "%")),
        row("write-queue", "%", 40.0, 55.0, Least(60, "%")),
    ),
    {"machine": "2 processors"},
    {"alone": [(0.0, 0, 0), (10.0, 100, 60), (40.0, 400, 190)]},
)


def test_a_message_that_is_not_deleted_comes_again_and_after_three_receives_never():
    messages = Queue(visibility_seconds=0.05)
    for text in ("kept", "done"):
        messages.send(text)
    first = messages.receive(10, 0)
    messages.delete([message for message in first if message.body == "done"])
    assert messages.receive(10, 0) == []
    for receives in (2, 3):
        assert [(message.body, message.receives) for message in messages.receive(10, 0.1)] == [("kept", receives)]
    time.sleep(0.06)
    assert messages.receive(10, 0) == []
    assert [message.body for message in messages.dead] == ["kept"]
    assert len(messages) == 0


def test_a_quota_that_changes_leaves_nothing_saved_up():
    model = Model(per_minute=60)
    assert model.embed(["one"], 2)
    assert model.embed(["two"], 2)
    with pytest.raises(RefusedError) as refused:
        model.embed(["three"], 2)
    assert refused.value.status == 429
    model.set_quota(600)
    with pytest.raises(RefusedError):
        model.embed(["four"], 2)
    time.sleep(0.12)
    assert model.embed(["five"], 2)
    assert (model.calls, model.refused) == ([1, 1, 1], {"ThrottlingException": 2})


def test_a_rate_is_counted_between_changes_and_a_gain_from_the_moment_on():
    course = Course([(float(second), 10 * (second // 2), 3 * second) for second in range(11)])
    assert course.first(OURS) == 2
    assert course.rate(OURS, 3, 9.5) == 5
    assert course.rate(THEIRS, 3, 9.5) == 3
    assert course.gain(OURS, 3.5, 9.5) == pytest.approx(30 / 6)
    assert course.rate(OURS, 8.5, 9.5) == 0


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="matplotlib is not installed (extra bench)")
def test_the_picture_is_of_a_legible_size(tmp_path):
    picture.draw(RESULT, tmp_path / "images" / "embed.png")
    content = (tmp_path / "images" / "embed.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert struct.unpack(">II", content[16:24]) == (1560, 1140)


def test_the_command_says_what_is_not_met(tmp_path, monkeypatch):
    monkeypatch.setattr(embed, "run", lambda *_, **__: RESULT)
    monkeypatch.chdir(ROOT)
    file = tmp_path / "rows.json"
    result = CliRunner().invoke(app, ["bench", "embed", "--markdown", "--json", str(file)])
    assert result.exit_code == 1
    assert result.stdout.rstrip().endswith("1 of 10 demands are not met: write-queue.")
    assert json.loads(file.read_text())["courses"]["alone"][-1] == [40.0, 400, 190]


def test_the_page_has_what_the_command_writes(tmp_path):
    page = tmp_path / "docs" / "performance.md"
    page.parent.mkdir()
    page.write_text((ROOT / documents.PERFORMANCE).read_text(encoding="utf-8"))
    documents.write(tmp_path, "embed", markdown.whole(RESULT))
    assert markdown.table(RESULT) in page.read_text()
    assert (ROOT / documents.PICTURES / "embed.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.long
def test_both_sides_embed_and_are_counted(runtimes):
    """For real, as short as it can be: a refused text, and what many clients write."""
    with stage.running(ROOT, model_seconds=0.05, say=lambda _: None, runtimes=runtimes) as running:
        rows = {each.key: each for each in [*single.poison(running, 1), *writes.inserts(running, 1, 1)]}
    assert rows["poison"].met
    # A batch of ten, asked two times more than it should be; on a machine that stands still it comes again while it is worked on.
    assert rows["poison"].sample.median >= 20
    assert rows["poison-letters"].sample.median >= 9
    assert rows["write-scheduled"].ours.median > 0
