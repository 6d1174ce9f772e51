"""The interactive program that `vectordb connect` starts: psql with TLS, otherwise pgcli."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from vectordb.errors import VectordbError

_NO_TLS: Final = "SSL support is not compiled in"
AGAIN: Final = r"\connect -reuse-previous=off service=vectordb"
"""psql's `:again`: `\\connect` alone would log in with the token of the first connection, which ends after 15 minutes."""


def interactive() -> list[str]:
    """The command line of psql, else pgcli.

    Raises:
        VectordbError: neither is there.
    """
    refused = ""
    for folder in os.get_exec_path():
        found = shutil.which("psql", path=folder)
        if found and speaks_tls(found):
            return [found, "--no-password", "--set", f"again={AGAIN}"]
        refused = refused or found or ""
    # The one beside this Python first: `pip install vectordb[pgcli]` puts it there, on PATH or not.
    beside = Path(sys.executable).with_name("pgcli")
    pgcli = str(beside) if beside.exists() else shutil.which("pgcli")
    if pgcli:
        return [pgcli]
    raise VectordbError(
        f"{refused} speaks no TLS, and there is no other psql" if refused else "there is no psql on PATH",
        remedy=(
            "Install one (Debian and Ubuntu: apt install postgresql-client; macOS: brew install libpq && brew link --force libpq), "
            "or pgcli: .venv/bin/pip install pgcli. Any other program: vectordb connect -- COMMAND."
        ),
        exit_code=127,
    )


def speaks_tls(psql: str) -> bool:
    """Whether psql's libpq was built with TLS. It says so before it connects anywhere; the port 1 refuses what would come next."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    nowhere = {"PGHOST": "127.0.0.1", "PGPORT": "1", "PGSSLMODE": "require", "PGCONNECT_TIMEOUT": "2"}
    try:
        asked = subprocess.run(
            [psql, "--no-psqlrc", "--no-password", "--command", "", "postgres"],
            env=environment | nowhere,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return _NO_TLS not in asked.stderr and "connection" in asked.stderr
