"""The worker on Lambda. Entry point: `embedder.handler.handle`."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from embedder import events, log, login, relay, settings, synchronous
from embedder.batch.batches import Batches, alternating
from embedder.database import Database, UnavailableError
from embedder.errors import SettingsError
from embedder.events import Ticket
from embedder.metrics import Metrics
from embedder.postgres import Postgres
from embedder.stopping import Stopping
from embedder.transport import asking
from embedder.worker import Report, Worker

CALL_SECONDS = 20.0
"""For one call of a model; none is begun in the last 22 s of the function's time, so that has to be a minute or more."""
SYNCHRONOUS_CALL_SECONDS = 8.0
SECOND_LOOK_SECONDS = 0.5
"""After a bell or its ticket, which rings just before its transaction commits; and after any work, also that of such a look, for while a
worker is at work nobody rings, and who commits in the moment of its last look is not found by that."""


class FailedError(Exception):
    """What Lambda is told, so that it tries again or keeps the event: a code, and nothing of the data."""


def handle(event: Any, context: Any) -> dict[str, Any]:
    """Answer one event (events.py).

    Returns:
        of SQS's messages {"batchItemFailures": [{"itemIdentifier"}, ...]}; of a bell or a sweep {"complete", "rows", "dead"}; of
        {"embed"} what synchronous.py says; of {"relay"} {"sent"}.

    Raises:
        FailedError: the work could not be done, and another try may go better.
    """
    try:
        return _handled(event, _remaining(context))
    except (SettingsError, UnavailableError) as error:
        log.line("ERROR", "failed", error=type(error).__name__, reason=str(error))
        raise FailedError(f"{type(error).__name__}: {error}") from None
    except Exception as error:  # noqa: BLE001 - a fault of ours; Lambda would write its text into the log, and that may hold content
        log.line("ERROR", "failed", error=type(error).__name__, place=log.place(error))
        raise FailedError(type(error).__name__) from None


def _handled(event: Any, remaining: Callable[[], float] | None) -> dict[str, Any]:
    if isinstance(event, dict) and "embed" in event:
        stopping = Stopping(remaining, SYNCHRONOUS_CALL_SECONDS)
        return synchronous.answer(event, asking(settings.region(), SYNCHRONOUS_CALL_SECONDS), stopping)
    if isinstance(event, dict) and "relay" in event:
        return {"sent": relay.send(relay.tickets(event), relay.COMMIT_SECONDS)}
    tickets = events.tickets(event)
    with _database() as database:
        return worked(database, tickets, Stopping(remaining, CALL_SECONDS), batch=events.is_batch(event))


def worked(database: Database, tickets: list[Ticket], stopping: Stopping, *, batch: bool) -> dict[str, Any]:
    """Work for the tickets, and what Lambda wants to hear of it."""
    worker = Worker(database, asking(settings.region(), CALL_SECONDS), stopping)
    failed: UnavailableError | None = None
    report = Report(complete=False)
    wanted = {ticket.vectorizer for ticket in tickets}
    try:
        only = None if None in wanted else {each for each in wanted if each is not None}
        report = _swept(database, worker, stopping) if only is None else worker.work(only)
        stats = report.stats
        looking = bool(only) or stats.held()
        while report.complete and looking and not stopping.asked():
            stopping.sleep(SECOND_LOOK_SECONDS)
            report = worker.work(only)
            looking = report.stats.held()
            stats.add(report.stats)
        report.stats = stats
        _metrics.write(database, sweep=only is None)
    except UnavailableError as error:
        failed = error
    finally:
        worker.close()
    if failed is not None and not batch:
        raise failed
    if batch:
        if failed is not None:
            log.line("ERROR", "failed", error=type(failed).__name__, reason=str(failed))
        # Work that is left is worth another call, and a message that comes again is one.
        again = [] if report.complete or (failed is None and _passed_on(tickets)) else [t.message_id for t in tickets]
        return {"batchItemFailures": [{"itemIdentifier": each} for each in again]}
    return {"complete": report.complete, "rows": report.stats.rows, "dead": report.stats.dead}


def _swept(database: Database, worker: Worker, stopping: Stopping) -> Report:
    """Whatever there is, and the jobs of batch inference."""
    if not isinstance(database, Postgres):
        return worker.work()
    return alternating(Batches(database, database.rows, settings.region(), stopping), worker.work, stopping)


def _passed_on(tickets: list[Ticket]) -> bool:
    """Whether what is left is another ticket's now: a message that came again would come after its visibility timeout, and be counted.

    Of a sweep nothing is passed on, for another one follows anyway; so the number of tickets does not grow.
    """
    if not relay.queue_url():
        return False
    try:
        relay.send([ticket for ticket in tickets if ticket.vectorizer is not None], relay.LATER_SECONDS)
    except UnavailableError as error:
        log.line("ERROR", "no ticket was sent", reason=str(error))
        return False
    return True


_metrics = Metrics()
_kept: Postgres | None = None


@contextlib.contextmanager
def _database() -> Iterator[Database]:
    """The environment's connection: kept from one event to the next, and opened anew where it broke."""
    global _kept  # noqa: PLW0603 - one for the life of the environment
    if _kept is None:
        _kept = Postgres(login.connecting())
    yield _kept


def _remaining(context: Any) -> Callable[[], float] | None:
    left = getattr(context, "get_remaining_time_in_millis", None)
    return (lambda: left() / 1000) if callable(left) else None
