"""How much of a quota the worker makes use of, with the database's own limiter."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from embedder.postgres import Postgres
from embedder.stopping import Stopping
from embedder.transport import asking
from embedder.worker import Worker

TITAN = "amazon.titan-embed-text-v2:0"
COHERE = "cohere.embed-v4:0"
PER_MINUTE = 600


@pytest.fixture
def embedding(database, model, monkeypatch):
    """embedding(model id, rows): a table with so many rows to embed."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", model.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    model.latency = 0.3

    def embedding(model_id, rows):
        with database.login() as admin:
            admin.execute("CREATE TABLE public.rated (id bigint PRIMARY KEY, body text)")
            admin.execute("GRANT SELECT, TRIGGER ON public.rated TO vectordb_owner")
            admin.execute(
                "SELECT embed.create_vectorizer('rated', 'public.rated', 'body', embedding => embed.bedrock(%s, 256), "
                "limits => embed.limits(requests_per_minute => %s), backfill => 'none')",
                [model_id, PER_MINUTE],
            )
            admin.execute("INSERT INTO rated SELECT n, 'text ' || n FROM generate_series(1, %s) AS n", [rows])
            admin.execute("SET ROLE vectordb_owner")
            admin.execute("DELETE FROM embed.limiter")
            admin.execute(
                "SELECT embed.alter_vectorizer('rated', limits => embed.limits(requests_per_minute => %s))",
                [PER_MINUTE],
            )

    yield embedding
    with database.login() as admin:
        admin.execute("SELECT embed.drop_vectorizer('rated')")
        admin.execute("DROP TABLE public.rated")


def worked(database, seconds):
    """Work for so long."""
    connection = Postgres(lambda: psycopg.connect(database.dsn("embedder"), autocommit=True, prepare_threshold=None))
    stopping = Stopping(call_seconds=5)
    worker = Worker(connection, asking("us-east-1", 5), stopping)
    timer = threading.Timer(seconds, stopping.stop)
    timer.start()
    try:
        return worker.work().stats
    finally:
        timer.cancel()
        worker.close()
        connection.close()


def calls_between(database, model, begin, end, then=lambda: None, at=0.0):
    """Calls that were answered from the second `begin` to the second `end`; `then` happens at the second `at`."""
    with ThreadPoolExecutor(1) as executor:
        work = executor.submit(worked, database, end + 0.5)
        began = time.monotonic()
        time.sleep(at)
        then()
        time.sleep(max(0, began + begin - time.monotonic()))
        before = len(model.calls)
        time.sleep(max(0, began + end - time.monotonic()))
        count = len(model.calls) - before
        work.result()
    return count


@pytest.mark.long
def test_a_model_of_one_text_a_call_has_its_whole_quota(database, model, embedding):
    embedding(TITAN, 400)
    model.set_quota(PER_MINUTE)
    count = calls_between(database, model, 3, 13)
    assert count >= 0.93 * PER_MINUTE / 6
    assert sum(model.refused.values()) <= 2


@pytest.mark.long
def test_texts_of_many_rows_share_the_quota(database, model, embedding):
    """Against one row a call at the same quota, as the sample of AWS does it: more than 25 times the rows."""
    embedding(COHERE, 5000)
    model.set_quota(PER_MINUTE)
    began = time.monotonic()
    stats = worked(database, 60)
    seconds = time.monotonic() - began
    assert stats.rows == 5000
    assert stats.calls == -(-5000 // 96)
    assert stats.rows / stats.calls > 90
    assert seconds < 5000 / (PER_MINUTE / 60) / 10


@pytest.mark.long
def test_a_halved_quota_is_found_and_made_use_of(database, model, embedding):
    embedding(TITAN, 1000)
    model.set_quota(PER_MINUTE)
    count = calls_between(database, model, 12, 42, lambda: model.set_quota(PER_MINUTE / 2), at=8)
    assert count >= 0.9 * PER_MINUTE / 2 / 2


@pytest.mark.long
def test_after_a_storm(database, model, embedding):
    embedding(TITAN, 1000)
    model.set_quota(PER_MINUTE)

    def storm():
        model.storm = 0.7
        time.sleep(5)
        model.storm = 0.0

    count = calls_between(database, model, 20, 30, storm, at=5)
    assert count >= 0.9 * PER_MINUTE / 6
