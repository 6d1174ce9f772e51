"""The command tree."""

from typing import Annotated

import typer

from vectordb import __version__
from vectordb.cli import bench, embed, indexes, local, migrate
from vectordb.cli.connect import connect
from vectordb.cli.cost import cost
from vectordb.cli.doctor import doctor
from vectordb.cli.plan import plan
from vectordb.cli.remove_schema import remove_schema
from vectordb.cli.search import search
from vectordb.cli.worker import worker

app = typer.Typer(
    name="vectordb",
    help="Vector search in SQL, inside your own network: plan it, price it, run it here, apply its SQL, search, measure.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(plan)
app.command()(cost)
app.add_typer(local.app, name="local")
app.add_typer(migrate.app, name="migrate")
app.add_typer(indexes.app, name="indexes")
app.add_typer(embed.app, name="embed")
app.command()(worker)
app.command()(search)
# What follows the first word of COMMAND is the command's own, also where it looks like one of our options.
app.command(context_settings={"allow_interspersed_args": False})(connect)
app.command()(doctor)
app.command(name="remove-schema")(remove_schema)
app.add_typer(bench.app, name="bench")


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer hands over the flag's value
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Options of every command."""
    del version
