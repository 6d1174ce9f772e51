"""Ways to break a link of a running stack, each mended at the end of its block."""

import contextlib
import http.client
import json
import socket
import struct
import threading


@contextlib.contextmanager
def unapplied(master, label):
    """A database that has had another text under a file's name."""
    kind, _, name = label.partition("/")
    where = "WHERE kind = %s AND name = %s"
    (before,) = master.execute(f"SELECT checksum FROM vectordb.migrations {where}", [kind, name]).fetchone()
    master.execute(f"UPDATE vectordb.migrations SET checksum = 'another' {where}", [kind, name])
    try:
        yield
    finally:
        master.execute(f"UPDATE vectordb.migrations SET checksum = %s {where}", [before, kind, name])


def order(stack, method, **fault):
    """Tell the emulator to fail (POST), or to fail no more (DELETE)."""
    connection = http.client.HTTPConnection(stack.running.emulator.removeprefix("http://"), timeout=10)
    with contextlib.closing(connection):
        connection.request(method, "/_vectordb/faults", json.dumps({"times": 100, **fault}))
        assert connection.getresponse().status == 200


@contextlib.contextmanager
def faults(stack, **fault):
    order(stack, "POST", **fault)
    try:
        yield
    finally:
        order(stack, "DELETE")


@contextlib.contextmanager
def letting_clear_text_in(port):
    """A server that passes TLS on to the one at `port`, and begins a login for whoever asks for none."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source, sink):
        with contextlib.suppress(OSError):
            while block := source.recv(65536):
                sink.sendall(block)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def attend(client):
        with client:
            first = client.recv(8, socket.MSG_WAITALL)
            if first != struct.pack("!II", 8, 80877103):
                client.sendall(b"R" + struct.pack("!II", 8, 0))
                return
            with socket.create_connection(("127.0.0.1", port)) as server:
                server.sendall(first)
                upwards = threading.Thread(target=pump, args=(client, server), daemon=True)
                upwards.start()
                pump(server, client)
                upwards.join(5)

    def serve():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=attend, args=(client,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
