"""`python -m vectordb.local.emulator --port P --state DIR`: prints `ready PORT`, serves until it or its parent ends."""

import argparse
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

# One thread a matrix product: the other core belongs to the client and to PostgreSQL. Before anything imports numpy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from vectordb.errors import VectordbError
from vectordb.local.emulator.server import Options, listen, lock, serve

_WATCH_SECONDS = 0.25


def options(arguments: list[str] | None = None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m vectordb.local.emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes any that is free")
    parser.add_argument(
        "--state", type=Path, required=True, metavar="DIR", help="vectors, packages and logs are kept here"
    )
    parser.add_argument("--port-file", type=Path, metavar="FILE", help="write the port here when it is ready")
    parser.add_argument("--concurrency", type=int, default=16, help="Lambda calls at once; more are throttled")
    parser.add_argument("--no-warm", action="store_true", help="do not start a worker for a published alias beforehand")
    parser.add_argument(
        "--no-preload",
        action="store_true",
        help="load a service at its first request, instead of all in the background",
    )
    parser.add_argument(
        "--retry-delay",
        type=float,
        default=1.0,
        help="seconds before a failed asynchronous call, or a failed call of a schedule, is repeated",
    )
    parser.add_argument(
        "--operator", default="", metavar="KEY", help="access key id that may everything; others are judged by IAM"
    )
    given = parser.parse_args(arguments)
    return Options(
        port=given.port,
        state=given.state.absolute(),
        port_file=given.port_file,
        concurrency=given.concurrency,
        warm=not given.no_warm,
        preload=not given.no_preload,
        retry_delay=given.retry_delay,
        operator=given.operator,
    )


def main() -> NoReturn:
    """Serve; exit 0 when asked to end, 1 when it cannot start."""
    chosen = options()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns of each request that waits for a thread
    # Requests are short and arrive while modules are still being imported: they should not wait 5 ms for their turn.
    sys.setswitchinterval(0.001)
    _end_with_parent()
    try:
        held = lock(chosen.state)
        serve(chosen, listen(chosen.port))
    except VectordbError as error:
        sys.stderr.write(f"{error.message} {error.remedy}\n")
        sys.stderr.flush()
        os._exit(error.exit_code)
    held.close()
    # Threads that still import or write logs are not waited for; what was acknowledged is on disk.
    os._exit(0)


def _end_with_parent() -> None:
    """Whoever started this process is not outlived. A process whose parent is init has nobody to follow.

    Asked for by the clock and not of the kernel: the kernel means the thread that started this process
    (prctl(2), PR_SET_PDEATHSIG), and a starting thread may end long before its process.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    if parent != 1:
        threading.Thread(target=watch, name="parent", daemon=True).start()


if __name__ == "__main__":
    main()
