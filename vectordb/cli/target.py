"""Which database a command works on: one of a deployed stack, or of the stack on this machine."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vectordb.cli.context import StackOption, chosen_stack, project_directory

if TYPE_CHECKING:
    from vectordb.database.settings import Settings
    from vectordb.local.state import RunningDatabase

__all__ = ["DatabaseOption", "LocalOption", "StackOption", "Target", "chosen"]

LocalOption = Annotated[bool, typer.Option("--local", help="Use the stack on this machine.")]
DatabaseOption = Annotated[
    str, typer.Option("--database", help="The database's name, where a stack has several.", show_default="the primary")
]


@dataclass(frozen=True, kw_only=True)
class Target:
    """A database, and how this process reaches it and AWS.

    Attributes:
        name: the stack's.
        local: whether it is the stack on this machine.
        database: the database's name in the stack.
        settings: of the database.
        outputs: the stack's.
        environment: variables that AWS's clients need to go where the stack is; empty for AWS itself.
        unset: variables that would contradict those.
        user: the login that people use every day; empty when the stack names none.
        passfile: file with the logins' current tokens, which the local stack keeps; empty for AWS.
    """

    name: str
    local: bool
    database: str
    settings: "Settings"
    outputs: Mapping[str, Any]
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    unset: tuple[str, ...] = ()
    user: str = ""
    passfile: str = ""

    def use(self) -> None:
        """From here on this process's AWS clients, and its children's, go to where the stack is."""
        from vectordb.database import aws, client

        client.drop_contradictions()
        for name in self.unset:
            os.environ.pop(name, None)
        os.environ.update(self.environment)
        aws.session.cache_clear()


def chosen(stack: str, local: bool, database: str = "") -> Target:  # noqa: FBT001 - a command's options, handed on in their order
    """The target that a command's options name.

    Args:
        stack: the value of --stack, empty for the selected one.
        local: the stack on this machine in place of the deployed one.
        database: the database's name; the primary when none is given.

    Raises:
        VectordbError: the stack does not run here or its outputs cannot be read, or there is no such database.
    """
    directory = project_directory()
    name = chosen_stack(stack, directory)
    return _local(directory, name, database) if local else _deployed(directory, stack, name, database)


def everyday(logins: Mapping[str, str]) -> str:
    """The login for everyday work among `logins` (name → access): the first writer, else reader, else admin; empty: none."""
    order = ("writer", "reader", "admin")
    return min(logins, key=lambda login: order.index(logins[login]), default="")


def _deployed(directory: Path, given: str, name: str, database: str) -> Target:
    from vectordb.cli.context import _selected
    from vectordb.database import outputs

    # The CLI knows its own choice better: it may belong to an organization that is not the default one.
    asked = given or ("" if os.environ.get("PULUMI_STACK") or _selected(directory) else name)
    found = outputs.read(directory, asked)
    return Target(
        name=name,
        local=False,
        database=database or outputs.names(found)[0],
        settings=outputs.settings(found, database=database),
        outputs=found,
        user=everyday({user.name: user.access for user in outputs.users(found)}),
    )


def _local(directory: Path, name: str, database: str) -> Target:
    from vectordb.database import outputs
    from vectordb.local import connections
    from vectordb.local.state import Folder

    folder = Folder.of(directory, name)
    running, credentials = folder.running(), folder.credentials()
    one = running.find(database)
    described = {**running.outputs, "region": running.region, "databases": _completed(running.outputs, one)}
    reached = replace(
        outputs.settings(described, database=one.name),
        database=one.database,
        hostaddr="127.0.0.1",
        hostaddr_port=one.port,
        ca_bundle=Path(one.certificate),
    )
    variables = connections.environment(running, credentials, one.name)
    logins = {user.name: user.access for user in outputs.users(running.outputs)}
    return Target(
        name=name,
        local=True,
        database=one.name,
        settings=reached,
        outputs=running.outputs,
        environment={key: value for key, value in variables.items() if key.startswith("AWS_")},
        unset=tuple(key for key in connections.UNSET if key.startswith("AWS_")),
        user=everyday(logins) or ("" if one.user == one.master else one.user),
        passfile=running.passfile,
    )


def _completed(exported: Mapping[str, Any], one: "RunningDatabase") -> dict[str, Any]:
    """What the program exports of the database, with what is known of the running one: not every program exports everything."""
    known = {"endpoint": one.host, "port": one.endpoint_port, "secretArn": one.secret_arn}
    return {one.name: {**((exported.get("databases") or {}).get(one.name) or {}), **known}}
