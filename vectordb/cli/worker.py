"""`vectordb worker`: the embedding worker, as a process that goes on until it is told to stop."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from vectordb.cli.target import DatabaseOption, LocalOption, StackOption
from vectordb.errors import VectordbError

if TYPE_CHECKING:
    from vectordb.cli.target import Target
    from vectordb.database.connection import Route

LOGIN = "vectordb_embedder"


def worker(
    *,
    stack: StackOption = "",
    local: LocalOption = False,
    database: DatabaseOption = "",
    poll: Annotated[
        int, typer.Option("--poll", metavar="SECONDS", min=1, max=3600, help="How often it looks for work.")
    ] = 5,
    concurrency: Annotated[
        int, typer.Option("--concurrency", min=1, max=64, help="Calls of a model at the same time.")
    ] = 8,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=1, help="How long to wait for the database.")
    ] = 120,
) -> None:
    """Work off what is to be embedded, with the code of the deployed function, until Ctrl-C or SIGTERM.

    It logs in as vectordb_embedder by token, so that you need rds-db:connect as it, and asks the models with your own
    permissions: what those do not allow it leaves to others. What it has not finished when it ends is free for them, too. It polls:
    a cluster with minCapacity 0 stays awake.

    \b
    vectordb worker --local
    vectordb worker --stack prod --poll 60
    vectordb worker --local --concurrency 16 | jq .message

    \b
    Exit codes: 0 it was told to stop, 2 failed.
    """
    from vectordb.cli import child
    from vectordb.cli import target as targets
    from vectordb.database import access
    from vectordb.database.iam import TokenLogin
    from vectordb.database.talk import Deadline, to_stderr

    target = targets.chosen(stack, local, database)
    target.use()
    settings = target.settings
    if target.outputs.get("embeddingModels") == [] and not target.outputs.get("embedding"):
        raise VectordbError(
            f"{target.name} has no embeddings, and no login {LOGIN}",
            remedy="Configure vectordb:embedding (docs/embeddings.md), and deploy: make up, or pulumi up.",
        )
    login = TokenLogin(host=settings.host, port=settings.port, user=LOGIN, region=settings.region)
    deadline = Deadline(timeout)
    with (
        child.ending_by_signals(),
        access.way(settings, login, deadline=deadline, say=to_stderr, reason="vectordb worker") as route,
    ):
        told = environment(target, route) | {
            "VECTORDB_EMBED_POLL_SECONDS": str(poll),
            "VECTORDB_EMBED_CONCURRENCY": str(concurrency),
            "VECTORDB_EMBED_HELPS": "true",
        }
        to_stderr(f"embeds what changes in {settings.database} of {target.name}, as {LOGIN}, until Ctrl-C")
        status = child.run([sys.executable, "-m", "embedder"], {**os.environ, **told})
    raise typer.Exit(status)


def environment(target: "Target", route: "Route") -> dict[str, str]:
    """What the worker is told of a database and of AWS (lambda/embedder/settings.py).

    Raises:
        VectordbError: there are no credentials, or no worker in this project.
    """
    from vectordb.cli.context import sql_folder
    from vectordb.database import aws

    code = sql_folder().parent / "lambda"
    if not (code / "embedder").is_dir():
        raise VectordbError(
            f"{code} has no embedder", remedy="Run it in a checkout of the project, or in one of its examples."
        )
    found = aws.session().get_credentials()
    if found is None:
        raise VectordbError("there are no AWS credentials", remedy="Set AWS_PROFILE, or log in with aws sso login.")
    # The worker itself knows those of Lambda and of containers only, and no profiles.
    frozen = found.get_frozen_credentials()
    settings = target.settings
    told = {
        "PYTHONPATH": str(code),
        "VECTORDB_HOST": settings.host,
        "VECTORDB_PORT": str(settings.port),
        "VECTORDB_DATABASE": settings.database,
        "VECTORDB_USER": LOGIN,
        "VECTORDB_REGION": settings.region,
        "VECTORDB_HOSTADDR": route.hostaddr,
        "VECTORDB_HOSTADDR_PORT": str(route.port),
        "AWS_ACCESS_KEY_ID": frozen.access_key,
        "AWS_SECRET_ACCESS_KEY": frozen.secret_key,
        "AWS_SESSION_TOKEN": frozen.token or "",
    }
    return told | ({"VECTORDB_CA_BUNDLE": str(settings.ca_bundle)} if settings.ca_bundle else {})
