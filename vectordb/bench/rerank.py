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
_WHOLE = """
SELECT v.vector_id
  FROM s3vl.query_vectors(%(vector)s::vector, 'stdlib', top_k => 10, return_metadata => false) AS v"""
_SHORT = """
SELECT v.vector_id
  FROM s3vl.query_vectors(
           l2_normalize(subvector(%(vector)s::vector, 1, 64)), 'stdlib-64', top_k => 10, return_metadata => false) AS v"""
_RERANK = """
SELECT e.id::text
  FROM s3vl.query_vectors(
           l2_normalize(subvector(%(vector)s::vector, 1, 64)), 'stdlib-64', top_k => {candidates}, return_metadata => false) AS v
  JOIN stdlib.entries AS e ON e.id = v.vector_id::bigint
 ORDER BY e.embedding <=> %(vector)s::vector
 LIMIT 10"""

_WHOLE_INDEX = f"{INDEX}, {DIMENSION} dimensions"
_CUT_INDEX = f"{SHORT_INDEX}, {SHORT} dimensions"
WAYS: dict[tuple[str, str], str] = {
    (_WHOLE_INDEX, "top_k 10"): _WHOLE,
    (_CUT_INDEX, "top_k 10"): _SHORT,
    **{(_CUT_INDEX, f"top_k {n}, exact re-rank"): _RERANK.format(candidates=n) for n in (20, 40, 100)},
    ("none", "pgvector, exact"): _EXACT,
}
"""Statements by the index that they ask, and the way's name."""


@dataclass(frozen=True, kw_only=True)
class Reranked(Measured):
    """One way.

    Attributes:
        index: that it asks.
        way: its name.
    """

    index: str
    way: str


def run(running: CorpusStack, vectors: Sequence[str]) -> list[Reranked]:
    """Measure every way.

    Args:
        running: the stack.
        vectors: of the questions.
    """
    truths = [found(running, _EXACT, vector) for vector in vectors]
    return [
        Reranked(index=index, way=way, **vars(measure(running, statement, vectors, truths)))
        for (index, way), statement in WAYS.items()
    ]


def markdown(rows: Sequence[Reranked]) -> str:
    """The rows as a table."""
    lines = [f"| all rows count; the index | way | {HEADER}", f"|---|---|{RULE}"]
    before = ""
    for row in rows:
        shown = " " if row.index == before else f" {row.index} "
        before = row.index
        lines.append(f"|{shown}| {row.way} | {row.cells}")
    return "\n".join(lines)
