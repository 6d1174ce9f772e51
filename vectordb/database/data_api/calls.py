"""The calls themselves: patience with a cluster that resumes, and every refusal put into words with a remedy."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import psycopg
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from vectordb.database import aws
from vectordb.database.data_api import answers, refusals
from vectordb.database.settings import Settings
from vectordb.database.talk import Deadline, Say

#: Largest request in bytes, headers and JSON included (API reference, BatchExecuteStatement), with room for the headers.
LARGEST_REQUEST: Final = (4 << 20) - (64 << 10)

# A call ends after 45 s (Aurora User Guide, "Calling the Amazon RDS Data API"); the answer is waited for somewhat longer.
_READ_TIMEOUT = 60

_STILL_RUNNING = "still running a query"  # Aurora User Guide, "Troubleshooting Amazon RDS Data API"

# Codes that pass: what they mean, for a person.
_WAITS = {
    "DatabaseResumingException": "the cluster was paused and is resuming",
    "DatabaseUnavailableException": "the writer instance does not answer",
    "ServiceUnavailableError": "the Data API is not available",
    "InternalServerErrorException": "the Data API failed",
    "ThrottlingException": "the Data API is throttling",
    "InvalidResourceStateException": "the cluster is changing its state",
}
_BUSY, _STARTING = "53300", "57P03"


class LostError(psycopg.OperationalError):
    """The transaction, or the way to it, is gone; what it did was rolled back or cannot be known."""


class StillRunningError(psycopg.OperationalError):
    """The call ended, its statement goes on in the transaction."""


class Calls:
    """The five operations on one database of one cluster.

    Args:
        settings: cluster ARN, secret ARN, database and region.
        deadline: until when a cluster that resumes, or is full, is waited for.
        say: gets the progress.
        client: of `rds-data`; made from the environment by default.
    """

    def __init__(self, settings: Settings, *, deadline: Deadline, say: Say, client: Any = None) -> None:
        self._settings, self._deadline, self._say = settings, deadline, say
        self._target = {"resourceArn": settings.cluster_arn, "secretArn": settings.secret_arn}
        # Never repeated by botocore: a statement whose answer was lost may have run.
        self._client = client or aws.client("rds-data", settings.region, read_timeout=_READ_TIMEOUT, attempts=1)
        self.count = 0

    def begin(self) -> str:
        """Begin a transaction; its id. Waits for a cluster that resumes, is full or changes."""
        answer = self._patiently("begin_transaction", {"database": self._settings.database})
        return str(answer["transactionId"])

    def commit(self, transaction: str) -> None:
        """Commit.

        Raises:
            psycopg.Error: the server refused, as a deferred constraint does.
            LostError: the transaction is gone.
        """
        self._once("commit_transaction", {"transactionId": transaction})

    def roll_back(self, transaction: str) -> None:
        """Roll back."""
        self._once("rollback_transaction", {"transactionId": transaction})

    def query(self, sql: str, parameters: list[dict[str, Any]]) -> answers.Rows:
        """Run a reading statement by itself: it is repeated until the cluster answers."""
        given = {"database": self._settings.database, "sql": sql, "parameters": parameters}
        return answers.Rows(self._patiently("execute_statement", given).get("records") or [])

    def execute(self, sql: str, parameters: list[dict[str, Any]], transaction: str) -> answers.Rows:
        """Run a statement in a transaction.

        Raises:
            psycopg.Error: the server's error.
            LostError: the transaction is gone.
            StillRunningError: the call ended before the statement did, which goes on.
            VectordbError: refused for good.
        """
        given: dict[str, Any] = {
            "database": self._settings.database,
            "sql": sql,
            "parameters": parameters,
            "transactionId": transaction,
            # A DDL statement that is broken off may leave damage (API reference, ExecuteStatement).
            "continueAfterTimeout": True,
        }
        size = len(json.dumps({**self._target, **given}))
        if size > LARGEST_REQUEST:
            raise answers.made(
                "54000",
                f"the statement makes a request of {size:,} bytes; the Data API takes {4 << 20:,}",
                fields={
                    "Hint": "Split the statement, or apply over the transport ssm or direct, which have no such limit."
                },
            )
        return answers.Rows(self._once("execute_statement", given).get("records") or [])

    def _patiently(self, operation: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Call until it is answered. Only for what has changed nothing when it failed."""
        pause, told, spoken, passwords = 0.5, "", time.monotonic(), 2
        while True:
            try:
                return self._call(operation, given)
            except (ClientError, BotoCoreError) as error:
                reason = self._passing(error)
                if reason == refusals.INVALID_LOGIN and passwords:
                    # RDS changes the password a moment before the secret's current version.
                    passwords -= 1
                    reason = "the password in the secret was refused; a rotation may be under way"
                elif not reason or reason == refusals.INVALID_LOGIN or self._deadline.passed():
                    raise refusals.final(error, self._settings, deadline=self._deadline, waited=reason) from error
            now = time.monotonic()
            if reason != told or now - spoken >= 10:  # noqa: PLR2004 - seconds between two signs of life
                self._say(f"waiting: {reason} ({self._deadline.elapsed():.0f} s)")
                told, spoken = reason, now
            self._deadline.pause(pause)
            pause = min(5.0, pause * 1.5)

    def _once(self, operation: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Call within a transaction."""
        try:
            return self._call(operation, given)
        except ClientError as error:
            code, message = aws.code(error), refusals.message_of(error)
            if code == "StatementTimeoutException" or _STILL_RUNNING in message:
                raise StillRunningError(message) from error
            if code in {"TransactionNotFoundException", "NotFoundException"}:
                raise LostError(f"the transaction is gone: {message}") from error
            if code in _WAITS:
                raise LostError(f"{_WAITS[code]}: {message or code}") from error
            raise refusals.final(error, self._settings) from error
        except BotoCoreError as error:
            raise LostError(f"no answer from the Data API: {error}") from error

    def _call(self, operation: str, given: Mapping[str, Any]) -> dict[str, Any]:
        self.count += 1
        call: Callable[..., dict[str, Any]] = getattr(self._client, operation)
        return call(**self._target, **given)

    @staticmethod
    def _passing(error: Exception) -> str:
        """Why to call again; empty when nothing would change."""
        if isinstance(error, HTTPClientError):
            return f"no answer from the Data API: {error}"
        code = aws.code(error)
        if code in _WAITS:
            return _WAITS[code]
        found = answers.database_error(refusals.message_of(error)) if code in refusals.DATABASE else None
        if found is None:
            return ""
        waits = {
            _BUSY: "the database has no connection free",
            _STARTING: "the database is starting",
            refusals.INVALID_LOGIN: refusals.INVALID_LOGIN,
        }
        return waits.get(found.sqlstate or "", "")
