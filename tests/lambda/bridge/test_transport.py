"""Kept connections, against a server with an authority of its own; warming; credentials."""

import contextlib
import datetime as dt
import json
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import connections
import indexes
import transport
import warming
from tests.bridge_support import ARN
from vectordb.local.certificates import issue


class Server(ThreadingHTTPServer):
    """Answers each request as `script` says, and counts connections and requests."""

    daemon_threads = True

    def __init__(self, certificates=None):
        self.tls = None
        if certificates:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(certificates.certificate, certificates.key)
        super().__init__(("127.0.0.1", 0), Handler)
        self.connections = []
        self.requests = []
        self.script = []
        self.start = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.start.start()

    def get_request(self):
        connection, address = super().get_request()
        if self.tls:
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self.connections.append(connection)
        return connection, address

    def handle_error(self, request, client_address):
        """Refused handshakes and closed connections are what some tests are about."""

    def hang_up(self):
        """Close what clients keep open, as an idle timeout does."""
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        time.sleep(0.02)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, dict(self.headers), body))
        step = self.server.script.pop(0) if self.server.script else Handler.answer
        step(self)

    def answer(self, body=b'{"a": 1}', headers=()):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def hang_up_silently(self):
        self.close_connection = True

    def half(self):
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"{")
        self.close_connection = True

    def chunked(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b'3\r\n{"a\r\n2\r\n":\r\n3\r\n 1}\r\n0\r\n\r\n')

    def trickle(self):
        self.send_response(200)
        self.send_header("Content-Length", "20")
        self.end_headers()
        for _ in range(20):
            self.wfile.write(b" ")
            time.sleep(0.05)
            time.sleep(0.05)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return issue(tmp_path_factory.mktemp("ca"), ["localhost"])


@pytest.fixture
def server(certificates, monkeypatch):
    server = Server(certificates)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificates.ca))
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://localhost:{server.server_port}")
    yield server
    server.shutdown()
    server.hang_up()
    server.server_close()


def exchange(body=b"{}", *, read_timeout=5.0):
    return transport.exchange(
        "s3vectors", "us-east-1", "/QueryVectors", body, connect_timeout=5.0, read_timeout=read_timeout
    )


def test_one_connection_serves_call_after_call(server):
    server.script = [lambda handler: handler.answer(b'{"b": 2}', [("x-amzn-RequestId", "r-1")]), Handler.chunked]
    first = exchange(b'{"topK": 1}')
    assert (first.status, first.body, first.headers["x-amzn-requestid"]) == (200, b'{"b": 2}', "r-1")
    assert exchange().body == b'{"a": 1}'
    assert exchange().body == b'{"a": 1}'
    assert len(server.connections) == 1
    path, sent_headers, body = server.requests[0]
    assert (path, body) == ("/QueryVectors", b'{"topK": 1}')
    assert sent_headers["Host"] == f"localhost:{server.server_port}"
    assert sent_headers["Content-Type"] == "application/json"
    assert sent_headers["Accept-Encoding"] == "identity"
    assert "/us-east-1/s3vectors/aws4_request" in sent_headers["Authorization"]


def test_a_kept_connection_that_was_closed_is_replaced_unnoticed(server):
    exchange()
    server.hang_up()
    assert exchange().status == 200
    assert (len(server.connections), len(server.requests)) == (2, 2)


def test_a_kept_connection_that_closes_on_the_request_is_replaced_once(server):
    exchange()
    server.script = [Handler.hang_up_silently]
    assert exchange().status == 200
    assert (len(server.connections), len(server.requests)) == (2, 3)
    server.script = [Handler.hang_up_silently, Handler.hang_up_silently]
    with pytest.raises(transport.UnreachableError, match="RemoteDisconnected"):
        exchange()
    assert (len(server.connections), len(server.requests)) == (3, 5)


def test_half_an_answer_is_no_answer_and_its_connection_is_not_kept(server):
    server.script = [Handler.half]
    with pytest.raises(transport.UnreachableError, match=r"IncompleteRead|ProtocolError"):
        exchange()
    assert exchange().status == 200
    assert (len(server.connections), len(server.requests)) == (2, 2)


def test_a_silent_server_is_given_up_in_time(server):
    server.script = [lambda handler: time.sleep(0.6)]
    started = time.monotonic()
    with pytest.raises(transport.UnreachableError, match="TimeoutError"):
        exchange(read_timeout=0.2)
    assert time.monotonic() - started < 0.5
    assert len(server.requests) == 1


def test_an_answer_that_trickles_is_given_up_in_time(server):
    """Each byte comes in time; all of them do not."""
    server.script = [Handler.trickle]
    started = time.monotonic()
    with pytest.raises(transport.UnreachableError, match="TimeoutError"):
        exchange(read_timeout=0.2)
    assert time.monotonic() - started < 0.6


def test_a_connection_that_lay_too_long_is_not_used(server, monkeypatch):
    exchange()
    now = time.time()
    monkeypatch.setattr(connections.time, "time", lambda: now + connections.MAX_IDLE_SECONDS + 1)
    exchange()
    assert len(server.connections) == 2


def test_a_connection_that_the_server_ends_is_not_kept(server):
    server.script = [lambda handler: handler.answer(headers=[("Connection", "close")])]
    exchange()
    exchange()
    assert len(server.connections) == 2


def test_a_batchs_threads_each_keep_their_connection(server):
    gate = threading.Barrier(8)

    def together(handler):
        gate.wait(5)
        handler.answer()

    for _ in range(2):
        server.script = [together] * 8
        with ThreadPoolExecutor(8) as threads:
            assert {reply.status for reply in threads.map(lambda _: exchange(), range(8))} == {200}
    assert (len(server.connections), len(server.requests)) == (8, 16)


def test_a_server_of_another_authority_is_refused(server, monkeypatch):
    monkeypatch.delenv("AWS_CA_BUNDLE")
    with pytest.raises(transport.UnreachableError, match="SSL"):
        exchange()
    assert server.requests == []


def test_a_server_of_another_name_is_refused(server, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{server.server_port}")
    with pytest.raises(transport.UnreachableError, match="SSL"):
        exchange()
    assert server.requests == []


def test_the_bundle_that_comes_along_holds_the_authorities_of_aws():
    """AWS's endpoints chain to Amazon's roots (Amazon Trust Services)."""
    names = {
        dict(part for (part,) in authority["subject"]).get("commonName")
        for authority in connections.tls(None).get_ca_certs()
    }
    assert {"Amazon Root CA 1", "Amazon Root CA 3"} <= names
    assert connections.tls(None).verify_mode is ssl.CERT_REQUIRED
    assert connections.tls(None).check_hostname is True


def test_an_endpoint_of_the_local_stack_may_speak_clear_text(monkeypatch):
    server = Server()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    assert [exchange().status for _ in range(2)] == [200, 200]
    assert len(server.connections) == 1
    server.shutdown()
    server.hang_up()
    server.server_close()


@pytest.fixture
def begun(monkeypatch):
    """begun(*regions): begin as an import does, for indexes in these regions, and wait as its end does."""

    def begun(*regions):
        monkeypatch.setenv(indexes.VARIABLE, json.dumps([ARN.replace("us-east-1", region) for region in regions]))
        monkeypatch.setattr(warming, "_openings", warming._begun())
        warming.wait()

    return begun


def test_a_warm_connection_serves_the_first_call(server, begun):
    begun("us-east-1", "eu-west-1")
    assert len(server.connections) == 2
    assert exchange().status == 200
    assert len(server.connections) == 2


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9", "https://no.such.host.invalid", "nonsense", "http://[", "http://x:y"]
)
def test_warming_never_fails(address, begun, monkeypatch, capfd):
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    begun("us-east-1")
    assert capfd.readouterr().err == ""


def test_warming_does_not_wait_for_a_server_that_does_not_answer(begun, monkeypatch):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://localhost:{silent.getsockname()[1]}")
        started = time.monotonic()
        begun("us-east-1", "us-east-2", "us-west-2")
        assert time.monotonic() - started < warming.SECONDS + 0.3


def test_without_credentials_nothing_is_sent(server, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(transport.UnsignedError):
        exchange()
    assert server.requests == []


def test_credentials_come_from_the_container_after_a_restore(server, monkeypatch):
    """SnapStart takes the keys out of the environment and names an address that has them."""
    expires = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)).isoformat()
    keys = {"AccessKeyId": "ASIACONTAINER", "SecretAccessKey": "s", "Token": "container-token", "Expiration": expires}
    asked = []

    class Container(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.headers["Authorization"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(keys).encode())

        def log_message(self, *_):
            pass

    container = ThreadingHTTPServer(("127.0.0.1", 0), Container)
    threading.Thread(target=container.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    transport._container.cache_clear()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{container.server_port}/credentials")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "key")
    exchange()
    exchange()
    transport._container.cache_clear()
    container.shutdown()
    container.server_close()
    assert asked == ["key"]
    assert server.requests[0][1]["X-Amz-Security-Token"] == "container-token"
    assert "Credential=ASIACONTAINER/" in server.requests[1][1]["Authorization"]
