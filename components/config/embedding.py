"""`vectordb:embedding`: the worker that keeps embeddings fresh, what wakes it, and vectorizers that the deployment declares."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from components.config.embedding_models import WORKER_MODELS, EmbeddingModel, ModelEndpoint, check_worker_model
from components.config.section import Section, camel, refuse

OLDEST_MINUTES = 15
"""After which an alarm rings; at least two intervals of the sweep."""
BATCH_MODELS = (
    "amazon.nova-2-multimodal-embeddings-v1:0",
    "amazon.titan-embed-image-v1",
    "amazon.titan-embed-text-v2:0",
)
"""That Bedrock takes in batch inference jobs (sql/repeatable/57_embed_batch.sql)."""
MOST_CERTIFICATES = 2500
"""Characters: all variables of a function are 4 KB at most (Lambda Developer Guide, environment variables), names included."""
SWEEP_MINUTES = 1
SWEEP_MINUTES_OF_PAUSING = 60
"""A look at the database wakes it, and keeps it awake for as long as it takes to pause again."""
_SIZES = {"fixed": 1000, "recursive": 800, "sentence": 800, "markdown": 1200}
_INDEXING = ("auto", "hnsw", "none")
_M, _EF_CONSTRUCTION = 16, 64  # pgvector's defaults
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


class Destination(Section):
    """Where the vectors are kept."""

    kind: Literal["table", "column", "s3_vectors"] = "table"
    view: str | None = None
    type: Literal["vector", "halfvec"] | None = None
    column: str | None = None
    index: str | None = None
    """Of s3_vectors: the name of one; else whether and when HNSW is built: auto, hnsw or none."""
    m: Annotated[int, Field(ge=2, le=100)] | None = None
    ef_construction: Annotated[int, Field(ge=4, le=1000)] | None = None
    metadata: tuple[str, ...] | None = None
    distance: Literal["cosine", "euclidean", "inner_product"] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "Destination":
        refuse(self._problems())
        return self

    def _problems(self) -> Iterator[str]:
        own = {
            "table": ("view", "type", "distance", "index", "m", "ef_construction"),
            "column": ("column", "distance", "index", "m", "ef_construction"),
            "s3_vectors": ("index", "metadata"),
        }
        keys = ("view", "type", "column", "index", "m", "ef_construction", "metadata", "distance")
        if foreign := [key for key in keys if key not in own[self.kind] and getattr(self, key) is not None]:
            meant = next((f", or give kind: {kind}" for kind, has in own.items() if {*foreign} <= {*has}), "")
            has = camel(Destination, own[self.kind])
            yield f"{camel(Destination, foreign)}: the kind {self.kind} has {has}; leave out the others{meant}"
        if self.kind == "column" and not self.column:
            yield "the kind column needs column: the name of the source's column that holds the vector"
        if self.kind == "s3_vectors" and not self.index:
            yield "the kind s3_vectors needs index: the name of one of vectordb:indexes"
        if self.kind != "s3_vectors" and self.index not in (None, *_INDEXING):
            yield f"index {self.index} is none of {', '.join(_INDEXING)}; of S3 Vectors it is the kind s3_vectors"
        if (least := 2 * (self.m or _M)) > (self.ef_construction or _EF_CONSTRUCTION):
            yield f"efConstruction {self.ef_construction or _EF_CONSTRUCTION} is below {least}, twice m, which pgvector refuses"

    @property
    def vectors_index(self) -> str | None:
        """The name of the index of S3 Vectors, if it is one."""
        return self.index if self.kind == "s3_vectors" else None

    def declared(self) -> dict[str, Any]:
        """As embed.checked_destination takes it."""
        made: dict[str, Any] = {"kind": self.kind}
        if self.kind == "table":
            made |= {"type": self.type or "vector"}
        if self.kind != "s3_vectors":
            made |= {"distance": self.distance or "cosine"}
        given = {
            "view": self.view,
            "column": self.column,
            "index": self.index,
            "m": self.m,
            "ef_construction": self.ef_construction,
        }
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
    backfill: Literal["now", "low", "batch", "none"] = "low"

    @field_validator("name")
    @classmethod
    def _legal_name(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", value):
            raise ValueError("must be 1 to 40 lower-case letters, digits and underscores, a letter first")
        return value

    @field_validator("source")
    @classmethod
    def _names_a_table(cls, value: str) -> str:
        part = r'(?:[A-Za-z_][\w$]*|"(?:[^"]|"")+")'
        if not re.fullmatch(rf"{part}(\.{part})?", value):
            raise ValueError(f"{value!r} names no table; write it as in SQL, with its schema: public.docs")
        return value

    @field_validator("content")
    @classmethod
    def _not_empty(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("is empty; write an SQL expression over the columns of the table")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "Vectorizer":
        whole = self.chunking.method == "none"
        if self.destination.kind == "column" and not whole:
            raise ValueError(
                f"a column holds one vector for a row, and chunking.method is {self.chunking.method}; leave chunking out"
            )
        if self.delivery.mode == "in_transaction":
            self._fits_a_transaction()
        if self.delivery.mode == "sync_lambda" and self.destination.kind == "s3_vectors":
            raise ValueError(
                "delivery.mode sync_lambda writes in the transaction, in which S3 Vectors takes no part; "
                "choose event, or destination.kind table or column"
            )
        return self

    def _fits_a_transaction(self) -> None:
        if self.destination.kind != "column":
            raise ValueError("delivery.mode in_transaction needs destination.kind column; name one, or another mode")
        if self.template is not None:
            raise ValueError(
                "delivery.mode in_transaction takes no template; put it into content, as in title || ': ' || body"
            )
        if self.embedding.url is not None:
            raise ValueError("delivery.mode in_transaction asks models of Bedrock only; choose sync_lambda")

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
    endpoints: tuple[ModelEndpoint, ...] = ()
    indexes: tuple[str, ...] = ()
    queue: bool = True
    calls: bool = True
    sweep_minutes: Annotated[int, Field(ge=0, le=1440)] | None = None
    oldest_minutes: Annotated[int, Field(ge=1, le=10080)] | None = None
    max_concurrency: Annotated[int, Field(ge=2, le=1000)] = 8
    memory: Annotated[int, Field(ge=256, le=10240)] = 1024
    tracing: bool = True
    batch: bool = False
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
        if not self.invoked_models and not self.endpoints:
            yield (
                "models is empty, and no vectorizer names one: the worker could ask none. "
                f"Name one of {', '.join(WORKER_MODELS)}"
            )
        if self.batch and not set(BATCH_MODELS) & set(self.invoked_models):
            yield f"batch is of use with {', '.join(BATCH_MODELS)} only, and models names none of them; add one, or leave batch out"
        if self.batch and self.sweep_minutes == 0:
            yield "batch needs sweeps, which make its jobs and look after them, and sweepMinutes is 0; give it an interval"
        origins = [one.origin for one in self.endpoints]
        if (size := sum(len(one.ca_certificate or "") for one in self.endpoints)) > MOST_CERTIFICATES:
            yield (
                f"endpoints: caCertificate is {size} characters in all; a function's variables hold 4 KB. Give the authority's own certificate, "
                "an elliptic one is short"
            )
        if twice := sorted({one for one in origins if origins.count(one) > 1}):
            yield f"endpoints: {', '.join(twice)} more than once; each origin can be used once"
        if self.queue and not self.calls and self.sweep_minutes == 0:
            yield "queue has nobody who writes to it: calls is false and sweepMinutes 0; allow one of them, or set queue to false"
        if not self.queue and "max_concurrency" in self.model_fields_set:
            yield "maxConcurrency belongs to the queue, and queue is false; leave it out, or set queue to true"
        for one in self.vectorizers:
            yield from self._problems_of(one)

    def _problems_of(self, one: Vectorizer) -> Iterator[str]:
        if one.embedding.origin is not None and one.embedding.origin not in {known.origin for known in self.endpoints}:
            yield f"vectorizer {one.name!r} asks {one.embedding.origin}, and endpoints has no such origin; add it there"
        if one.backfill == "batch":
            if not self.batch:
                yield f"vectorizer {one.name!r} has backfill batch, and batch is false; set it to true"
            if one.embedding.model not in BATCH_MODELS:
                yield f"vectorizer {one.name!r} has backfill batch, which {one.embedding.model} does not take; {', '.join(BATCH_MODELS)} do"
        mode = one.delivery.mode
        if mode == "queue" and not self.queue:
            yield f"vectorizer {one.name!r} has delivery.mode queue, and queue is false; set it to true"
        if mode in _CALLED and not self.calls:
            yield f"vectorizer {one.name!r} has delivery.mode {mode}, in which SQL calls the worker, and calls is false; set it to true"
        if mode == "scheduled" and self.sweep_minutes == 0:
            yield f"vectorizer {one.name!r} has delivery.mode scheduled, and sweepMinutes is 0, which is never; give it an interval"
        elif mode == "scheduled" and self.oldest_minutes and self.oldest_minutes < (self.sweep_minutes or 0):
            yield (
                f"vectorizer {one.name!r} has delivery.mode scheduled: its rows wait for up to sweepMinutes {self.sweep_minutes}, and with "
                f"oldestMinutes {self.oldest_minutes} an alarm rings before; raise that, or sweep more often"
            )

    @property
    def invoked_models(self) -> tuple[str, ...]:
        """The models of Bedrock that the worker may ask, each once."""
        asked = (one.embedding.model for one in self.vectorizers if one.embedding.url is None)
        return tuple(sorted({*self.models, *asked}))

    @property
    def written_indexes(self) -> tuple[str, ...]:
        """The S3 Vectors indexes that the worker may write to, by their configured names."""
        declared = (name for one in self.vectorizers if (name := one.destination.vectors_index))
        return tuple(sorted({*self.indexes, *declared}))
