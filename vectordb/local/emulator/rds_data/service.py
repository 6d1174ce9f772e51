"""The five operations."""

import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYetError
from typing import Any

import psycopg
from psycopg import Connection, RawCursor, errors
from psycopg.types.string import StrDumper

from vectordb.local.emulator.rds_data import parameters, results
from vectordb.local.emulator.rds_data.clusters import Cluster, Clusters
from vectordb.local.emulator.rds_data.transactions import Transactions
from vectordb.local.emulator.wire import Request, Response, ServiceError, answer

_LARGEST_REQUEST = 4 << 20
_SEVERAL = "cannot insert multiple commands into a prepared statement"  # exec_parse_message, postgres.c
_THREADS = 64


class RdsData:
    """The Data API.

    Args:
        clusters: those that are known.
        secret: the text of a secret by its ARN and region; None when there is none.
    """

    def __init__(self, clusters: Clusters, secret: Callable[[str, str], str | None]) -> None:
        self._clusters, self._secret = clusters, secret
        self._transactions = Transactions()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="data-api")
        self._operations: dict[str, Callable[[dict[str, Any], Cluster, str], dict[str, Any]]] = {
            "ExecuteStatement": self._execute,
            "BatchExecuteStatement": self._batch,
            "BeginTransaction": self._begin,
            "CommitTransaction": self._commit,
            "RollbackTransaction": self._roll_back,
        }

    def handle(self, operation: str, request: Request) -> Response:
        """Run an operation.

        Raises:
            ServiceError: refused, in the service's words.
        """
        if request.length() > _LARGEST_REQUEST:
            raise ServiceError("RequestEntityTooLargeException", "The request is larger than 4 MiB", 413)
        given = request.parameters()
        for name in ("resourceArn", "secretArn"):
            if not isinstance(given.get(name), str) or not given[name]:
                raise ServiceError("ValidationException", f"{name} is not valid")
        if given.get("schema"):
            raise ServiceError("ValidationException", "The schema parameter isn't supported")
        return answer(self._operations[operation](given, self._clusters.get(given["resourceArn"]), request.region))

    def close(self) -> None:
        """Roll back what is open."""
        self._transactions.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _begin(self, given: dict[str, Any], cluster: Cluster, region: str) -> dict[str, Any]:
        connection = self._connect(given, cluster, region)
        connection.execute("BEGIN")
        return {"transactionId": self._transactions.add(cluster, connection)}

    def _commit(self, given: dict[str, Any], cluster: Cluster, region: str) -> dict[str, Any]:
        del region
        self._end(given, cluster, "COMMIT")
        return {"transactionStatus": "Transaction Committed"}

    def _roll_back(self, given: dict[str, Any], cluster: Cluster, region: str) -> dict[str, Any]:
        del region
        self._end(given, cluster, "ROLLBACK")
        return {"transactionStatus": "Rollback Complete"}

    def _end(self, given: dict[str, Any], cluster: Cluster, how: str) -> None:
        name = str(given.get("transactionId") or "")
        transaction = self._transactions.take(name, cluster)
        try:
            if (
                how == "COMMIT"
                and transaction.connection.info.transaction_status is psycopg.pq.TransactionStatus.INERROR
            ):
                # The server would answer ROLLBACK to this COMMIT.
                raise ServiceError(
                    "TransactionNotFoundException",
                    f"Transaction {name} is not found. Transaction has been aborted due to an error from a previous call.",
                    404,
                )
            transaction.connection.execute(how.encode())
        except psycopg.Error as error:
            raise results.refused(error) from error
        finally:
            self._transactions.end(name, "One previous call resulted in a termination of your transaction.")

    def _execute(self, given: dict[str, Any], cluster: Cluster, region: str) -> dict[str, Any]:
        sql, values = parameters.bind(str(given.get("sql") or ""), given.get("parameters") or [])

        def work(connection: Connection[Any]) -> dict[str, Any]:
            cursor = _run(connection, sql, values)
            return results.answer(
                connection,
                cursor,
                metadata=bool(given.get("includeResultMetadata")),
                as_json=given.get("formatRecordsAs") == "JSON",
            )

        return self._within(given, cluster, region, work)

    def _batch(self, given: dict[str, Any], cluster: Cluster, region: str) -> dict[str, Any]:
        bound = [parameters.bind(str(given.get("sql") or ""), one) for one in given.get("parameterSets") or []]

        def work(connection: Connection[Any]) -> dict[str, Any]:
            with connection.transaction():
                for sql, values in bound:
                    _run(connection, sql, values)
            return {"updateResults": [{"generatedFields": []} for _ in bound]}

        return self._within(given, cluster, region, work)

    def _within(
        self,
        given: dict[str, Any],
        cluster: Cluster,
        region: str,
        work: Callable[[Connection[Any]], dict[str, Any]],
    ) -> dict[str, Any]:
        """Run `work` in the transaction that is named, or by itself on a connection of its own."""
        name = str(given.get("transactionId") or "")
        if name:
            transaction = self._transactions.take(name, cluster)
            connection, release = transaction.connection, transaction.busy.release
        else:
            connection = self._connect(given, cluster, region)
            release = connection.close
        running: Future[dict[str, Any]] = self._threads.submit(work, connection)
        # Also when it outlives this call: the transaction is busy until then.
        running.add_done_callback(lambda _: release())
        try:
            return running.result(cluster.call_seconds)
        except NotYetError:
            process = connection.info.backend_pid
            if not given.get("continueAfterTimeout"):
                connection.cancel_safe()
            raise ServiceError(
                "StatementTimeoutException", "Request timed out", members={"dbConnectionId": process}
            ) from None
        except psycopg.Error as error:
            if _SEVERAL in str(error):
                raise ServiceError("ValidationException", "Multistatements aren't supported.") from error
            raise results.refused(error) from error

    def _connect(self, given: dict[str, Any], cluster: Cluster, region: str) -> Connection[Any]:
        user, password = self._credentials(str(given["secretArn"]), region)
        try:
            connection: Connection[Any] = psycopg.connect(
                host=cluster.host,
                hostaddr="127.0.0.1",
                port=cluster.port,
                dbname=str(given.get("database") or "postgres"),
                user=user,
                password=password,
                sslmode="verify-full",
                sslrootcert=cluster.certificate,
                gssencmode="disable",
                application_name="rds-data",
                autocommit=True,
                cursor_factory=RawCursor,
                connect_timeout=10,
                options="-c timezone=UTC",
            )
        except psycopg.OperationalError as error:
            raise _unreachable(str(error)) from error
        # A stringValue is text, not a literal whose type the statement decides.
        connection.adapters.register_dumper(str, StrDumper)
        return connection

    def _credentials(self, arn: str, region: str) -> tuple[str, str]:
        text = self._secret(arn, region)
        if text is None:
            raise ServiceError("SecretsErrorException", f"The secret {arn} was not found")
        try:
            content = json.loads(text)
            return str(content["username"]), str(content["password"])
        except (ValueError, TypeError, KeyError) as error:
            raise ServiceError("InvalidSecretException", "The secret has no username and password") from error


def _run(connection: Connection[Any], sql: str, values: list[Any]) -> RawCursor[Any]:
    """By the extended protocol, which takes one statement: the service prepares what it gets."""
    cursor = RawCursor(connection)
    cursor.execute(sql.encode(), values or None, prepare=True)
    return cursor


# What libpq says → the server's SQLSTATE, which it does not tell.
_FATAL = (
    ("password authentication failed", "28P01"),
    ("PAM authentication failed", "28P01"),
    ("too many clients already", "53300"),
    ("remaining connection slots", "53300"),
    ("too many connections for", "53300"),
    ("the database system is", "57P03"),
    ("does not exist", "3D000"),
)


def _unreachable(said: str) -> ServiceError:
    _, fatal, message = said.partition("FATAL: ")
    if not fatal:
        return ServiceError("DatabaseUnavailableException", "", 504)
    message = message.strip().splitlines()[0].strip()
    state = next((code for words, code in _FATAL if words in message), errors.InternalError_.sqlstate or "XX000")
    return ServiceError("DatabaseErrorException", f"FATAL: {message}; SQLState: {state}")
