"""Replies of every kind, time, and the connections that aws_lambda.invoke keeps."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg import errors

from .conftest import LambdaDouble, Request, Stack, http, invoke, network, refused

BROKEN = {
    "closed at once": (b"", "curlCode: 52, Server returned nothing (no headers, no data)"),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n", "curlCode: 8, Weird server reply"),
    "HTTP of another kind": (b"HTTP/x.y OK\r\n\r\n", "curlCode: 8, Weird server reply"),
    "a status that is none": (b"HTTP/1.1 OK\r\nContent-Length: 2\r\n\r\n{}", "curlCode: 8, Weird server reply"),
    "a body cut short": (b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"a":1}', "curlCode: 18, Transferred a partial file"),
    "a body of no length": (b"HTTP/1.1 200 OK\r\n\r\n{}", "curlCode: 8, Weird server reply"),
    "an empty body": (http("200 OK", b""), "curlCode: 52, Server returned nothing (no headers, no data)"),
    "over a gigabyte": (b"HTTP/1.1 200 OK\r\nContent-Length: 1500000000\r\n\r\n{}", "curlCode: 63, Maximum file size exceeded"),
    "over six megabytes": (b"HTTP/1.1 200 OK\r\nContent-Length: 6291557\r\n\r\n{}", "curlCode: 63, Maximum file size exceeded"),
    "bytes that are no text": (http("200 OK", b'"\xff\xfe"'), "Response is not valid UTF-8"),
    "a zero byte": (http("200 OK", b'"a\0b"'), "Response is not valid UTF-8"),
    "chunks cut short": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1,2]\r\n8\r\n123", "curlCode: 18, Transferred a partial file",
    ),
    "a gigabyte in chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"600000\r\n" + b"x" * 0x600000 + b"\r\n5000000000\r\n" + b"x" * 200,
        "curlCode: 63, Maximum file size exceeded",
    ),
}  # fmt: skip


class TestBrokenReplies:
    @pytest.mark.parametrize("reply", BROKEN)
    def test_never_an_empty_result(self, stack: Stack, reply: str) -> None:
        sent, said = BROKEN[reply]

        def behave(_: LambdaDouble, connection: socket.socket, __: Request) -> None:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_RDWR)

        stack.service.on("broken", behave)
        assert refused(stack, "broken", errors.ConnectionFailure) == network(said)
        assert invoke(stack, "echo", 1)[1] == 1

    def test_a_payload_that_is_not_json(self, stack: Stack) -> None:
        stack.service.on("words", http("200 OK", b"hello"))
        with pytest.raises(errors.InvalidTextRepresentation):
            invoke(stack, "words")

    def test_chunks_are_joined(self, stack: Stack) -> None:
        body = b"3\r\n[1,\r\n4;ext=1\r\n2,3]\r\n0\r\nTrailer: x\r\n\r\n"
        stack.service.on("chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
        assert invoke(stack, "chunks")[1] == [1, 2, 3]

    def test_an_interim_reply_is_passed_over(self, stack: Stack) -> None:
        stack.service.on("interim", b"HTTP/1.1 100 Continue\r\n\r\n" + http("200 OK", b"[7]"))
        assert invoke(stack, "interim")[1] == [7]

    def test_a_reply_in_single_bytes(self, stack: Stack) -> None:
        def behave(_: LambdaDouble, connection: socket.socket, __: Request) -> None:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in http("200 OK", b'{"a": 1}'):
                connection.sendall(bytes([byte]))

        stack.service.on("drops", behave)
        assert invoke(stack, "drops")[1] == {"a": 1}


class TestTime:
    @staticmethod
    def slow(_: LambdaDouble, connection: socket.socket, __: Request) -> None:
        time.sleep(1.0)
        connection.sendall(http("200 OK", b"[1]"))

    def test_a_statement_timeout_interrupts(self, stack: Stack) -> None:
        stack.service.on("slow", self.slow)
        with stack.connect() as connection:
            connection.execute("SET statement_timeout = '200ms'")
            begun = time.monotonic()
            with pytest.raises(errors.QueryCanceled):
                connection.execute("SELECT * FROM aws_lambda.invoke('slow', '{}'::json)")
            assert 0.19 < time.monotonic() - begun < 0.45
            # The late reply is not taken for the answer to the next call.
            row = connection.execute("SELECT payload FROM aws_lambda.invoke('echo', '\"next\"'::json)").fetchone()
            assert row == ("next",)

    def test_the_request_timeout_holds_whatever_drips(self, stack: Stack) -> None:
        def drip(_: LambdaDouble, connection: socket.socket, __: Request) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
            for _round in range(20):
                time.sleep(0.05)
                connection.sendall(b"1")

        stack.service.on("drip", drip)
        with stack.connect() as connection:
            connection.execute("SET aws_lambda.request_timeout_ms = 250")
            begun = time.monotonic()
            with pytest.raises(errors.ConnectionFailure) as raised:
                connection.execute("SELECT * FROM aws_lambda.invoke('drip', '{}'::json)")
            assert 0.24 < time.monotonic() - begun < 0.5
        assert raised.value.diag.message_detail == "AWS Lambda client returned 'curlCode: 28, Timeout was reached'."

    def test_the_timeouts_begin_as_on_aws(self, stack: Stack) -> None:
        rows = stack.execute(
            "SELECT current_setting('aws_lambda.connect_timeout_ms'), current_setting('aws_lambda.request_timeout_ms')"
        )
        assert rows == [("1000", "3000")]

    @pytest.mark.parametrize("value", [0, 900001])
    def test_the_range_of_the_timeouts(self, stack: Stack, value: int) -> None:
        query = (
            f"SELECT set_config('aws_lambda.request_timeout_ms', '{value}', false);"
            " SELECT * FROM aws_lambda.invoke('echo', '{}'::json)"
        )
        with pytest.raises(errors.InvalidParameterValue) as raised:
            stack.execute(query)
        assert raised.value.diag.message_primary == (
            f'{value} is outside the valid range for parameter "aws_lambda.request_timeout_ms" (1 .. 900000)'
        )

    def test_many_sessions_at_once(self, stack: Stack) -> None:
        def half(_: LambdaDouble, connection: socket.socket, __: Request) -> None:
            time.sleep(0.3)
            connection.sendall(http("200 OK", b"[1]"))

        stack.service.on("half", half)
        begun = time.monotonic()
        with ThreadPoolExecutor(12) as sessions:
            rows = list(
                sessions.map(
                    lambda _: stack.execute("SELECT payload FROM aws_lambda.invoke('half', '{}'::json)"), range(12)
                )
            )
        assert rows == [[([1],)]] * 12
        assert time.monotonic() - begun < 1.5


class TestConnections:
    @pytest.fixture(autouse=True)
    def _c_only(self, stack: Stack) -> None:
        if stack.server.transport != "c":
            pytest.skip("the spool's worker opens a connection for each request")

    def test_one_connection_serves_a_session(self, stack: Stack) -> None:
        with stack.connect() as connection:
            for _ in range(3):
                connection.execute("SELECT * FROM aws_lambda.invoke('echo', '{}'::json)")
        assert len({request.connection for request in stack.service.requests[-3:]}) == 1

    def test_a_server_that_says_close_is_believed(self, stack: Stack) -> None:
        stack.service.on("last", http("200 OK", b"[1]", "Connection: close"))
        with stack.connect() as connection:
            for _ in range(2):
                connection.execute("SELECT * FROM aws_lambda.invoke('last', '{}'::json)")
        first, second = stack.service.requests[-2:]
        assert first.connection != second.connection

    def test_a_connection_closed_meanwhile_is_replaced(self, stack: Stack) -> None:
        with stack.connect() as connection:
            connection.execute("SELECT * FROM aws_lambda.invoke('echo', '{}'::json)")
            stack.service.close_connections()
            row = connection.execute("SELECT status_code FROM aws_lambda.invoke('echo', '{}'::json)").fetchone()
        assert row == (200,)

    def test_a_reused_connection_that_dies_unanswered_is_tried_once_more(self, stack: Stack) -> None:
        def vanish(_: LambdaDouble, connection: socket.socket, __: Request) -> None:
            connection.shutdown(socket.SHUT_RDWR)

        stack.service.on("vanish", vanish)
        with stack.connect() as connection:
            connection.execute("SELECT * FROM aws_lambda.invoke('echo', '{}'::json)")
            before = len(stack.service.requests)
            with pytest.raises(errors.ConnectionFailure):
                connection.execute("SELECT * FROM aws_lambda.invoke('vanish', '{}'::json)")
            assert len(stack.service.requests) == before + 2
            with pytest.raises(errors.ConnectionFailure):
                connection.execute("SELECT * FROM aws_lambda.invoke('vanish', '{}'::json)")
            assert len(stack.service.requests) == before + 3

    def test_what_was_answered_in_part_is_not_sent_again(self, stack: Stack) -> None:
        def half(_: LambdaDouble, connection: socket.socket, __: Request) -> None:
            connection.sendall(b"HTTP/1.1 2")
            connection.shutdown(socket.SHUT_RDWR)

        stack.service.on("halfway", half)
        with stack.connect() as connection:
            connection.execute("SELECT * FROM aws_lambda.invoke('echo', '{}'::json)")
            before = len(stack.service.requests)
            with pytest.raises(errors.ConnectionFailure):
                connection.execute("SELECT * FROM aws_lambda.invoke('halfway', '{}'::json)")
        assert len(stack.service.requests) == before + 1

    def test_bytes_that_nobody_asked_for_are_no_answer(self, stack: Stack) -> None:
        stack.service.on("two", http("200 OK", b"[1]") + http("200 OK", b'["stale"]'))
        with stack.connect() as connection:
            connection.execute("SELECT * FROM aws_lambda.invoke('two', '{}'::json)")
            time.sleep(0.02)
            row = connection.execute("SELECT payload FROM aws_lambda.invoke('echo', '[2]'::json)").fetchone()
        assert row == ([2],)
