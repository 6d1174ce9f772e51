"""`vectordb connect`: a person, or a person's program, at the database."""

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from vectordb.cli.target import DatabaseOption, LocalOption, StackOption

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectordb.cli.target import Target
    from vectordb.database.connection import Login
    from vectordb.database.visit import Visit

_CAVEAT = (
    "For programs on libpq (psql, psycopg, pgAdmin). One that knows no hostaddr (JDBC, DBeaver, DataGrip) takes host 127.0.0.1, "
    "sslmode verify-ca with the same roots, and as password the last field of the passfile, which is renewed every ten minutes; "
    "the host's name is then not checked."
)


def connect(
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- COMMAND...]", help="Run this in place of psql.", show_default=False),
    ] = None,
    *,
    local: LocalOption = False,
    stack: StackOption = "",
    database: DatabaseOption = "",
    user: Annotated[
        str,
        typer.Option(
            "--user", "-U", envvar="VECTORDB_USER", help="Log in as this role.", show_default="the first writer"
        ),
    ] = "",
    admin: Annotated[bool, typer.Option("--admin", help="Log in as the master, by the secret's password.")] = False,
    port: Annotated[
        int,
        typer.Option("--port", min=0, max=65535, help="Local port that stays the same.", show_default="any free one"),
    ] = 0,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record of the session in CloudTrail.")] = "",
    print_env: Annotated[
        bool, typer.Option("--print-env", help="Print shell exports and stay connected until Ctrl-C.")
    ] = False,
    service: Annotated[
        bool, typer.Option("--service", help="Print the exports of a pg_service.conf and stay connected until Ctrl-C.")
    ] = False,
    url: Annotated[bool, typer.Option("--url", help="Print a connection URI and stay connected until Ctrl-C.")] = False,
) -> None:
    """Open psql, or run COMMAND, at the database: tunnel, IAM token and verified TLS are seen to.

    COMMAND finds PGHOST, PGHOSTADDR, PGPORT, PGUSER, PGDATABASE, PGPASSFILE, PGSSLMODE=verify-full and PGSSLROOTCERT.
    What the stack is comes from its outputs: of the Pulumi CLI, or of the file that VECTORDB_OUTPUTS names.

    \b
    Exit codes: the command's; 2 when there is no connection; 126 and 127 as in a shell.

    \b
    vectordb connect
    vectordb connect --local -- psql -c 'select 1'
    vectordb connect --reason 'ticket 4711' -- pg_dump -t stdlib.entries
    vectordb connect -- "$SHELL"
    vectordb connect --url --port 15432
    """
    printed = [name for name, asked in (("env", print_env), ("service", service), ("url", url)) if asked]
    _refuse_contradictions(printed, command or [], user=user, admin=admin)
    from vectordb.cli import target as targets

    target = targets.chosen(stack, local, database)
    target.use()
    status = _connected(target, command or [], "".join(printed), user=user, admin=admin, port=port, reason=reason)
    raise typer.Exit(status)


def _refuse_contradictions(printed: list[str], command: list[str], *, user: str, admin: bool) -> None:
    if len(printed) > 1:
        raise typer.BadParameter("--print-env, --service and --url exclude one another")
    if printed and command:
        raise typer.BadParameter("a COMMAND has the variables already: leave out --print-env, --service and --url")
    if user and admin:
        raise typer.BadParameter("--admin is a login of its own: leave out --user")


def _connected(
    target: "Target", command: list[str], printed: str, *, user: str, admin: bool, port: int, reason: str
) -> int:
    import os

    from vectordb.cli import child, shells
    from vectordb.database import visit
    from vectordb.database.talk import to_stderr

    if not command and not printed:
        command = shells.interactive()
    login = _login(target, user=user, admin=admin)
    why = f"vectordb connect: {reason}" if reason else "vectordb connect"
    with (
        child.ending_by_signals(),
        visit.opened(target.settings, login, port=port, reason=why, say=to_stderr) as opened,
    ):
        to_stderr(_line(target, opened))
        environment = opened.client.environment(os.environ)
        if printed:
            _print(printed, opened)
            child.wait_for_signal()
        environment |= {"PGSERVICEFILE": str(_service_file(opened))}
        return child.run(command, environment)


def _login(target: "Target", *, user: str, admin: bool) -> "Callable[[], Login]":
    from vectordb.database.iam import TokenLogin
    from vectordb.database.secret import MasterLogin
    from vectordb.errors import VectordbError

    settings, name = target.settings, user or target.user
    if admin:
        if not settings.secret_arn:
            raise VectordbError(
                f"the database {target.database} has no master secret among the stack's outputs",
                remedy="Leave out --admin and log in with a token.",
            )
        return lambda: MasterLogin(settings.secret_arn, settings.region)
    if not name:
        raise VectordbError(
            "the stack's configuration names no users to log in as",
            remedy="Name one with --user, add it to vectordb:users, or log in as the master with --admin.",
        )
    return lambda: TokenLogin(host=settings.host, port=settings.port, user=name, region=settings.region)


def _line(target: "Target", opened: "Visit") -> str:
    client = opened.client
    through = (
        f"127.0.0.1:{client.port}" if opened.tunnel else f"{client.hostaddr or client.settings.host}:{client.port}"
    )
    return (
        f"connected to {client.settings.database} of {target.name} as {client.user} in {opened.seconds:.1f} s: "
        f"{client.settings.host} on {through}"
    )


def _service_file(opened: "Visit") -> "str":
    from vectordb.database.client import replace_private

    file = opened.folder / "pg_service.conf"
    replace_private(file, opened.client.service())
    return str(file)


def _print(what: str, opened: "Visit") -> None:
    from vectordb.database.client import SERVICE, UNSET
    from vectordb.database.talk import to_stderr

    if what == "url":
        typer.echo(opened.client.url())
        to_stderr(_CAVEAT)
    else:
        exports = (
            opened.client.variables()
            if what == "env"
            else {"PGSERVICEFILE": _service_file(opened), "PGSERVICE": SERVICE}
        )
        contradicting = sorted(set(UNSET) - exports.keys())
        typer.echo(f"unset {' '.join(contradicting)}")
        for name, value in exports.items():
            typer.echo(f"export {name}={shlex.quote(value)}")
    to_stderr("open until Ctrl-C")
