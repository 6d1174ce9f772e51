"""Nearest neighbours under a condition that the database knows: what each way finds, and what it costs.

Real data: the standard library's documentation, its embeddings, and questions in plain language. The truth is an exact search in
pgvector under the same condition. In the same run: what an exact re-rank finds (`rerank`). The emulator's search is exact, so what a way misses here, it misses by its shape; the recall of
the service's own approximate search comes on top of it, for all ways alike.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vectordb.bench import corpus_stack, rerank
from vectordb.bench.corpus_stack import CorpusStack
from vectordb.bench.recall import HEADER, RULE, Measured, found, measure
from vectordb.bench.rerank import Reranked

K = 10
SERVICE_MILLISECONDS = 64
"""Of a request, where times are measured: QueryVectors in the region, warm, 100,000 vectors of 1,024 dimensions, the median."""
_MOST_IDS = 100

QUESTIONS = (
    "how do I compress a file",
    "read a configuration file",
    "send an email with an attachment",
    "parse command line arguments",
    "run code in another thread",
    "wait for several coroutines",
    "sort a list by a key",
    "a random number between two bounds",
    "compute the hash of a file",
    "connect to a database",
    "walk through a directory tree",
    "copy a file with its permissions",
    "format a date as text",
    "difference between two dates",
    "match a regular expression",
    "decode base64",
    "open a web page and read it",
    "serve files over http",
    "parse an xml document",
    "write a csv file",
    "serialize an object to json",
    "measure how long code takes",
    "trace memory allocations",
    "catch a signal",
    "start another program and read its output",
    "a queue between processes",
    "cache the results of a function",
    "count how often items occur",
    "exact decimal arithmetic",
    "mean and standard deviation",
    "encrypt a connection with certificates",
    "log messages to a file",
    "mock an object in a test",
    "inspect the signature of a function",
    "import a module by its name",
    "translate messages to another language",
    "temporary file that is deleted when closed",
    "compare two texts line by line",
    "draw text in a terminal",
    "read a line from the user with completion",
)


@dataclass(frozen=True)
class Condition:
    """Which rows count, in SQL on stdlib.entries AS e, and as a filter on the metadata."""

    name: str
    where: str
    metadata_filter: str


CONDITIONS = (
    Condition("classes", "e.kind = 'class'", '{"kind": "class"}'),
    Condition("long documentation", "length(e.doc) >= 450", '{"characters": {"$gte": 450}}'),
    Condition("package asyncio", "split_part(e.module, '.', 1) = 'asyncio'", '{"package": "asyncio"}'),
    Condition("very long documentation", "length(e.doc) >= 1500", '{"characters": {"$gte": 1500}}'),
    Condition("package wsgiref", "split_part(e.module, '.', 1) = 'wsgiref'", '{"package": "wsgiref"}'),
)

_MATCHING = "SELECT count(*) FROM stdlib.entries AS e WHERE {where}"
_EXACT = """
SELECT e.id::text FROM stdlib.entries AS e WHERE {where}
 ORDER BY e.embedding <=> %(vector)s::vector LIMIT 10"""
_POST_FILTER = """
SELECT v.vector_id
  FROM s3vl.query_vectors(%(vector)s::vector, 'stdlib', top_k => {top_k}, return_metadata => false) AS v
  JOIN stdlib.entries AS e ON e.id = v.vector_id::bigint
 WHERE {where} ORDER BY v.distance LIMIT 10"""
_SEARCH_JOIN = """
SELECT j.vector_id
  FROM s3vl.search_join(%(vector)s::vector, 'stdlib', return_metadata => false, k => 10,
       keep => $keep$ SELECT e.id FROM stdlib.entries AS e WHERE e.id = ANY ($1::bigint[]) AND {where} $keep$) AS j
 ORDER BY j.rank"""
_BY_METADATA = """
SELECT v.vector_id
  FROM s3vl.query_vectors(%(vector)s::vector, 'stdlib', return_metadata => false, metadata_filter => '{metadata_filter}') AS v"""
_BY_IDS = """
SELECT v.vector_id
  FROM s3vl.query_vectors(%(vector)s::vector, 'stdlib', return_metadata => false,
       metadata_filter => s3vl.filter_in('id', ARRAY(SELECT e.id FROM stdlib.entries AS e WHERE {where}))) AS v"""

WAYS: dict[str, Callable[[Condition], str]] = {
    "post-filter, top_k 10": lambda c: _POST_FILTER.format(top_k=10, where=c.where),
    "post-filter, top_k 40": lambda c: _POST_FILTER.format(top_k=40, where=c.where),
    "post-filter, top_k 200": lambda c: _POST_FILTER.format(top_k=200, where=c.where),
    "search_join": lambda c: _SEARCH_JOIN.format(where=c.where),
    "pre-filter, metadata": lambda c: _BY_METADATA.format(metadata_filter=c.metadata_filter),
    "pre-filter, ids": lambda c: _BY_IDS.format(where=c.where),
    "pgvector, exact": lambda c: _EXACT.format(where=c.where),
}
_NEEDS_FEW = "pre-filter, ids"


@dataclass(frozen=True, kw_only=True)
class Row(Measured):
    """One way under one condition.

    Attributes:
        condition: its name.
        share: of the rows, that meet it.
        way: its name.
    """

    condition: str
    share: float
    way: str


@dataclass(frozen=True)
class Result:
    """A whole run."""

    rows: tuple[Row, ...]
    reranked: tuple[Reranked, ...] = ()
    conditions: dict[str, str] = field(default_factory=dict)
    """What it was measured on and with, in words."""

    @property
    def met(self) -> bool:
        """Nothing is demanded: the numbers are for choosing."""
        return True

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "met": self.met,
            "conditions": self.conditions,
            "rows": [asdict(row) for row in self.rows],
            "reranked": [asdict(row) for row in self.reranked],
        }


def run(
    directory: Path, *, stack: str, quick: bool, say: Callable[[str], None], runtimes: Path | None = None
) -> Result:
    """Measure every way under every condition, and the exact re-rank under none.

    Args:
        directory: the project, whose SQL and package are measured.
        stack: whose package.
        quick: a fifth of the questions.
        say: gets the progress.
        runtimes: where installations of PostgreSQL are kept; the local stack's by default.
    """
    questions = QUESTIONS[::5] if quick else QUESTIONS
    with corpus_stack.running(directory, stack=stack, say=say, runtimes=runtimes) as running:
        vectors = [running.vector(question) for question in questions]
        running.service.delay = SERVICE_MILLISECONDS / 1000
        rows: list[Row] = []
        for condition in CONDITIONS:
            say(f"asking: {condition.name}")
            rows += _measured(running, condition, vectors)
        say("asking: exact re-rank")
        reranked = rerank.run(running, vectors)
        about = {
            "data": f"{running.documents:,} entries of the standard library's documentation, {corpus_stack.DIMENSION} dimensions",
            "asked": f"{len(questions)} questions in plain language, 10 neighbours each",
            "each number": "the mean of a query, warm; each request to the service counts as "
            f"{SERVICE_MILLISECONDS} ms, of which the rest is added and not waited for",
        }
    return Result(tuple(rows), tuple(reranked), about)


def _measured(running: CorpusStack, condition: Condition, vectors: Sequence[str]) -> list[Row]:
    matching = running.connection.execute(_MATCHING.format(where=condition.where).encode()).fetchone()
    left = int(matching[0]) if matching else 0
    share = left / running.documents
    truths = [found(running, _EXACT.format(where=condition.where), vector) for vector in vectors]
    rows = []
    for way, statement_of in WAYS.items():
        if way == _NEEDS_FEW and left > _MOST_IDS:
            continue
        measured = measure(running, statement_of(condition), vectors, truths)
        rows.append(Row(condition=condition.name, share=share, way=way, **vars(measured)))
    return rows


def markdown(result: Result) -> str:
    """Both tables, and what they were measured on."""
    lines = [f"| rows that count | way | {HEADER}", f"|---|---|{RULE}"]
    before = ""
    for row in result.rows:
        shown = " " if row.condition == before else f" {row.condition}: {_percent(row.share)} "
        before = row.condition
        lines.append(f"|{shown}| {row.way} | {row.cells}")
    lines += ["", *(f"- {name}: {value}" for name, value in result.conditions.items())]
    return "\n".join([*lines, "", rerank.markdown(result.reranked)])


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"  # noqa: PLR2004 - one digit where it matters
