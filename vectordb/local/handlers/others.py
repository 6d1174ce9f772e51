"""Keys, log groups, and the steps that run commands."""

import hashlib
import os
import sys
from typing import Any

from vectordb.database import settings as step
from vectordb.errors import VectordbError
from vectordb.local.engine import Execution, Made
from vectordb.plan.recording import Registration


def key(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """A KMS key; the stand-ins encrypt nothing with it."""
    del resource
    made = execution.clients("kms").create_key(Description=inputs.get("description", ""))["KeyMetadata"]
    return made["KeyId"], {"keyId": made["KeyId"], "arn": made["Arn"]}


def log_group(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """A CloudWatch log group; the functions write to theirs, those of databases stay empty."""
    name = inputs.get("name") or f"{resource.name}-{execution.unique(resource, 7)}"
    execution.clients("logs").create_log_group(logGroupName=name)
    return name, {"name": name, "arn": execution.arn("logs", f"log-group:{name}")}


def command(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """The step's own `create`, in its own folder, with its own environment: what `pulumi up` runs.

    Added is what tells the stand-ins from AWS: the emulator, and for the database that the step names its local address and
    the CA that vouches for it.
    """
    services = execution.services
    directory = execution.configuration.directory / inputs.get("dir", ".")
    declared = {name: str(value) for name, value in (inputs.get("environment") or {}).items()}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PG", "VECTORDB_"))}
    environment = {
        **inherited,
        **declared,
        "VECTORDB_PYTHON": sys.executable,
        **_database(execution, resource, declared.get(step.HOST, "")),
        "AWS_ENDPOINT_URL": services.emulator_url,
        "AWS_ACCESS_KEY_ID": services.credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": services.credentials.secret_access_key,
        "AWS_REGION": execution.region,
        "AWS_DEFAULT_REGION": execution.region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    done = services.run(["/bin/sh", "-c", inputs["create"]], directory, environment)
    if done.returncode != 0:
        raise VectordbError(
            f"The step {resource.name!r} failed (exit {done.returncode}):\n{(done.stderr or done.stdout).strip()}",
            remedy="Correct it and run the same command again; what was applied stays applied. `vectordb local reset` starts anew.",
        )
    # Pulumi prints all that a step says.
    execution.notices += [line.strip() for line in done.stderr.splitlines() if ": WARNING: " in line]
    return f"command-{hashlib.sha256(resource.urn.encode()).hexdigest()[:8]}", {
        "stdout": done.stdout.strip(),
        "stderr": done.stderr.strip(),
    }


def _database(execution: Execution, resource: Registration, host: str) -> dict[str, str]:
    """Where the database of this endpoint name is on this machine; nothing for a step that names none.

    Raises:
        VectordbError: no database of the stack has this name.
    """
    if not host:
        return {}
    database = execution.services.at(host)
    if database is None:
        there = [found.declared.names[0] for found in execution.services.databases.values()]
        raise VectordbError(
            f"The step {resource.name!r} connects to {host}, and no database has this name here.",
            remedy=f"Give it a database's own endpoint ({', '.join(sorted(there)) or 'the stack has none'}): "
            "an RDS Proxy does not run here.",
        )
    return {
        step.HOSTADDR: "127.0.0.1",
        step.HOSTADDR_PORT: str(database.port),
        step.CA_BUNDLE: str(database.certificate),
    }
