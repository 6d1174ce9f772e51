"""Every property of the provider that holds a policy document is one of the places, and every place is the provider's."""

import re
from pathlib import Path

import pulumi_aws
import pytest

from isolation.access.grants import GRANTS
from isolation.access.places import IDENTITY_POLICIES, RESOURCE_POLICIES, places
from isolation.rule import Resource
from tests.policy.support import UNKNOWN

DOCUMENTS = {
    "policy", "policy_document", "resource_policy", "access_policy", "access_policies", "assume_role_policy",
    "inline_policy", "repository_policy", "delivery_destination_policy", "session_policy",
}  # fmt: skip
# Of another grammar, or the name of a policy.
OTHERS = {
    "acmpca/permission", "cloudwatch/logAccountPolicy", "cloudwatch/logDataProtectionPolicy", "cloudwatch/logIndexPolicy",
    "ecr/lifecyclePolicy", "iot/policyAttachment", "lambda/layerVersionPermission", "networkmanager/coreNetworkPolicyAttachment",
    "opensearch/serverlessAccessPolicy", "opensearch/serverlessLifecyclePolicy", "opensearch/serverlessSecurityPolicy",
    "ses/receiptFilter", "sns/dataProtectionPolicy", "verifiedaccess/endpoint",
    "verifiedaccess/group",
}  # fmt: skip
# Objects and lists that have the document within.
WITHIN = {"inline_policies", "details"}


@pytest.fixture(scope="module")
def provider():
    """Type token → the names of its inputs that hold text, or a document as text."""
    found = {}
    for file in Path(pulumi_aws.__path__[0]).rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        token = re.search(r"super\(\w+, __self__\)\.__init__\(\s*'(aws:[^']+)'", text)
        if token:
            inputs = re.findall(r"def (\w+)\(self, value: pulumi\.Input\[([^\n]+)\]\)", text)
            found[token[1]] = {name for name, kind in inputs if "_builtins.str" in kind}
    return found


def path(token):
    return token.split(":")[1]


def test_no_document_is_overlooked(provider):
    holding = {token for token, names in provider.items() if names & DOCUMENTS}
    known = {token for token in holding if places_of(token)}
    assert {path(token) for token in holding - known} == OTHERS


def places_of(token):
    class Everything(dict):
        def __missing__(self, key):
            return [{"policy": UNKNOWN}] if key == "inlinePolicies" else UNKNOWN

    return list(places(Resource(token, "thing", "urn:thing", Everything())))


def test_every_place_is_the_provider_s(provider):
    for token in RESOURCE_POLICIES | IDENTITY_POLICIES | GRANTS:
        assert token in provider, token
        for place in places_of(token):
            [name] = re.findall(r"^\w+", place.document.path)
            snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
            assert snake in provider[token] or snake in WITHIN, (token, place.document.path)
