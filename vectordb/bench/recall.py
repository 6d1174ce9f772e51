"""What a statement finds of the truth, and what it costs: the numbers that the tables of combined search share."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from vectordb.bench.corpus_stack import CorpusStack

HEADER = "recall@10 | requests | KB answered | ms |"
RULE = "---:|---:|---:|---:|"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One statement, over all questions.

    Attributes:
        recall: mean share of the ten true neighbours that were found.
        requests: of the service, the mean of a query.
        answered: bytes that the service answered, the mean of a query.
        milliseconds: of a query, the service's delay for each request included, the mean.
    """

    recall: float
    requests: float
    answered: float
    milliseconds: float

    @property
    def cells(self) -> str:
        """Below HEADER."""
        return f"{self.recall:.2f} | {self.requests:.1f} | {self.answered / 1000:.1f} | {self.milliseconds:.0f} |"


def measure(running: CorpusStack, statement: str, vectors: Sequence[str], truths: Sequence[Sequence[str]]) -> Measured:
    """Ask every question once, after the first has been asked to warm what answers it.

    Args:
        running: the stack.
        statement: SQL whose first column is the key, with the question's vector as %(vector)s.
        vectors: of the questions.
        truths: the keys that each of them should find.
    """
    found(running, statement, vectors[0])
    running.service.spent()
    begun = time.perf_counter()
    answers = [found(running, statement, vector) for vector in vectors]
    took = time.perf_counter() - begun
    spent = running.service.spent()
    return Measured(
        recall=statistics.fmean(
            len(set(answer) & set(truth)) / len(truth) for answer, truth in zip(answers, truths, strict=True)
        ),
        requests=spent.requests / len(vectors),
        answered=spent.answered / len(vectors),
        milliseconds=1000 * (took + spent.owed) / len(vectors),
    )


def found(running: CorpusStack, statement: str, vector: str) -> list[str]:
    """The statement's first column for one question."""
    rows = running.connection.execute(statement.encode(), {"vector": vector}).fetchall()
    return [row[0] for row in rows]
