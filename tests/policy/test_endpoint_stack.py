"""Endpoints and the policies and groups that are attached to them; private APIs and theirs."""

from typing import Any

import pytest

from isolation.rule import Resource
from tests.policy.cases.case import policy
from tests.policy.stages import Stage, hidden, judged, stage
from tests.policy.support import UNKNOWN

__all__ = ["stage"]

POLICY = "endpoint-has-policy"
ABSENT = "is absent, and no policy is attached"
DOCUMENT = policy({"Effect": "Allow", "Principal": "*", "Action": "ssm:UpdateInstanceInformation", "Resource": "*"})


def endpoints(stage: Stage, *names: str, **properties: Any) -> list[Resource]:
    return [stage.make("ec2/vpcEndpoint", name, {"vpcEndpointType": "Interface"} | properties) for name in names]


def attached(stage: Stage, name: str, *to: Resource, document: Any = DOCUMENT) -> Resource:
    """A policy of an endpoint; at preview it may depend on several, of which it gets one."""
    if stage.is_update:
        return stage.make("ec2/vpcEndpointPolicy", name, {"policy": document}, vpcEndpointId=to[0])
    return stage.make("ec2/vpcEndpointPolicy", name, {"policy": document}, vpcEndpointId=list(to))


def test_an_endpoint_has_a_policy_of_its_own_or_one_attached(stage: Stage) -> None:
    [ssm, messages] = endpoints(stage, "ssm", "messages")
    [inline] = endpoints(stage, "inline", policy=DOCUMENT)
    [unknown] = endpoints(stage, "unknown", policy=UNKNOWN)
    [firewall] = endpoints(stage, "firewall", vpcEndpointType="GatewayLoadBalancer")
    good = [ssm, messages, inline, unknown, firewall, attached(stage, "a", ssm), attached(stage, "b", messages)]
    assert judged(POLICY, good) == []
    assert judged(POLICY, hidden(good)) == []
    assert judged(POLICY, good[:-1]) == [("messages", "policy", ABSENT)]
    assert judged(POLICY, hidden(good[:-1])) == [("messages", "policy", ABSENT)]


def test_a_gateway_endpoint_is_the_provider_s_default(stage: Stage) -> None:
    s3 = stage.make("ec2/vpcEndpoint", "s3")
    assert judged(POLICY, [s3]) == [("s3", "policy", ABSENT)]
    assert judged(POLICY, [s3, attached(stage, "s3", s3)]) == []


def test_a_policy_without_a_document_restores_the_open_one(stage: Stage) -> None:
    [ssm] = endpoints(stage, "ssm")
    assert judged(POLICY, [ssm, attached(stage, "ssm", ssm, document="")]) == [("ssm", "policy", ABSENT)]
    assert judged(POLICY, [ssm, attached(stage, "ssm", ssm, document=UNKNOWN)]) == []


def test_policies_that_depend_on_all_endpoints_go_to_one_each() -> None:
    stage = Stage("preview")
    several = endpoints(stage, "s3", "ssm", "messages")
    policies = [attached(stage, each.name, *several) for each in several]
    assert judged(POLICY, [*several, *policies]) == []
    assert len(judged(POLICY, [*several, *policies[:2]])) == 1
    # The one that depends on one endpoint only leaves the others to the rest.
    assert judged(POLICY, [*several, *policies[:2], attached(stage, "certain", several[0])]) == []


def test_many_endpoints_with_policies_that_depend_on_all_of_them() -> None:
    stage = Stage("preview")
    several = endpoints(stage, *(f"e{n}" for n in range(60)))
    policies = [attached(stage, f"p{n}", *several) for n in range(59)]
    assert len(judged(POLICY, [*several, *policies])) == 1
    # In a chain each has to make room for the next: p0 takes e0 or e1, p1 takes e1 or e2, and the last only e0.
    chain = [attached(stage, f"c{n}", several[n], several[n + 1]) for n in range(59)]
    assert judged(POLICY, [*several, *chain, attached(stage, "last", several[0])]) == []


def test_a_policy_of_which_the_endpoint_is_unknown_excuses_one() -> None:
    stage = Stage("preview")
    several = endpoints(stage, "ssm", "messages")
    somebodys = [stage.make("ec2/vpcEndpointPolicy", f"p{n}", {"vpcEndpointId": UNKNOWN, "policy": DOCUMENT}) for n in (1, 2)]  # fmt: skip
    assert judged(POLICY, [*several, *somebodys]) == []
    assert len(judged(POLICY, [*several, somebodys[0]])) == 1
    elsewhere = stage.make("ec2/vpcEndpointPolicy", "p", {"vpcEndpointId": "vpce-1", "policy": DOCUMENT})
    assert len(judged(POLICY, [*several, elsewhere])) == 2


GROUP = "endpoint-has-security-group"
DEFAULT = "is empty or absent, so that the VPC's default security group applies"


def test_an_interface_endpoint_has_a_group(stage: Stage) -> None:
    group = stage.make("ec2/securityGroup", "group")
    good = [
        stage.make("ec2/vpcEndpoint", "one", {"vpcEndpointType": "Interface"}, securityGroupIds=[group]),
        *endpoints(stage, "unknown", securityGroupIds=UNKNOWN),
        *endpoints(stage, "gateway", vpcEndpointType="Gateway"),
    ]
    assert judged(GROUP, good) == []
    assert judged(GROUP, hidden(good)) == []
    bad = [*endpoints(stage, "absent"), *endpoints(stage, "empty", securityGroupIds=[])]
    expected = [("absent", "securityGroupIds", DEFAULT), ("empty", "securityGroupIds", DEFAULT)]
    assert judged(GROUP, [*good, *bad]) == expected
    assert judged(GROUP, hidden([*bad, *good])) == expected


@pytest.mark.parametrize("replaces", [True, False, None, UNKNOWN])
def test_a_group_that_is_associated_has_to_replace_the_default_one(replaces: Any, stage: Stage) -> None:
    [endpoint] = endpoints(stage, "one")
    association = stage.make(
        "ec2/securityGroupAssociation", "one", {"replaceDefaultAssociation": replaces}, vpcEndpointId=endpoint
    )
    found = judged(GROUP, [endpoint, association])
    assert found == ([] if replaces is True else [("one", "securityGroupIds", DEFAULT)])


API = "private-api-has-policy"
PRIVATE = {"endpointConfiguration": {"types": "PRIVATE"}}
INVOKE = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*"}
FROM_VPC = INVOKE | {"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-0123456789abcdef0"}}}
OPEN = "lets everybody in, from whatever VPC"


def test_a_private_api_names_its_vpc(stage: Stage) -> None:
    public = stage.make("apigateway/restApi", "public")
    bare = stage.make("apigateway/restApi", "bare", PRIVATE)
    inline = stage.make("apigateway/restApi", "inline", PRIVATE | {"policy": policy(INVOKE)})
    good = stage.make("apigateway/restApi", "good", PRIVATE | {"policy": policy(FROM_VPC)})
    unknown = stage.make("apigateway/restApi", "unknown", PRIVATE | {"policy": UNKNOWN})
    resources = [public, bare, inline, good, unknown]
    expected = [("bare", "policy", "is absent"), ("inline", "policy", OPEN)]
    assert judged(API, resources) == expected
    assert judged(API, hidden(resources)) == expected


def test_the_policy_of_a_private_api_may_stand_beside_it(stage: Stage) -> None:
    apis = [stage.make("apigateway/restApi", f"a{n}", PRIVATE) for n in range(100)]
    policies = [
        stage.make("apigateway/restApiPolicy", f"p{n}", {"policy": policy(INVOKE if n == 7 else FROM_VPC)}, restApiId=a)
        for n, a in enumerate(apis)
    ]
    assert judged(API, [*apis, *policies]) == [("p7", "policy", OPEN)]
    assert judged(API, [apis[0], stage.make("apigateway/restApiPolicy", "p", {"policy": "{"}, restApiId=apis[0])]) == [
        ("p", "policy", OPEN)
    ]
