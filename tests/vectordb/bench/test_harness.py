"""Both bridges side by side for real: the comparison is fair, and each measurement gives numbers."""

import json
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from typer.testing import CliRunner

from tests.components.recorded import ROOT
from vectordb.bench import documents, harness, rounds, seed
from vectordb.bench.harness import ServiceControl
from vectordb.bench.rounds import Repeats
from vectordb.bench.statements import BATCH, OURS, SAMPLE
from vectordb.cli.app import app

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other processes' processor time is read on Linux only")
ONCE = Repeats(warm=1, single=2, batch=1, sample_batch=1, sample_calls=2, fetch=1, cold=1, cancel=1)


@pytest.fixture(scope="module")
def running(runtimes):
    said = []
    with harness.running(ROOT, stack="dev", say=said.append, runtimes=runtimes) as found:
        found.service.delay(0)
        yield found
    assert said[0] == "starting S3 Vectors behind HTTPS"


def test_both_sides_give_the_same_rows_for_the_same_queries(running):
    sample, ours = (side.call(asked.single, 3) for side, asked in zip(running.sides, (SAMPLE, OURS), strict=True))
    assert len(ours.rows) == 10
    assert ours.rows == sample.rows
    assert [row[1] for row in ours.rows] == sorted(row[1] for row in ours.rows)
    assert re.fullmatch(r"document-\d{4}", ours.rows[0][0])
    assert ours.rows[0][3].keys() == {"topic", "year", "title"}
    assert (ours.requests, sample.requests) == (1, 1)
    sample, ours = (side.call(asked.several, 3) for side, asked in zip(running.sides, (SAMPLE, OURS), strict=True))
    assert (ours.requests, sample.requests) == (3, 3)
    batch = running.ours.call(BATCH, 3)
    assert batch.rows == ours.rows == sample.rows


def test_both_sides_give_the_same_vectors(running):
    sample, ours = (side.call(asked.keys) for side, asked in zip(running.sides, (SAMPLE, OURS), strict=True))
    assert ours.rows == sample.rows
    assert [row[0] for row in ours.rows] == ["document-0007", "document-0003", "document-0099"]
    vectors = seed.unit_vectors(seed.FETCHED_COUNT, seed.FETCHED_DIMENSION, 2)
    assert ours.rows[0][1] == pytest.approx(vectors[7].tolist(), rel=1e-7)


def test_the_page_s_two_ways_to_ask_many_queries_give_the_same(running):
    page = (ROOT / documents.PERFORMANCE).read_text(encoding="utf-8")
    written = {block.split()[0]: block for block in re.findall(r"(?m)(?:^    \S.*\n(?:^    .*\n)*)", page)}
    lateral, batch = written["SELECT"], written["WITH"]
    connection = running.ours.connection
    connection.execute(
        "CREATE TEMPORARY TABLE questions AS SELECT 10 * n AS id, embedding FROM bench.queries WHERE n <= 3"
    )
    found = {tuple(row[:3]) for row in connection.execute(lateral)}
    assert {(row[0], row[2], row[3]) for row in connection.execute(batch)} == found
    assert len(found) == 30
    assert running.ours.call("SELECT count(*) FROM questions").requests == 0


def test_the_service_takes_as_long_as_was_set(running):
    running.service.delay(0.05)
    call = running.ours.call(OURS.single, 1)
    running.service.delay(0)
    assert 50 <= call.service < 100
    assert call.wall > call.service
    assert 0 < call.processor < call.wall


def test_the_service_serves_64_delayed_requests_at_once(running):
    running.service.delay(0.4)
    ready = threading.Barrier(64)

    def ask(_):
        control = ServiceControl(*running.service.address)
        control.spent()  # the connection is open
        ready.wait(30)
        begun = time.perf_counter()
        control.request("POST", "/GetIndex", json.dumps({"indexArn": seed.index_arn(seed.QUERIED)}))
        control.close()
        return time.perf_counter() - begun

    with ThreadPoolExecutor(64) as pool:
        taken = list(pool.map(ask, range(64)))
    running.service.delay(0)
    assert running.service.spent()[0] == 64
    assert min(taken) >= 0.4
    assert max(taken) < 3  # 64 one after the other would take 25.6


def test_every_measurement_gives_its_rows(running):
    rounds.same(running)
    rows = [
        *rounds.single_wall(running, ONCE, 0.001),
        *rounds.single_processor(running, ONCE),
        *rounds.batch(running, ONCE, 0.001),
        *rounds.fetch(running, ONCE),
        *rounds.payload(running),
        *rounds.cold_start(running, ONCE),
        *rounds.cancel(running, ONCE),
        *rounds.warm_overhead(running, ONCE),
    ]
    assert all(row.ours.median > 0 and row.sample and row.sample.median > 0 for row in rows)
    assert {row.key: str(row.demanded) for row in rows if row.demanded} == {
        "single-wall": "≥ 5 ×",
        "single-cpu": "≥ 5 ×",
        "batch": "≥ 20 ×",
        "get-wall": "≥ 4 ×",
        "payload": "≥ 2 ×",
        "cold-cpu": "≥ 1.5 ×",
        "cold-wall": "≥ 1.5 ×",
        "cancel": "≤ 500 ms",
        "warm": "≤ 3 ms",
    }
    by_key = {row.key: row for row in rows}
    # What does not depend on how busy the machine is.
    assert by_key["payload"].met
    assert by_key["cancel"].met


def test_help_names_the_options():
    shown = CliRunner().invoke(app, ["bench", "bridge", "--help"], env={"COLUMNS": "100", "TERM": "dumb"})
    assert shown.exit_code == 0
    for option in ("--quick", "--json", "--markdown", "--png", "--write-docs", "--service-ms", "--stack"):
        assert option in shown.output
