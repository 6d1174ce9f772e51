"""What becomes of the service's refusals, and what is logged."""

import json
import time

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, ParamValidationError, ReadTimeoutError

import handler
import service


@pytest.mark.parametrize(
    ("refusal", "retryable"),
    [
        (("ValidationException", 400), False),
        (("AccessDeniedException", 403), False),
        (("NotFoundException", 404), False),
        (("ServiceQuotaExceededException", 402), False),
        (("KmsDisabledException", 400), False),
        (("TooManyRequestsException", 429), True),
        (("RequestTimeoutException", 408), True),
        (("InternalServerException", 500), True),
        (("ServiceUnavailableException", 503), True),
        (("SomethingNew", 502), True),
        (("SomethingNew", 418), False),
    ],
)
def test_a_refusal_of_the_service_keeps_its_code_and_id(call, stub, query, refusal, retryable):
    code, status = refusal
    stub.add_client_error(
        "query_vectors", code, "the reason", http_status_code=status, response_meta={"RequestId": "service-1"}
    )
    assert call("query_vectors", query()) == {
        "code": code,
        "message": "the reason",
        "retryable": retryable,
        "request_id": "service-1",
    }


def test_a_refusal_on_a_later_page_is_never_a_short_answer(call, stub, query):
    page = {
        "vectors": [{"key": f"k{n}", "distance": 0.5} for n in range(100)],
        "distanceMetric": "cosine",
        "nextToken": "t",
    }
    stub.add_response("query_vectors", page)
    stub.add_client_error("query_vectors", "TooManyRequestsException", http_status_code=429)
    assert call("query_vectors", query(top_k=200))["code"] == "TooManyRequestsException"


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (EndpointConnectionError(endpoint_url="https://x"), ("ServiceUnreachable", "EndpointConnectionError", True)),
        (ReadTimeoutError(endpoint_url="https://x"), ("ServiceUnreachable", "ReadTimeoutError", True)),
        (NoCredentialsError(), ("ServiceCallFailed", "NoCredentialsError", False)),
        (ParamValidationError(report="value [0.125, 0.5]"), ("ServiceCallFailed", "ParamValidationError", False)),
        (RecursionError("0.125"), ("UnexpectedError", "RecursionError", False)),
    ],
)
def test_failures_before_the_service_tell_their_type_only(call, query, raised, expected):
    class Client:
        def query_vectors(self, **parameters):
            raise raised

    service._clients["us-east-1"] = Client()
    error = call("query_vectors", query())
    name = error["message"].removesuffix(")").rpartition("(")[2]
    assert (error["code"], name, error["retryable"]) == expected
    assert "0.125" not in error["message"]


def test_an_answer_without_its_parts_is_an_error(call, query):
    class Client:
        def query_vectors(self, **parameters):
            return {}

    service._clients["us-east-1"] = Client()
    assert call("query_vectors", query())["code"] == "UnexpectedError"


def test_the_whole_chain_of_waiting_fits_the_function(call, query, arn):
    """The function's 20 s (components/lambda_bridge.py) hold every attempt with its pauses."""
    config = service.client("us-east-1").meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": 3}
    assert (config.connect_timeout, config.read_timeout, config.tcp_keepalive) == (1, 4, True)
    assert 3 * (config.connect_timeout + config.read_timeout) + 3 < 20


def test_an_unreachable_service_is_an_error_in_time(call, query, monkeypatch):
    import random

    monkeypatch.setattr(random, "random", lambda: 0.0)  # botocore's pauses
    started = time.monotonic()
    error = call("query_vectors", query())  # 127.0.0.1:9 refuses connections
    assert (error["code"], error["retryable"]) == ("ServiceUnreachable", True)
    assert time.monotonic() - started < 5


def test_the_line_in_the_log_tells_the_work_and_not_the_data(event, context, stub, query, capsys):
    stub.add_response(
        "query_vectors",
        {"vectors": [{"key": "secret-key", "distance": 0.5, "metadata": {"m": "secret"}}], "distanceMetric": "cosine"},
    )
    arguments = query(query_vector=[0.15625, 0.5], metadata_filter={"f": "secret"})
    answer = handler.handle(event("query_vectors", arguments), context())
    assert answer["ok"] is True
    text = capsys.readouterr().out
    line = json.loads(text)
    assert line.pop("milliseconds") >= line.pop("service_milliseconds") >= 0
    assert line == {
        "level": "INFO",
        "message": "answered",
        "request_id": "5a1c0f3e-0000-4000-8000-000000000001",
        "operation": "query_vectors",
        "index": "stdlib",
        "vectors": 1,
        "service_calls": 1,
        "error_code": None,
        "service_request_id": None,
    }
    assert "secret" not in text
    assert "0.15625" not in text


def test_a_refusal_is_logged_with_the_service_s_id_and_without_its_text(call, stub, query, capsys):
    stub.add_client_error(
        "query_vectors",
        "ValidationException",
        "Invalid record for key 'secret'",
        response_meta={"RequestId": "service-2"},
    )
    call("query_vectors", query())
    text = capsys.readouterr().out
    line = json.loads(text)
    assert (line["level"], line["message"]) == ("WARN", "refused")
    assert (line["error_code"], line["service_request_id"]) == ("ValidationException", "service-2")
    assert "secret" not in text
