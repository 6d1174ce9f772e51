"""What the commands of `vectordb embed` share: the session, and errors in the database's own words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, LiteralString

from vectordb.errors import VectordbError

if TYPE_CHECKING:
    from vectordb.database.session import Session


@contextmanager
def session(stack: str, database: str, *, local: bool, timeout: float, admin: bool = False) -> "Iterator[Session]":
    """Logged in as the everyday user, by token; as the master when asked to, or where the stack has no user."""
    from vectordb.cli import target as targets
    from vectordb.cli.context import talk
    from vectordb.database import access
    from vectordb.database.iam import TokenLogin
    from vectordb.database.secret import MasterLogin
    from vectordb.database.talk import Deadline

    target = targets.chosen(stack, local, database)
    target.use()
    settings = target.settings
    by_token = not admin and target.user and settings.transport != "data-api"
    login = (
        TokenLogin(host=settings.host, port=settings.port, user=target.user, region=settings.region)
        if by_token
        else MasterLogin(settings.secret_arn, settings.region)
    )

    def say(text: str) -> None:
        talk().print(text, markup=False)

    with access.opened(settings, login, deadline=Deadline(timeout), say=say) as opened:
        yield opened


def asked(opened: "Session", statement: LiteralString, *parameters: Any) -> list[tuple[Any, ...]]:
    """The rows of a statement.

    Raises:
        VectordbError: what the database says, with its hint.
    """
    import psycopg

    try:
        return opened.execute(statement, parameters).fetchall()
    except psycopg.Error as error:
        message = error.diag.message_primary or str(error)
        raise VectordbError(message, remedy=error.diag.message_hint or "See `vectordb embed status`.") from error
