"""What programs of other people are told, so that they connect as this one does: libpq's variables, a service file, an address."""

import os
import tempfile
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vectordb import __version__
from vectordb.database import tls
from vectordb.database.settings import Settings

APPLICATION: Final = f"vectordb-connect/{__version__}"
SERVICE: Final = "vectordb"

UNSET: Final = (
    "PGPASSWORD",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGOPTIONS",
    "PGCHANNELBINDING",
    "PGREQUIREAUTH",
    "PGREQUIRESSL",
    "PGSSLNEGOTIATION",
    "PGSSLCERT",
    "PGSSLCERTMODE",
    "PGSSLKEY",
    "PGSSLCRL",
    "PGSSLCRLDIR",
    "PGSSLMINPROTOCOLVERSION",
    "PGSSLMAXPROTOCOLVERSION",
    "PGREQUIREPEER",
    "PGLOADBALANCEHOSTS",
)
"""What goes before the variables below in libpq, or contradicts them."""


def drop_contradictions() -> None:
    """Take those out of this process's environment.

    A service that is named there and that no file has any more, as after `vectordb connect --service`, would end every connection
    before libpq looks at what it was given.
    """
    for name in UNSET:
        os.environ.pop(name, None)


# libpq's keyword → its variable (PostgreSQL, "Environment Variables").
_VARIABLES: Final[Mapping[str, str]] = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "passfile": "PGPASSFILE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "gssencmode": "PGGSSENCMODE",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "application_name": "PGAPPNAME",
}


@dataclass(frozen=True, kw_only=True)
class Client:
    """A login at an address.

    Attributes:
        settings: of the database.
        hostaddr: where the packets go; empty: where the endpoint's name leads.
        port: there.
        user: the role.
        passfile: file with what it logs in with, as `write_passfile` writes it.
    """

    settings: Settings
    hostaddr: str
    port: int
    user: str
    passfile: Path

    def parameters(self) -> dict[str, str]:
        """Libpq's parameters by keyword. Nothing in them is secret: that is in the file."""
        found = {
            "host": self.settings.host,
            "hostaddr": self.hostaddr,
            "port": str(self.port),
            "dbname": self.settings.database,
            "user": self.user,
            "passfile": str(self.passfile),
            "sslmode": "verify-full",
            "sslrootcert": str(tls.bundle(self.settings)),
            "gssencmode": "disable",
            # A session that leads to a reader since a failover fails at once, not at the first write.
            "target_session_attrs": "read-write",
            "application_name": APPLICATION,
        }
        return {name: value for name, value in found.items() if value}

    def variables(self) -> dict[str, str]:
        """The same as environment variables of libpq, which psql, pgcli, psycopg and many others read."""
        return {_VARIABLES[name]: value for name, value in self.parameters().items()}

    def environment(self, around: Mapping[str, str]) -> dict[str, str]:
        """`around` with the variables in place of all that would contradict them."""
        kept = {name: value for name, value in around.items() if name not in UNSET and name not in _VARIABLES.values()}
        return kept | self.variables()

    def service(self) -> str:
        """A connection service file with one service, `vectordb`."""
        lines = [f"{name}={value}" for name, value in self.parameters().items()]
        return "\n".join([f"[{SERVICE}]", *lines, ""])

    def url(self) -> str:
        """A connection URI of libpq, without a password."""
        quote = urllib.parse.quote
        parameters = self.parameters()
        named = ("user", "host", "port", "dbname", "application_name")
        query = "&".join(f"{name}={quote(value, safe='/')}" for name, value in parameters.items() if name not in named)
        authority = f"{quote(self.user, safe='')}@{self.settings.host}:{self.port}"
        return f"postgresql://{authority}/{quote(self.settings.database, safe='')}?{query}"

    def write_passfile(self, secret: str) -> None:
        """Write the file anew, at once and for its owner only. Libpq looks a line up by the host's name, not its address."""
        fields = (self.settings.host, str(self.port), "*", self.user, secret)
        line = ":".join(field.replace("\\", "\\\\").replace(":", "\\:") for field in fields)
        replace_private(self.passfile, f"{line}\n")


def replace_private(file: Path, text: str) -> None:
    """Replace `file` at once, readable by its owner only: a reader sees the old text or the new one."""
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")  # 0600
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    Path(temporary).replace(file)
