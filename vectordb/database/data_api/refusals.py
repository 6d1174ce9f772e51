"""What the Data API's final refusals mean, and what to do about each."""

from typing import Final

from botocore.exceptions import ClientError

from vectordb.database import aws
from vectordb.database import settings as names
from vectordb.database.data_api import answers
from vectordb.database.settings import Settings
from vectordb.database.talk import Deadline
from vectordb.errors import VectordbError

#: Codes whose message is the server's own error. The older one is BadRequestException.
DATABASE: Final = frozenset({"DatabaseErrorException", "BadRequestException"})
#: SQLSTATE of a refused password.
INVALID_LOGIN: Final = "28P01"

_DENIED = {"AccessDeniedException", "ForbiddenException"}
_SECRET = {"SecretsErrorException", "InvalidSecretException"}


def message_of(error: Exception) -> str:
    """What AWS says, without botocore's words around it."""
    return str(error.response.get("Error", {}).get("Message", "")) if isinstance(error, ClientError) else str(error)


def final(error: Exception, settings: Settings, *, deadline: Deadline | None = None, waited: str = "") -> Exception:
    """What to raise for a failure that does not pass.

    Args:
        error: botocore's.
        settings: of the database.
        deadline: until when it was waited for.
        waited: what it was waited for; empty: nothing.

    Returns:
        A psycopg error where the server said it or the statement is to blame, else a `VectordbError`.
    """
    code, message = aws.code(error), message_of(error)
    if deadline is not None and waited not in {"", INVALID_LOGIN}:
        return VectordbError(
            f"{settings.cluster_arn}: no answer within {deadline.seconds:g} s: {waited}: {message}",
            remedy="See the cluster's events in the RDS console, or give a longer --timeout, then run it again.",
        )
    if code in DATABASE and (found := answers.database_error(message)) is not None:
        refused = f"the password in the secret was refused: {message}"
        return VectordbError(refused, remedy=_secret(settings)) if found.sqlstate == INVALID_LOGIN else found
    return _of_the_statement(code, message) or _of_the_way(code, message, settings, error)


def _of_the_statement(code: str, message: str) -> Exception | None:
    if code == "UnsupportedResultException":
        if "size" in message:
            return answers.made(
                "54000", message, fields={"Hint": "The Data API returns at most 1 MiB: read less at once."}
            )
        return answers.made(
            "0A000", message, fields={"Hint": "The Data API has no such type: cast the column to text."}
        )
    if code in {"ValidationException", "BadRequestException"} and "parameter" in message.lower():
        return answers.made(
            "0A000",
            message,
            fields={
                "Hint": "Outside of quotes and comments the Data API takes a colon and what follows it for a parameter: put a space "
                "between, as in values[1 : 2]; or apply over the transport ssm or direct, which have no such parameters."
            },
        )
    if code == "ValidationException" and "ultistatement" in message:
        return answers.made("0A000", "the Data API takes one statement a call, and took this for several")
    return None


def _of_the_way(code: str, message: str, settings: Settings, error: Exception) -> VectordbError:
    if code in _DENIED:
        remedy = (
            "The caller needs rds-data:BeginTransaction, CommitTransaction, ExecuteStatement and RollbackTransaction on "
            f"{settings.cluster_arn} and secretsmanager:GetSecretValue on {settings.secret_arn}."
        )
    elif code in _SECRET:
        remedy = _secret(settings)
    elif code == "HttpEndpointNotEnabledException":
        remedy = (
            "Turn the Data API on: vectordb:transport: data-api in the stack's configuration, then `pulumi up`. A cluster that is "
            "restored from a snapshot gets it by a second `pulumi up`. The ARN must be the cluster's to the letter."
        )
    elif code == "DatabaseNotFoundException":
        remedy = "The cluster has no instance: run `pulumi up`, and see the cluster in the RDS console."
    else:
        return aws.explained(error, f"use the RDS Data API of {settings.cluster_arn}")
    return VectordbError(f"the Data API refused ({code}): {message}", remedy=remedy)


def _secret(settings: Settings) -> str:
    return (
        f"{names.SECRET_ARN} is {settings.secret_arn}: it must be the secret of this cluster's master, which the caller may read "
        "(secretsmanager:GetSecretValue, and kms:Decrypt on its key), and the master no member of rds_iam."
    )
