"""The step that applies `sql/` to the database.

Creates: command:local:Command. It runs at `pulumi up` when the SQL, its values or the database itself changed, never in
a preview; it has no `triggers` (a trigger replaces the step, and a replacement deletes) and no `delete`: the objects
belong to the database. Nothing in its inputs is secret or differs between machines.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_command as command

from components.component import Component
from components.text_search import FullTextKeyArgs, described_keys, fingerprint, interpreter


class SqlIndexArgs(TypedDict):
    """An index as SQL sees it."""

    name: str
    """What SQL calls it."""
    dimension: int
    """Its dimension."""
    metric: str
    """cosine or euclidean."""
    model: NotRequired[str]
    """The embedding model of Bedrock with which texts are searched."""
    non_filterable_keys: NotRequired[list[str]]
    """Metadata keys that no filter can name."""
    full_text_keys: NotRequired[list[FullTextKeyArgs]]
    """Metadata keys that can be searched by words."""
    tenant_key: NotRequired[str]
    """The metadata key that tells tenants apart."""


class SqlUserArgs(TypedDict):
    """A login role, which logs in by IAM."""

    name: str
    """The login role."""
    access: str
    """reader, writer or admin."""


class SqlSchemaArgs(TypedDict):
    host: pulumi.Input[str]
    """The database's endpoint."""
    port: pulumi.Input[int]
    """Its port."""
    database_name: pulumi.Input[str]
    """The database."""
    region: pulumi.Input[str]
    """The region of the database and its secret."""
    secret_arn: pulumi.Input[str]
    """The master's secret; the step reads it at run time."""
    resource_id: pulumi.Input[str]
    """The cluster's resource id: a new cluster of the same name gets the SQL too."""
    transport: str
    """How the step reaches the database: ssm, data-api or direct."""
    cluster_arn: NotRequired[pulumi.Input[str]]
    """The cluster's ARN, for the transport data-api."""
    bastion_id: NotRequired[pulumi.Input[str]]
    """The bastion, for the transport ssm."""
    session_document: NotRequired[pulumi.Input[str]]
    """The Session document, for the transport ssm."""
    function_arn: pulumi.Input[str]
    """What `s3vl` invokes: the bridge's alias, qualified; empty without a bridge."""
    index_arns: pulumi.Input[dict[str, str]]
    """Index name → ARN."""
    indexes: list[SqlIndexArgs]
    """The indexes as configured: name, dimension, metric."""
    users: list[SqlUserArgs]
    """The login roles as configured: name, access."""
    has_worker: NotRequired[bool]
    """There is an embedding worker for this database: its login is made, and `worker_arn` says what SQL calls. Default false."""
    worker_arn: NotRequired[pulumi.Input[str]]
    """The worker's alias, qualified; empty when SQL may not call it."""
    worker_has_queue: NotRequired[bool]
    """The worker puts tickets into a queue. Default false."""
    worker_has_batch: NotRequired[bool]
    """The worker makes batch inference jobs. Default false."""
    vectorizers: NotRequired[str]
    """The declared vectorizers, JSON, as sql/repeatable/96_embedding.sql takes them."""
    python: NotRequired[str]
    """A Python that has this project's packages, relative to `directory`. Default .venv/bin/python."""
    directory: NotRequired[str]
    """The checkout that holds `sql/` and the package vectordb, relative to the program. Default the program's folder."""
    tags: NotRequired[dict[str, str]]
    """Accepted as everywhere; the step has nothing to carry them."""


class SqlSchema(Component):
    """Applies versioned and repeatable SQL files, each once, through `vectordb migrate apply`."""

    applied: pulumi.Output[str]
    """What the last run applied, as JSON."""

    def __init__(self, name: str, args: SqlSchemaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("SqlSchema", name, args, opts)
        directory = args.get("directory", ".")
        environment: dict[str, pulumi.Input[str]] = {
            "VECTORDB_HOST": args["host"],
            "VECTORDB_PORT": pulumi.Output.from_input(args["port"]).apply(lambda port: str(int(port))),
            "VECTORDB_DATABASE": args["database_name"],
            "VECTORDB_REGION": args["region"],
            "VECTORDB_SECRET_ARN": args["secret_arn"],
            "VECTORDB_CLUSTER_RESOURCE_ID": args["resource_id"],
            "VECTORDB_TRANSPORT": args["transport"],
            "VECTORDB_FUNCTION_ARN": args["function_arn"],
            "VECTORDB_INDEXES": pulumi.Output.from_input(args["index_arns"]).apply(
                lambda arns: json.dumps([described(index, arns[index["name"]]) for index in args["indexes"]])
            ),
            "VECTORDB_INDEXES_SHA256": fingerprint([described(index, "") for index in args["indexes"]]),
            "VECTORDB_USERS": json.dumps([{"name": u["name"], "access": u["access"]} for u in args["users"]]),
            "VECTORDB_SQL_SHA256": digest(_sql(name, directory)),
        }
        if args.get("has_worker", False):
            environment["VECTORDB_EMBEDDING"] = pulumi.Output.from_input(args.get("worker_arn", "")).apply(
                lambda arn: _embedding(
                    arn,
                    queue=args.get("worker_has_queue", False),
                    batch=args.get("worker_has_batch", False),
                    told=args.get("vectorizers", "[]"),
                )
            )
        if args["transport"] == "ssm":
            environment["VECTORDB_BASTION_ID"] = args.get("bastion_id", "")
            environment["VECTORDB_SESSION_DOCUMENT"] = args.get("session_document", "")
        if args["transport"] == "data-api":
            environment["VECTORDB_CLUSTER_ARN"] = args.get("cluster_arn", "")
        step = command.local.Command(
            f"{name}-apply",
            create=f"{interpreter(args.get('python'))} -m vectordb migrate apply",
            dir=directory,
            environment=environment,
            # The last run's output is no business of the next one.
            add_previous_output_in_env=False,
            opts=self._child,
        )
        self.applied = step.stdout
        self.register_outputs({"applied": self.applied})


def _embedding(worker_arn: str, *, queue: bool, batch: bool, told: str) -> str:
    """What SQL is told of the worker."""
    known = {"functionArn": worker_arn, "queue": queue, "batch": batch, "vectorizers": json.loads(told)}
    return json.dumps(known, sort_keys=True, separators=(",", ":"))


def described(index: SqlIndexArgs, arn: str) -> dict[str, Any]:
    """An index as the step and the stack's output `indexes` tell of it: what was not configured is left out."""
    told: dict[str, Any] = {
        "name": index["name"],
        "arn": arn,
        "dimension": int(index["dimension"]),
        "metric": index["metric"],
    }
    if model := index.get("model"):
        told["model"] = model
    if not_filterable := index.get("non_filterable_keys"):
        told["nonFilterableKeys"] = list(not_filterable)
    if full_text := index.get("full_text_keys"):
        told["fullTextKeys"] = described_keys(full_text)
    if tenant := index.get("tenant_key"):
        told["tenantKey"] = tenant
    return told


def _sql(name: str, directory: str) -> Path:
    folder = Path(directory) / "sql"
    if not folder.is_dir():
        raise pulumi.RunError(
            f"SqlSchema {name!r}: there is no folder {folder} in {Path.cwd()}. Give `directory`: the path from there to a "
            "checkout of vectordb, which holds the SQL and the program that applies it."
        )
    return folder


def digest(folder: Path) -> str:
    """SHA-256 over the SQL files below `folder`: relative path and content of each, in the order of the paths.

    Line ends are counted as LF, so that a checkout on Windows has the same digest. `vectordb migrate` computes the same.
    """
    whole = hashlib.sha256()
    for file in sorted(folder.rglob("*.sql"), key=lambda found: found.relative_to(folder).as_posix()):
        whole.update(file.relative_to(folder).as_posix().encode() + b"\0")
        whole.update(file.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return whole.hexdigest()
