"""Processor time at other memory sizes: arithmetic."""

import pytest

from tests.vectordb.bench.rows import spread
from vectordb.bench import shares
from vectordb.bench.result import Result, Row


@pytest.mark.parametrize(("memory", "milliseconds"), [(1769, 10), (3008, 10), (884.5, 20), (128, 138.203125)], ids=str)
def test_time_grows_as_the_share_shrinks_and_no_thread_is_faster_than_a_whole_processor(memory, milliseconds):
    assert shares.stretched(10, memory) == milliseconds


def test_the_table_has_a_row_for_each_size_and_both_sides_of_one_query():
    rows = (
        Row("single-cpu-function", "one", "ms", spread(26.0), spread(1.5)),
        Row("batch-cpu-function", "batch", "ms", spread(2600.0), spread(80.0)),
    )
    lines = shares.table(Result(rows)).splitlines()
    assert lines[0] == "| memory | one query | a batch of 100 | the sample's shape: one query |"
    assert lines[2] == "| 128 MB | 20.7 ms | 1,106 ms | 359 ms |"
    assert lines[-1] == "| 1,769 MB | 1.50 ms | 80.0 ms | 26.0 ms |"
    assert len(lines) == 2 + len(shares.MEMORIES)
