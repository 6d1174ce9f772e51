"""The spool's files: none stays, none is taken half, and the worker's end is noticed."""

import json
import os
import shutil
import socket
import threading
import time
from pathlib import Path

import psycopg
import pytest

from vectordb.errors import VectordbError
from vectordb.local.postgres import spool
from vectordb.local.postgres.spool import SpoolWorker

from .conftest import LambdaDouble, Stack, http


@pytest.fixture
def service() -> LambdaDouble:
    return LambdaDouble()


def request(**changed: object) -> str:
    fields = {
        "function_name": "echo",
        "payload": '{"path": "a\\\\b"}',
        "region": None,
        "invocation_type": None,
        "log_type": None,
        "context": None,
        "qualifier": None,
        "connect_timeout_ms": 1000,
        "request_timeout_ms": 3000,
    }
    return json.dumps(fields | changed).replace("\\", "\\\\")  # as COPY writes it


def wait_for(path: Path, within: float = 2.0) -> bytes:
    deadline = time.monotonic() + within
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} did not come"
        time.sleep(0.002)
    return path.read_bytes()


def wait_until_gone(path: Path, within: float = 2.0) -> None:
    deadline = time.monotonic() + within
    while path.exists():
        assert time.monotonic() < deadline, f"{path.name} stayed"
        time.sleep(0.002)


@pytest.fixture(params=["told", "looks"])
def worker(
    request: pytest.FixtureRequest, tmp_path: Path, service: LambdaDouble, monkeypatch: pytest.MonkeyPatch
) -> SpoolWorker:
    """One that the system tells of files, and one that looks every two milliseconds."""
    if request.param == "looks":
        monkeypatch.setattr(spool, "_HAS_INOTIFY", False)
    return SpoolWorker(tmp_path / "spool", service.endpoint, region="eu-west-3")


def test_a_request_becomes_a_reply_that_goes_when_it_was_read(worker: SpoolWorker) -> None:
    with worker:
        (worker.folder / "1.request").write_text(request() + "\n")
        head, _, payload = wait_for(worker.folder / "1.reply").partition(b"\n")
        assert json.loads(head) == {"status": 200, "executed_version": "$LATEST", "log_result": "bG9n", "payload": True}
        assert payload == b'{"path": "a\\\\b"}'
        (worker.folder / "1.reply").write_bytes(b"")
        wait_until_gone(worker.folder / "1.reply")
        assert [path.name for path in worker.folder.iterdir()] == ["worker"]


def test_a_request_is_taken_when_it_is_whole(worker: SpoolWorker, service: LambdaDouble) -> None:
    with worker:
        with (worker.folder / "1.request").open("w") as file:
            file.write(request()[:20])
            file.flush()
            (worker.folder / "2.request").write_text(request() + "\n")
            wait_for(worker.folder / "2.reply")
            assert len(service.requests) == 1
            file.write(request()[20:] + "\n")
        wait_for(worker.folder / "1.reply")
    assert len(service.requests) == 2


def test_leftovers_go_and_old_requests_are_not_sent(worker: SpoolWorker, service: LambdaDouble) -> None:
    worker.folder.mkdir()
    for name in ("1.taken", "1.partial", "1.reply"):
        (worker.folder / name).write_text("left")
    old = worker.folder / "2.request"
    old.write_text(request() + "\n")
    os.utime(old, (time.time() - 7, time.time() - 7))
    with worker:
        wait_until_gone(old)
        wait_until_gone(worker.folder / "2.taken")
        assert [path.name for path in worker.folder.iterdir()] == ["worker"]
    assert service.requests == []


def test_a_reply_that_nobody_reads_goes(worker: SpoolWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_SWEEP", 0.05)
    monkeypatch.setattr(spool, "_FORGOTTEN", 0.1)
    with worker:
        (worker.folder / "1.request").write_text(request() + "\n")
        wait_for(worker.folder / "1.reply")
        wait_until_gone(worker.folder / "1.reply")


def test_the_folder_is_private(worker: SpoolWorker) -> None:
    with worker:
        assert worker.folder.stat().st_mode & 0o777 == 0o700


def test_an_endpoint_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(VectordbError, match="'localhost:1' is no endpoint"):
        SpoolWorker(tmp_path, "localhost:1")


class TestWithTheServer:
    @pytest.fixture(autouse=True)
    def _spool_only(self, stack: Stack) -> None:
        if stack.server.transport != "spool":
            pytest.skip("the C transport has no files")

    def test_nothing_stays_after_calls_cancelled_or_not(self, stack: Stack) -> None:
        def slow(_: LambdaDouble, connection: object, __: object) -> None:
            time.sleep(0.2)
            connection.sendall(http("200 OK", b"[1]"))  # type: ignore[attr-defined]  # a socket

        stack.service.on("late", slow)
        folder = stack.server.spool_folder
        before = set(folder.iterdir())
        with stack.connect() as connection:
            connection.execute("SELECT * FROM aws_lambda.invoke('echo', '{}'::json)")
            connection.execute("SET statement_timeout = 50")
            with pytest.raises(psycopg.errors.QueryCanceled):
                connection.execute("SELECT * FROM aws_lambda.invoke('late', '{}'::json)")
        time.sleep(0.3)
        [left] = set(folder.iterdir()) - before  # the cancelled one's, for a minute
        assert left.suffix == ".reply"

    def test_the_folder_belongs_to_the_server_alone(self, stack: Stack) -> None:
        status = stack.server.spool_folder.stat()
        assert (status.st_uid, status.st_mode & 0o777) == (stack.server.identity.uid, 0o700)

    def test_without_a_worker_nothing_waits(self, stack: Stack) -> None:
        sign = stack.server.spool_folder / "worker"
        sign.unlink()
        try:
            begun = time.monotonic()
            with pytest.raises(psycopg.errors.ConnectionFailure) as raised:
                stack.execute("SELECT * FROM aws_lambda.invoke('echo', '{}'::json)")
            assert time.monotonic() - begun < 0.3
        finally:
            sign.touch()
        assert raised.value.diag.message_detail == "AWS Lambda client returned 'Unable to connect to endpoint'."
        assert raised.value.diag.message_hint == "The spool worker does not run."

    def test_nobody_else_directs_it_to_another_folder(self, stack: Stack) -> None:
        with stack.connect() as connection, pytest.raises(psycopg.errors.CantChangeRuntimeParam):
            connection.execute("SET data_directory = '/tmp'")


def test_a_folder_that_goes_while_a_call_is_under_way_is_no_error(tmp_path):
    """The worker's thread outlives the server by the length of the call."""
    folder = tmp_path / "spool"
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        worker = SpoolWorker(folder, f"http://127.0.0.1:{listening.getsockname()[1]}")
        worker.start()
        document = {
            "function_name": "f", "payload": "{}", "region": None, "invocation_type": None, "log_type": None, "context": None,
            "qualifier": None, "connect_timeout_ms": 1000, "request_timeout_ms": 5000,
        }  # fmt: skip
        # In place, as PostgreSQL's COPY writes it: closing a file is what wakes the worker.
        (folder / "waiting.request").write_text(json.dumps(document) + "\n")
        listening.settimeout(20)
        connection, _ = listening.accept()
        worker.stop()
        shutil.rmtree(folder)
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        for thread in threading.enumerate():
            if thread.name == "spool-invoke":
                thread.join(5)
    assert not folder.exists()
