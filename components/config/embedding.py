"""`vectordb:embedding`: the worker that keeps embeddings fresh, what wakes it, and vectorizers that the deployment declares."""

import difflib
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from components.config.models import foundation_model
from components.config.section import Section, refuse

WORKER_MODELS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "amazon.titan-embed-text-v1": (1536,),
        "amazon.titan-embed-text-v2:0": (256, 512, 1024),
        "amazon.titan-embed-image-v1": (256, 384, 1024),
        "cohere.embed-english-v3": (1024,),
        "cohere.embed-multilingual-v3": (1024,),
        "cohere.embed-v4:0": (256, 512, 1024, 1536),
        "amazon.nova-2-multimodal-embeddings-v1:0": (256, 384, 1024, 3072),
    }
)
"""Model of Bedrock that the worker speaks → the dimensions that it gives; the same as in embed.model (sql/)."""

SWEEP_MINUTES = 1
SWEEP_MINUTES_OF_PAUSING = 60
"""A look at the database wakes it, and keeps it awake for as long as it takes to pause again."""
_SIZES = {"fixed": 1000, "recursive": 800, "sentence": 800, "markdown": 1200}
_CALLED = ("event", "sync_lambda", "queue")
"""Modes in which SQL calls the worker; of `queue`, for tickets."""


class Chunking(Section):
    """How a content is cut; `size` and `overlap` in `unit`."""

    method: Literal["none", "fixed", "recursive", "sentence", "markdown"] = "none"
    size: Annotated[int, Field(ge=16, le=100_000)] | None = None
    overlap: Annotated[int, Field(ge=0, le=50_000)] | None = None
    unit: Literal["characters", "tokens"] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "Chunking":
        refuse(self._problems())
        return self

    def _problems(self) -> Iterator[str]:
        given = [name for name in ("size", "overlap", "unit") if getattr(self, name) is not None]
        if self.method == "none" and given:
            yield f"{', '.join(given)}: belongs to a method that cuts; set method to recursive, or leave it out"
        elif self.method != "none":
            size = self.size or _SIZES[self.method]
            if size < (least := 20 if self.unit != "tokens" else 16):
                yield f"size {size} is below {least}, the least of {self.unit or 'characters'}"
            if (self.overlap or 0) > size // 2:
                yield f"overlap {self.overlap} is more than half of size {size}; lower it to {size // 2}"

    def declared(self) -> dict[str, Any]:
        """As embed.checked_chunking takes it."""
        if self.method == "none":
            return {"method": "none"}
        return {
            "method": self.method,
            "size": self.size or _SIZES[self.method],
            "overlap": self.overlap or 0,
            "unit": self.unit or "characters",
        }


class EmbeddingModel(Section):
    """Which model makes the vectors, and how many numbers each has."""

    model: str
    dimension: Annotated[int, Field(ge=1, le=4096)] | None = None
    normalize: bool = True

    @field_validator("model")
    @classmethod
    def _known(cls, value: str) -> str:
        return check_worker_model(value)

    @model_validator(mode="after")
    def _of_the_model(self) -> "EmbeddingModel":
        given = WORKER_MODELS[self.model]
        if self.dimension is not None and self.dimension not in given:
            wanted = self.dimension
            nearest = min(given, key=lambda one: abs(one - wanted))
            raise ValueError(
                f"model {self.model!r} gives {', '.join(map(str, given))} numbers, and dimension is {wanted}; "
                f"the nearest is {nearest}"
            )
        return self

    def declared(self) -> dict[str, Any]:
        """As embed.checked_embedding takes it."""
        dimension = {"dimension": self.dimension} if self.dimension else {}
        return {"provider": "bedrock", "model": self.model, "normalize": self.normalize, **dimension}


class Destination(Section):
    """Where the vectors are kept."""

    kind: Literal["table", "column", "s3_vectors"] = "table"
    view: str | None = None
    type: Literal["vector", "halfvec"] | None = None
    column: str | None = None
    index: str | None = None
    metadata: tuple[str, ...] | None = None
    distance: Literal["cosine", "euclidean", "inner_product"] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "Destination":
        refuse(self._problems())
        return self

    def _problems(self) -> Iterator[str]:
        own = {
            "table": ("view", "type", "distance"),
            "column": ("column", "distance"),
            "s3_vectors": ("index", "metadata"),
        }
        keys = ("view", "type", "column", "index", "metadata", "distance")
        if foreign := [key for key in keys if key not in own[self.kind] and getattr(self, key) is not None]:
            yield f"{', '.join(foreign)}: the kind {self.kind} has {', '.join(own[self.kind])}; leave out the others"
        if self.kind == "column" and not self.column:
            yield "the kind column needs column: the name of the source's column that holds the vector"
        if self.kind == "s3_vectors" and not self.index:
            yield "the kind s3_vectors needs index: the name of one of vectordb:indexes"

    def declared(self) -> dict[str, Any]:
        """As embed.checked_destination takes it."""
        made: dict[str, Any] = {"kind": self.kind}
        if self.kind == "table":
            made |= {"type": self.type or "vector"}
        if self.kind != "s3_vectors":
            made |= {"distance": self.distance or "cosine"}
        given = {"view": self.view, "column": self.column, "index": self.index}
        made |= {key: value for key, value in given.items() if value is not None}
        return made | ({"metadata": list(self.metadata or ())} if self.kind == "s3_vectors" else {})


class Delivery(Section):
    """What wakes the worker for a vectorizer, and what happens when it cannot be asked."""

    mode: Literal["scheduled", "queue", "event", "sync_lambda", "in_transaction"] = "scheduled"
    on_failure: Literal["abort", "enqueue"] | None = None
    row_limit: Annotated[int, Field(ge=1, le=1000)] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "Delivery":
        waits = self.mode in {"sync_lambda", "in_transaction"}
        if not waits and (self.on_failure is not None or self.row_limit is not None):
            raise ValueError(
                f"onFailure and rowLimit belong to the modes sync_lambda and in_transaction, not to {self.mode}"
            )
        return self

    def declared(self, *, sweep_minutes: int, max_concurrency: int) -> dict[str, Any]:
        """As embed.checked_delivery takes it; the pipeline's own numbers are the same for all vectorizers."""
        if self.mode == "scheduled":
            return {"mode": self.mode, "every_seconds": 60 * sweep_minutes}
        if self.mode == "queue":
            return {"mode": self.mode, "maximum_concurrency": max_concurrency}
        if self.mode == "event":
            return {"mode": self.mode}
        limit = self.row_limit or (96 if self.mode == "sync_lambda" else 20)
        return {"mode": self.mode, "on_failure": self.on_failure or "enqueue", "row_limit": limit}


class Limits(Section):
    """How fast and how long a vectorizer tries."""

    requests_per_minute: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    batch_rows: Annotated[int, Field(ge=1, le=5000)] = 96
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 8
    lease_seconds: Annotated[int, Field(ge=10, le=3600)] = 90

    def declared(self) -> dict[str, Any]:
        """As embed.checked_limits takes it."""
        made = {
            "batch_rows": self.batch_rows,
            "max_attempts": self.max_attempts,
            "lease_seconds": self.lease_seconds,
        }
        return made | ({"requests_per_minute": self.requests_per_minute} if self.requests_per_minute else {})


class Vectorizer(Section):
    """A table whose rows have embeddings."""

    name: str
    source: str
    content: str
    embedding: EmbeddingModel
    chunking: Chunking = Chunking()
    template: str | None = None
    destination: Destination = Destination()
    delivery: Delivery = Delivery()
    limits: Limits = Limits()
    backfill: Literal["now", "low", "none"] = "low"

    @field_validator("name")
    @classmethod
    def _legal_name(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", value):
            raise ValueError("must be 1 to 40 lower-case letters, digits and underscores, a letter first")
        return value

    @field_validator("source", "content")
    @classmethod
    def _not_empty(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("is empty; name a table, as schema.table, and an expression over its columns")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "Vectorizer":
        whole = self.chunking.method == "none"
        if self.destination.kind == "column" and not whole:
            raise ValueError(
                f"a column holds one vector for a row, and chunking.method is {self.chunking.method}; leave chunking out"
            )
        if self.delivery.mode == "in_transaction" and self.destination.kind != "column":
            raise ValueError("delivery.mode in_transaction needs destination.kind column; name one, or another mode")
        return self

    def declared(self, *, sweep_minutes: int, max_concurrency: int) -> dict[str, Any]:
        """As the SQL of the deployment takes it (sql/repeatable/96_embedding.sql)."""
        return {
            "name": self.name,
            "source": self.source,
            "content": self.content,
            "chunking": self.chunking.declared(),
            "template": self.template,
            "embedding": self.embedding.declared(),
            "destination": self.destination.declared(),
            "delivery": self.delivery.declared(sweep_minutes=sweep_minutes, max_concurrency=max_concurrency),
            "limits": self.limits.declared(),
            "backfill": self.backfill,
        }


class Embedding(Section):
    """The pipeline: its switches are what the delivery modes need, and each can be had without the others."""

    models: tuple[str, ...] = ()
    queue: bool = True
    calls: bool = True
    sweep_minutes: Annotated[int, Field(ge=0, le=1440)] | None = None
    max_concurrency: Annotated[int, Field(ge=2, le=1000)] = 8
    memory: Annotated[int, Field(ge=256, le=10240)] = 1024
    tracing: bool = True
    vectorizers: tuple[Vectorizer, ...] = ()

    @field_validator("models")
    @classmethod
    def _known_models(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for model in value:
            try:
                check_worker_model(model)
            except ValueError as error:
                raise ValueError(f"{model!r} {error}") from None
        return tuple(sorted(set(value)))

    @field_validator("vectorizers")
    @classmethod
    def _distinct(cls, value: tuple[Vectorizer, ...]) -> tuple[Vectorizer, ...]:
        names = [one.name for one in value]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(map(repr, twice))} more than once; each name can be used once")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "Embedding":
        refuse(self._problems())
        return self

    def _problems(self) -> Iterator[str]:
        if not self.invoked_models:
            yield (
                "models is empty, and no vectorizer names one: the worker could ask none. "
                f"Name one of {', '.join(WORKER_MODELS)}"
            )
        if self.queue and not self.calls and self.sweep_minutes == 0:
            yield "queue has nobody who writes to it: calls is false and sweepMinutes 0; allow one of them, or set queue to false"
        if not self.queue and "max_concurrency" in self.model_fields_set:
            yield "maxConcurrency belongs to the queue, and queue is false; leave it out, or set queue to true"
        for one in self.vectorizers:
            mode = one.delivery.mode
            if mode == "queue" and not self.queue:
                yield f"vectorizer {one.name!r} has delivery.mode queue, and queue is false; set it to true"
            if mode in _CALLED and not self.calls:
                yield f"vectorizer {one.name!r} has delivery.mode {mode}, in which SQL calls the worker, and calls is false; set it to true"
            if mode == "scheduled" and self.sweep_minutes == 0:
                yield f"vectorizer {one.name!r} has delivery.mode scheduled, and sweepMinutes is 0, which is never; give it an interval"

    @property
    def invoked_models(self) -> tuple[str, ...]:
        """The models that the worker may ask, each once."""
        return tuple(sorted({*self.models, *(one.embedding.model for one in self.vectorizers)}))

    @property
    def indexes(self) -> tuple[str, ...]:
        """The S3 Vectors indexes that vectorizers write to, by their configured names."""
        return tuple(sorted({one.destination.index for one in self.vectorizers if one.destination.index}))


def check_worker_model(text: str) -> str:
    """`text`, when it is a model of Bedrock that the worker speaks.

    Raises:
        ValueError: in words, with the nearest one.
    """
    if text in WORKER_MODELS:
        return text
    allowed = ", ".join(WORKER_MODELS)
    if (model := foundation_model(text)) != text:
        meant = f"; write '{model}'" if model in WORKER_MODELS else ""
        raise ValueError(f"is an inference profile, which carries texts to other regions{meant}. Allowed: {allowed}")
    near = difflib.get_close_matches(text, WORKER_MODELS, n=1, cutoff=0.5)
    meant = f"; did you mean {near[0]!r}?" if near else "."
    raise ValueError(f"is no embedding model that the worker knows{meant} Allowed: {allowed}")
