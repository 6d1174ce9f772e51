"""Candidates of an index that holds less than the table, put in order by the table's exact distance: what that finds and costs.

The second index holds the first 64 of the 256 numbers of each vector, at length 1 again. The model is trained for being cut:
wordllama's configuration of l2_supercat names 64 among its dimensions, and its description calls them Matryoshka representations.
The truth is an exact search in pgvector over the whole vectors of all rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from vectordb.bench.corpus_stack import DIMENSION, INDEX, SHORT, SHORT_INDEX, CorpusStack
from vectordb.bench.recall import HEADER, RULE, Measured, found, measure

_EXACT = """
SELECT e.id::text FROM stdlib.entries AS e ORDER BY e.embedding <=> %(vector)s::vector LIMIT 10"""
_WHOLE = f"""
SELECT v.vector_id FROM s3vl.query_vectors(%(vector)s::vector, '{INDEX}', top_k => 10, return_metadata => false) AS v"""
_FIRST = f"l2_normalize(subvector(%(vector)s::vector, 1, {SHORT}))"
_SHORT = f"""
SELECT v.vector_id FROM s3vl.query_vectors({_FIRST}, '{SHORT_INDEX}', top_k => 10, return_metadata => false) AS v"""
_RERANK = f"""
SELECT e.id::text
  FROM s3vl.query_vectors({_FIRST}, '{SHORT_INDEX}', top_k => {{candidates}}, return_metadata => false) AS v
  JOIN stdlib.entries AS e ON e.id = v.vector_id::bigint
 ORDER BY e.embedding <=> %(vector)s::vector LIMIT 10"""
_CANDIDATES = (20, 40, 100)

WAYS: dict[tuple[int, str], str] = {
    (DIMENSION, "top_k 10"): _WHOLE,
    (SHORT, "top_k 10"): _SHORT,
    **{(SHORT, f"top_k {n}, exact re-rank"): _RERANK.format(candidates=n) for n in _CANDIDATES},
}
"""Statements by the dimension of the index that they ask, and the way's name."""


@dataclass(frozen=True, kw_only=True)
class Reranked(Measured):
    """One way.

    Attributes:
        dimension: of the index.
        way: its name.
    """

    dimension: int
    way: str


def run(running: CorpusStack, vectors: Sequence[str]) -> list[Reranked]:
    """Measure every way.

    Args:
        running: the stack.
        vectors: of the questions.
    """
    truths = [found(running, _EXACT, vector) for vector in vectors]
    return [
        Reranked(dimension=dimension, way=way, **vars(measure(running, statement, vectors, truths)))
        for (dimension, way), statement in WAYS.items()
    ]


def markdown(rows: Sequence[Reranked]) -> str:
    """The rows as a table."""
    lines = [f"| all rows count; the index | way | {HEADER}", f"|---|---|{RULE}"]
    before = 0
    for row in rows:
        shown = " " if row.dimension == before else f" {row.dimension} dimensions "
        before = row.dimension
        lines.append(f"|{shown}| {row.way} | {row.cells}")
    return "\n".join(lines)
