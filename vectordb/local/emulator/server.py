"""The process: a socket, the services, waitress's threads, and the end."""

import fcntl
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, Any, NoReturn

from vectordb.errors import VectordbError
from vectordb.local.emulator.application import Application, Lazy
from vectordb.local.emulator.authorization import iam
from vectordb.local.emulator.authorization.gate import Gate
from vectordb.local.emulator.authorization.logins import Logins
from vectordb.local.emulator.authorization.principals import Principals, Session
from vectordb.local.emulator.moto_mount import FIRST, MotoMount
from vectordb.local.emulator.rds_data.clusters import Clusters
from vectordb.local.emulator.wire import Request, Response

if TYPE_CHECKING:
    from vectordb.local.emulator.delivery import Delivery

HOST = "127.0.0.1"
_SPARE_THREADS = 24
"""Beyond those that wait for functions: the functions' own calls need some, or everything would wait for everything."""
_LARGEST_BODY = 64 << 20
_IN_MEMORY = 32 << 20
"""Bodies up to here are not written to temporary files: S3 Vectors takes 20 MiB."""
_ASKS_TO_END = (signal.SIGTERM, signal.SIGINT)
_ENDS_WITHIN = 10
"""Seconds from the request to end; then the kernel ends the process."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    port: int
    state: Path
    port_file: Path | None = None
    concurrency: int = 16
    """Lambda calls at once."""
    warm: bool = True
    preload: bool = True
    retry_delay: float = 1.0
    operator: str = ""
    """Access key id of the one who may everything, others what IAM allows them; empty to judge nobody."""


def listen(port: int) -> socket.socket:
    """A listening socket on loopback; port 0 is any.

    Raises:
        VectordbError: the port is taken or may not be used.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(1024)  # now: two sockets may be bound to one port as long as neither listens
    except OSError as error:
        listener.close()
        raise VectordbError(
            f"The AWS emulator cannot listen on {HOST}:{port}: {error.strerror}.",
            remedy="Stop what uses the port, or choose another (--port 0 takes any that is free).",
            exit_code=1,
        ) from error
    return listener


def lock(state: Path) -> IO[str]:
    """Hold the state directory; the kernel lets go of it with the process.

    Raises:
        VectordbError: another emulator holds it.
    """
    state.mkdir(parents=True, exist_ok=True)
    file = (state / "emulator.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        raise VectordbError(
            f"Another emulator (process {owner}) uses {state}.",
            remedy="Stop it, or choose another --state.",
            exit_code=1,
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


class Emulator:
    """All services of one process.

    Args:
        options: from the command line.
        port: the one that is listened on.
    """

    def __init__(self, options: Options, port: int) -> None:
        self._options = options
        self._endpoint = f"http://{HOST}:{port}"
        self.services = {
            "s3vectors": Lazy(self._make_s3vectors),
            "bedrock": Lazy(self._make_bedrock),
            "lambda": Lazy(self._make_functions),
            "rds-data": Lazy(self._make_rds_data),
        }
        self._clusters = Clusters()
        self._moto = MotoMount(self._prepare_moto)
        principals = Principals(options.operator, self._assumed) if options.operator else None
        gate = Gate(principals, iam.policies, self._bucket_policy, _queue_policy)
        self._gate = gate
        self._delivery: Delivery | None = None
        self.application = Application(
            self.services,
            self._moto,
            gate,
            loaded=lambda: list(self._moto.loaded),
            alias_changed=self._alias_changed,
            clusters=self._clusters,
            pages={
                **dict.fromkeys([("POST", "clock"), ("POST", "schedules")], self._page),
                ("POST", "logins"): self._login,
                ("POST", "batch"): self._batch,
            },
        )

    def preload(self) -> None:
        """Import and open everything, in the order in which a deployment needs it."""
        begun = time.monotonic()
        # A third of the time would go to looking for garbage among a million new objects that all stay.
        gc.disable()
        try:
            self._moto.preload(FIRST)
            for service in self.services.values():
                service.get()
            self.services["bedrock"].get().embedder.load()  # type: ignore[attr-defined]  # only this service has one
            self._moto.preload()
            _log.debug("everything is loaded after %.1f s", time.monotonic() - begun)
        except Exception:  # noqa: BLE001 - nobody waits for this thread's exception
            _log.exception("loading in the background failed; each service is tried again at its first request")
        finally:
            gc.freeze()
            gc.enable()

    def end_functions(self) -> None:
        """End the functions' processes, so that no request waits for them, and what calls them by itself."""
        if self._delivery is not None:
            self._delivery.stop()
        if self.services["lambda"].loaded:
            self.services["lambda"].get().end_workers()  # type: ignore[attr-defined]  # only this service has them

    def close(self) -> None:
        """Let go of files and processes."""
        if self._delivery is not None:
            self._delivery.stop()
        for service in self.services.values():
            service.close()
        if self._delivery is not None:
            self._delivery.keep()

    def _page(self, request: Request) -> Response:
        self._moto.imported()
        assert self._delivery is not None
        return self._delivery.page(request)

    def _login(self, request: Request) -> Response:
        self._moto.imported()
        return Logins(self._gate, self.application.record).page(request)

    def _batch(self, request: Request) -> Response:
        self.services["bedrock"].get().batches.prepare(request.parameters())  # type: ignore[attr-defined]  # only this service has them
        return Response()

    def _make_s3vectors(self) -> Any:
        from vectordb.local.emulator.s3vectors.service import S3Vectors

        return S3Vectors(self._options.state / "s3vectors")

    def _make_bedrock(self) -> Any:
        from vectordb.local.emulator.bedrock.batch.service import Batches
        from vectordb.local.emulator.bedrock.batch.work import Run
        from vectordb.local.emulator.bedrock.service import Bedrock

        def batches(run: Run) -> Batches:
            self._moto.imported()
            assert self._delivery is not None
            return Batches(run, self._delivery.clock, self._delivery.acting)

        return Bedrock(batches)

    def _make_rds_data(self) -> Any:
        from vectordb.local.emulator.rds_data.secrets import secret_text
        from vectordb.local.emulator.rds_data.service import RdsData

        def secret(arn: str, region: str) -> str | None:
            self._moto.imported()
            return secret_text(arn, region)

        return RdsData(self._clusters, secret)

    def _make_functions(self) -> Any:
        from vectordb.local.emulator.functions.service import Functions

        self._moto.imported()
        assert self._delivery is not None
        options = self._options
        return Functions(
            options.state,
            self._endpoint,
            most=options.concurrency,
            warm=options.warm,
            retry_delay=options.retry_delay,
            clock=self._delivery.clock,
            acting=self._delivery.acting,
        )

    def _prepare_moto(self) -> None:
        from vectordb.local.emulator.functions.moto_functions import extend_moto

        iam.know_aws_managed_policies()
        functions: Any = self.services["lambda"]
        extend_moto(
            lambda *call: functions.get().invoke_from_moto(*call), lambda *function: functions.get().forget(*function)
        )
        # Imported here and not before: nobody needs it until moto is there.
        from vectordb.local.emulator.delivery import Delivery

        delivery = Delivery(
            self._gate,
            self.application.record,
            functions.get,
            state=self._options.state,
            concurrency=self._options.concurrency,
            delay=self._options.retry_delay,
        )
        delivery.extend_moto()
        self._delivery = delivery

    def _assumed(self, access_key: str, region: str) -> Session | None:
        self._moto.imported()
        return iam.assumed(access_key, region)

    def _bucket_policy(self, arn: str) -> str | None:
        bucket = self.services["s3vectors"].get().catalogue.get(arn)  # type: ignore[attr-defined]  # only this service has it
        return bucket.settings.get("policy") if bucket else None

    def _alias_changed(self, path: str, body: bytes, region: str) -> None:
        self.services["lambda"].get().alias_changed(path, body, region)  # type: ignore[attr-defined]  # only this service has it


def _queue_policy(arn: str) -> str | None:
    from vectordb.local.emulator.queues import moto_queues

    queue = moto_queues.find(arn)
    return None if queue is None else queue.policy


def serve(options: Options, listener: socket.socket) -> None:
    """Say `ready PORT`, then serve until SIGTERM or SIGINT."""
    from waitress.server import create_server

    port = listener.getsockname()[1]
    emulator = Emulator(options, port)
    server = create_server(  # type: ignore[no-untyped-call]  # waitress has no types
        emulator.application,
        sockets=[listener],
        threads=options.concurrency + _SPARE_THREADS,
        asyncore_use_poll=True,
        channel_timeout=3600,  # clients keep connections; an early end would meet their next request
        connection_limit=1000,
        recv_bytes=1 << 18,
        inbuf_overflow=_IN_MEMORY,
        outbuf_overflow=_IN_MEMORY,
        max_request_body_size=_LARGEST_BODY,
        clear_untrusted_proxy_headers=True,
    )

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        # Once: when the parent is killed the kernel asks, and the watch for the parent asks again a moment later, in
        # the middle of the ending. Whatever that waits for, it is over soon: what was acknowledged is on disk.
        for number in _ASKS_TO_END:
            signal.signal(number, signal.SIG_IGN)
        signal.alarm(_ENDS_WITHIN)
        # First the functions: waitress waits for the requests that wait for them.
        emulator.end_functions()
        raise SystemExit(0)

    for number in _ASKS_TO_END:
        signal.signal(number, stop)
    if options.port_file is not None:
        unfinished = options.port_file.with_name(options.port_file.name + ".new")
        unfinished.write_text(f"{port}\n")
        unfinished.replace(options.port_file)
    sys.stdout.write(f"ready {port}\n")
    sys.stdout.flush()
    # Nobody reads further: what moto prints goes where errors go.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if options.preload:
        threading.Thread(target=emulator.preload, name="preload", daemon=True).start()
    try:
        server.run()
    except SystemExit:  # asked to end before it ran
        pass
    finally:
        emulator.close()
