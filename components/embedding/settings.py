"""From the configuration to the arguments of the embedding worker's components, and to what SQL is told of it."""

import json
from typing import Any, cast

import pulumi

from components.bridge_permissions import EMBEDDINGS, VECTORS
from components.config import Configuration, physical_name
from components.config.embedding_models import ModelEndpoint
from components.database.database import Database
from components.embedding.batch import CONTROL, FILES, EmbeddingBatch
from components.embedding.permissions import QUEUES, SECRETS
from components.embedding.pipeline import EmbeddingPipeline, EmbeddingPipelineArgs, ModelServerArgs
from components.embedding.schedule import EmbeddingSchedule, EmbeddingScheduleArgs
from components.network.network import Network
from components.observability.monitored import MonitoredEmbeddingArgs
from components.vector_store import S3VectorStore


def services(config: Configuration) -> list[str]:
    """The endpoints that the embedding worker goes through; none without one."""
    if config.embedding is None:
        return []
    return [
        *([EMBEDDINGS] if config.embedding.invoked_models else []),
        *([SECRETS] if any(one.token for one in config.embedding.endpoints) else []),
        *([QUEUES] if config.embedding.queue else []),
        *([VECTORS] if config.embedding.written_indexes else []),
        *([CONTROL, FILES] if config.embedding.batch else []),
    ]


def pipeline(config: Configuration, network: Network, database: Database, **known: Any) -> EmbeddingPipelineArgs:
    """The arguments of `EmbeddingPipeline` for a database; `known` is what the program adds."""
    chosen = config.embedding
    assert chosen is not None
    reached: list[str] = []
    for service in services(config):
        if service == FILES:  # a gateway has no group
            continue
        if not any(network.share_a_group(service, other) for other in reached):
            reached.append(service)
    return cast(
        "EmbeddingPipelineArgs",
        {
            **known,
            "host": database.endpoint,
            "port": database.port,
            "database_name": database.database_name,
            "resource_id": database.resource_id,
            "database_security_group_id": database.security_group_id,
            "endpoint_security_group_ids": {service: network.groups[service] for service in reached},
            "models": list(chosen.invoked_models),
            "servers": [_server(one) for one in chosen.endpoints],
            "queue": chosen.queue,
            "max_concurrency": chosen.max_concurrency,
            "memory_mb": chosen.memory,
            "tracing": chosen.tracing,
            "log_retention_days": config.database.log_retention_days,
        },
    )


def batch(jobs: EmbeddingBatch, network: Network) -> dict[str, Any]:
    """The argument `batch` of `EmbeddingPipeline`."""
    return {
        "batch": {
            "bucket_arn": jobs.bucket_arn,
            "bucket_name": jobs.bucket_name,
            "role_arn": jobs.role_arn,
            "s3_prefix_list_id": network.s3_prefix_list_id,
        }
    }


def _server(endpoint: ModelEndpoint) -> ModelServerArgs:
    optional = {
        "token_arn": endpoint.token,
        "token_key_arn": endpoint.token_key,
        "ca_certificate": endpoint.ca_certificate,
    }
    return cast(
        "ModelServerArgs",
        {
            "origin": endpoint.origin,
            "port": endpoint.port,
            "security_group_id": endpoint.security_group_id,
            **{key: value for key, value in optional.items() if value is not None},
        },
    )


def destinations(config: Configuration, vectors: S3VectorStore | None) -> dict[str, pulumi.Input[str]]:
    """Name → ARN of the current generation of each index that vectorizers write to."""
    if config.embedding is None or vectors is None:
        return {}
    arns = vectors.index_arns
    generations = {index.name: index.generation for index in config.indexes}
    return {name: arns[physical_name(name, generations[name])] for name in config.embedding.written_indexes}


def schedule(config: Configuration, **known: Any) -> EmbeddingScheduleArgs:
    """The arguments of `EmbeddingSchedule`; `known` is what the program adds."""
    queued = config.embedding is not None and config.embedding.queue
    return cast("EmbeddingScheduleArgs", {**known, "minutes": config.sweep_minutes, "has_queue": queued})


def monitored(
    config: Configuration, worker: EmbeddingPipeline, sweeps: EmbeddingSchedule | None
) -> MonitoredEmbeddingArgs:
    """What alarms and graphs of the embeddings go by."""
    chosen = config.embedding
    assert chosen is not None
    name = worker.function_name
    if sweeps is not None:
        # An alarm on sweeps that is made before their schedule would ring at once.
        name = pulumi.Output.all(name, sweeps.schedule_arn).apply(lambda known: known[0])
    return {
        "function_name": name,
        "sweep_minutes": config.sweep_minutes,
        "oldest_seconds": 60 * config.oldest_minutes,
    }


def vectorizers(config: Configuration) -> str:
    """The declared vectorizers as SQL takes them, JSON."""
    chosen = config.embedding
    if chosen is None:
        return "[]"
    told = [
        one.declared(sweep_minutes=config.sweep_minutes or 1, max_concurrency=chosen.max_concurrency)
        for one in chosen.vectorizers
    ]
    return json.dumps(told, sort_keys=True)


def described(config: Configuration, worker: EmbeddingPipeline) -> pulumi.Output[dict[str, Any]]:
    """What SQL is told, for those who apply it by hand (vectordb/database/outputs.py)."""
    chosen = config.embedding
    assert chosen is not None
    arn = worker.function_arn if chosen.calls else pulumi.Output.from_input("")
    return arn.apply(
        lambda known: {
            "functionArn": known,
            "queue": chosen.queue,
            "batch": chosen.batch,
            "vectorizers": json.loads(vectorizers(config)),
        }
    )
