"""A worker in a process of its own, as a container runs it, but with a plain login: python worker_process.py DSN [PAUSE_SECONDS]."""

import os
import random
import signal
import sys
import time

import psycopg

from embedder.database import UnavailableError
from embedder.postgres import Postgres
from embedder.stopping import Stopping
from embedder.transport import asking
from embedder.worker import Worker


def main(dsn: str, pause: float) -> None:
    stopping = Stopping(call_seconds=5)
    signal.signal(signal.SIGTERM, lambda *_: stopping.stop())
    database = Postgres(lambda: psycopg.connect(dsn, autocommit=True, prepare_threshold=None))
    worker = Worker(database, asking("us-east-1", 5), stopping)
    while not stopping.asked():
        try:
            worker.work()
        except UnavailableError as error:
            sys.stderr.write(f"{os.getpid()}: {error}\n")
        time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
    worker.close()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 0.05)
