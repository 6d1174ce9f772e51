"""What both sides are asked, each in its own schema. Vectors come from a table, in the type that each side takes."""

from dataclasses import dataclass

from vectordb.bench import seed

_SINGLE = """
SELECT vector_id, distance, similarity_score, metadata
FROM {schema}.query_vectors((SELECT {column} FROM bench.queries WHERE n = %s), '{queried}')"""
_SEVERAL = """
SELECT q.n, v.vector_id, v.distance, v.metadata
FROM bench.queries AS q CROSS JOIN LATERAL {schema}.query_vectors(q.{column}, '{queried}') AS v
WHERE q.n <= %s"""
_FETCH = """
SELECT count(*), sum(cardinality(embedding))
FROM {schema}.get_vectors(
    (SELECT array_agg('document-' || lpad(g::text, 4, '0')) FROM generate_series(0, {last}) AS g), '{fetched}'
)"""
_KEYS = """
SELECT vector_id, embedding::real[], metadata
FROM {schema}.get_vectors(ARRAY['document-0007', 'document-0003', 'document-0099'], '{fetched}')"""
_BATCH = """
SELECT b.query_no, b.vector_id, b.distance, b.metadata
FROM s3vl.query_vectors_batch((SELECT array_agg(embedding ORDER BY n) FROM bench.queries WHERE n <= %s), '{queried}') AS b"""
_NAMES = {"queried": seed.QUERIED, "fetched": seed.FETCHED, "last": seed.FETCHED_COUNT - 1}


@dataclass(frozen=True)
class Statements:
    """The statements of one side."""

    single: str
    """One query; its parameter is the number of the query."""
    several: str
    """Queries 1 to its parameter, a call each."""
    fetch: str
    """100 vectors; they are counted in the server, so that no client has to read them."""
    keys: str
    """Three vectors, to look at."""


def _of(schema: str, column: str) -> Statements:
    return Statements(
        *(text.format(schema=schema, column=column, **_NAMES) for text in (_SINGLE, _SEVERAL, _FETCH, _KEYS))
    )


SAMPLE = _of("plain", "embedding_float8")
OURS = _of("s3vl", "embedding")
BATCH = _BATCH.format(**_NAMES)
"""Queries 1 to its parameter in one call."""
