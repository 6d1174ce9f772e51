"""The ways to the database: which one, why, and opening it."""

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from vectordb.database import settings as names
from vectordb.database.connection import Route
from vectordb.database.settings import Settings, Transport
from vectordb.database.talk import Deadline, Say
from vectordb.errors import VectordbError


@dataclass(frozen=True)
class Choice:
    """A transport and the reason for it."""

    name: Transport
    reason: str


def choose(settings: Settings) -> Choice:
    """The way of a connection that the settings ask for; an address that is given needs no other.

    The SQL step asks `run.Run` instead: over the Data API it needs no connection.
    """
    if settings.hostaddr:
        return Choice("direct", f"{names.HOSTADDR} is {settings.hostaddr}")
    if settings.transport == "ssm":
        return Choice("ssm", f"through the bastion {settings.bastion_id}, as {names.TRANSPORT} says")
    return Choice(settings.transport, f"{names.TRANSPORT} is {settings.transport}")


def opened(
    settings: Settings, choice: Choice, *, deadline: Deadline, say: Say, reason: str = "vectordb migrate"
) -> AbstractContextManager[Route]:
    """The chosen way, open as long as the context is; `reason` is what a session's record says it is for.

    Raises:
        VectordbError: the way is not offered or cannot be opened.
        RouteLostError: it broke while it was opened.
    """
    match choice.name:
        case "direct":
            return _direct(settings)
        case "ssm":
            from vectordb.database import tunnel  # AWS's client is not loaded for those who need none

            return tunnel.opened(settings, deadline=deadline, say=say, reason=reason)
        case "data-api":
            raise VectordbError(
                "the transport is data-api, which takes single statements and no connections; `vectordb migrate` uses it",
                remedy=(
                    f"Set {names.TRANSPORT} (configuration vectordb:transport) to ssm, with the bastion on, "
                    "or to direct where the database's address can be reached."
                ),
            )


@contextlib.contextmanager
def _direct(settings: Settings) -> Iterator[Route]:
    yield Route(settings.hostaddr, settings.hostaddr_port if settings.hostaddr else settings.port)
