"""A request's calls: attempts, pauses, refusals, the deadline, the counters."""

import time

import pytest

import service
import transport
from protocol import BridgeError

SESSION_SECONDS = 20.0


@pytest.fixture
def session():
    return service.Session(SESSION_SECONDS)


@pytest.fixture
def pauses(monkeypatch):
    """The longest that each pause could have been; none is made."""
    bounds = []
    monkeypatch.setattr(service._random, "uniform", lambda low, high: bounds.append(high) or low)
    return bounds


def refusal(session, index, operation="QueryVectors", body=b"{}"):
    with pytest.raises(BridgeError) as caught:
        session.call(index, operation, body)
    return caught.value


def test_a_call_is_one_post_to_the_operations_path(session, index, wire):
    wire.reply("QueryVectors", b'{"vectors": [] }')
    assert session.call(index, "QueryVectors", b'{"topK":5}') == b'{"vectors": [] }'
    assert wire.requests == [("s3vectors", "us-east-1", "/QueryVectors", {"topK": 5})]
    assert wire.timeouts == [(1.0, 4.0)]


def test_a_model_is_called_by_its_encoded_id(session, wire):
    wire.reply("/model/amazon.titan-embed-text-v2%3A0/invoke", b"{}")
    assert session.embed("eu-west-1", "amazon.titan-embed-text-v2:0", b"{}") == b"{}"
    assert wire.requests[0][:2] == ("bedrock-runtime", "eu-west-1")


@pytest.mark.parametrize(
    ("code", "status", "retryable"),
    [
        ("ValidationException", 400, False),
        ("AccessDeniedException", 403, False),
        ("NotFoundException", 404, False),
        ("ConflictException", 409, False),
        ("ServiceQuotaExceededException", 402, False),
        ("KmsDisabledException", 400, False),
        ("SomethingNew", 418, False),
        ("TooManyRequestsException", 429, True),
        ("ThrottlingException", 400, True),
        ("RequestTimeoutException", 408, True),
        ("ModelTimeoutException", 408, True),
        ("ModelNotReadyException", 429, True),
        ("InternalServerException", 500, True),
        ("ServiceUnavailableException", 503, True),
        ("SomethingNew", 502, True),
    ],
)
def test_a_refusal_keeps_its_code_and_id_and_is_asked_again_when_that_may_help(
    session, index, wire, pauses, code, status, retryable
):
    for _ in range(3 if retryable else 1):
        wire.refuse("GetVectors", code, status=status)
    error = refusal(session, index, "GetVectors")
    assert (error.code, error.message, error.retryable, error.request_id) == (
        code,
        "the reason",
        retryable,
        "service-1",
    )
    assert (session.calls, session.retries, session.pages) == (1, 2 if retryable else 0, 0)


def test_pauses_double_and_are_longer_after_too_many_requests(session, index, wire, pauses):
    for code, status in [("InternalServerException", 500), ("TooManyRequestsException", 429)]:
        for _ in range(3):
            wire.refuse("QueryVectors", code, status=status)
        refusal(session, index)
    assert pauses == [0.1, 0.2, 0.4, 1.0, 2.0, 4.0]


def test_an_attempt_that_succeeds_is_the_answer(session, index, wire, pauses):
    wire.refuse("QueryVectors", "ServiceUnavailableException", status=503)
    wire.fail("QueryVectors", transport.UnreachableError("ReadTimeoutError"))
    wire.reply("QueryVectors", b"{}")
    assert session.call(index, "QueryVectors", b"{}") == b"{}"
    assert (session.calls, session.retries, session.pages) == (1, 2, 1)


def test_every_attempt_fits_what_is_left_of_the_time(index, wire, pauses):
    session = service.Session(1.2)
    wire.reply("QueryVectors", b"{}")
    session.call(index, "QueryVectors", b"{}")
    ((connecting, reading),) = wire.timeouts
    assert 0.5 < reading <= 1.0
    assert connecting == pytest.approx(reading)


def test_without_time_nothing_is_asked(index, wire):
    error = refusal(service.Session(0.1), index)
    assert (error.code, error.retryable, wire.requests) == ("DeadlineExceeded", True, [])


def test_an_attempt_that_the_deadline_cut_short_says_so(index, monkeypatch):
    def late(*_, read_timeout, **__):
        time.sleep(read_timeout)
        raise transport.UnreachableError("TimeoutError")

    monkeypatch.setattr(transport, "exchange", late)
    error = refusal(service.Session(service.RESERVE_SECONDS + 0.05), index)
    assert (error.code, error.retryable) == ("DeadlineExceeded", True)


def test_a_pause_that_does_not_fit_gives_the_reason_at_once(index, wire, monkeypatch):
    monkeypatch.setattr(service._random, "uniform", lambda low, high: high)
    wire.refuse("QueryVectors", "TooManyRequestsException", status=429)
    session = service.Session(0.9)
    started = time.monotonic()
    assert refusal(session, index).code == "TooManyRequestsException"
    assert time.monotonic() - started < 0.5
    assert session.retries == 0


def test_the_whole_chain_of_waiting_fits_the_function():
    """The function's 20 s (components/lambda_bridge.py) hold every attempt with its pauses."""
    pauses = sum(service.THROTTLED_PAUSE_SECONDS * 2**attempt for attempt in range(service.ATTEMPTS - 1))
    assert service.ATTEMPTS * (service.CONNECT_SECONDS + service.READ_SECONDS) + pauses <= 18


@pytest.mark.parametrize(
    ("failure", "code", "message", "retryable"),
    [
        (
            transport.UnreachableError("ReadTimeoutError"),
            "ServiceUnreachable",
            "Amazon S3 Vectors could not be reached (ReadTimeoutError)",
            True,
        ),
        (
            transport.UnsignedError("secret"),
            "ServiceCallFailed",
            "the function has no credentials to call Amazon S3 Vectors with",
            False,
        ),
    ],
)
def test_failures_before_an_answer_are_told_without_data(
    session, index, wire, pauses, failure, code, message, retryable
):
    for _ in range(3 if retryable else 1):
        wire.fail("QueryVectors", failure)
    error = refusal(session, index)
    assert (error.code, error.message, error.retryable, error.request_id) == (code, message, retryable, None)


def test_a_refused_connection_is_an_error_in_time(session, index, pauses):
    started = time.monotonic()
    error = refusal(session, index)  # 127.0.0.1:9 refuses connections
    assert (error.code, error.message) == (
        "ServiceUnreachable",
        "Amazon S3 Vectors could not be reached (NewConnectionError)",
    )
    assert time.monotonic() - started < 2
    assert session.retries == 2


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({"x-amzn-errortype": "NotFoundException:http://internal.amazon.com/x"}, b"{}", "NotFoundException"),
        ({"x-amzn-errortype": "com.amazonaws.s3vectors#NotFoundException"}, b"", "NotFoundException"),
        ({}, b'{"__type": "com.amazonaws#NotFoundException", "message": "m"}', "NotFoundException"),
        ({}, b'{"code": "NotFoundException"}', "NotFoundException"),
        ({}, b'{"message": "m"}', "ServiceCallFailed"),
        ({}, b"<html>404</html>", "ServiceCallFailed"),
        ({}, b'{"__type": "x y; DROP", "code": 7}', "ServiceCallFailed"),
        ({}, b"[]", "ServiceCallFailed"),
        ({}, b"", "ServiceCallFailed"),
        ({}, b"[" * 100_000, "ServiceCallFailed"),
    ],
)
def test_the_code_is_in_the_header_or_in_the_body(session, index, wire, headers, body, code):
    wire.reply("GetIndex", body, status=404, headers=headers)
    error = refusal(session, index, "GetIndex")
    assert (error.code, error.request_id) == (code, "service-1")
    if code == "ServiceCallFailed":
        assert error.message == "Amazon S3 Vectors answered with HTTP status 404 and no error of its own"


@pytest.mark.parametrize("status", [301, 204, 429, 503])
def test_a_page_of_something_else_is_never_an_answer(session, index, wire, pauses, status):
    for _ in range(3 if status > 400 else 1):
        wire.reply("QueryVectors", b"<html>", status=status)
    error = refusal(session, index)
    assert (error.code, error.retryable) == ("ServiceCallFailed", status > 400)


def test_a_message_names_the_fields_and_not_what_is_in_them(session, index, wire):
    wire.refuse(
        "PutVectors",
        "ValidationException",
        "Two members are invalid",
        fieldList=[
            {"path": "vectors.0.metadata", "message": "secret"},
            {"path": "vectors.0.metadata"},
            {"path": "a'b; --"},
            {"path": 7},
            "x",
            {"path": "topK"},
        ],
    )
    assert refusal(session, index, "PutVectors").message == "Two members are invalid (at vectors.0.metadata, topK)"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"vectors": [',
        b"<html>",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"distance": NaN}',
        b'{"distance": -Infinity}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_json_object_is_a_contradiction(body):
    with pytest.raises(BridgeError) as caught:
        service.parsed(body)
    assert (caught.value.code, caught.value.message, caught.value.retryable) == (
        "ServiceContradiction",
        "Amazon S3 Vectors answered with something that is no JSON object",
        True,
    )


@pytest.mark.parametrize("half", [b"\\ud800", b"\\uDFFF", b"x\\uD83d y"])
def test_half_a_character_is_no_answer(half):
    """Lambda's runtime sends UTF-8 and ends at anything else."""
    with pytest.raises(BridgeError) as caught:
        service.parsed(b'{"key": "%s"}' % half)
    assert caught.value.code == "ServiceContradiction"
    assert service.parsed(b'{"key": "\\ud83d\\ude00"}') == {"key": "😀"}


def test_half_a_character_in_a_refusal_is_replaced(session, index, wire):
    wire.refuse("QueryVectors", "ValidationException", "no \ud800 here")
    assert refusal(session, index).message == "no ? here"


def test_a_part_that_is_missing_is_a_contradiction():
    assert service.part({"vectors": []}, "vectors", list) == []
    for document in ({}, {"vectors": None}, {"vectors": {}}):
        with pytest.raises(
            BridgeError, match="ServiceContradiction: Amazon S3 Vectors answered without a usable vectors"
        ):
            service.part(document, "vectors", list)


def test_only_pages_are_counted_as_pages(session, index, wire):
    for operation in ("QueryVectors", "ListVectors", "ListIndexes", "GetVectors", "PutVectors", "GetIndex"):
        wire.reply(operation, b"{}")
        session.call(index, operation, b"{}")
    session.hit()
    assert (session.calls, session.pages, session.retries, session.cache_hits) == (6, 3, 0, 1)
    assert 0 < session.seconds < 1


def test_counters_hold_with_many_threads(index, wire):
    from concurrent.futures import ThreadPoolExecutor

    session = service.Session(SESSION_SECONDS)
    for _ in range(200):
        wire.reply("QueryVectors", b"{}")
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: session.call(index, "QueryVectors", b"{}"), range(200)))
    assert (session.calls, session.pages) == (200, 200)


def test_has_time_wants_twice_the_slowest_call(index, wire, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(service.time, "monotonic", lambda: clock[0])
    session = service.Session(10.2)
    assert session.remaining() == pytest.approx(10)

    def slow(_):
        clock[0] += 3
        return {}

    wire.reply("QueryVectors", slow)
    session.call(index, "QueryVectors", b"{}")
    assert session.has_time() is True  # 7 s left
    clock[0] += 1.5
    assert session.has_time() is False  # 5.5 s
