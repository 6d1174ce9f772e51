"""Forced TLS by behaviour: servers that refuse, begin a login, hang up, or say something else."""

import socket
import struct
import threading

import pytest

from tests.vectordb.doctor.subjects import HOST
from vectordb.doctor.checks import encryption
from vectordb.doctor.findings import SkippedError
from vectordb.errors import VectordbError


def error(sqlstate, message):
    fields = f"SFATAL\0VFATAL\0C{sqlstate}\0M{message}\0\0".encode()
    return b"E" + struct.pack("!I", len(fields) + 4) + fields


REFUSAL = 'no pg_hba.conf entry for host "10.0.0.1", user "vectordb_app", database "vectordb", no encryption'


class Server:
    """Offers TLS, and answers a start in clear text with given bytes; keeps what clients sent."""

    def __init__(self, in_clear, offer=b"S"):
        self.in_clear, self.offer = in_clear, offer
        self.received = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                said = connection.recv(4096)
                self.received.append(said)
                connection.sendall(self.offer if said[4:8] == struct.pack("!I", 80877103) else self.in_clear)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def serve():
    made = []

    def start(*arguments, **named):
        made.append(Server(*arguments, **named))
        return made[-1]

    yield start
    for server in made:
        server.close()


def looked(make_context, server, look=encryption.forced_tls, **more):
    return look(make_context(hostaddr="127.0.0.1", hostaddr_port=server.port, **more))


def test_a_refusal_of_clear_text_is_what_is_wanted(make_context, serve):
    server = serve(error("28000", REFUSAL))
    found = looked(make_context, server)
    assert (found.state.value, found.detail) == ("ok", f"clear text is refused: {REFUSAL}")
    # The everyday login's name and the database's, and no password.
    assert server.received[1][8:] == b"user\0vectordb_app\0database\0vectordb\0\0"


def test_hanging_up_is_a_refusal(make_context, serve):
    found = looked(make_context, serve(b""))
    assert (found.state.value, found.detail) == ("ok", "clear text is refused: the server hangs up")


def test_a_login_that_begins_in_clear_text_fails(make_context, serve):
    found = looked(make_context, serve(b"R" + struct.pack("!II", 8, 3)))
    assert (found.state.value, found.detail) == ("failed", f"{HOST} begins a login in clear text")
    assert found.remedy.startswith("Set rds.force_ssl to 1")


def test_another_refusal_proves_nothing(make_context, serve):
    found = looked(make_context, serve(error("53300", "sorry, too many clients already")))
    assert (found.state.value, found.detail) == (
        "warning",
        "clear text was refused for another reason: 53300 sorry, too many clients already",
    )


def test_a_server_without_tls_has_no_chain(make_context, serve, tmp_path):
    roots = tmp_path / "roots.pem"
    roots.write_text("")
    found = looked(make_context, serve(b"", offer=b"N"), encryption.tls_chain, ca_bundle=roots)
    assert (found.state.value, found.detail) == ("failed", f"{HOST} offers no TLS")


def test_nobody_there_is_told_once(make_context, serve):
    server = serve(b"")
    server.listener.close()
    server.listener = socket.socket()
    server.close = lambda: None
    with pytest.raises(VectordbError, match=f"{HOST} does not answer"):
        looked(make_context, server, encryption.tls_chain)
    with pytest.raises(SkippedError, match="tls-chain"):
        looked(make_context, server, outcomes={"tls-chain": "failed"})
    server.listener.close()


def test_a_region_without_roots_says_where_to_get_them(make_context, serve):
    with pytest.raises(VectordbError, match="holds no root of Amazon RDS for mars-north-1"):
        looked(make_context, serve(b""), encryption.tls_chain, region="mars-north-1")


@pytest.mark.parametrize("look", [encryption.tls_chain, encryption.forced_tls])
@pytest.mark.parametrize(("changes", "missing"), [({}, "tunnel"), ({"transport": "direct"}, "dns")])
def test_without_a_way_there_is_no_wire(make_context, look, changes, missing):
    with pytest.raises(SkippedError) as error:
        look(make_context(outcomes={missing: "failed"}, **changes))
    assert error.value.needs == missing
