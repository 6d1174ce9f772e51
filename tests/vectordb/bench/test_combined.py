"""What `vectordb bench combined` writes, and the service that it counts at. The measurement itself takes minutes and is run by hand."""

import json
import time
import urllib.request
from pathlib import Path

import pytest

from vectordb.bench import combined, corpus_stack
from vectordb.bench.combined import CONDITIONS, WAYS, Result, Row
from vectordb.bench.corpus_stack import INDEX_ARN, REGION, CountedService, Spent

PAGE = Path(__file__).resolve().parents[3] / "docs" / "combined-search.md"


def test_rows_are_written_under_their_condition():
    rows = (
        Row("classes", 0.2097, "post-filter, top_k 10", 0.136, 1.0, 480.0, 76.4),
        Row("classes", 0.2097, "search_join", 1.0, 1.25, 5500.0, 122.0),
        Row("package wsgiref", 0.0092, "search_join", 0.995, 22.6, 103_000.0, 1520.5),
    )
    assert combined.markdown(Result(rows, {"data": "some"})).splitlines() == [
        "| rows that count | way | recall@10 | requests | KB answered | ms |",
        "|---|---|---:|---:|---:|---:|",
        "| classes: 21 % | post-filter, top_k 10 | 0.14 | 1.0 | 0.5 | 76 |",
        "| | search_join | 1.00 | 1.2 | 5.5 | 122 |",
        "| package wsgiref: 0.9 % | search_join | 0.99 | 22.6 | 103.0 | 1520 |",
        "",
        "- data: some",
    ]
    assert json.loads(json.dumps(Result(rows).as_json()))["rows"][0]["requests"] == 1.0


def test_the_page_shows_every_way_under_every_condition():
    text = PAGE.read_text(encoding="utf-8")
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    table = [row for row in cells if len(row) == 6 and row[1] in WAYS]
    shown = [row[0].partition(":")[0] for row in table if row[0]]
    assert shown == [condition.name for condition in CONDITIONS]
    assert {row[1] for row in table} == set(WAYS)
    recalls = {way: [float(row[2]) for row in table if row[1] == way] for way in WAYS}
    assert set(recalls["search_join"]) == {1.0}
    assert max(recalls["post-filter, top_k 10"]) < 0.5


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


def test_the_service_counts_requests_and_bytes_and_takes_its_time(service):
    service.spent()
    service.delay = 0.05
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{service.endpoint}/ListIndexes",
        json.dumps({"vectorBucketName": corpus_stack.BUCKET}).encode(),
        {"Authorization": f"Credential=LOCAL/20260101/{REGION}/s3vectors/aws4_request"},
    )
    begun = time.monotonic()
    with urllib.request.urlopen(request) as reply:  # noqa: S310 - loopback
        body = reply.read()
    assert time.monotonic() - begun >= 0.05
    assert json.loads(body) == {"indexes": []}
    assert service.spent() == Spent(1, len(body))
    assert service.spent() == Spent(0, 0)


def test_what_cannot_be_prepared_is_an_error(service):
    with pytest.raises(RuntimeError, match=r"PutVectors: .*could not be found"):
        service.ask("PutVectors", {"indexArn": INDEX_ARN, "vectors": [{"key": "a", "data": {"float32": [1.0]}}]})
