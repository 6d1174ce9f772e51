"""From settings to an open connection: the way, the login, and a new way when one breaks."""

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg

from vectordb.database import connection, transport
from vectordb.database.connection import Login, RouteLostError
from vectordb.database.settings import Settings
from vectordb.database.talk import Deadline, Say

_WAYS = 5  # a failover takes one or two; more mean that something else is wrong


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
        yield _connect(stack, settings, choice, login, deadline=deadline, say=say)


def _connect(
    stack: contextlib.ExitStack,
    settings: Settings,
    choice: transport.Choice,
    login: Login,
    *,
    deadline: Deadline,
    say: Say,
) -> psycopg.Connection[tuple[Any, ...]]:
    for attempt in range(1, _WAYS + 1):
        with contextlib.ExitStack() as way:
            try:
                route = way.enter_context(transport.opened(settings, choice, deadline=deadline, say=say))
                opened = connection.connect(settings, route, login, deadline=deadline, say=say)
            except RouteLostError as error:
                if attempt == _WAYS or deadline.passed():
                    raise
                say(f"waiting: {error}; opening a new session")
                way.close()
                deadline.pause(min(3.0, attempt))
                continue
            way.callback(opened.close)
            stack.push(way.pop_all())
            return opened
    raise AssertionError  # the last attempt returns or raises
