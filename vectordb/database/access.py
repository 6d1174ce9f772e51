"""From settings to an open connection: the way, the login, and a new way when one breaks."""

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg

from vectordb.database import connection, transport
from vectordb.database.connection import MIGRATING, PROVING, Login, Presence, Route, RouteLostError
from vectordb.database.settings import Settings
from vectordb.database.talk import Deadline, Say

_WAYS = 5  # a failover takes one or two; more mean that something else is wrong
_UNOPENED = (
    2  # ways that do not even open: the plugin gives no reason that a program could tell apart, and waiting mends few
)


@contextlib.contextmanager
def opened(
    settings: Settings, login: Login, *, deadline: Deadline, say: Say
) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A connection and the way it goes through, both closed at the end.

    Raises:
        VectordbError: with what was tried and what to do.
    """
    choice = transport.choose(settings)
    say(f"transport: {choice.name} ({choice.reason})")
    with contextlib.ExitStack() as stack:
        _, made = _connect(stack, settings, choice, login, deadline=deadline, say=say)
        yield made


@contextlib.contextmanager
def way(
    settings: Settings, login: Login, *, deadline: Deadline, say: Say, reason: str = "vectordb connect"
) -> Iterator[Route]:
    """A way to the database, open as long as the context is, and proven: `login` got in, and it was no reader.

    That a port is open says nothing: the plugin accepts connections before it has dialled anything.

    Args:
        settings: of the database.
        login: with which it is proven.
        deadline: for opening and proving it.
        say: told what is waited for.
        reason: for the record of a session, see `tunnel.opened`.

    Raises:
        VectordbError: with what was tried and what to do.
    """
    choice = transport.choose(settings)
    with contextlib.ExitStack() as stack:
        route, made = _connect(
            stack, settings, choice, login, deadline=deadline, say=say, presence=PROVING, reason=reason
        )
        made.close()
        yield route


def prove(settings: Settings, route: Route, login: Login, *, deadline: Deadline, say: Say) -> None:
    """Log in once through a way that is open.

    Raises:
        RouteLostError: it broke, or leads to a reader since a failover.
        VectordbError: the database refused, or did not answer in time.
    """
    connection.connect(settings, route, login, deadline=deadline, say=say, presence=PROVING).close()


def _connect(
    stack: contextlib.ExitStack,
    settings: Settings,
    choice: transport.Choice,
    login: Login,
    *,
    deadline: Deadline,
    say: Say,
    presence: Presence = MIGRATING,
    reason: str = "vectordb migrate",
) -> tuple[Route, psycopg.Connection[tuple[Any, ...]]]:
    unopened = 0
    for attempt in range(1, _WAYS + 1):
        with contextlib.ExitStack() as opening:
            unopened += 1
            try:
                route = opening.enter_context(
                    transport.opened(settings, choice, deadline=deadline, say=say, reason=reason)
                )
                unopened = 0
                made = connection.connect(settings, route, login, deadline=deadline, say=say, presence=presence)
            except RouteLostError as error:
                if attempt == _WAYS or unopened == _UNOPENED or deadline.passed():
                    raise
                say(f"waiting: {error}; opening a new session")
                opening.close()
                deadline.pause(min(3.0, attempt))
                continue
            opening.callback(made.close)
            stack.push(opening.pop_all())
            return route, made
    raise AssertionError  # the last attempt returns or raises
