"""`vectordb remove-schema`: the way back from `vectordb migrate apply`."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from vectordb.cli.context import talk
from vectordb.cli.target import DatabaseOption, LocalOption, StackOption

if TYPE_CHECKING:
    from vectordb.database.removal import Inventory


def remove_schema(
    *,
    stack: StackOption = "",
    local: LocalOption = False,
    database: DatabaseOption = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    with_data: Annotated[
        bool,
        typer.Option(
            "--with-data",
            help="Remove data too: tables with rows in the removed schemas, and what people made on top of them.",
        ),
    ] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=1, help="How long to wait for the database.")
    ] = 60,
) -> None:
    """Remove from a database what the SQL files made: schemas, ledger, logins and groups. Asks first.

    Your own tables stay, and so do vectors in S3 Vectors. Tables with rows in a removed schema are moved to a
    schema of its name with _kept, unless --with-data is given. The extensions stay. A later `vectordb migrate apply` makes all
    anew, but not what administrators set: grants, tenants, trusted applications, jobs of copies. What they revoked or scoped by hand
    is then open again, so this is listed, and to be noted down, before.

    Prints what was removed as JSON. Exit codes: 0, 1 not confirmed, 2 failed.

    \b
    vectordb remove-schema --local
    vectordb remove-schema --stack dev --database rds --with-data
    """
    from vectordb.cli.migrate import ending_at_once, settings
    from vectordb.database import access, removal
    from vectordb.database.secret import MasterLogin
    from vectordb.database.talk import Deadline, to_stderr

    chosen = settings(stack, database, local=local)
    login = MasterLogin(chosen.secret_arn, chosen.region)
    with (
        ending_at_once("nothing was removed, or the schemas as a whole; run it again to continue"),
        access.opened(chosen, login, deadline=Deadline(timeout), say=to_stderr) as connection,
    ):
        there = removal.inventory(connection)
        if not there:
            to_stderr(f"{chosen.database}: there is nothing to remove")
        else:
            _show(there, f"{chosen.database} at {chosen.host}", with_data=with_data)
            if not (yes or typer.confirm("Remove this?", err=True)):
                raise typer.Exit(1)
        done = removal.remove(connection, with_data=with_data, timeout=timeout, say=to_stderr)
    for table in done.kept_tables:
        to_stderr(f"kept, with its rows: {table}")
    typer.echo(
        json.dumps(
            {
                "schemas": done.schemas,
                "roles": done.roles,
                "settings": done.settings,
                "kept": {"tables": done.kept_tables, "roles": done.kept_roles},
            }
        )
    )


def _show(there: "Inventory", where: str, *, with_data: bool) -> None:
    """Show what goes."""
    console = talk()

    def line(text: str) -> None:
        console.print(text, highlight=False, markup=False, soft_wrap=True)

    line(f"From the database {where} go:")
    for title, names in (
        ("schemas", there.schemas),
        ("roles", there.roles),
        ("registrations of indexes, made by hand", there.indexes),
        (
            "tables with data" if with_data else "moved to a schema of the same name with _kept",
            [".".join(table) for table in there.data],
        ),
        ("what depends on them" if with_data else "in the way", there.outside),
    ):
        if names:
            line(f"  {title}: {', '.join(names)}")
    for settings in there.settings:
        line(f"  {settings}")
    if any(settings.opens for settings in there.settings):
        line(
            "! A later `vectordb migrate apply` opens the indexes that these keep closed: docs/operations.md says how to keep them."
        )
