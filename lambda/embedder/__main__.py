"""The worker in a container: looks for work until it is told to stop (SIGTERM, SIGINT), and then gives back what it has not done."""

import random
import signal
import sys

from embedder import log, login, settings
from embedder.batch.batches import Batches, alternating
from embedder.database import RefusedError, UnavailableError
from embedder.errors import SettingsError
from embedder.postgres import Postgres
from embedder.stopping import Stopping
from embedder.transport import CALL_SECONDS, asking
from embedder.worker import Worker

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0


def main() -> int:
    """Exit status 0 when it was told to stop, 2 for a configuration that cannot work."""
    try:
        connect = login.connecting()
        region = settings.region()
        poll = settings.number(settings.POLL_SECONDS, 5, 1, 3600)
    except SettingsError as error:
        log.line("ERROR", "misconfigured", reason=str(error))
        return 2
    stopping = Stopping(call_seconds=CALL_SECONDS)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.stop())
    database = Postgres(connect)
    batches = Batches(database, database.rows, region, stopping)
    worker = Worker(database, asking(region), stopping)
    failures = 0
    while not stopping.asked():
        try:
            alternating(batches, worker.work, stopping)
            failures = 0
            pause = float(poll)
        except (UnavailableError, RefusedError) as error:
            log.line("ERROR", "the database cannot be asked", reason=str(error))
            pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**failures)
            failures += 1
        # Not all containers at once.
        stopping.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - no secret
    worker.close()
    database.close()
    log.line("INFO", "stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
