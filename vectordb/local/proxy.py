"""The database's endpoint on this machine: TLS, forced as `rds.force_ssl` does, and IAM tokens, in front of a server that has neither.

    python -m vectordb.local.proxy --config FILE

prints `ready PORT` when it listens on 127.0.0.1. A client connects as to RDS: by the endpoint's name (`hostaddr=127.0.0.1`), with
`sslmode=verify-full`, as a role of rds_iam with a signed token, as any other with its password, which passes through to the server
(SCRAM end to end).

Left out: SCRAM with channel binding (`channel_binding=require`), for the server knows nothing of this TLS; `pg_stat_ssl` and
`client_addr`, for it sees a unix socket; policies on `rds-db:connect` of people (those of roles are asked of the emulator); a token
for the master user when it holds rds_iam itself.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import os
import signal
import socket
import ssl
import struct
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from vectordb.errors import VectordbError
from vectordb.local import role_logins
from vectordb.local.postgres import iam_token, messages, scram, sockets
from vectordb.local.postgres.messages import ProtocolError, Startup
from vectordb.local.postgres.role_lookup import Role, RoleLookup

_AUTHENTICATION_TIMEOUT = 60.0  # seconds, PostgreSQL's default
_BLOCK = 65536
_LONGEST_PASSWORD = 65535  # PG_MAX_AUTH_TOKEN_LENGTH
_TLS_RECORD = 0x16  # the first byte of a handshake: the client starts TLS without asking (sslnegotiation=direct)
_ALPN = "postgresql"


@dataclass(frozen=True)
class ProxyConfiguration:
    """What the proxy needs to know; a JSON object with these keys.

    Attributes:
        socket_directory: of the server's unix socket.
        port: to listen on, 0 for any.
        certificate: PEM file, the server's certificate.
        key: PEM file, its private key.
        names: the endpoint's names; tokens must be signed for one of them.
        region: the database's.
        access_keys: the secret access key of each access key id that may sign tokens.
        endpoint_port: the port that tokens are signed for, which is not the one listened on.
        emulator: whom to ask for other access keys, those of roles; empty for nobody.
        user_arn: how the ARNs of the database's users begin, as in policies on `rds-db:connect`.
    """

    socket_directory: str
    port: int
    certificate: str
    key: str
    names: list[str]
    region: str
    access_keys: dict[str, str] = field(repr=False)
    endpoint_port: int = 5432
    emulator: str = ""
    user_arn: str = ""

    @classmethod
    def read(cls, path: Path) -> "ProxyConfiguration":
        """Read it from a file.

        Raises:
            VectordbError: the file is missing or has other keys.
        """
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise VectordbError(
                f"{path} is no configuration of the proxy: {error}", remedy="Start the stack again."
            ) from error

    def write(self, path: Path) -> None:
        """Write it to a file that only its owner reads, whole or not at all."""
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
        partial.replace(path)


class _RefusedError(Exception):
    """The login fails: the client gets `message`, the log also the reason."""

    def __init__(self, sqlstate: str, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message
        self.reason = reason


class Proxy:
    """Listens, lets clients in, and carries their bytes to the server and back."""

    def __init__(self, configuration: ProxyConfiguration) -> None:
        self._configuration = configuration
        self._socket_path = str(Path(configuration.socket_directory) / f".s.PGSQL.{sockets.PORT}")
        self._endpoints = frozenset(f"{name.lower()}:{configuration.endpoint_port}" for name in configuration.names)
        self._roles = RoleLookup(Path(configuration.socket_directory))
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._tls.load_cert_chain(configuration.certificate, configuration.key)
        self._tls.set_alpn_protocols([_ALPN])
        self._clients: set[asyncio.Task[None]] = set()

    async def serve(self, listener: socket.socket) -> None:
        """Accept clients until cancelled; then end those that are connected."""
        loop = asyncio.get_running_loop()
        listener.setblocking(False)
        try:
            while True:
                try:
                    accepted, _ = await loop.sock_accept(listener)
                except OSError as error:  # no descriptors left, or a client that went away in between
                    _log(f"cannot accept a connection: {error}")
                    await asyncio.sleep(0.1)
                    continue
                task = asyncio.create_task(self._client(accepted))
                self._clients.add(task)
                task.add_done_callback(self._clients.discard)
        finally:
            for task in self._clients:
                task.cancel()
            await asyncio.gather(*self._clients, return_exceptions=True)
            await self._roles.close()

    async def _client(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened = contextlib.ExitStack()
        opened.callback(accepted.close)
        with opened, contextlib.suppress(OSError, EOFError, asyncio.IncompleteReadError, TimeoutError):
            async with asyncio.timeout(_AUTHENTICATION_TIMEOUT):
                client = await self._begin(accepted)
                if client is None:
                    return
                opened.callback(client[1].transport.abort)
                server = await self._let_in(*client, peer=accepted.getpeername()[0])
                if server is None:
                    await _close(client[1])
                    return
                opened.callback(server[1].transport.abort)
            await _carry(client, server)

    async def _begin(self, accepted: socket.socket) -> "tuple[asyncio.StreamReader, asyncio.StreamWriter] | None":
        """The stage before TLS, on the bare socket: nothing sent in clear can be taken for what comes inside TLS later."""
        loop = asyncio.get_running_loop()
        try:
            while await _peek(accepted) != _TLS_RECORD:
                length = await _receive(accepted, 4)
                body = await _receive(accepted, messages.body_length(length))
                match messages.code(body):
                    case messages.SSL_REQUEST:
                        await loop.sock_sendall(accepted, b"S")
                        return await self._start_tls(accepted)
                    case messages.GSS_REQUEST:
                        await loop.sock_sendall(accepted, b"N")
                    case messages.CANCEL_REQUEST:
                        await self._cancel(length + body)
                        return None
                    case _:
                        who = messages.startup(length, body)
                        said = f"no pg_hba.conf entry for host {_hba(accepted.getpeername()[0], who)}, no encryption"
                        await loop.sock_sendall(accepted, messages.fatal("28000", said))
                        return None
        except ProtocolError as error:
            await loop.sock_sendall(accepted, messages.fatal(error.sqlstate, error.message))
            return None
        reader, writer = await self._start_tls(accepted)
        if writer.get_extra_info("ssl_object").selected_alpn_protocol() != _ALPN:
            writer.write(
                messages.fatal(
                    "08P01", "received direct SSL connection request without ALPN protocol negotiation extension"
                )
            )
            await _close(writer)
            return None
        return reader, writer

    async def _start_tls(self, accepted: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_BLOCK)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol, accepted, ssl=self._tls, ssl_shutdown_timeout=2
        )
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    async def _let_in(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str
    ) -> "tuple[asyncio.StreamReader, asyncio.StreamWriter] | None":
        """Authenticate as far as that is the proxy's task; the connection to the server, or None when the client was told no."""
        try:
            length = await reader.readexactly(4)
            body = await reader.readexactly(messages.body_length(length))
            if messages.code(body) == messages.CANCEL_REQUEST:
                await self._cancel(length + body)
                return None
            who = messages.startup(length, body)
            await self._authenticate(who, reader, writer, peer)
            server = await asyncio.open_unix_connection(self._socket_path, limit=_BLOCK)
        except ProtocolError as error:
            writer.write(messages.fatal(error.sqlstate, error.message))
        except _RefusedError as error:
            _log(f"{error.message}{': ' if error.reason else ''}{error.reason}")
            writer.write(messages.fatal(error.sqlstate, error.message))
        except (psycopg.Error, ConnectionRefusedError, FileNotFoundError) as error:
            _log(f"the server does not answer: {str(error).strip()}")
            writer.write(messages.fatal("57P03", "the database system is starting up"))
        else:
            server[1].write(who.packet)
            return server
        return None

    async def _authenticate(
        self, who: Startup, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str
    ) -> None:
        # The server cuts longer names, so what it lets in might be another role than the one looked up here.
        if len(who.user.encode()) > messages.LONGEST_NAME:
            raise _RefusedError("28000", f'role "{who.user}" does not exist')
        role = await self._roles.find(who.user)
        if role is None:
            return  # the server goes through the motions, and tells nobody that there is no such role
        if role.superuser:
            raise _RefusedError("28000", f"pg_hba.conf rejects connection for host {_hba(peer, who)}, SSL encryption")
        if role.by_token or role.checked_here:
            writer.write(messages.CLEARTEXT_PASSWORD)
            await writer.drain()
            await self._check_password(who, role, await _password(reader))

    async def _check_password(self, who: Startup, role: Role, password: str) -> None:
        if not role.by_token:
            if not await asyncio.to_thread(scram.matches, password, role.stored_password):
                raise _RefusedError("28P01", f'password authentication failed for user "{who.user}"')
            return
        try:
            iam_token.verify(
                password,
                user=who.user,
                endpoints=self._endpoints,
                region=self._configuration.region,
                access_keys=await asyncio.to_thread(role_logins.keys, self._configuration, password, who.user),
            )
        except iam_token.TokenError as error:
            raise _RefusedError("28000", f'PAM authentication failed for user "{who.user}"', str(error)) from error

    async def _cancel(self, packet: bytes) -> None:
        """Pass a CancelRequest on; the server closes the connection when it has dealt with it, and so do we."""
        reader, writer = await asyncio.open_unix_connection(self._socket_path)
        try:
            writer.write(packet)
            await writer.drain()
            await reader.read()
        finally:
            await _close(writer)


def _hba(peer: str, who: Startup) -> str:
    return f'"{peer}", user "{who.user}", database "{who.database}"'


async def _peek(accepted: socket.socket) -> int:
    """The first byte that waits to be read, left where it is."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(accepted, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(accepted)
    first = accepted.recv(1, socket.MSG_PEEK)
    if not first:
        raise EOFError
    return first[0]


async def _receive(accepted: socket.socket, count: int) -> bytes:
    """Exactly so many bytes, and none more."""
    loop = asyncio.get_running_loop()
    received = b""
    while len(received) < count:
        block = await loop.sock_recv(accepted, count - len(received))
        if not block:
            raise EOFError
        received += block
    return received


async def _password(reader: asyncio.StreamReader) -> str:
    kind, length = struct.unpack("!cI", await reader.readexactly(5))
    if kind != b"p" or not 5 <= length <= _LONGEST_PASSWORD:  # noqa: PLR2004 - its own four bytes and the final zero
        raise ProtocolError("expected password response")
    return (await reader.readexactly(length - 4)).rstrip(b"\0").decode(errors="replace")


async def _carry(
    client: tuple[asyncio.StreamReader, asyncio.StreamWriter], server: tuple[asyncio.StreamReader, asyncio.StreamWriter]
) -> None:
    """Carry bytes both ways until the server has closed its side and the client has everything."""
    upwards = asyncio.create_task(_pump(client[0], server[1]))
    try:
        await _pump(server[0], client[1])
        await _close(client[1])
    finally:
        upwards.cancel()
        await asyncio.gather(upwards, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end of what is read, no faster than the other side takes it, and pass the end on where it can be said."""
    try:
        while block := await reader.read(_BLOCK):
            writer.write(block)
            await writer.drain()
    finally:
        if writer.can_write_eof():
            with contextlib.suppress(OSError):
                writer.write_eof()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        await writer.wait_closed()


def _log(line: str) -> None:
    sys.stderr.write(f"proxy: {line}\n")


async def _run(configuration: ProxyConfiguration) -> None:
    try:
        listener = socket.create_server(("127.0.0.1", configuration.port), backlog=512)
    except OSError as error:
        raise VectordbError(
            f"Port {configuration.port} on 127.0.0.1 cannot be listened on: {os.strerror(error.errno or 0)}.",
            remedy="End what uses it, or choose another.",
        ) from error
    with listener:
        serving = asyncio.ensure_future(Proxy(configuration).serve(listener))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
        sys.stdout.write(f"ready {listener.getsockname()[1]}\n")
        sys.stdout.flush()
        gc.freeze()  # modules stay: nothing of them is garbage, while it serves or when it ends
        with contextlib.suppress(asyncio.CancelledError):
            await serving


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m vectordb.local.proxy", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="JSON file, see ProxyConfiguration")
    options: Any = parser.parse_args(arguments)
    try:
        asyncio.run(_run(ProxyConfiguration.read(options.config)))
    except VectordbError as error:
        _log(f"{error.message} {error.remedy}")
        return error.exit_code
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
