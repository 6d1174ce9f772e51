"""Ask the server, for each login, how its role has to prove itself."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import psycopg

from vectordb.local.postgres import access, sockets

# A member that inherits from rds_iam or may become it logs in by token. ADMIN alone, which the master has, does not count; whether it
# does on RDS is not documented. pg_hba.conf's `+rds_iam` counts any membership: whoever it counts without being a token's user, and
# who has no line of his own, would come in unchecked, so the proxy checks his password.
_QUERY = """
SELECT r.rolsuper,
       coalesce(pg_has_role(r.oid, g.oid, 'USAGE') OR pg_has_role(r.oid, g.oid, 'SET'), false),
       coalesce(pg_has_role(r.oid, g.oid, 'MEMBER'), false) AND NOT EXISTS (
           SELECT FROM pg_hba_file_rules WHERE auth_method = 'scram-sha-256' AND user_name = ARRAY[r.rolname::text]),
       r.rolpassword,
       coalesce(r.rolvaliduntil < now(), false)
FROM pg_authid r LEFT JOIN pg_roles g ON g.rolname = 'rds_iam'
WHERE r.rolname = %s
"""


@dataclass(frozen=True)
class Role:
    """How a role logs in.

    Attributes:
        superuser: not from outside at all.
        by_token: with an IAM token.
        checked_here: with a password that the proxy has to check, for the server would not.
        stored_password: what the server stores of it; None when there is none or when it has ended.
    """

    superuser: bool
    by_token: bool
    checked_here: bool
    stored_password: str | None


class RoleLookup:
    """Looks roles up over one connection that is opened when needed, and opened again when the server has been restarted."""

    def __init__(self, socket_directory: Path) -> None:
        self._socket_directory = socket_directory
        self._connection: psycopg.AsyncConnection[tuple[bool, bool, bool, str | None, bool]] | None = None
        self._turn = asyncio.Lock()

    async def find(self, user: str) -> Role | None:
        """The role of that name, None when there is none.

        Raises:
            psycopg.OperationalError: the server does not answer.
        """
        async with self._turn:
            try:
                return await self._ask(user)
            except psycopg.OperationalError:
                await self.close()
                return await self._ask(user)

    async def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _ask(self, user: str) -> Role | None:
        if self._connection is None:
            self._connection = await psycopg.AsyncConnection.connect(
                host=str(self._socket_directory),
                port=sockets.PORT,
                user=access.SUPERUSER,
                dbname="postgres",
                autocommit=True,
                application_name="vectordb proxy",
                connect_timeout=10,
            )
        try:
            cursor = await self._connection.execute(_QUERY, (user,))
            row = await cursor.fetchone()
        except BaseException:
            # A cancelled question leaves its answer on the way: the next one needs another connection.
            await self.close()
            raise
        if row is None:
            return None
        superuser, by_token, checked_here, stored, ended = row
        return Role(superuser, by_token, checked_here and not by_token, None if ended else stored)
