"""The project's worker as its container runs it: a process of its own that logs in by IAM over verified TLS."""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vectordb import processes
from vectordb.bench import database
from vectordb.errors import VectordbError
from vectordb.local import certificates
from vectordb.local.postgres import PostgresServer
from vectordb.local.proxy import ProxyConfiguration

USER = "vectordb_embedder"
_HOST = "database.bench.internal"
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "LOCAL", "AWS_SECRET_ACCESS_KEY": "local"}


class Front:
    """TLS and IAM logins before a server.

    Args:
        server: it runs.
        folder: for certificates, configuration and log.
        region: that tokens are signed for.
    """

    def __init__(self, server: PostgresServer, folder: Path, region: str) -> None:
        issued = certificates.issue(folder / "tls", [_HOST])
        self.authority = issued.ca
        self.region = region
        self._log = folder / "front.log"
        configuration = ProxyConfiguration(
            socket_directory=str(server.socket_directory),
            port=0,
            certificate=str(issued.certificate),
            key=str(issued.key),
            names=[_HOST],
            region=region,
            access_keys={_CREDENTIALS["AWS_ACCESS_KEY_ID"]: _CREDENTIALS["AWS_SECRET_ACCESS_KEY"]},
        )
        configuration.write(folder / "front.json")
        with self._log.open("wb") as log:
            self._process = processes.python(
                "vectordb.local.proxy", "--config", str(folder / "front.json"), log=log, environment=_environment()
            )
        assert self._process.stdout is not None
        word, _, port = self._process.stdout.readline().strip().partition(" ")
        if word != "ready":
            raise VectordbError(f"The database's front did not start: {self._log.read_text(encoding='utf-8')[-1000:]}")
        self.port = int(port)

    def close(self) -> None:
        """End it."""
        processes.end(self._process)


@contextmanager
def working(front: Front, code: Path, model: str, log: Path) -> Iterator[None]:
    """A worker that looks for work every second.

    Args:
        front: its way to the database.
        code: the folder that holds the package `embedder`.
        model: Amazon Bedrock's runtime.
        log: where it writes.
    """
    environment = {
        **_environment(),
        **_CREDENTIALS,
        "PYTHONPATH": str(code),
        "AWS_REGION": front.region,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": model,
        "VECTORDB_HOST": _HOST,
        "VECTORDB_HOSTADDR": "127.0.0.1",
        "VECTORDB_HOSTADDR_PORT": str(front.port),
        "VECTORDB_DATABASE": database.DATABASE,
        "VECTORDB_USER": USER,
        "VECTORDB_CA_BUNDLE": str(front.authority),
        "VECTORDB_EMBED_POLL_SECONDS": "1",
    }
    with log.open("ab") as file:
        process = processes.python("embedder", log=file, environment=environment)
        # A pipe that nobody reads is full some time, and then the worker waits for ever.
        threading.Thread(target=_keep, args=[process, log], daemon=True).start()
    try:
        yield
    finally:
        processes.end(process, within=10)


def _keep(process: "subprocess.Popen[str]", log: Path) -> None:
    assert process.stdout is not None
    with log.open("a", encoding="utf-8") as file:
        for line in process.stdout:
            file.write(line)


def _environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "PG", "VECTORDB_")) and name != "PYTHONPATH"
    }
