"""From the configuration to the arguments of the embedding worker's components, and to what SQL is told of it."""

import json
from typing import Any, cast

import pulumi

from components.bridge_permissions import EMBEDDINGS, VECTORS
from components.config import Configuration, physical_name
from components.database.database import Database
from components.embedder_permissions import QUEUES
from components.embedding_pipeline import EmbeddingPipeline, EmbeddingPipelineArgs
from components.embedding_schedule import EmbeddingScheduleArgs
from components.network.network import Network
from components.vector_store import S3VectorStore


def services(config: Configuration) -> list[str]:
    """The endpoints that the embedding worker goes through; none without one."""
    if config.embedding is None:
        return []
    return [
        EMBEDDINGS,
        *([QUEUES] if config.embedding.queue else []),
        *([VECTORS] if config.embedding.indexes else []),
    ]


def pipeline(config: Configuration, network: Network, database: Database, **known: Any) -> EmbeddingPipelineArgs:
    """The arguments of `EmbeddingPipeline` for a database; `known` is what the program adds."""
    chosen = config.embedding
    assert chosen is not None
    reached: list[str] = []
    for service in services(config):
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
            "queue": chosen.queue,
            "max_concurrency": chosen.max_concurrency,
            "memory_mb": chosen.memory,
            "tracing": chosen.tracing,
            "log_retention_days": config.database.log_retention_days,
        },
    )


def destinations(config: Configuration, vectors: S3VectorStore | None) -> dict[str, pulumi.Input[str]]:
    """Name → ARN of the current generation of each index that vectorizers write to."""
    if config.embedding is None or vectors is None:
        return {}
    arns = vectors.index_arns
    generations = {index.name: index.generation for index in config.indexes}
    return {name: arns[physical_name(name, generations[name])] for name in config.embedding.indexes}


def schedule(config: Configuration, **known: Any) -> EmbeddingScheduleArgs:
    """The arguments of `EmbeddingSchedule`; `known` is what the program adds."""
    queued = config.embedding is not None and config.embedding.queue
    return cast("EmbeddingScheduleArgs", {**known, "minutes": config.sweep_minutes, "has_queue": queued})


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
        lambda known: {"functionArn": known, "queue": chosen.queue, "vectorizers": json.loads(vectorizers(config))}
    )
