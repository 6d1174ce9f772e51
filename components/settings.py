"""From the configuration to the components' arguments: what a stack chose, without what only the program knows."""

from collections.abc import Mapping
from typing import Any, TypedDict, cast

import pulumi

from components import config as configured
from components.bridge_permissions import EMBEDDINGS, VECTORS
from components.config import BlockPublicAccess, Configuration, Index, Network, Observability, physical_name
from components.database.aurora import AuroraDatabase, AuroraDatabaseArgs
from components.database.database import Database
from components.database.proxy import DatabaseProxyArgs
from components.database.rds import RdsDatabaseArgs
from components.embedding import settings as embedding
from components.embedding.pipeline import TIMEOUT_SECONDS as WORKER_TIMEOUT_SECONDS
from components.embedding.pipeline import EmbeddingPipeline
from components.embedding.schedule import EmbeddingSchedule
from components.lambda_bridge import TIMEOUT_SECONDS, LambdaBridge, LambdaBridgeArgs
from components.network.network import Network as NetworkComponent
from components.network.network import NetworkArgs
from components.observability.monitored import (
    MonitoredDatabaseArgs,
    MonitoredFunctionArgs,
    MonitoredQueueArgs,
    ObservabilityArgs,
)
from components.outputs import mapping
from components.sql_schema import SqlIndexArgs
from components.sql_schema import described as described_index
from components.text_search import FullTextKeyArgs, TextSearchIndexArgs
from components.vector_store import S3VectorStore, VectorIndexArgs

IO_OPTIMIZED_ACU_HOUR_USD = 0.16
"""us-east-1's list price with the storage type aurora-iopt1 (vectordb/cost/prices.json)."""


class Account(TypedDict):
    """Where everything is made."""

    account: str
    region: str
    partition: str
    tags: dict[str, str]


class Keyed(Account):
    """The same, with the customer key."""

    key_arn: pulumi.Input[str]


class Inside(Keyed):
    """The same, in the network."""

    vpc_id: pulumi.Input[str]
    subnet_ids: pulumi.Input[list[str]]


def network(config: Network, zones: list[str], **known: Any) -> NetworkArgs:
    """The arguments of `Network`: zones are those of a VPC of the stack's own; `known` is what the program adds."""
    own = {"cidr": config.cidr, "zones": zones, "ipv6": config.ipv6}
    given = {
        "vpc_id": config.vpc_id,
        "subnet_ids": list(config.subnet_ids),
        "existing_endpoints": dict(config.endpoints),
    }
    managed = config.block_public_access is not BlockPublicAccess.UNMANAGED
    return cast(
        "NetworkArgs",
        {
            **known,
            **(own if config.vpc_id is None else given),
            "endpoint_zones": config.endpoint_zones,
            "flow_logs": config.logs_flows,
            "log_retention_days": config.log_retention_days,
            **({"block_public_access": config.block_public_access.value} if managed else {}),
        },
    )


def _database(config: configured.Database) -> dict[str, Any]:
    """What `AuroraDatabase` and `RdsDatabase` are both told."""
    restore = config.restore
    return _given(
        {
            "version": config.version,
            "generation": config.generation,
            "protect": config.protect,
            "final_snapshot": config.leaves_snapshot,
            "parameters": dict(config.parameters),
            "preload_libraries": list(config.preload_libraries),
            "cron": config.cron,
            "insights": config.insights,
            "monitoring_seconds": config.monitoring_seconds,
            "backup_days": config.backup_days,
            "backup_window": config.backup_window,
            "maintenance_window": config.maintenance_window,
            "log_retention_days": config.log_retention_days,
            "certificate_authority": config.certificate_authority,
            "allow_major_upgrade": config.allow_major_upgrade,
            "apply_immediately": config.apply_immediately,
            "restore_snapshot": restore and restore.snapshot,
            "restore_source": restore and restore.source,
            "restore_time": restore and restore.moment,
        }
    )


def aurora(config: Configuration, **known: Any) -> AuroraDatabaseArgs:
    """The arguments of `AuroraDatabase`; `known` is what the program adds."""
    chosen = config.database
    capacity = {
        "min_capacity": chosen.min_capacity,
        "max_capacity": chosen.max_capacity,
        "auto_pause_seconds": chosen.auto_pause_seconds,
    }
    scaling = chosen.reader_scaling
    kind = chosen.storage_type if (chosen.storage_type or "").startswith("aurora") else None
    arguments = _database(chosen) | _given(
        {
            **(capacity if chosen.serverless else {}),
            "instance_class": chosen.aurora_class,
            "readers": chosen.readers,
            "reader_scaling_max": scaling and scaling.max,
            "reader_scaling_cpu": scaling and scaling.cpu_percent,
            "storage_type": kind,
            "data_api": config.data_api,
        }
    )
    return cast("AuroraDatabaseArgs", _given(known) | arguments)


def rds(config: Configuration, **known: Any) -> RdsDatabaseArgs:
    """The arguments of `RdsDatabase`; `known` is what the program adds."""
    chosen = config.database
    kind = None if (chosen.storage_type or "aurora").startswith("aurora") else chosen.storage_type
    arguments = _database(chosen) | _given(
        {
            "instance_class": chosen.rds_class,
            "allocated_storage": chosen.allocated_storage,
            "max_allocated_storage": chosen.max_allocated_storage,
            "storage_type": kind,
            "multi_az": chosen.multi_az,
        }
    )
    return cast("RdsDatabaseArgs", _given(known) | arguments)


def proxy(config: Configuration, database: Database, **known: Any) -> DatabaseProxyArgs:
    """The arguments of a `DatabaseProxy` in front of a database; `known` is what the program adds."""
    arguments = {
        "kind": "aurora" if isinstance(database, AuroraDatabase) else "rds",
        "identifier": database.identifier,
        "resource_id": database.resource_id,
        "security_group_id": database.security_group_id,
        "users": [user.name for user in config.users],
        "generation": config.database.generation,
        "log_retention_days": config.database.log_retention_days,
    }
    return cast("DatabaseProxyArgs", known | arguments)


def model_arns(config: configured.Database, partition: str, region: str) -> list[str]:
    """The foundation models that SQL may invoke itself."""
    return [f"arn:{partition}:bedrock:{region}::foundation-model/{model}" for model in config.bedrock_models]


def indexes(config: tuple[Index, ...]) -> list[VectorIndexArgs]:
    """Every index that S3 Vectors holds: each current generation, and those that are kept beside it."""
    return [
        {
            "name": physical_name(index.name, shape.generation),
            "dimension": shape.dimension,
            "metric": shape.metric.value,
            "non_filterable_keys": list(shape.non_filterable_keys),
        }
        for index in config
        for shape in (index, *index.keep)
    ]


def current(config: tuple[Index, ...], arns: pulumi.Input[dict[str, str]]) -> pulumi.Output[dict[str, str]]:
    """What SQL calls an index → ARN of its current generation."""
    return pulumi.Output.from_input(arns).apply(
        lambda known: {index.name: known[physical_name(index.name, index.generation)] for index in config}
    )


def described(config: tuple[Index, ...], arns: pulumi.Input[dict[str, str]]) -> pulumi.Output[list[dict[str, Any]]]:
    """The indexes as SQL gets to know them, with the ARN of the current generation."""
    return current(config, arns).apply(
        lambda known: [described_index(index, known[index["name"]]) for index in sql_indexes(config)]
    )


def sql_indexes(config: tuple[Index, ...]) -> list[SqlIndexArgs]:
    """The indexes as SQL is told of them: what was not configured is left out."""
    return [
        cast(
            "SqlIndexArgs",
            {
                "name": index.name,
                "dimension": index.dimension,
                "metric": index.metric.value,
                **({"model": index.model} if index.model else {}),
                **({"non_filterable_keys": list(index.non_filterable_keys)} if index.non_filterable_keys else {}),
                **({"full_text_keys": _full_text(index)} if index.full_text_keys else {}),
                **({"tenant_key": index.tenant_key} if index.tenant_key else {}),
            },
        )
        for index in config
    ]


def searched(config: tuple[Index, ...], vectors: S3VectorStore) -> list[TextSearchIndexArgs]:
    """The indexes that have full-text keys, by the current generation."""
    return [
        {
            "arn": vectors.index_arns[name],
            "keys": _full_text(index),
            "created": vectors.creation_times[name],
        }
        for index in config
        if index.full_text_keys and (name := physical_name(index.name, index.generation))
    ]


def _full_text(index: Index) -> list[FullTextKeyArgs]:
    return [
        {"key": one.key, "language": one.language} if one.language else {"key": one.key} for one in index.full_text_keys
    ]


def bridge(config: Configuration, network: NetworkComponent, **known: Any) -> LambdaBridgeArgs:
    """The arguments of `LambdaBridge`; `known` is what the program adds."""
    chosen = config.bridge
    inside = {
        "vpc_id": network.vpc_id,
        "subnet_ids": network.subnet_ids,
        "endpoint_security_group_ids": mapping(
            {service: network.groups[service] for service in bridge_services(config)}
        ),
        "one_endpoint_group": network.share_a_group(*bridge_services(config)) and len(bridge_services(config)) > 1,
    }
    return cast(
        "LambdaBridgeArgs",
        {
            **known,
            "models": list(config.models),
            "memory_mb": chosen.memory,
            "batch_concurrency": chosen.concurrency,
            "cache_seconds": chosen.cache_seconds,
            "cache_megabytes": chosen.cache_megabytes,
            "tracing": chosen.tracing,
            "log_retention_days": config.database.log_retention_days,
            **(inside if chosen.vpc else {}),
        },
    )


def bridge_services(config: Configuration) -> list[str]:
    """The endpoints that a bridge inside the VPC goes through; none outside."""
    if not config.bridge.vpc:
        return []
    return [VECTORS, *([EMBEDDINGS] if config.models else [])]


def watched_functions(
    config: Configuration,
    bridge: LambdaBridge | None,
    worker: EmbeddingPipeline | None,
    sweeps: EmbeddingSchedule | None,
) -> dict[str, Any]:
    """What alarms and graphs of the functions, the queues and the embeddings go by."""
    functions: list[MonitoredFunctionArgs] = []
    queues: list[MonitoredQueueArgs] = []
    if bridge:
        functions.append(
            {
                "name": "bridge",
                "function_name": bridge.function_name,
                "timeout_seconds": TIMEOUT_SECONDS,
                "bridge": True,
            }
        )
    if not worker or not config.embedding:
        return {"functions": functions}
    functions.append(
        {
            "name": "embedder",
            "function_name": worker.function_name,
            "timeout_seconds": WORKER_TIMEOUT_SECONDS,
            "uses_its_time": True,
        }
    )
    tickets = {"queue_name": worker.queue_name} if config.embedding.queue else {}
    queues.append(
        cast(
            "MonitoredQueueArgs",
            {"name": "embedder-queue", **tickets, "dead_letter_name": worker.dead_letter_queue_name},
        )
    )
    return {"functions": functions, "queues": queues, "embedding": embedding.monitored(config, worker, sweeps)}


def watched(config: Configuration, name: str, database: Database) -> MonitoredDatabaseArgs:
    """What alarms and graphs of a database go by."""
    chosen = config.database
    common = {"name": name, "identifier": database.identifier, "insights": chosen.insights != "off"}
    if max_connections := chosen.parameters.get("max_connections", ""):
        common["max_connections"] = int(max_connections) if max_connections.isdecimal() else None
    if isinstance(database, AuroraDatabase):
        kind = {
            "kind": "aurora",
            "serverless": chosen.serverless,
            "min_capacity": chosen.min_capacity,
            "max_capacity": chosen.max_capacity,
            "auto_pause": chosen.pauses,
            "readers": chosen.readers,
            "acu_hour_usd": IO_OPTIMIZED_ACU_HOUR_USD if chosen.storage_type == "aurora-iopt1" else None,
            "instance_class": None if chosen.serverless else chosen.aurora_class,
            "instance_identifiers": [instance.identifier for instance in (database.writer, *database.readers)],
        }
    else:
        kind = {
            "kind": "rds",
            "instance_class": chosen.rds_class,
            "allocated_storage": chosen.allocated_storage,
            "max_allocated_storage": chosen.max_allocated_storage,
        }
    return cast("MonitoredDatabaseArgs", _given(common | kind))


def observability(config: Observability, **known: Any) -> ObservabilityArgs:
    """The arguments of `Observability`; `known` is what the program adds."""
    return cast("ObservabilityArgs", _given(known | {"email": config.email, "budget": config.budget}))


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in arguments.items() if value is not None}
