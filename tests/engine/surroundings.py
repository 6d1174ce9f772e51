"""What a stack of these tests is surrounded by: a copy of the project, the CLI, the double, the stand-ins of a local stack."""

import contextlib
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.engine.aws_double.account import Account
from tests.engine.aws_double.provider import Provider, serving
from tests.engine.cli import Cli, provider_version
from tests.local.project import ROOT, Project
from vectordb.local import handlers
from vectordb.local.clients import Clients
from vectordb.local.engine import Engine, Execution
from vectordb.local.services import Services
from vectordb.local.state import Folder
from vectordb.plan import stack_configuration
from vectordb.plan.lookups import Lookups

CLUSTER = "database-cluster"
"""The Aurora cluster's name in the program, after which the double's folder for it is named."""


def copied(folder: Path) -> Project:
    """A copy of the project that the CLI finds the environment of."""
    project = Project(folder)
    shutil.copy(ROOT / "Pulumi.prod.yaml", project.folder)
    shutil.copytree(ROOT / "examples", project.folder / "examples")
    # A folder of its own: the CLI makes what is a link anew. What is in it is the environment of the tests.
    (project.folder / ".venv").mkdir()
    for part in Path(sys.prefix).iterdir():
        (project.folder / ".venv" / part.name).symlink_to(part)
    return project


@contextlib.contextmanager
def previewing(directory: Path, home: Path, stack: str) -> Iterator[Cli]:
    """A stack of the project in `directory` that can only be previewed: there is no account behind the double."""
    region = stack_configuration.read(directory, stack).region
    with serving(Provider(None, provider_version(), Lookups(region).answer)) as port:
        pulumi = Cli(directory, home, stack)
        pulumi.attach(port)
        pulumi.init()
        yield pulumi


@dataclass(frozen=True)
class Surroundings:
    """What a test works with."""

    project: Project
    pulumi: Cli
    account: Account
    services: Services

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of a query in the database, as its superuser."""
        database = self.services.identified(self.account.named(CLUSTER).state["clusterIdentifier"])
        assert database is not None
        with database.postgres.superuser_connection(database.declared.database) as connection:
            return connection.execute(statement).fetchall()


@contextlib.contextmanager
def surrounded(folder: Path, stack: str = "dev", example: str = ".") -> Iterator[Surroundings]:
    """A stack that nothing was deployed to, of the project or of one of its examples; at the end no process is left."""
    project = copied(folder / "project")
    directory = (project.folder / example).resolve()
    configuration = stack_configuration.read(directory, stack)
    state = Folder.of(project.folder, stack)
    state.make()
    credentials = state.credentials()
    services = Services(state, configuration.region, credentials)
    try:
        clients = Clients(services.start_emulator(), configuration.region, credentials)
        engine = Engine(Execution(configuration, services, clients), handlers.HANDLERS)
        account = Account(engine)
        with serving(Provider(account, provider_version(), engine.look_up)) as port:
            pulumi = Cli(directory, folder / "home", stack)
            pulumi.attach(port)
            pulumi.environment |= _way_in(state) | {
                "AWS_ENDPOINT_URL": services.emulator_url,
                "AWS_ACCESS_KEY_ID": credentials.access_key_id,
                "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
                "AWS_EC2_METADATA_DISABLED": "true",
            }
            pulumi.init()
            yield Surroundings(project, pulumi, account, services)
    finally:
        services.stop()


def _way_in(state: Folder) -> dict[str, str]:
    """Where the SQL step will find the database on this machine: said before it is there, as a resumed stack's port is."""
    folder = state.root / "databases" / CLUSTER
    folder.mkdir(mode=0o700, parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "front.port").write_text(str(port))
    return {
        "VECTORDB_HOSTADDR": "127.0.0.1",
        "VECTORDB_HOSTADDR_PORT": str(port),
        "VECTORDB_CA_BUNDLE": str(folder / "tls" / "ca.pem"),
    }
