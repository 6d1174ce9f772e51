"""The whole program's network, with every value known: rules that AWS accepts, and flows that pass both fences."""

import dataclasses
import functools
import ipaddress
import json

import pytest

from tests.components.database.harness import Known
from tests.components.network.harness import SUBNETS, VPC, Account
from tests.components.network.test_network_acl import exchange
from tests.components.recorded import ROOT, all_of, only
from vectordb.plan import program, stack_configuration

ENDPOINTS = {
    "ssm": "vpce-0000000a",
    "ssmmessages": "vpce-0000000b",
    "lambda": "vpce-0000000c",
    "bedrock-runtime": "vpce-0000000d",
    "s3vectors": "vpce-0000000e",
}
EXISTING = {"vpcId": VPC, "subnetIds": SUBNETS, "endpoints": ENDPOINTS}
MODELS = {"bedrockModels": ["amazon.titan-embed-text-v2:0"]}
INDEXES = [{"name": "docs", "dimension": 8}]
EMBEDDED = [{"name": "docs", "dimension": 256, "model": "amazon.titan-embed-text-v2:0"}]
INSIDE = {"bridge": {"vpc": True}, "indexes": EMBEDDED}


class World(Account):
    """Networks and databases with every value known."""

    def create(self, resource, inputs):
        name, outputs = super().create(resource, inputs)
        kind = resource.type.rpartition(":")[2]
        known = Known().create(resource, inputs)[1] if resource.type.startswith("aws:rds/") else {}
        # A name without an index: "id-" and the resource's, as everywhere.
        return name, {
            **outputs,
            **known,
            **({"stdout": "{}"} if kind == "Command" else {}),
            "vectorBucketArn": "arn:bucket",
            "indexArn": f"arn:bucket/index/{inputs.get('indexName')}",
        }


def run(account=None, **keys):
    configuration = stack_configuration.read(ROOT, "dev")
    values = {"aws:region": "eu-central-1"} | {f"vectordb:{key}": json.dumps(value) for key, value in keys.items()}
    return program.run(dataclasses.replace(configuration, values=values), account or World())


def one_group(arguments):
    """All endpoints of the VPC that exists have one security group, as many companies do it."""
    return {"securityGroupIds": [] if arguments["filters"][0]["values"][0].endswith(".s3") else ["sg-endpoints"]}


CONFIGURATIONS = {
    "nothing": {},
    "no index, no bastion": {"bastion": False, "transport": "direct"},
    "indexes": {"indexes": INDEXES},
    "everything": {
        "database": {"engine": "both", "minCapacity": 0.5, "proxy": True, **MODELS},
        "indexes": INDEXES,
        "network": {"clients": {"api": "sg-0000000f"}, "zones": 3, "endpointZones": 3, "ipv6": True},
    },
    "models without indexes": {"database": MODELS},
    "bridge inside": {**INSIDE, "database": MODELS},
    "existing, bridge inside": {**INSIDE, "network": EXISTING},
    "existing": {"network": EXISTING, "database": {"engine": "both", **MODELS}, "indexes": INDEXES},
    "existing, models without indexes": {"network": EXISTING, "database": MODELS},
}


def rules(recording):
    for kind, key in (("SecurityGroupIngressRule", "in"), ("SecurityGroupEgressRule", "out")):
        for rule in all_of(recording, kind).values():
            inputs = rule.inputs
            other = inputs.get("referencedSecurityGroupId") or inputs["prefixListId"]
            yield key, inputs["securityGroupId"], other, inputs["fromPort"]


@functools.cache
def recorded(name, shared=False):
    return run(World(getVpcEndpoint=one_group) if shared else None, **CONFIGURATIONS[name])


EXISTING_ONLY = [name for name in CONFIGURATIONS if name.startswith("existing")]


@pytest.mark.parametrize(
    ("name", "shared"),
    # Only endpoints that were there before can share a group.
    [*((name, False) for name in CONFIGURATIONS), *((name, True) for name in EXISTING_ONLY)],
)
def test_no_rule_is_asked_for_twice_and_none_has_one_end(name, shared):
    found = list(rules(recorded(name, shared)))
    assert len(set(found)) == len(found)
    assert all(group and other for _, group, other, _ in found)
    # The gateway endpoint has no group that could take the other half.
    packages = [rule for rule in found if rule[2].startswith("pl-")]
    assert packages == ([] if name == "no index, no bastion" else [("out", "id-bastion-group", "pl-s3", 443)])
    outward = {(group, other, port) for key, group, other, port in found if key == "out"}
    inward = {(other, group, port) for key, group, other, port in found if key == "in"}
    assert outward - {rule[1:] for rule in packages} == inward


@pytest.mark.parametrize("name", ["nothing", "indexes", "everything", "bridge inside"])
def test_every_flow_passes_the_acl_between_any_two_subnets(name):
    recording = recorded(name)
    acl = only(recording, "NetworkAcl").inputs
    snake = {
        "ruleNo": "rule_no",
        "cidrBlock": "cidr_block",
        "ipv6CidrBlock": "ipv6_cidr_block",
        "fromPort": "from_port",
        "toPort": "to_port",
    }
    fence = tuple(
        [{snake.get(k, k): v for k, v in entry.items()} for entry in acl[way]] for way in ("ingress", "egress")
    )
    subnets = all_of(recording, "Subnet").values()
    blocks = [
        subnet.inputs[key] for key in ("cidrBlock", "ipv6CidrBlock") for subnet in subnets if key in subnet.inputs
    ]
    hosts = [str(ipaddress.ip_network(block)[5]) for block in blocks]
    ports = {port for _, _, other, port in rules(recording) if not other.startswith("pl-")}
    assert len(acl["subnetIds"]) == len(subnets)
    for client in hosts:
        for server in hosts:
            if ipaddress.ip_address(client).version == ipaddress.ip_address(server).version:
                assert all(exchange(fence, client, server, port) for port in ports), (client, server)


def test_endpoints_are_there_for_what_is_switched_on_only():
    def endpoints(name):
        return sorted(all_of(recorded(name), "VpcEndpoint"))

    assert endpoints("no index, no bastion") == []
    assert endpoints("nothing") == ["network-s3", "network-ssm", "network-ssmmessages"]
    assert endpoints("indexes") == ["network-lambda", "network-s3", "network-ssm", "network-ssmmessages"]
    assert endpoints("models without indexes") == [
        "network-bedrock-runtime",
        "network-s3",
        "network-ssm",
        "network-ssmmessages",
    ]
    assert endpoints("bridge inside") == [
        "network-bedrock-runtime",
        "network-lambda",
        "network-s3",
        "network-s3vectors",
        "network-ssm",
        "network-ssmmessages",
    ]
    # Without `endpoints.s3` the gateway is made there too.
    assert endpoints("existing") == ["network-s3"]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_endpoint_that_is_made_has_one_policy(name):
    recording = recorded(name)
    made = {f"id-{endpoint}" for endpoint in all_of(recording, "VpcEndpoint")}
    policies = [policy.inputs["vpcEndpointId"] for policy in all_of(recording, "VpcEndpointPolicy").values()]
    assert sorted(policies) == sorted(made)


def test_a_third_zone_adds_and_moves_nothing():
    two, three = (run(network={"zones": zones}) for zones in (2, 3))
    for kind in ("Subnet", "RouteTableAssociation", "VpcEndpoint", "Instance"):
        before, after = all_of(two, kind), all_of(three, kind)
        assert all(after[name].inputs == resource.inputs for name, resource in before.items())
    assert sorted(set(all_of(three, "Subnet")) - set(all_of(two, "Subnet"))) == ["network-isolated-3"]


def test_more_endpoint_zones_add_addresses():
    one, two = (run(network={"endpointZones": zones}) for zones in (1, 2))
    for name, endpoint in all_of(one, "VpcEndpoint").items():
        after = dict(all_of(two, "VpcEndpoint")[name].inputs)
        if endpoint.inputs["vpcEndpointType"] == "Interface":
            assert after.pop("subnetIds") == ["id-network-isolated-1", "id-network-isolated-2"]
        assert after == {key: value for key, value in endpoint.inputs.items() if key in after}


def test_without_the_bastion_nothing_else_changes():
    keys = {"indexes": INDEXES, "transport": "direct", "observability": {"enabled": False}}
    with_it, without = run(bastion=True, **keys), run(bastion=False, **keys)
    before = {(r.type, r.name): r.inputs for r in with_it.resources if r.custom}
    after = {(r.type, r.name): r.inputs for r in without.resources if r.custom}
    changed = {name for (kind, name), inputs in after.items() if before[kind, name] != inputs}
    # S3's entries go with its endpoint, and the outputs are the stack's.
    assert changed == {"network-isolated"}
    gone = {name for kind, name in before.keys() - after.keys()}
    assert all(
        name.startswith("bastion-") or name in {"network-s3", "network-ssm", "network-ssmmessages"} for name in gone
    )


def test_a_host_has_a_home_in_a_vpc_that_exists():
    offered = {"locations": ["eu-central-1b"]}
    recording = run(World(getInstanceTypeOfferings=offered), network=EXISTING)
    assert only(recording, "Instance").inputs["subnetId"] == SUBNETS[1]
