"""pg_hba.conf: who may log in over the server's socket, and how."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from vectordb.errors import VectordbError
from vectordb.local.postgres.identity import Identity

if TYPE_CHECKING:
    from vectordb.local.postgres.server import PostgresServer

SUPERUSER = "rdsadmin"
_WITHIN = 10.0  # seconds until the server has read the file


def rules(master: str | None) -> str:
    """The file's text. Before the master is known, only the superuser gets in.

    The order matters: the first line that fits decides.
    """
    lines = [
        "# Written at every start. The only way in is the unix socket, whose folder is private;",
        "# clients come through the proxy, which ends TLS and checks IAM tokens.",
        f"local all {SUPERUSER} trust",
    ]
    if master is not None:
        quoted = master.replace('"', '""')
        lines += [
            "# Before +rds_iam, because `+` also counts a membership with the ADMIN option only, and the master has that one.",
            f'local all "{quoted}" scram-sha-256',
            "# The proxy has checked the token of whoever comes here as a member of rds_iam, and the password of the few others",
            "# that `+` counts.",
            "local all +rds_iam trust",
            "local all all scram-sha-256",
        ]
    return "\n".join(lines) + "\n"


def apply(server: "PostgresServer", master: str) -> None:
    """Write the rules for a master and wait until the running server follows them.

    Raises:
        VectordbError: the server did not read the file in time.
    """
    if not write(server.data, server.identity, master):
        return
    with server.superuser_connection() as connection:
        loaded = connection.execute("SELECT pg_conf_load_time()").fetchone()
        connection.execute("SELECT pg_reload_conf()")
    deadline = time.monotonic() + _WITHIN
    while time.monotonic() < deadline:
        # A new connection is a new child of the process that reads the file.
        with server.superuser_connection() as connection:
            if connection.execute("SELECT pg_conf_load_time()").fetchone() != loaded:
                return
        time.sleep(0.01)
    raise VectordbError(f"PostgreSQL did not read {server.data / 'pg_hba.conf'} again.", remedy=f"See {server.log}.")


def write(data: Path, owner: Identity, master: str | None) -> bool:
    """Write the file into a data directory if it differs; whether it did."""
    path = data / "pg_hba.conf"
    text = rules(master)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    partial = path.with_name("pg_hba.conf.new")
    partial.write_text(text, encoding="utf-8")
    partial.chmod(0o600)
    owner.own(partial)
    partial.replace(path)
    return True
