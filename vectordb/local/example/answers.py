"""One question, answered three ways: by pgvector, by S3 Vectors, and by both in one statement."""

import time
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

PGVECTOR = """
SELECT e.module || '.' || e.name, e.kind, e.embedding <=> %(vector)s::vector AS distance, split_part(e.doc, E'\\n', 1)
  FROM stdlib.entries AS e
 WHERE (%(module)s::text IS NULL OR e.module = %(module)s)
   AND (%(kind)s::text IS NULL OR e.kind = %(kind)s)
 ORDER BY e.embedding <=> %(vector)s::vector
 LIMIT %(top)s
"""
"""Nearest by HNSW; the filters are conditions like any other."""

S3_VECTORS = """
SELECT e.module || '.' || e.name, e.kind, v.distance, split_part(e.doc, E'\\n', 1)
  FROM s3vl.query_vectors(%(vector)s::vector, 'stdlib', top_k => %(top)s, metadata_filter => %(filter)s::jsonb) AS v
  JOIN stdlib.entries AS e ON e.id = v.vector_id::bigint
 ORDER BY v.distance
"""
"""Nearest by S3 Vectors, which filters on the metadata; the join only fetches the names."""

COMBINED = """
SELECT e.module || '.' || e.name, e.kind, v.distance, split_part(e.doc, E'\\n', 1)
  FROM s3vl.query_vectors(%(vector)s::vector, 'stdlib', top_k => 50) AS v
  JOIN stdlib.entries AS e ON e.id = v.vector_id::bigint
 WHERE e.kind = 'function' AND length(e.doc) > 40
 ORDER BY v.distance
 LIMIT %(top)s
"""
"""Vectors from S3 Vectors, joined to the rows and filtered in SQL by what only the database knows."""


@dataclass(frozen=True)
class Hit:
    """One answer; `distance` is the cosine distance, 0 to 2."""

    entry: str
    kind: str
    distance: float
    summary: str


@dataclass(frozen=True)
class Answer:
    """The hits of one way, nearest first, and how long the statement took."""

    hits: tuple[Hit, ...]
    milliseconds: float


def ask(
    connection: "psycopg.Connection[tuple[Any, ...]]",
    statement: str,
    vector: str,
    *,
    top: int = 5,
    module: str | None = None,
    kind: str | None = None,
) -> Answer:
    """Run one of the statements above.

    Args:
        connection: to the database, as any role that reads.
        statement: PGVECTOR, S3_VECTORS or COMBINED.
        vector: the question's vector in pgvector's text form.
        top: how many hits.
        module: only entries of this module.
        kind: only functions, classes or methods.
    """
    conditions = {key: value for key, value in (("module", module), ("kind", kind)) if value}
    values: dict[str, Any] = {
        "vector": vector,
        "top": top,
        "module": module,
        "kind": kind,
        "filter": Jsonb(conditions) if conditions else None,
    }
    started = time.perf_counter()
    rows = connection.execute(statement.encode(), values).fetchall()
    return Answer(tuple(Hit(*row) for row in rows), (time.perf_counter() - started) * 1000)
