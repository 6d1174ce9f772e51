"""What the endpoint carries, and what it does with nonsense, restarts and strangers."""

import contextlib
import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from vectordb.errors import VectordbError
from vectordb.local.postgres.messages import ProtocolError, startup
from vectordb.local.proxy import ProxyConfiguration

from .conftest import KEYS, MASTER, NAME, PASSWORD, REPOSITORY, Front, token


class TestSessions:
    def test_cancel(self, front: Front) -> None:
        with front.connect("app", token("app")) as connection:
            threading.Timer(0.2, connection.cancel_safe).start()
            begun = time.monotonic()
            with pytest.raises(psycopg.errors.QueryCanceled):
                connection.execute("SELECT pg_sleep(10)")
            assert time.monotonic() - begun < 2

    def test_much_data_both_ways(self, front: Front) -> None:
        text = "x" * 20_000_000
        with front.connect("app", token("app")) as connection:
            assert connection.execute("SELECT length(%s::text)", (text,)).fetchone() == (20_000_000,)
            assert connection.execute("SELECT repeat('y', 20000000)").fetchone() == ("y" * 20_000_000,)

    def test_a_client_that_does_not_read_is_waited_for(self, front: Front) -> None:
        """Two hundred megabytes for a client that reads none of them must not be held in the proxy's memory."""
        connection = front.connect("app", token("app"))
        connection.pgconn.send_query(b"SELECT repeat('z', 1000000) FROM generate_series(1, 200)")
        connection.pgconn.flush()
        time.sleep(0.5)
        resident = int(Path(f"/proc/{front.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
        connection.close()
        assert resident < 130_000_000

    def test_a_client_that_vanishes_ends_its_session(self, front: Front) -> None:
        connection = front.connect("app", token("app"))
        [(pid,)] = connection.execute("SELECT pg_backend_pid()").fetchall()
        os.close(os.dup(connection.fileno()))
        with socket.socket(fileno=os.dup(connection.fileno())) as bare:
            bare.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + 3
        while front.stack.execute("SELECT FROM pg_stat_activity WHERE pid = %s", pid):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        connection.close()

    def test_many_clients(self, front: Front) -> None:
        secret = token("app")
        connections = [front.connect("app", secret) for _ in range(60)]
        try:
            assert [connection.execute("SELECT 1").fetchone() for connection in connections] == [(1,)] * 60
        finally:
            for connection in connections:
                connection.close()

    def test_idle_strangers_do_not_keep_others_out(self, front: Front) -> None:
        idle = [socket.create_connection(("127.0.0.1", front.port)) for _ in range(150)]
        for number, bare in enumerate(idle):
            bare.sendall(struct.pack("!II", 8, 80877103)[: number % 8])
        begun = time.monotonic()
        front.connect("app", token("app")).close()
        assert time.monotonic() - begun < 3
        for bare in idle:
            bare.close()


class TestSqlstates:
    """libpq does not show those of a failed connection; others do."""

    def login(self, front: Front, user: str, password: bytes | None = None) -> bytes:
        context = ssl.create_default_context(cafile=str(front.ca))
        context.set_alpn_protocols(["postgresql"])
        with (
            socket.create_connection(("127.0.0.1", front.port)) as bare,
            context.wrap_socket(bare, server_hostname=NAME) as wrapped,
        ):
            packet = struct.pack("!I", 196608) + b"user\0" + user.encode() + b"\0\0"
            wrapped.sendall(struct.pack("!I", len(packet) + 4) + packet)
            if password is not None:
                assert wrapped.recv(9) == b"R\0\0\0\x08\0\0\0\x03"
                wrapped.sendall(b"p" + struct.pack("!I", len(password) + 5) + password + b"\0")
            return wrapped.recv(1000)

    def test_of_each_refusal(self, front: Front) -> None:
        assert b"SFATAL\0VFATAL\0C28000\0MPAM authentication failed" in self.login(front, "app", b"x")
        assert b"SFATAL\0VFATAL\0C28000\0Mpg_hba.conf rejects connection" in self.login(front, "rdsadmin")
        assert b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed" in self.login(front, "dba", b"x")
        packet = struct.pack("!I", 196608) + b"user\0app\0\0"
        assert b"SFATAL\0VFATAL\0C28000\0Mno pg_hba.conf entry" in error_of(
            front, struct.pack("!I", len(packet) + 4) + packet
        )


def error_of(front: Front, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", front.port)) as bare:
        bare.sendall(sent)
        bare.settimeout(5)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while block := bare.recv(4096):
                received += block
    return received


class TestNonsense:
    @pytest.mark.parametrize(
        ("sent", "expected"),
        [
            (struct.pack("!I", 10_001) + b"x" * 100, b"C08P01\0Minvalid length of startup packet\0"),
            (struct.pack("!I", 7) + b"xxx", b"C08P01\0Minvalid length of startup packet\0"),
            (b"GET / HTTP/1.1\r\n\r\n", b"C08P01\0Minvalid length of startup packet\0"),
            (
                struct.pack("!II", 13, 131072) + b"abc\0\0",
                b"C0A000\0Munsupported frontend protocol 2.0: server supports 3.0 to 3.2\0",
            ),
            (struct.pack("!II", 9, 196608) + b"\0", b"C28000\0Mno PostgreSQL user name specified in startup packet\0"),
            (
                struct.pack("!II", 12, 196608) + b"user",
                b"C08P01\0Minvalid startup packet layout: expected terminator as last byte\0",
            ),
        ],
        ids=["too long", "too short", "http", "protocol 2", "nobody", "unfinished"],
    )
    def test_is_answered_and_closed(self, front: Front, sent: bytes, expected: bytes) -> None:
        assert expected in error_of(front, sent)

    def test_random_bytes(self, front: Front) -> None:
        for seed in range(20):
            error_of(front, b"\x16" + bytes((seed * 37 + i * 101) % 256 for i in range(500)))
        front.connect("app", token("app")).close()

    def test_a_password_message_that_is_none(self, front: Front) -> None:
        context = ssl.create_default_context(cafile=str(front.ca))
        context.set_alpn_protocols(["postgresql"])
        with (
            socket.create_connection(("127.0.0.1", front.port)) as bare,
            context.wrap_socket(bare, server_hostname=NAME) as wrapped,
        ):
            packet = struct.pack("!I", 196608) + b"user\0app\0\0"
            wrapped.sendall(struct.pack("!I", len(packet) + 4) + packet)
            assert wrapped.recv(9) == b"R\0\0\0\x08\0\0\0\x03"
            wrapped.sendall(b"Q\0\0\0\x05\0")
            assert b"C08P01\0Mexpected password response\0" in wrapped.recv(1000)
            assert wrapped.recv(1000) == b""

    def test_the_last_of_two_users_is_who_logs_in(self) -> None:
        body = struct.pack("!I", 196608) + b"user\0plain\0user\0app\0\0"
        assert startup(b"\0\0\0\0", body).user == "app"
        with pytest.raises(ProtocolError, match="terminator"):
            startup(b"\0\0\0\0", struct.pack("!I", 196608) + b"user\0plain\0\0user\0app\0\0")


def test_it_survives_a_restart_of_the_server(front: Front) -> None:
    secret = token("app")
    front.connect("app", secret).close()
    front.stack.server.stop()
    assert front.refused("app", secret) == "the database system is starting up"
    assert b"C57P03" in TestSqlstates().login(front, "app")
    assert front.refused(MASTER, PASSWORD) == "the database system is starting up"
    front.stack.server.start()
    front.connect("app", secret).close()
    front.connect(MASTER, PASSWORD).close()


def test_the_authentication_timeout(front: Front, tmp_path: Path) -> None:
    """A client that begins and goes no further is let go; here after half a second."""
    command = "import sys, vectordb.local.proxy as p; p._AUTHENTICATION_TIMEOUT = 0.5; sys.exit(p.main(['--config', sys.argv[1]]))"
    process = subprocess.Popen(
        [sys.executable, "-c", command, str(front.configuration)], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    )
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline().split()[1])
        with socket.create_connection(("127.0.0.1", port)) as bare:
            bare.sendall(b"\0")
            bare.settimeout(5)
            begun = time.monotonic()
            assert bare.recv(10) == b""
            assert 0.4 < time.monotonic() - begun < 2
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        process.stdout.close()


def test_a_port_that_is_taken(front: Front, tmp_path: Path) -> None:
    configuration = tmp_path / "proxy.json"
    fields = json.loads(front.configuration.read_text()) | {"port": front.port}
    configuration.write_text(json.dumps(fields))
    done = subprocess.run(
        [sys.executable, "-m", "vectordb.local.proxy", "--config", str(configuration)],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=20,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"proxy: Port {front.port} on 127.0.0.1 cannot be listened on: Address already in use. End what uses it, or choose another.\n"
    )


def test_the_configuration_is_private_and_complete(tmp_path: Path) -> None:
    path = tmp_path / "proxy.json"
    written = ProxyConfiguration("/run", 0, "c", "k", [NAME], "us-east-1", KEYS)
    written.write(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert ProxyConfiguration.read(path) == written
    assert "secret" not in repr(written)
    path.write_text('{"port": 1}')
    with pytest.raises(VectordbError, match="is no configuration of the proxy"):
        ProxyConfiguration.read(path)
