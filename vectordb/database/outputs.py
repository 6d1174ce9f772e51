"""What a stack says about itself: its outputs, read from the Pulumi CLI or a file, and turned into `Settings`."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from vectordb.database.settings import ACCESS, TRANSPORTS, Settings, Transport
from vectordb.errors import VectordbError

OUTPUTS: Final = "VECTORDB_OUTPUTS"
"""The variable that names a file with a stack's outputs, for machines without the Pulumi CLI or without access to the state."""

_ASKED_WITHIN = 60.0  # seconds; the state may be far away
_FILE_REMEDY = (
    f"or set {OUTPUTS} to a file that somebody who can read the stack has written: "
    "`pulumi stack output --json > outputs.json`. Nothing in it is secret."
)


@dataclass(frozen=True)
class User:
    """A login role that the stack's configuration names; `access` is reader, writer or admin."""

    name: str
    access: str


def read(directory: Path, stack: str) -> dict[str, Any]:
    """The outputs of a deployed stack: of the file that VECTORDB_OUTPUTS names, otherwise of `pulumi stack output`.

    Args:
        directory: the project's folder.
        stack: the stack's name; empty: the one that `pulumi stack select` chose.

    Raises:
        VectordbError: there is no CLI and no file, the CLI refuses, or the stack is not deployed.
    """
    if file := os.environ.get(OUTPUTS):
        return _from_file(Path(file))
    found = _parsed(_asked(directory, stack), f"`pulumi stack output` of {stack or 'the selected stack'}")
    if not found:
        raise VectordbError(
            f"the stack {stack or 'that is selected'} has no outputs: it is not deployed yet",
            remedy="Deploy it with `pulumi up`, choose another with --stack, or use the stack on this machine with --local.",
        )
    return found


def settings(outputs: Mapping[str, Any], *, database: str = "", proxy: bool = False) -> Settings:
    """Settings of one database of a stack.

    Args:
        outputs: the stack's outputs, as the program exports them.
        database: its name in the output `databases`; empty: the primary, which the output `endpoint` names.
        proxy: go to the database's RDS Proxy in place of the database; tokens are then signed for the proxy.

    Raises:
        VectordbError: there is no such database or proxy, or an output is missing.
    """
    name, found = _database(outputs, database)
    host = found.get("proxyEndpoint") if proxy else found.get("endpoint")
    if proxy and not host:
        raise VectordbError(
            f"the database {name} has no proxy",
            remedy="Set database.proxy in the stack's configuration, then `pulumi up`.",
        )
    missing = [key for key, value in (("region", outputs.get("region")), ("endpoint", host)) if not value]
    if missing:
        raise VectordbError(
            f"the stack's outputs lack {' and '.join(missing)}",
            remedy="Deploy this project's program (`pulumi up`), or look whether the outputs are those of another project.",
        )
    port = int(found.get("port") or 5432)
    return Settings(
        host=str(host),
        port=port,
        database=str(outputs.get("database") or "vectordb"),
        region=str(outputs["region"]),
        secret_arn=str(found.get("secretArn") or ""),
        cluster_resource_id=str(found.get("resourceId") or ""),
        cluster_arn=str(found.get("arn") or ""),
        transport=_transport(outputs),
        bastion_id=str(outputs.get("bastionId") or ""),
        session_document=str(found.get("sessionDocument") or ""),
        function_arn=str(outputs.get("functionArn") or ""),
        indexes=_canonical(outputs.get("indexes") or []),
        # The worker is the primary's.
        embedding=_canonical(outputs.get("embedding") if name == names(outputs)[0] else None),
        users=_canonical([{"access": user.access, "name": user.name} for user in users(outputs)]),
        sql_sha256="",
        hostaddr="",
        hostaddr_port=port,
        ca_bundle=None,
    )


def users(outputs: Mapping[str, Any]) -> list[User]:
    """The login roles of the stack's configuration, in its order."""
    rows = outputs.get("users") or []
    return [User(str(row["name"]), str(row["access"])) for row in rows if row.get("access") in ACCESS]


def names(outputs: Mapping[str, Any]) -> list[str]:
    """The names of the stack's databases, the primary first."""
    found = _databases(outputs)
    primary = outputs.get("endpoint")
    return sorted(found, key=lambda name: found[name].get("endpoint") != primary)


def _databases(outputs: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = outputs.get("databases")
    if isinstance(found, dict) and found:
        return found
    # A stack of the time when it had one database told of it in outputs of their own.
    return {
        "database": {
            "endpoint": outputs.get("endpoint"),
            "port": outputs.get("port"),
            "resourceId": outputs.get("clusterResourceId"),
            "secretArn": outputs.get("secretArn"),
            "sessionDocument": outputs.get("sessionDocument"),
            "arn": outputs.get("clusterArn"),
        }
    }


def _database(outputs: Mapping[str, Any], wanted: str) -> tuple[str, Mapping[str, Any]]:
    found, order = _databases(outputs), names(outputs)
    if wanted and wanted not in found:
        raise VectordbError(
            f"the stack has no database {wanted!r}", remedy=f"Give one of: {', '.join(order)}.", exit_code=1
        )
    name = wanted or order[0]
    return name, found[name]


def _transport(outputs: Mapping[str, Any]) -> Transport:
    given = outputs.get("transport")
    if given in TRANSPORTS:
        return cast("Transport", given)
    return "ssm" if outputs.get("bastionId") else "direct"


def _canonical(rows: object) -> str:
    return json.dumps(rows, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _from_file(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise VectordbError(
            f"{OUTPUTS} is {str(file)!r}, which cannot be read: {error}",
            remedy="Write it with `pulumi stack output --json > outputs.json`.",
        ) from error
    return _parsed(text, str(file))


def _parsed(text: str, origin: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise VectordbError(
            f"{origin} is not a JSON object of a stack's outputs",
            remedy="Write it with `pulumi stack output --json > outputs.json`.",
        )
    return found


def _asked(directory: Path, stack: str) -> str:
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        raise VectordbError(
            "the Pulumi CLI, which knows the stack's outputs, is not on PATH",
            remedy=f"Install it (pulumi.com/docs/install), {_FILE_REMEDY} For the stack on this machine add --local.",
        )
    chosen = ["--stack", stack] if stack else []
    try:
        asked = subprocess.run(
            [pulumi, "stack", "output", "--json", "--non-interactive", *chosen],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ASKED_WITHIN,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise VectordbError(
            f"`pulumi stack output` did not answer within {_ASKED_WITHIN:g} s",
            remedy=f"Check the way to the stack's state (`pulumi whoami -v`), {_FILE_REMEDY}",
        ) from error
    except OSError as error:
        raise VectordbError(f"{pulumi} does not run: {error}", remedy=f"Install it anew, {_FILE_REMEDY}") from error
    if asked.returncode:
        said = " ".join(asked.stderr.split()).removeprefix("error: ")
        raise VectordbError(
            f"`pulumi stack output` failed: {said or f'status {asked.returncode}'}",
            remedy=f"See `pulumi stack ls` for the stacks, `pulumi login` for the state; {_FILE_REMEDY}",
        )
    return asked.stdout
