"""Documents that a preview does not know, taken from a second run with identifiers that are made up."""

import json
from types import SimpleNamespace

import pytest

from vectordb.plan import presumed
from vectordb.plan.recording import SECRET_KEY, SECRET_SIGNATURE, UNKNOWN, Recording, Registration

POLICY = '{"Statement": [{"Resource": "key/0123abcd"}]}'


def recording(inputs, custom=True):
    role = Registration("urn:role", "aws:iam/role:Role", "role", custom, "", inputs)
    return Recording("project", "dev", (role,), {})


@pytest.fixture
def presume(monkeypatch):
    def made(known, second, custom=True):
        backend = SimpleNamespace(identifiers={"key/0123abcd": "key.arn", "key/unused": "other.arn"})
        monkeypatch.setattr(presumed, "Invented", lambda _: backend)
        monkeypatch.setattr(presumed.program, "run", lambda *_: recording(second, custom))
        return presumed.presume(SimpleNamespace(region="us-east-1"), recording(known, custom))

    return made


def test_a_document_stands_in_for_what_is_unknown(presume):
    known = {"policy": UNKNOWN, "arn": UNKNOWN, "name": "role"}
    found = presume(known, {"policy": POLICY, "arn": "arn:aws:iam::1:role/made-up", "name": "role"})
    assert found.properties == {"urn:role": {"policy": POLICY}}
    assert found.identifiers == {"key/0123abcd": "key.arn"}
    assert found.completed(recording(known)).resources[0].inputs == {**known, "policy": POLICY}
    assert set(found.as_json()) == {"properties", "identifiers", "account"}


def test_a_document_within_a_property(presume):
    known = {"inlinePolicies": [{"name": UNKNOWN, "policy": UNKNOWN}]}
    found = presume(known, {"inlinePolicies": [{"name": "made-up", "policy": POLICY}]})
    assert found.properties["urn:role"] == {"inlinePolicies": [{"name": UNKNOWN, "policy": POLICY}]}


@pytest.mark.parametrize(
    ("known", "second"),
    [
        ({"policy": "{}"}, {"policy": POLICY}),
        ({"policy": UNKNOWN}, {"policy": UNKNOWN}),
        ({"policy": UNKNOWN}, {"policy": "{"}),
        ({"policy": UNKNOWN}, {"policy": "[]"}),
        ({"policy": UNKNOWN}, {"policy": {"Statement": []}}),
        ({"policy": UNKNOWN}, {}),
        ({"policies": [UNKNOWN]}, {"policies": [POLICY, POLICY]}),
        ({"policy": {SECRET_KEY: SECRET_SIGNATURE, "value": UNKNOWN}}, {"policy": {"value": POLICY}}),
    ],
)
def test_nothing_else_is_taken(presume, known, second):
    assert presume(known, second).properties == {}


def test_components_are_left_alone(presume):
    assert presume({"policy": UNKNOWN}, {"policy": POLICY}, custom=False).properties == {}


def test_a_secret_beside_a_document_is_masked(presume):
    hidden = {SECRET_KEY: SECRET_SIGNATURE, "value": "hunter2"}
    found = presume({"a": [UNKNOWN, hidden]}, {"a": [POLICY, hidden]})
    assert "hunter2" not in json.dumps(found.as_json())
