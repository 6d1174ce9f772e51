"""The outer half of the spool transport of aws_lambda and aws_ml: files in a folder are requests, files beside them the replies.

The server writes `ID.request`; a thread takes it (`ID.taken`), invokes, and renames a finished file to `ID.reply`; the server reads that
and empties it, and it is removed. What nobody reads, because the statement was cancelled, is removed after a minute.
"""

import contextlib
import ctypes
import json
import os
import select
import sys
import threading
import time
import urllib.parse
from pathlib import Path
from typing import Any, Self

from vectordb.errors import VectordbError
from vectordb.local.postgres import model_invocation
from vectordb.local.postgres.invocation import Invocation, Reply, invoke
from vectordb.local.postgres.model_invocation import ModelInvocation
from vectordb.local.postgres.service_call import ANONYMOUS, CONNECTION_FAILURE, InvocationError

_POLL = 0.002  # seconds between looks where the system cannot tell
_SWEEP = 10.0  # seconds between searches for leftovers
_FORGOTTEN = 60.0  # seconds after which a reply is a leftover
_GRACE = 2.0  # seconds that the server waits longer than the timeouts of a request

_HAS_INOTIFY = sys.platform == "linux"
_IN_CLOSE_WRITE = 0x8
_IN_NONBLOCK_CLOEXEC = os.O_NONBLOCK | 0o2000000


class _Watch:
    """Wakes when a file in a folder was written and closed: inotify(7) on Linux, elsewhere the clock."""

    def __init__(self, folder: Path) -> None:
        self._inotify: int | None = None
        self._awake, self._wake = os.pipe()
        if _HAS_INOTIFY:
            libc = ctypes.CDLL(None, use_errno=True)
            descriptor = libc.inotify_init1(_IN_NONBLOCK_CLOEXEC)
            if descriptor >= 0 and libc.inotify_add_watch(descriptor, os.fsencode(folder), _IN_CLOSE_WRITE) >= 0:
                self._inotify = descriptor
            elif descriptor >= 0:
                os.close(descriptor)

    def wait(self) -> None:
        """Return when there may be something to do."""
        if self._inotify is None:
            select.select([self._awake], [], [], _POLL)
            return
        ready, _, _ = select.select([self._inotify, self._awake], [], [], _SWEEP)
        if self._inotify in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._inotify, 65536)

    def wake(self) -> None:
        """Make `wait` return, from any thread."""
        os.write(self._wake, b"\0")

    def close(self) -> None:
        for descriptor in (self._inotify, self._awake, self._wake):
            if descriptor is not None:
                os.close(descriptor)


class SpoolWorker:
    """Answers the requests in a server's spool folder, in threads of this process.

    Args:
        folder: the server's `spool_folder`.
        endpoint: the services, `http://address:port`.
        region: the database's own, for functions whose name gives none.
        access_key: the access key id by which the Lambda service knows the database.
        bedrock_access_key: the one by which Amazon Bedrock does.

    Raises:
        VectordbError: the endpoint is not such a URL.
    """

    def __init__(
        self,
        folder: Path,
        endpoint: str,
        *,
        region: str = "us-east-1",
        access_key: str = ANONYMOUS,
        bedrock_access_key: str = ANONYMOUS,
    ) -> None:
        parts = urllib.parse.urlsplit(endpoint)
        if parts.scheme != "http" or not parts.hostname:
            raise VectordbError(f"{endpoint!r} is no endpoint of a service.", remedy="Give http://address:port.")
        self.folder = folder
        self._address = (parts.hostname, parts.port or 80)
        self._region = region
        self._access_key = access_key
        self._bedrock_access_key = bedrock_access_key
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin to answer. Requests whose senders have given up are dropped."""
        self._stopping.clear()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._watch = _Watch(self.folder)
        for leftover in self.folder.iterdir():
            if leftover.suffix in {".taken", ".partial", ".reply"}:
                leftover.unlink(missing_ok=True)
        self._thread = threading.Thread(target=self._run, name="spool-watch", daemon=True)
        self._thread.start()
        (self.folder / "worker").touch()

    def stop(self) -> None:
        """Stop taking requests; from now on the server says that it cannot connect. Those under way get their replies."""
        if self._thread is None:
            return
        (self.folder / "worker").unlink(missing_ok=True)
        self._stopping.set()
        self._watch.wake()
        self._thread.join()
        self._thread = None
        self._watch.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        swept = 0.0
        while not self._stopping.is_set():
            sweep = time.monotonic() - swept > _SWEEP
            swept = time.monotonic() if sweep else swept
            for path in list(self.folder.iterdir()):
                with contextlib.suppress(FileNotFoundError):
                    self._look_at(path, sweep=sweep)
            self._watch.wait()

    def _look_at(self, path: Path, *, sweep: bool) -> None:
        if path.suffix == ".request" and _is_whole(path):
            taken = path.rename(path.with_suffix(".taken"))
            # A thread a request: there are no more than sessions, and none of them keeps the process from ending.
            threading.Thread(target=self._serve, args=(taken,), name="spool-invoke", daemon=True).start()
        elif path.suffix == ".reply":
            status = path.stat()
            if status.st_size == 0 or (sweep and time.time() - status.st_mtime > _FORGOTTEN):
                path.unlink()

    def _serve(self, taken: Path) -> None:
        # The folder goes with its server: nobody waits for the answer then.
        with contextlib.suppress(FileNotFoundError):
            self._answer(taken)

    def _answer(self, taken: Path) -> None:
        age = time.time() - taken.stat().st_mtime
        # COPY's text format doubles every backslash; JSON has no other character that it would change.
        document = json.loads(taken.read_text(encoding="utf-8").replace("\\\\", "\\"))
        taken.unlink()
        for_model = document.pop("service", None) == "bedrock"
        client = model_invocation.CLIENT if for_model else Invocation(**document).client
        if age > client.patience + _GRACE:
            return  # whoever sent it has raised an error since
        try:
            head, payload = self._invoke_model(document) if for_model else self._invoke(document)
        except InvocationError as error:
            self._reply(taken, {"sqlstate": error.sqlstate, "message": error.message, "detail": error.detail})
        except Exception as error:  # noqa: BLE001 - whatever it is, SQL must learn of it rather than wait
            said = client.detail(f"{type(error).__name__}: {error}")
            self._reply(taken, {"sqlstate": CONNECTION_FAILURE, "message": "invoke API failed", "detail": said})
        else:
            self._reply(taken, head, payload)

    def _invoke(self, document: dict[str, Any]) -> tuple[dict[str, object], bytes]:
        reply = invoke(Invocation(**document), self._address, self._region, self._access_key)
        return _head(reply), reply.payload or b""

    def _invoke_model(self, document: dict[str, Any]) -> tuple[dict[str, object], bytes]:
        invocation = ModelInvocation(**document)
        return {}, model_invocation.invoke_model(invocation, self._address, self._region, self._bedrock_access_key)

    def _reply(self, taken: Path, head: dict[str, object], payload: bytes = b"") -> None:
        partial = taken.with_suffix(".partial")
        with partial.open("wb") as file:
            file.write(json.dumps(head).encode() + b"\n" + payload)
            owner = self.folder.stat()
            if os.geteuid() == 0:
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        partial.rename(taken.with_suffix(".reply"))


def _head(reply: Reply) -> dict[str, object]:
    return {
        "status": reply.status,
        "executed_version": reply.executed_version,
        "log_result": reply.log_result,
        "payload": reply.payload is not None,
    }


def _is_whole(path: Path) -> bool:
    """Whether the server has written all of a request: its one line ends."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
