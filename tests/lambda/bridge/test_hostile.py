"""Thousands of events that no SQL function would send: never an exception, never a leak, never a call that was not asked."""

import contextlib
import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import handler
import service

MARK = 0.6180339887498949  # recognisable in any text
ARN = "arn:aws:s3vectors:us-east-1:123456789012:bucket/vectordb-dev/index/stdlib"

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**400),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["\ud800", "\x00", ARN, "query_vectors", "1", "../../etc/passwd", "'; DROP TABLE x; --"]),
)
json_like = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
NAMES = [
    "index_arn",
    "query_vector",
    "top_k",
    "return_metadata",
    "metadata_filter",
    "next_token",
    "received",
    "keys",
    "return_data",
    "max_results",
]
near_arguments = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(NAMES, json_like),
        "index_arn": st.just(ARN) | json_like,
        "query_vector": st.lists(st.just(MARK) | scalars, max_size=4),
        "keys": st.lists(st.text(max_size=4), max_size=4),
        "return_data": st.booleans(),
        "return_metadata": st.booleans(),
        "top_k": st.integers(-1, 200),
        "received": st.integers(-1, 20),
        "max_results": st.integers(-1, 1100),
    },
)
events = st.one_of(
    json_like,
    st.fixed_dictionaries(
        {
            "v": st.just(1) | scalars,
            "operation": st.sampled_from([*handler.OPERATIONS]) | json_like,
            "nonce": st.just("n") | json_like,
            "timeout_ms": st.integers(1, 30_000) | scalars,
            "arguments": near_arguments | json_like,
        },
        optional={"extra": json_like},
    ),
)


class Service:
    """Answers within its rules, and checks that nothing invalid reaches it."""

    def query_vectors(self, **parameters):
        assert parameters["indexArn"] == ARN
        assert all(abs(value) <= 3.5e38 for value in parameters["queryVector"]["float32"])
        json.dumps(parameters).encode()
        return {"vectors": [{"key": "k", "distance": 0.5, "metadata": {"m": "private"}}], "distanceMetric": "cosine"}

    def get_vectors(self, **parameters):
        assert all(key.encode() for key in parameters["keys"])
        return {"vectors": [{"key": key, "data": {"float32": [MARK]}} for key in parameters["keys"][:1]]}

    def list_vectors(self, **parameters):
        assert 1 <= parameters["maxResults"] <= 1000
        return {"vectors": [{"key": "k", "data": {"float32": [MARK]}}]}


@pytest.fixture(autouse=True)
def scripted(environment):
    service._clients["us-east-1"] = Service()


@settings(
    max_examples=2000,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(event=events)
def test_any_event_gets_an_answer_and_leaks_nothing(event):
    log = io.StringIO()
    with contextlib.redirect_stdout(log):
        answer = handler.handle(event, None)
    assert set(answer) in (
        {"v", "operation", "nonce", "request_id", "ok", "result"},
        {"v", "operation", "nonce", "request_id", "ok", "error"},
    )
    json.dumps(answer, allow_nan=False).encode()
    assert log.getvalue().count("\n") == 1
    line = json.loads(log.getvalue())
    assert str(MARK) not in log.getvalue()
    assert "private" not in log.getvalue()
    if not answer["ok"]:
        assert answer["error"]["code"] in {
            "InvalidRequest",
            "UnsupportedProtocol",
            "IndexNotAllowed",
            "DeadlineExceeded",
        }, (answer, line)
        assert str(MARK) not in json.dumps(answer)


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(values=st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=16))
def test_every_float32_vector_is_accepted(values):
    arguments = {
        "index_arn": ARN,
        "query_vector": values,
        "top_k": 1,
        "return_metadata": True,
        "metadata_filter": None,
        "next_token": None,
        "received": 0,
    }
    event = {"v": 1, "operation": "query_vectors", "nonce": "n", "timeout_ms": 30_000, "arguments": arguments}
    with contextlib.redirect_stdout(io.StringIO()):
        assert handler.handle(event, None)["ok"] is True
