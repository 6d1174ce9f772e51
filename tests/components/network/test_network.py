"""The network's own VPC: exact inputs, and no door in any configuration."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.components.network.harness import (
    ACCOUNT,
    ALL,
    REGION,
    S3_BLOCKS,
    SUBNETS,
    VPC,
    Account,
    inputs,
    made,
    network,
    tags,
)

CIDR = "10.20.0.0/16"


def test_every_resource_of_the_smallest_network():
    assert made(network(services=[], flow_logs=False)) == [
        ("DefaultNetworkAcl", "network-default"),
        ("DefaultRouteTable", "network-default"),
        ("DefaultSecurityGroup", "network-default"),
        ("NetworkAcl", "network-isolated"),
        ("RouteTable", "network-isolated"),
        ("RouteTableAssociation", "network-isolated-1"),
        ("RouteTableAssociation", "network-isolated-2"),
        ("Subnet", "network-isolated-1"),
        ("Subnet", "network-isolated-2"),
        ("Vpc", "network-vpc"),
    ]


def test_what_the_switches_add():
    small, whole = made(network(services=[], flow_logs=False)), made(network(block_public_access="ingress"))
    assert sorted(set(whole) - set(small)) == [
        ("FlowLog", "network-flows"),
        ("LogGroup", "network-flows"),
        ("Role", "network-flows"),
        ("RolePolicy", "network-flows"),
        ("SecurityGroup", "network-bedrock-runtime"),
        ("SecurityGroup", "network-lambda"),
        ("SecurityGroup", "network-ssm"),
        ("SecurityGroup", "network-ssmmessages"),
        ("VpcBlockPublicAccessOptions", "network-block-public-access"),
        ("VpcEndpoint", "network-bedrock-runtime"),
        ("VpcEndpoint", "network-lambda"),
        ("VpcEndpoint", "network-s3"),
        ("VpcEndpoint", "network-ssm"),
        ("VpcEndpoint", "network-ssmmessages"),
    ]


def test_the_vpc_resolves_private_names():
    assert inputs(network(), "Vpc", "network-vpc") == {
        "cidrBlock": CIDR,
        "enableDnsSupport": True,
        "enableDnsHostnames": True,
        "tags": tags("network-vpc"),
    }


def test_what_a_vpc_comes_with_is_locked():
    built = network()
    assert inputs(built, "DefaultSecurityGroup", "network-default") == {
        "vpcId": "id-network-vpc",
        "tags": tags("network-default"),
    }
    assert inputs(built, "DefaultNetworkAcl", "network-default") == {
        "defaultNetworkAclId": "acl-default",
        "tags": tags("network-default"),
    }
    # A new subnet passes through it, and it may be read at that moment.
    assert built.only("DefaultNetworkAcl", "network-default").ignore_changes == ("subnetIds",)
    assert inputs(built, "DefaultRouteTable", "network-default") == {
        "defaultRouteTableId": "rtb-default",
        "routes": [],
        "tags": tags("network-default"),
    }


def test_subnets_are_isolated_and_stay_where_they_are():
    built = network(zones=[f"{REGION}{zone}" for zone in "abc"])
    subnets = [built.only("Subnet", f"network-isolated-{number}") for number in (1, 2, 3)]
    assert [subnet.inputs for subnet in subnets] == [
        {
            "vpcId": "id-network-vpc",
            "availabilityZone": f"{REGION}{zone}",
            "cidrBlock": block,
            "mapPublicIpOnLaunch": False,
            "tags": tags(f"network-isolated-{number}"),
        }
        for number, zone, block in ((1, "a", "10.20.0.0/18"), (2, "b", "10.20.64.0/18"), (3, "c", "10.20.128.0/18"))
    ]
    assert {subnet.ignore_changes for subnet in subnets} == {("availabilityZone",)}
    assert "routes" not in inputs(built, "RouteTable", "network-isolated")
    assert inputs(built, "RouteTableAssociation", "network-isolated-3") == {
        "subnetId": "id-network-isolated-3",
        "routeTableId": "id-network-isolated",
    }


def entry(number, cidr, first, last, key="cidrBlock"):
    return {"ruleNo": number, "action": "allow", "protocol": "tcp", key: cidr, "fromPort": first, "toPort": last}


def test_the_acl_of_all_subnets():
    answers = [entry(300 + 10 * n, block, 1024, 65535) for n, block in enumerate(S3_BLOCKS)]
    requests = [entry(300 + 10 * n, block, 443, 443) for n, block in enumerate(S3_BLOCKS)]
    inside = [entry(100, CIDR, 443, 443), entry(110, CIDR, 1024, 65535)]
    assert inputs(network(), "NetworkAcl", "network-isolated") == {
        "vpcId": "id-network-vpc",
        "subnetIds": ["id-network-isolated-1", "id-network-isolated-2"],
        "ingress": [*inside, *answers],
        "egress": [*inside, *requests],
        "tags": tags("network-isolated"),
    }
    acl = inputs(network(services=["ssm"]), "NetworkAcl", "network-isolated")
    assert (acl["ingress"], acl["egress"]) == (inside, inside)


def test_what_lives_in_a_subnet_waits_until_it_is_usable():
    built = network(services=["ssm"], endpoint_zones=2)
    endpoint = built.only("VpcEndpoint", "network-ssm")
    for kind, name in [
        ("NetworkAcl", "network-isolated"),
        ("RouteTableAssociation", "network-isolated-1"),
        ("RouteTableAssociation", "network-isolated-2"),
    ]:
        assert built.waits_for(endpoint, kind, name), name


def test_ipv6_gives_blocks_and_no_gateway():
    built = network(ipv6=True, services=[])
    assert inputs(built, "Vpc", "network-vpc")["assignGeneratedIpv6CidrBlock"] is True
    assert [inputs(built, "Subnet", f"network-isolated-{n}")["ipv6CidrBlock"] for n in (1, 2)] == [
        "2600:1f00:1:aa00::/64",
        "2600:1f00:1:aa01::/64",
    ]
    assert not any("assignIpv6AddressOnCreation" in r.inputs for r in built.registrations)
    block = "2600:1f00:1:aa00::/56"
    inside = [entry(100, CIDR, 443, 443), entry(110, CIDR, 1024, 65535)]
    inside6 = [entry(120, block, 443, 443, "ipv6CidrBlock"), entry(130, block, 1024, 65535, "ipv6CidrBlock")]
    acl = inputs(built, "NetworkAcl", "network-isolated")
    assert (acl["ingress"], acl["egress"]) == (inside + inside6, inside + inside6)
    assert made(built) == made(network(services=[]))


def test_a_preview_knows_the_ipv4_entries_before_there_is_a_vpc():
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    acl = inputs(network(Account(preview=True), ipv6=True, services=[]), "NetworkAcl", "network-isolated")
    assert acl["ingress"] == [
        entry(100, CIDR, 443, 443),
        entry(110, CIDR, 1024, 65535),
        entry(120, unknown, 443, 443, "ipv6CidrBlock"),
        entry(130, unknown, 1024, 65535, "ipv6CidrBlock"),
    ]


def test_flows_are_logged_encrypted_and_for_a_time():
    built = network(log_retention_days=365)
    assert inputs(built, "LogGroup", "network-flows") == {
        "name": "/vectordb/vectordb-dev/network-flows",
        "retentionInDays": 365,
        "kmsKeyId": "arn:key",
        "tags": tags("network-flows"),
    }
    log = built.only("FlowLog", "network-flows")
    assert log.inputs == {
        "vpcId": "id-network-vpc",
        "trafficType": "ALL",
        "logDestinationType": "cloud-watch-logs",
        "logDestination": "arn:network-flows",
        "iamRoleArn": "arn:network-flows",
        "maxAggregationInterval": 60,
        "tags": tags("network-flows"),
    }
    assert built.waits_for(log, "RolePolicy", "network-flows")
    assert inputs(network(), "LogGroup", "network-flows")["retentionInDays"] == 30


def test_the_flow_logs_role_is_assumed_for_this_account_and_writes_one_log():
    built = network()
    assert built.statements("Role", "network-flows", "assumeRolePolicy") == [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
            "Condition": {
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                "ArnLike": {"aws:SourceArn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc-flow-log/*"},
            },
        }
    ]
    assert built.statements("RolePolicy", "network-flows") == [
        {
            "Effect": "Allow",
            "Action": [
                "logs:CreateLogStream",
                "logs:DescribeLogStreams",
                "logs:PutLogEvents",
            ],
            "Resource": "arn:network-flows:*",
        }
    ]


@pytest.mark.parametrize("mode", ["bidirectional", "ingress"])
def test_block_public_access_outlives_the_stack(mode):
    built = network(block_public_access=mode)
    options = built.only("VpcBlockPublicAccessOptions", "network-block-public-access")
    assert options.inputs == {"internetGatewayBlockMode": f"block-{mode}"}
    assert options.retain_on_delete
    assert built.names("VpcBlockPublicAccessExclusion") == []


def test_outputs():
    def then(made):
        return {
            "vpc": made.vpc_id,
            "subnets": made.subnet_ids,
            "endpoints": made.endpoint_ids,
            "groups": made.endpoint_security_group_ids,
            "s3": made.s3_prefix_list_id,
        }

    built = network(then=then, services=["s3", "ssm"])
    assert built.outputs == {
        "vpc": "id-network-vpc",
        "subnets": ["id-network-isolated-1", "id-network-isolated-2"],
        "endpoints": {"ssm": "id-network-ssm", "s3": "id-network-s3"},
        "groups": {"ssm": "id-network-ssm"},
        "s3": "pl-s3",
    }
    assert network(then=then, services=[]).outputs == {
        "vpc": "id-network-vpc",
        "subnets": ["id-network-isolated-1", "id-network-isolated-2"],
        "endpoints": {},
        "groups": {},
        "s3": "",
    }


def test_a_flow_is_a_pair_of_rules_between_groups():
    def then(made):
        assert len(made.allow("api-to-database", "sg-api", "sg-database", 5432)) == 2

    built = network(then=then)
    common = {"ipProtocol": "tcp", "fromPort": 5432, "toPort": 5432, "description": "api to database"}
    assert inputs(built, "SecurityGroupEgressRule", "api-to-database-egress") == {
        "securityGroupId": "sg-api",
        "referencedSecurityGroupId": "sg-database",
        "tags": tags("api-to-database-egress"),
        **common,
    }
    assert inputs(built, "SecurityGroupIngressRule", "api-to-database-ingress") == {
        "securityGroupId": "sg-database",
        "referencedSecurityGroupId": "sg-api",
        "tags": tags("api-to-database-ingress"),
        **common,
    }


DOORS = {
    "internetGateway", "internetGatewayAttachment", "natGateway", "eip", "eipAssociation", "egressOnlyInternetGateway",
    "carrierGateway", "route", "vpcPeeringConnection", "vpnGateway", "vpcBlockPublicAccessExclusion",
}  # fmt: skip


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    own=st.booleans(),
    zones=st.sampled_from(["ab", "abc"]),
    services=st.lists(st.sampled_from(ALL), unique=True).map(sorted),
    count=st.integers(1, 3),
    ipv6=st.booleans(),
    flow_logs=st.booleans(),
    mode=st.sampled_from([None, "bidirectional", "ingress"]),
)
def test_no_configuration_has_a_door(own, zones, services, count, ipv6, flow_logs, mode):
    where = (
        {"zones": [REGION + zone for zone in zones], "ipv6": ipv6}
        if own
        else {"vpc_id": VPC, "subnet_ids": SUBNETS}
    )  # fmt: skip
    options = {"services": services, "endpoint_zones": count, "flow_logs": flow_logs}
    built = network(**where, **options, **({"block_public_access": mode} if mode else {}))
    kinds = {r.type.split("/")[-1].split(":")[0] for r in built.registrations}
    assert not kinds & DOORS
    for resource in built.registrations:
        assert not resource.inputs.get("mapPublicIpOnLaunch")
        assert not resource.inputs.get("routes")
        assert not {"ingress", "egress"} & resource.inputs.keys() or resource.type.endswith(":NetworkAcl")
    assert sorted(name.removeprefix("network-") for name in built.names("VpcEndpoint")) == services
    assert len({(r.type, r.name) for r in built.registrations}) == len(built.registrations)
