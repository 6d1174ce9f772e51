"""The function in a process of its own, with a plain login: python worker_process.py DSN SECONDS.

It answers an event, a line of JSON on standard input, with the line `done`, and has so many seconds for each. SIGTERM ends it in time.
"""

import json
import os
import signal
import sys
import time
from types import FrameType

import psycopg

from embedder import events, handler
from embedder.database import UnavailableError
from embedder.postgres import Postgres
from embedder.stopping import Stopping

CALL_SECONDS = 1.0


def main(dsn: str, seconds: float) -> None:
    """Until standard input ends, or SIGTERM."""
    working: list[Stopping] = []

    def end(_number: int, _frame: FrameType | None) -> None:
        if not working:
            sys.exit(0)
        working[0].stop()
        over.append(True)

    over: list[bool] = []
    signal.signal(signal.SIGTERM, end)
    database = Postgres(lambda: psycopg.connect(dsn, autocommit=True, prepare_threshold=None))
    while not over and (line := sys.stdin.readline()):
        until = time.monotonic() + seconds
        working.append(Stopping(lambda until=until: until - time.monotonic(), CALL_SECONDS))  # type: ignore[misc]
        try:
            handler.worked(database, events.tickets(json.loads(line)), working[0], batch=False)
            sys.__stdout__.write("done\n")  # type: ignore[union-attr]
        except UnavailableError as error:
            sys.stderr.write(f"{os.getpid()}: {error}\n")
            sys.__stdout__.write("failed\n")  # type: ignore[union-attr]
        sys.__stdout__.flush()  # type: ignore[union-attr]
        working.clear()


if __name__ == "__main__":
    sys.stdout = sys.stderr  # where the log goes
    main(sys.argv[1], float(sys.argv[2]))
