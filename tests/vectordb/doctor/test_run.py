"""How checks run together: side by side, none hides another, none hangs the rest, nothing secret comes out."""

import threading
import time

import psycopg
import pytest

from tests.vectordb.doctor.subjects import SETTINGS
from vectordb.doctor.context import Subject
from vectordb.doctor.findings import Check, DeniedError, SkippedError, State, failed, not_applicable, ok, warning
from vectordb.doctor.run import examine
from vectordb.errors import VectordbError


@pytest.fixture
def subject(tmp_path):
    return Subject(settings=SETTINGS, outputs={}, sql=tmp_path)


def states(report):
    return {outcome.name: outcome.state.value for outcome in report.outcomes}


def raising(error):
    def look(_):
        raise error

    return look


def test_each_way_to_end_has_its_state_and_says_what_to_do(subject):
    checks = [
        Check("sound", lambda _: ok("fine")),
        Check("worrying", lambda _: warning("old", "renew it")),
        Check("broken", lambda _: failed("gone", "make it anew")),
        Check("elsewhere", lambda _: not_applicable("another way")),
        Check("refused", raising(VectordbError("no", remedy="ask somebody"))),
        Check("closed", raising(DeniedError("not authorized to perform x:Y", remedy="allow x:Y"))),
        Check("by-the-server", raising(psycopg.OperationalError("connection failed: it went away"))),
        Check("a-defect", raising(ZeroDivisionError("division by zero"))),
    ]
    report = examine(subject, checks)
    assert [(o.name, o.state.value, o.detail, o.remedy) for o in report.outcomes] == [
        ("sound", "ok", "fine", ""),
        ("worrying", "warning", "old", "renew it"),
        ("broken", "failed", "gone", "make it anew"),
        ("elsewhere", "not applicable", "another way", ""),
        ("refused", "failed", "no", "ask somebody"),
        ("closed", "warning", "not looked at: not authorized to perform x:Y", "allow x:Y"),
        ("by-the-server", "failed", "it went away", "Run it again; the message is the database's own."),
        ("a-defect", "failed", "ZeroDivisionError: division by zero", "The check itself broke: please report it."),
    ]
    assert report.failed
    assert report.counts() == {"ok": 1, "warning": 2, "failed": 4, "not applicable": 1}


def test_what_needs_a_broken_link_is_skipped_and_names_it_and_the_rest_goes_on(subject):
    checks = [
        Check("first", lambda _: failed("gone", "make it")),
        Check("second", lambda _: ok("never asked"), needs=("first",)),
        Check("third", lambda _: ok("never asked"), needs=("second",)),
        Check("beside", lambda _: ok("fine"), needs=("elsewhere",)),
        Check("elsewhere", lambda _: not_applicable("another way")),
        Check("asks-itself", lambda context: context.board.need("first")),
    ]
    report = examine(subject, checks)
    assert states(report) == {
        "first": "failed",
        "second": "skipped",
        "third": "skipped",
        "beside": "ok",
        "elsewhere": "not applicable",
        "asks-itself": "skipped",
    }
    assert [o.detail for o in report.outcomes[1:3]] == ["needs first", "needs second"]


def test_what_is_not_on_the_way_waits_for_nobody(subject):
    checks = [
        Check("first", lambda _: failed("gone", "make it")),
        Check("second", raising(AssertionError("never asked")), needs=("first",), elsewhere=lambda _: "another way"),
        Check("third", lambda _: ok("fine"), needs=("second",)),
    ]
    report = examine(subject, checks)
    assert states(report) == {"first": "failed", "second": "not applicable", "third": "ok"}
    assert report.outcomes[1].detail == "another way"


def test_what_the_stack_does_not_have_gets_no_line_and_hinders_nobody(subject):
    checks = [
        Check("absent", raising(AssertionError("never asked")), declared=lambda _: False),
        Check("present", lambda _: ok("fine"), needs=("absent",)),
    ]
    report = examine(subject, checks)
    assert states(report) == {"present": "ok"}
    assert report.absent == ("absent",)
    assert not report.failed


def test_checks_run_side_by_side_and_time_is_their_own(subject):
    meeting = threading.Barrier(2, timeout=5)

    def met(_):
        meeting.wait()
        time.sleep(0.1)
        return ok("met")

    checks = [Check("one", met), Check("two", met), Check("after", lambda _: ok("fine"), needs=("one", "two"))]
    report = examine(subject, checks)
    assert states(report) == dict.fromkeys(("one", "two", "after"), "ok")
    assert report.outcomes[0].seconds >= 0.1
    assert report.outcomes[2].seconds < 0.05


def test_what_never_answers_has_failed_and_keeps_nobody(subject):
    never = threading.Event()
    checks = [
        Check("hangs", lambda _: never.wait() and ok("?")),
        Check("waits", lambda _: ok("?"), needs=("hangs",)),
        Check("fine", lambda _: ok("fine")),
    ]
    started = time.monotonic()
    report = examine(subject, checks, within=0.3)
    assert time.monotonic() - started < 2
    never.set()
    assert states(report) == {"hangs": "failed", "waits": "skipped", "fine": "ok"}
    assert report.outcomes[0].detail == "no answer within 0.3 s"


def test_what_is_opened_is_shared_and_closed_at_the_end(subject):
    events = []

    class Opened:
        def __enter__(self):
            events.append("opened")
            return self

        def __exit__(self, *_):
            events.append("closed")

    def look(context):
        assert context.board.once("it", lambda: context.keep(Opened())) is not None
        assert "closed" not in events
        return ok("fine")

    examine(subject, [Check(f"check-{number}", look) for number in range(5)])
    assert events == ["opened", "closed"]


def test_the_thread_that_opened_something_lives_until_the_end(subject):
    """The kernel would end a tunnel together with the thread that started it."""
    threads = []

    def opens(_):
        threads.append(threading.current_thread())
        return ok("open")

    def uses(_):
        time.sleep(0.1)
        assert threads[0].is_alive()
        return ok("used")

    report = examine(subject, [Check("opens", opens), Check("uses", uses, needs=("opens",))])
    assert states(report) == {"opens": "ok", "uses": "ok"}
    threads[0].join(5)
    assert not threads[0].is_alive()


def test_secrets_are_masked_whoever_says_them_and_lines_are_not_broken(subject):
    def look(context):
        context.secrets.add("hunter2")
        raise VectordbError("the password\nhunter2 was refused", remedy="not\n  hunter2")

    outcome = examine(subject, [Check("leaks", look)]).outcomes[0]
    assert (outcome.detail, outcome.remedy) == ("the password [secret] was refused", "not [secret]")


def test_progress_counts_and_tells_what_is_waited_for(subject):
    told = []

    def look(context):
        context.say("waking up")
        return ok("awake")

    examine(subject, [Check("sleeper", look)], progress=lambda *given: told.append(given))
    assert told == [(0, 1, "waking up"), (1, 1, "")]


def test_a_failure_to_make_something_is_the_same_for_everybody(subject):
    calls = []

    def fails():
        calls.append(1)
        raise SkippedError("first")

    def look(context):
        return context.board.once("it", fails)

    report = examine(subject, [Check("one", look), Check("two", look)])
    assert [outcome.state for outcome in report.outcomes] == [State.SKIPPED, State.SKIPPED]
    assert calls == [1]
