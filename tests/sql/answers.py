"""A function that answers in the right envelope, whatever stands in it."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import psycopg

from tests.sql.cases import failure
from tests.sql.conftest import Database
from tests.sql.doubles import Answer

Behaviour = Callable[[bytes], Answer]


def in_envelope(event: bytes, result: Any) -> Answer:
    """The answer that holds this result for the request."""
    asked = json.loads(event)
    answer = {"v": 2, "operation": asked["operation"], "nonce": asked["nonce"], "request_id": "r", "ok": True}
    return Answer(json.dumps(answer | {"result": result}).encode())


def answering(results: Iterable[Any]) -> Behaviour:
    """One result after the other."""
    following: Iterator[Any] = iter(results)
    return lambda event: in_envelope(event, next(following))


def refused_when(
    database: Database, session: psycopg.Connection[Any], statement: str, behaviour: Behaviour
) -> tuple[str, str]:
    """SQLSTATE of the statement's error meanwhile, and what it says is wrong."""
    with database.lambda_.behaving(behaviour):
        state, message, _, _ = failure(session, statement)
    return state, message.rpartition(": ")[2]


def arguments(database: Database) -> list[Any]:
    """The arguments of each request that the function has had."""
    return [json.loads(event)["arguments"] for event in database.lambda_.events]
