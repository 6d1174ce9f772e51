"""Text search over one index: which vectors hold the words, best first."""

from collections.abc import Sequence

import numpy as np

from vectordb.local.emulator.s3vectors.filters import Predicate
from vectordb.local.emulator.s3vectors.search import Hit, smallest
from vectordb.local.emulator.s3vectors.table import VectorTable
from vectordb.local.emulator.s3vectors.text.inverted import TextIndex, TextQuery


def matching(
    table: VectorTable, index: TextIndex, queries: Sequence[TextQuery], count: int, predicate: Predicate | None
) -> list[Hit]:
    """The `count` vectors with the highest sum of BM25 scores, of those that match one word at least.

    Equal sums stand in the order in which the vectors were written.

    Args:
        table: the vectors.
        index: their texts.
        queries: one for each searched key.
        count: how many at most.
        predicate: a filter over the metadata.
    """
    scores = index.scores(queries)
    total = np.sum(scores, axis=0)
    documents = np.flatnonzero(total)
    hits: list[Hit] = []
    # With a filter in the order of relevance, so that one which most vectors pass is asked about few of them.
    most = count if predicate is None else len(documents)
    for document in documents[smallest(-total[documents], most)].tolist():
        key = index.key_of(document)
        slot = table.slot(key)
        if slot is None or not (predicate is None or predicate(table.metadata[slot])):
            continue
        matched = [(query.key, float(of[document])) for query, of in zip(queries, scores, strict=True) if of[document]]
        hits.append(Hit(key, None, table.metadata[slot], tuple(matched)))
        if len(hits) == count:
            break
    return hits
