"""Access key → who calls with it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vectordb.local.emulator import ACCOUNT, partition_of
from vectordb.local.emulator.wire import ServiceError

DATABASE_KEY = "LKDB"
"""How access keys of databases begin (`vectordb.local.databases.Declared.access_key`)."""


@dataclass(frozen=True, slots=True)
class Session:
    """A role in use.

    Attributes:
        role: the role's ARN.
        name: of the session.
        token: that its requests carry; None when they need not.
    """

    role: str
    name: str
    token: str | None = None

    @property
    def arn(self) -> str:
        """As AWS names the session in messages: arn:aws:sts::123456789012:assumed-role/ROLE/SESSION."""
        partition, account = self.role.split(":")[1], self.role.split(":")[4]
        return f"arn:{partition}:sts::{account}:assumed-role/{self.role.rpartition('/')[2]}/{self.name}"


class UnauthenticatedError(Exception):
    """Nobody is known by the request's access key. `code` is AWS's, which differs between protocols."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Principals:
    """Thread-safe.

    Args:
        operator: access key id of the one who may everything.
        assumed: finds the session that STS gave an access key to.
    """

    def __init__(self, operator: str, assumed: Callable[[str, str], Session | None]) -> None:
        self.operator = operator
        self._assumed = assumed
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    def assign(self, document: dict[str, Any]) -> None:
        """Take what POST /_vectordb/principals says.

        Raises:
            ServiceError: a field is unknown or missing.
        """
        key, role = document.get("accessKey"), document.get("role")
        fits = isinstance(key, str) and key and (role is None or (isinstance(role, str) and role.count(":") >= 5))  # noqa: PLR2004 - an ARN's colons
        if not fits or set(document) - {"accessKey", "role", "session"}:
            raise ServiceError("ValidationException", "A principal has accessKey, role (an ARN or null) and session")
        with self._lock:
            self._sessions.pop(str(key), None)
            if role is not None:
                self._sessions[str(key)] = Session(role, str(document.get("session") or "local"))

    def operator_arn(self, region: str) -> str:
        """The deployer, as the look-ups of a plan name it."""
        return f"arn:{partition_of(region)}:sts::{ACCOUNT}:assumed-role/deployer/local"

    def session(self, access_key: str, token: str, region: str) -> Session:
        """Who calls with an access key.

        Raises:
            UnauthenticatedError: nobody.
        """
        if not access_key:
            raise UnauthenticatedError("MissingAuthenticationTokenException", "Missing Authentication Token")
        found = self._sessions.get(access_key)
        if found is None and access_key.startswith(DATABASE_KEY):
            # A database without a role for the feature has no credentials, so its request would not be signed.
            raise UnauthenticatedError("MissingAuthenticationTokenException", "Missing Authentication Token")
        if found is None:
            found = self._assumed(access_key, region)
            if found is not None:
                with self._lock:
                    self._sessions[access_key] = found
        if found is None or (found.token is not None and found.token != token):
            raise UnauthenticatedError(
                "UnrecognizedClientException", "The security token included in the request is invalid."
            )
        return found
