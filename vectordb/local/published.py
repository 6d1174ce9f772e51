"""What a supervisor publishes of a stack that is up: where its databases listen, and what is different here."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from vectordb.errors import VectordbError
from vectordb.local import passfile
from vectordb.local.databases import Database
from vectordb.local.engine import Execution
from vectordb.local.state import Running, RunningDatabase
from vectordb.plan.recording import Recording, opened


def describe(execution: Execution, recording: Recording, recorded: Mapping[str, int], digest: str) -> Running:
    """The stack as other commands see it.

    Args:
        execution: after the program has run.
        recording: what the program registered.
        recorded: type → how many resources were not made.
        digest: of the inputs that it was made from.

    Raises:
        VectordbError: the program declares no database.
    """
    services, asked = execution.services, execution.configuration
    outputs: dict[str, Any] = dict(opened(recording.outputs))
    found = _in_order(list(services.databases.values()), outputs)
    if not found:
        raise VectordbError(
            "The program declares no database that can run here.",
            remedy="Declare an Aurora cluster or an RDS instance of PostgreSQL.",
        )
    databases = [_database(database) for database in found]
    notices = [
        f"{database.name}: {sentence}" if len(found) > 1 else sentence[0].upper() + sentence[1:]
        for started, database in zip(found, databases, strict=True)
        for sentence in _differences(started, database)
    ]
    return Running(
        project=asked.project,
        stack=asked.stack,
        region=asked.region,
        supervisor=os.getpid(),
        digest=digest,
        emulator=services.emulator_url,
        passfile=str(services.folder.passfile),
        databases=databases,
        outputs=outputs,
        processes=dict(services.processes),
        recorded=dict(sorted(recorded.items())),
        notices=[*notices, *sorted(execution.notices)],
        roles=sum(resource.type == "aws:iam/role:Role" for resource in recording.resources),
    )


def _in_order(found: Sequence[Database], outputs: Mapping[str, Any]) -> list[Database]:
    """First the one that the output `endpoint` names, then Aurora before RDS: registrations come in no fixed order."""
    endpoint = str(outputs.get("endpoint") or "")
    return sorted(found, key=lambda one: (endpoint not in one.declared.names, one.declared.engine, one.declared.name))


def _database(started: Database) -> RunningDatabase:
    declared = started.declared
    with started.postgres.superuser_connection(declared.database) as connection:
        row = connection.execute("SHOW server_version").fetchone()
        users = passfile.logins(connection) or [declared.master]
    return RunningDatabase(
        name=declared.name,
        engine=declared.engine,
        identifier=declared.identifier,
        host=declared.names[0],
        port=started.port,
        endpoint_port=declared.port,
        database=declared.database,
        user=users[0],
        users=users,
        master=declared.master,
        certificate=str(started.certificate),
        secret_arn=started.secret_arn,
        postgres_version=str(row[0]).split()[0] if row else "",
        transport=started.postgres.transport,
    )


def _differences(started: Database, database: RunningDatabase) -> list[str]:
    """What is not as declared, a sentence each that begins in lower case unless with a name."""
    found = []
    if missing := started.postgres.left_out:
        verb = "is not available here and was" if len(missing) == 1 else "are not available here and were"
        found.append(f"PostgreSQL's {', '.join(missing)} {verb} left out.")
    if database.transport == "spool":
        reason = started.postgres.transport_reason
        found.append(f"aws_lambda runs over files, some milliseconds slower: {reason}")
    wanted, runs = started.declared.version, database.postgres_version
    if wanted and runs != wanted and not runs.startswith(f"{wanted}."):
        found.append(f"PostgreSQL {wanted} is declared; {runs} runs here.")
    if readers := len(started.instances) - 1 if started.instances else 0:
        what = "the reader instance shares" if readers == 1 else f"the {readers} reader instances share"
        found.append(f"{what} the writer's server.")
    return found
