"""The worker against the queue in memory and a model on this machine: packing, classes of errors, limits, ends."""

import math
import threading
import time

import pytest

from embedder import handler, hashing
from embedder.database import RefusedError as RefusedByDatabase
from embedder.database import UnavailableError
from embedder.stopping import Stopping
from embedder.transport import asking
from embedder.worker import Worker
from tests.embed.model import Model, RefusedError, Server, vector
from tests.embed.queue_double import Queue

COHERE = "cohere.embed-v4:0"
TITAN = "amazon.titan-embed-text-v2:0"
SECRET = "NOBODY-MAY-SEE-THIS"


@pytest.fixture
def model():
    return Model()


@pytest.fixture(autouse=True)
def server(model, monkeypatch):
    with Server(model) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield server


def config(model=COHERE, dimension=256, **more):
    return {
        "name": "docs",
        "chunking": {"method": "none"},
        "template": None,
        "embedding": {"provider": "bedrock", "model": model, "dimension": dimension, "normalize": True},
        "limits": {"batch_rows": 96, "lease_seconds": 30},
        "limiter": model,
    } | more


def queue(count=0, text="text {} " + SECRET, **more):
    made = Queue(config(**more))
    for n in range(count):
        made.write(f"[{n}]", text.format(n))
    return made


def work(queue, stopping=None):
    worker = Worker(queue, asking("us-east-1", 5), stopping or Stopping())
    try:
        return worker.work()
    finally:
        worker.close()


def all_embedded(queue, dimension=256):
    assert queue.work == {}
    assert queue.saved.keys() == queue.source.keys() - queue.dead.keys()
    for key, chunks in queue.saved.items():
        assert "".join(chunk["text"] for chunk in chunks) == queue.source[key]
        for chunk in chunks:
            numbers = [float(number) for number in chunk["embedding"][1:-1].split(",")]
            assert numbers == pytest.approx(vector(chunk["text"], dimension), abs=1e-7)


def test_texts_of_many_rows_share_calls(model):
    made = queue(500)
    report = work(made)
    all_embedded(made)
    assert report.complete
    assert sorted(model.calls, reverse=True) == [96, 96, 96, 96, 96, 20]
    assert (report.stats.rows, report.stats.calls, report.stats.chunks_embedded) == (500, 6, 500)
    assert max(made.finishes) <= 64
    assert made.recorded["rows"] == 500
    assert 2 <= model.most_at_once <= 8


def test_a_model_of_one_text_a_call(model):
    made = queue(30, model=TITAN)
    report = work(made)
    all_embedded(made)
    assert model.calls == [1] * 30
    assert report.stats.tokens == 30 * 3
    assert 2 <= model.most_at_once <= 8


def test_chunks_of_a_row_may_come_by_several_calls_and_unchanged_ones_are_kept(model):
    made = queue(chunking={"method": "recursive", "size": 200})
    paragraphs = [f"Paragraph {n} " + "with some words " * 10 + "." for n in range(150)]
    made.write("[1]", "\n\n".join(paragraphs))
    work(made)
    all_embedded(made)
    assert len(model.texts) == 150
    assert sorted(model.calls) == [54, 96]
    paragraphs[70] += " Changed."
    made.write("[1]", "\n\n".join(paragraphs))
    report = work(made)
    all_embedded(made)
    assert model.texts[150:] == [paragraphs[70] + "\n\n"]
    assert (report.stats.chunks_embedded, report.stats.chunks_kept) == (1, 149)


def test_a_row_that_says_the_same_again_needs_no_call(model):
    made = queue(10)
    work(made)
    before = len(model.calls)
    made.write("[3]", made.source["[3]"])
    report = work(made)
    assert (len(model.calls), report.stats.rows) == (before, 1)
    all_embedded(made)


def test_deleted_gone_and_empty_rows_lose_their_vectors(model):
    made = queue(4)
    work(made)
    made.delete("[0]")
    made.write("[1]", None)
    made.write("[2]", "new")
    del made.source["[2]"]
    report = work(made)
    assert made.work == {}
    assert made.saved.keys() == {"[3]"}
    assert report.stats.rows == 3
    assert len(model.calls) == 1


@pytest.mark.parametrize("position", [0, 47, 48, 95])
def test_one_poison_row_in_96_costs_few_calls_and_delays_nobody(model, position):
    made = queue(96)
    made.write(f"[{position}]", "POISON " + SECRET)
    report = work(made)
    all_embedded(made)
    assert made.dead == {f"[{position}]": "ValidationException: Bedrock answered with HTTP status 400"}
    assert report.stats.calls - 1 <= 2 * math.log2(96)
    assert all(made_of == 1 for kind, made_of, _ in made.failures if kind == "poison")
    assert [kind for kind, _, _ in made.failures] == ["poison"]


def test_many_poison_rows_among_many(model):
    made = queue(300)
    bad = {f"[{n}]" for n in range(0, 300, 37)}
    for key in bad:
        made.write(key, "POISON")
    work(made)
    all_embedded(made)
    assert made.dead.keys() == bad


def test_one_poison_row_of_a_model_of_one_text_a_call(model):
    made = queue(5, model=TITAN)
    made.write("[2]", "POISON")
    work(made)
    all_embedded(made)
    assert made.dead.keys() == {"[2]"}


def test_only_poison_is_told_from_a_model_that_refuses_everything(model):
    made = queue(model=TITAN)
    made.write("[1]", "POISON")
    work(made)
    assert made.dead.keys() == {"[1]"}
    assert model.texts == ["probe"]
    model.poison = lambda text: True
    made = queue(300, model=TITAN)
    work(made)
    assert made.dead == {}
    assert made.circuit.startswith("ValidationException")
    assert all(item.lease is None for item in made.work.values())


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException"])
def test_a_configuration_at_fault_opens_the_circuit_and_costs_no_attempt(model, code):
    model.failing = RefusedError(403, code, "User: arn:aws:sts::123456789012:assumed-role/w is not authorized")
    made = queue(20)
    report = work(made)
    assert made.circuit == f"{code}: User: arn:aws:sts::123456789012:assumed-role/w is not authorized"
    assert {item.attempts for item in made.work.values()} == {0}
    assert made.dead == {}
    assert report.stats.rows == 0


def test_a_dimension_that_the_database_refuses_opens_the_circuit():
    made = queue(5)
    made.refuses = "22000"
    work(made)
    assert made.circuit == "Sql22000: the database refuses the vectors; do dimension and type fit?"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "no.such"}, "Settings: the model 'no.such' is not known"),
        ({"chunking": {"method": "semantic"}}, "Settings: chunking.method must be one of"),
        ({"template": "nothing"}, "Settings: the template must hold $chunk"),
        ({"template": "$title $chunk"}, "Settings: the template needs the column 'title'"),
        ({"destination": {"kind": "clay"}}, "Settings: the worker cannot write to the destination 'clay'"),
        ({"dimension": 7}, "Settings: cohere.embed-v4:0 makes vectors of 1536, 1024, 512, 256 dimensions, not 7"),
    ],
)
def test_a_configuration_that_cannot_be_followed_opens_the_circuit(changes, said):
    made = queue(3, **changes)
    work(made)
    assert made.circuit.startswith(said)
    assert {item.attempts for item in made.work.values()} == {0}


def test_a_template_without_room_sets_the_row_aside():
    made = queue(model=TITAN, chunking={"method": "none"})
    made.write("[1]", "x " * 30_000)
    made.write("[2]", "fits")
    work(made)
    assert made.dead == {"[1]": "Unfit: the content is longer than the model takes; choose a chunking other than none"}
    assert made.saved.keys() == {"[2]"}


def test_throttling_costs_no_attempt_and_loses_nothing(model):
    model.storm = 0.5
    made = queue(60, model=TITAN)
    attempts = []
    fail = made.fail
    made.fail = lambda *given: (attempts.append(given[4]), fail(*given))
    report = work(made)
    all_embedded(made)
    assert report.stats.throttles > 10
    assert 1 <= made.throttles <= report.stats.throttles
    assert attempts == []


def test_throttling_that_lasts_gives_the_rows_back(model, monkeypatch):
    monkeypatch.setattr("embedder.permits.FIRST_PAUSE_SECONDS", 0.01)
    model.storm = 1.0
    made = queue(10)
    stopping = Stopping()
    threading.Timer(1.0, stopping.stop).start()
    report = work(made, stopping)
    assert not report.complete
    assert all(item.lease is None and item.attempts == 0 for item in made.work.values())
    assert len(made.released) >= 10


@pytest.mark.parametrize("embedding", [COHERE, TITAN])
def test_an_outage_costs_no_attempts(model, monkeypatch, embedding):
    monkeypatch.setattr("embedder.worker.CALM_SECONDS", 0.05)
    model.failing = RefusedError(500, "InternalServerException")
    made = queue(20, model=embedding)
    threading.Timer(0.5, lambda: setattr(model, "failing", None)).start()
    work(made)
    all_embedded(made)
    assert made.dead == {}
    # It may end just between a call and its probe; then that call's rows are blamed, once.
    assert sum(count for kind, count, _ in made.failures if kind == "transient") <= len(made.source)
    assert {kind for kind, _, _ in made.failures} <= {"transient"}
    assert sum(model.refused.values()) <= 20 * 5


def test_an_outage_that_lasts_is_left_to_the_next_bell(model, monkeypatch):
    monkeypatch.setattr("embedder.worker.CALM_SECONDS", 0.01)
    model.failing = RefusedError(500, "InternalServerException")
    made = queue(5)
    assert not work(made).complete
    assert [(item.lease, item.attempts) for item in made.work.values()] == [(None, 0)] * 5


def test_a_text_that_always_breaks_the_model_dies_alone(model):
    model.poison = lambda text: False
    answer = model.answer

    def broken(path, document):
        if any("BREAKS" in text for text in document["texts"]):
            raise RefusedError(424, "ModelErrorException")
        return answer(path, document)

    model.answer = broken
    made = queue(30)
    made.write("[7]", "BREAKS")
    while made.work:
        work(made)
        time.sleep(0.02)
    all_embedded(made)
    assert made.dead.keys() == {"[7]"}
    assert 8 in model.calls


def test_the_limiter_is_asked_before_each_call(model):
    made = queue(40, model=TITAN)
    made.quota = 25
    stopping = Stopping()
    threading.Timer(1.0, stopping.stop).start()
    work(made, stopping)
    assert len(model.calls) == 25
    assert len(made.saved) == 25
    made.quota = 100
    work(made)
    all_embedded(made)
    assert made.quota == 100 - 15


def test_changes_meanwhile_win(model):
    model.latency = 0.3
    made = queue(20)
    thread = threading.Thread(target=work, args=[made])
    thread.start()
    time.sleep(0.15)
    made.write("[3]", "newer")
    made.delete("[4]")
    thread.join()
    while made.work:
        work(made)
    all_embedded(made)
    assert made.saved["[3]"][0]["text"] == "newer"
    assert "[4]" not in made.saved


def test_a_lease_is_renewed_while_the_model_thinks_and_what_is_lost_is_dropped(model):
    model.latency = 1.5
    made = queue(4, limits={"batch_rows": 2, "lease_seconds": 1})
    lost = threading.Timer(0.4, lambda: setattr(made.work["[0]"], "lease", -1))
    lost.start()
    stopping = Stopping()
    threading.Timer(1.0, stopping.stop).start()
    work(made, stopping)
    assert made.renewals >= 2
    assert made.saved.keys() == {"[1]", "[2]", "[3]"}
    assert made.work.keys() == {"[0]"}


def test_rows_that_users_hold_are_tried_again_and_then_given_back(model, monkeypatch):
    monkeypatch.setattr("embedder.finishing.AGAIN_SECONDS", 0.02)
    made = queue(5)
    made.locked = {"[1]", "[2]"}
    threading.Timer(0.1, lambda: made.locked.discard("[1]")).start()
    stopping = Stopping()
    threading.Timer(1.0, stopping.stop).start()
    work(made, stopping)
    assert made.saved.keys() == {"[0]", "[1]", "[3]", "[4]"}
    assert "[2]" in made.released


def test_an_end_in_time_finishes_what_is_under_way_and_gives_back_the_rest(model):
    model.latency = 0.3
    made = queue(200, model=TITAN)
    until = time.monotonic() + 3.0
    stopping = Stopping(lambda: until - time.monotonic(), call_seconds=0.5)
    report = work(made, stopping)
    assert not report.complete
    assert time.monotonic() < until
    assert len(made.saved) == len(model.calls) > 0
    assert all(item.lease is None and item.attempts == 0 for item in made.work.values())


def test_a_database_that_goes_away_is_told_and_leases_are_given_back_when_it_is_back(model):
    made = queue(10)
    finish = made.finish

    def broken(*given):
        made.finish = finish
        raise UnavailableError("57P01")

    made.finish = broken
    with pytest.raises(UnavailableError, match="57P01"):
        work(made)
    assert sorted(made.released) == sorted(made.source)
    work(made)
    all_embedded(made)


def test_a_refusal_by_the_database_ends_the_turn_and_not_the_worker(model, monkeypatch, capsys):
    monkeypatch.setattr("embedder.worker.CALM_SECONDS", 0.01)
    made = queue(10)
    stored = made.stored

    def broken(*given):
        made.stored = stored
        raise RefusedByDatabase("42704")

    made.stored = broken
    assert work(made).complete
    all_embedded(made)
    assert sorted(made.released) == sorted(made.source)
    assert '"sqlstate":"42704"' in capsys.readouterr().out


def test_nothing_of_the_content_is_in_logs_or_in_the_database(model, capsys, monkeypatch):
    monkeypatch.setattr("embedder.worker.CALM_SECONDS", 0.01)
    made = queue(50)
    made.write("[3]", "POISON " + SECRET)
    made.write("[4]", SECRET + " x" * 300_000)
    model.storm = 0.2
    work(made)
    model.failing = RefusedError(500, "InternalServerException", SECRET)
    made.write("[5]", SECRET)
    work(made)
    output = capsys.readouterr()
    assert '"message":"worked"' in output.out
    assert SECRET not in output.out + output.err
    assert not any(SECRET in message for _, _, message in made.failures)
    assert {kind for kind, _, _ in made.failures} == {"poison"}
    assert hashing.of_chunk(COHERE, 256, "$chunk", SECRET) not in output.out


class Context:
    def get_remaining_time_in_millis(self):
        return 300_000


@pytest.fixture
def wired(monkeypatch):
    """wired(queue): the handler works on it."""

    def wired(made):
        monkeypatch.setattr(handler, "_kept", made)
        return made

    return wired


def test_a_bell_and_a_sweep(wired):
    made = wired(queue(3))
    assert handler.handle({"vectorizer": 2}, Context()) == {"complete": True, "rows": 0, "dead": 0}
    assert handler.handle({"vectorizer": 1}, Context()) == {"complete": True, "rows": 3, "dead": 0}
    made.write("[9]", "more")
    assert handler.handle({"sweep": True}, Context())["rows"] == 1
    assert handler.handle({"vectorizer": 1}, Context())["rows"] == 0


def messages(*bodies):
    return {
        "Records": [
            {
                "eventSource": "aws:sqs",
                "messageId": f"m{n}",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1"},
            }
            for n, body in enumerate(bodies)
        ]
    }


def test_tickets_of_sqs(wired):
    made = wired(queue(3))
    event = messages('{"vectorizer": 1}', '{"vectorizer": 1, "n": 96}', "no json", '{"vectorizer": 7}')
    assert handler.handle(event, Context()) == {"batchItemFailures": []}
    assert len(made.saved) == 3
    made.available = lambda: (_ for _ in ()).throw(UnavailableError("08006"))
    assert handler.handle(event, Context()) == {
        "batchItemFailures": [{"itemIdentifier": f"m{n}"} for n in range(4)],
    }


def test_a_ticket_comes_again_when_the_time_was_short(wired):
    wired(queue(3))

    class Late:
        def get_remaining_time_in_millis(self):
            return 10_000

    assert handler.handle(messages('{"vectorizer": 1}'), Late()) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert handler.handle({"sweep": True}, Late()) == {"complete": False, "rows": 0, "dead": 0}


@pytest.mark.parametrize(
    "event", [{}, [], None, {"vectorizer": "1"}, {"sweep": 1}, {"Records": [{"eventSource": "aws:s3"}]}]
)
def test_events_that_are_none(wired, event):
    wired(queue())
    with pytest.raises(handler.FailedError):
        handler.handle(event, Context())


def test_vectors_while_the_caller_waits(model):
    event = {
        "embed": [
            {"key": "a", "content": "one two three", "fields": {"title": "T"}},
            {"key": "b", "content": "POISON"},
            {"key": "c", "content": None},
            {"key": "d", "content": "four"},
        ],
        "config": config(template="x $chunk", chunking={"method": "recursive", "size": 20}),
    }
    answer = handler.handle(event, Context())
    assert (answer["ok"], answer["model"], answer["dimension"]) == (True, COHERE, 256)
    a, b, c, d = answer["results"]
    assert [chunk["text"] for chunk in a["chunks"]] == ["one two three"]
    assert a["chunks"][0]["hash"] == hashing.of_chunk(COHERE, 256, "x $chunk", "x one two three")
    assert [float(n) for n in d["chunks"][0]["embedding"][1:-1].split(",")] == pytest.approx(vector("x four", 256))
    assert b["error"] == {
        "class": "poison",
        "code": "ValidationException",
        "message": "Bedrock answered with HTTP status 400",
    }
    assert c["chunks"] == []


def test_a_question_is_embedded_as_it_is(model):
    event = {"embed": [{"content": "what?"}], "purpose": "query", "config": config(template="x $chunk")}
    answer = handler.handle(event, Context())
    assert model.texts == ["what?"]
    assert len(answer["results"][0]["chunks"]) == 1


def test_refusals_while_the_caller_waits(model):
    event = {"embed": [{"content": "a"}], "config": config()}
    model.storm = 1.0
    assert handler.handle(event, Context()) == {
        "ok": False,
        "error": {
            "class": "throttle",
            "code": "ThrottlingException",
            "message": "Bedrock answered with HTTP status 429",
        },
    }
    model.storm = 0.0
    for wrong in ({"embed": []}, {"embed": [7]}, {"config": 7}, {"purpose": "x"}, {"config": config(model="no.such")}):
        answer = handler.handle(event | wrong, Context())
        assert (answer["ok"], answer["error"]["class"]) == (False, "configuration")


@pytest.mark.parametrize("may_not", ["AccessDeniedException", None])
def test_one_that_helps_leaves_to_others_what_it_may_not_do(model, monkeypatch, capsys, may_not):
    """Somebody's own process must not stop what the deployed function may well do."""
    monkeypatch.setenv("VECTORDB_EMBED_HELPS", "true")
    if may_not:
        model.failing = RefusedError(403, may_not)
        made = queue(5)
    else:
        made = queue(5, embedding={"provider": "http", "model": "e5", "url": "https://models.internal/v1/embeddings"})
    work(made)
    assert made.circuit is None
    assert not made.failures
    assert [each.lease for each in made.work.values()] == [None] * 5
    assert ("left to others" if may_not else "misconfigured") in capsys.readouterr().out
