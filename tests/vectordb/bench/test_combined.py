"""What `vectordb bench combined` writes, and the service that it counts at. The measurement itself takes half a minute and is run by hand."""

import json
import urllib.request
from itertools import takewhile
from pathlib import Path

import pytest

from vectordb.bench import combined, corpus_stack, recall, rerank
from vectordb.bench.combined import CONDITIONS, WAYS, Result, Row
from vectordb.bench.corpus_stack import INDEX_ARN, REGION, SHORT, SHORT_INDEX, CorpusStack, CountedService, Spent
from vectordb.bench.rerank import Reranked

PAGE = Path(__file__).resolve().parents[3] / "docs" / "combined-search.md"


def row(condition, share, way, recall, requests, answered, milliseconds):
    numbers = {"recall": recall, "requests": requests, "answered": answered, "milliseconds": milliseconds}
    return Row(condition=condition, share=share, way=way, **numbers)


def test_rows_are_written_under_their_condition_and_the_rerank_under_its_index():
    rows = (
        row("classes", 0.2097, "post-filter, top_k 10", 0.136, 1.0, 480.0, 76.4),
        row("classes", 0.2097, "search_join", 1.0, 1.25, 5500.0, 122.0),
        row("package wsgiref", 0.0092, "search_join", 0.995, 22.6, 103_000.0, 1520.5),
    )
    numbers = {"requests": 1.0, "answered": 480.0, "milliseconds": 66.0}
    reranked = (
        Reranked(index="whole", way="top_k 10", recall=1.0, **numbers),
        Reranked(index="short", way="top_k 10", recall=0.69, **numbers),
        Reranked(index="short", way="top_k 20, exact re-rank", recall=0.8825, **numbers),
    )
    result = Result(rows, reranked, {"data": "some"})
    assert combined.markdown(result).splitlines() == [
        "| rows that count | way | recall@10 | requests | KB answered | ms |",
        "|---|---|---:|---:|---:|---:|",
        "| classes: 21 % | post-filter, top_k 10 | 0.14 | 1.0 | 0.5 | 76 |",
        "| | search_join | 1.00 | 1.2 | 5.5 | 122 |",
        "| package wsgiref: 0.9 % | search_join | 0.99 | 22.6 | 103.0 | 1520 |",
        "",
        "- data: some",
        "",
        "| all rows count; the index | way | recall@10 | requests | KB answered | ms |",
        "|---|---|---:|---:|---:|---:|",
        "| whole | top_k 10 | 1.00 | 1.0 | 0.5 | 66 |",
        "| short | top_k 10 | 0.69 | 1.0 | 0.5 | 66 |",
        "| | top_k 20, exact re-rank | 0.88 | 1.0 | 0.5 | 66 |",
    ]
    written = json.loads(json.dumps(result.as_json()))
    assert written["rows"][0]["requests"] == 1.0
    assert [one["index"] for one in written["reranked"]] == ["whole", "short", "short"]


def tables():
    """The page's two tables, as lists of cells without their heads."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    begins = [number for number, line in enumerate(lines) if "| recall@10 |" in line]
    return [
        [[cell.strip() for cell in line.split("|")[1:-1]] for line in takewhile(bool, lines[begin + 2 :])]
        for begin in begins
    ]


def test_the_page_shows_every_way_under_every_condition():
    table = tables()[0]
    shown = [row[0].partition(":")[0] for row in table if row[0]]
    assert shown == [condition.name for condition in CONDITIONS]
    assert {row[1] for row in table} == set(WAYS)
    recalls = {way: [float(row[2]) for row in table if row[1] == way] for way in WAYS}
    assert set(recalls["search_join"]) == {1.0}
    assert max(recalls["post-filter, top_k 10"]) < 0.5


def test_the_page_shows_that_more_candidates_find_more_for_the_same_requests():
    _, table = tables()
    whole, *short, exact = table
    assert [row[1] for row in table] == [way for _, way in rerank.WAYS]
    assert (whole[2], exact[2], exact[3]) == ("1.00", "1.00", "0.0")
    recalls = [float(row[2]) for row in short]
    assert recalls == sorted(set(recalls))
    assert recalls[0] < 0.75
    assert recalls[-2] > 0.94
    assert {row[3] for row in short} == {"1.0"}


def test_the_rerank_asks_the_short_index_and_orders_by_the_whole_vector():
    for (index, way), statement in rerank.WAYS.items():
        assert (f"'{SHORT_INDEX}'" in statement) is index.startswith(SHORT_INDEX)
        assert f"1, {SHORT})" in statement or SHORT_INDEX not in statement
        if "re-rank" in way:
            assert f"top_k => {way.split()[1].rstrip(',')}," in statement
            assert "ORDER BY e.embedding <=> %(vector)s::vector" in statement


def test_what_is_measured_is_the_mean_of_all_questions_after_one_to_warm():
    answers = {"a": ["1", "2"], "b": ["3", "9"]}
    asked = []

    class Connection:
        def execute(self, statement, parameters):
            asked.append((statement, parameters["vector"]))
            return self

        def fetchall(self):
            return [(key,) for key in answers[asked[-1][1]]]

    class Service:
        def spent(self):
            return Spent(len(asked), 1000 * len(asked), 6.0) if len(asked) > 1 else Spent(0, 0, 0.0)

    stack = CorpusStack(Connection(), Service(), None, 0)
    measured = recall.measure(stack, "SELECT", ["a", "b"], [["2", "1"], ["3", "4"]])
    assert asked == [(b"SELECT", "a"), (b"SELECT", "a"), (b"SELECT", "b")]
    assert (measured.recall, measured.requests, measured.answered) == (0.75, 1.5, 1500.0)
    assert 3000.0 < measured.milliseconds < 3500.0


def test_each_way_asks_for_ten_under_the_condition():
    for condition in CONDITIONS:
        for way, statement in WAYS.items():
            written = statement(condition)
            assert "{" not in written.replace(condition.metadata_filter, "")
            assert (condition.metadata_filter if way == "pre-filter, metadata" else condition.where) in written


@pytest.fixture
def service(tmp_path):
    service = CountedService(tmp_path)
    service.ask("CreateVectorBucket", {"vectorBucketName": corpus_stack.BUCKET})
    yield service
    service.close()


def test_the_service_counts_requests_and_bytes_and_counts_what_it_was_too_fast_by(service):
    service.spent()
    service.delay = 100.0
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{service.endpoint}/ListIndexes",
        json.dumps({"vectorBucketName": corpus_stack.BUCKET}).encode(),
        {"Authorization": f"Credential=LOCAL/20260101/{REGION}/s3vectors/aws4_request"},
    )
    with urllib.request.urlopen(request) as reply:  # noqa: S310 - loopback
        body = reply.read()
    assert json.loads(body) == {"indexes": []}
    service.owe(-1.0)  # slower than the service is: nothing is owed
    spent = service.spent()
    assert spent == Spent(1, len(body), spent.owed)
    assert 95.0 < spent.owed < 100.0
    assert service.spent() == Spent(0, 0, 0.0)


def test_what_cannot_be_prepared_is_an_error(service):
    with pytest.raises(RuntimeError, match=r"PutVectors: .*could not be found"):
        service.ask("PutVectors", {"indexArn": INDEX_ARN, "vectors": [{"key": "a", "data": {"float32": [1.0]}}]})
