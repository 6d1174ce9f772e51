"""Which endpoints there are, and where: each costs money, and each is a way out to one service."""

import itertools

import pytest

from components.config import ConfigurationError
from components.network.endpoints import service_names, services
from tests.components.network.harness import ALL, REGION, Account, inputs, network, tags

A, B, C = (f"{REGION}{letter}" for letter in "abc")


@pytest.mark.parametrize(
    ("switched_on", "expected"),
    [
        ({}, []),
        ({"bastion"}, ["s3", "ssm", "ssmmessages"]),
        ({"bridge"}, ["lambda"]),
        ({"bedrock"}, ["bedrock-runtime"]),
        ({"bastion", "bridge"}, ["lambda", "s3", "ssm", "ssmmessages"]),
        ({"bastion", "bridge", "bedrock"}, ["bedrock-runtime", "lambda", "s3", "ssm", "ssmmessages"]),
    ],
)
def test_only_what_is_switched_on_needs_an_endpoint(switched_on, expected):
    assert services(**{part: part in switched_on for part in ("bastion", "bridge", "bedrock")}) == expected


def test_no_part_needs_what_is_reached_otherwise():
    chosen = [services(bastion=a, bridge=b, bedrock=c) for a, b, c in itertools.product([False, True], repeat=3)]
    # The bridge is outside the VPC, the agent has ssmmessages, roles need no sts, RDS exports its logs itself.
    never = {"s3vectors", "ec2messages", "sts", "logs", "kms", "secretsmanager", "sqs", "rds", "rds-data"}
    assert not never & set(itertools.chain.from_iterable(chosen))


def test_a_service_is_asked_for_by_both_of_its_names_in_china():
    assert service_names("ssm", "cn-north-1") == ["com.amazonaws.cn-north-1.ssm", "cn.com.amazonaws.cn-north-1.ssm"]
    asked = []

    def answer(arguments):
        asked.append(arguments)
        return {"serviceName": f"cn.com.amazonaws.{REGION}.ssm"}

    endpoint = inputs(network(Account(getVpcEndpointService=answer), services=["ssm"]), "VpcEndpoint", "network-ssm")
    assert endpoint["serviceName"] == f"cn.com.amazonaws.{REGION}.ssm"
    assert asked == [
        {
            "serviceType": "Interface",
            "filters": [
                {"name": "service-name", "values": [f"com.amazonaws.{REGION}.ssm", f"cn.com.amazonaws.{REGION}.ssm"]}
            ],
        }
    ]


def test_an_interface_endpoint_has_private_dns_and_a_group_of_its_own():
    built = network(services=["ssm"])
    assert inputs(built, "VpcEndpoint", "network-ssm") == {
        "vpcId": "id-network-vpc",
        "serviceName": f"com.amazonaws.{REGION}.ssm",
        "vpcEndpointType": "Interface",
        "privateDnsEnabled": True,
        "subnetIds": ["id-network-isolated-1"],
        "securityGroupIds": ["id-network-ssm"],
        "tags": tags("network-ssm"),
    }
    assert inputs(built, "SecurityGroup", "network-ssm") == {
        "vpcId": "id-network-vpc",
        "description": "Endpoint ssm: HTTPS from the security groups that are named",
        "tags": tags("network-ssm"),
    }


def test_no_two_endpoints_share_a_group():
    built = network()
    groups = [
        tuple(endpoint.inputs["securityGroupIds"])
        for endpoint in built.registrations
        if endpoint.type.endswith(":VpcEndpoint") and endpoint.inputs["vpcEndpointType"] == "Interface"
    ]
    assert sorted(groups) == [(f"id-network-{service}",) for service in ALL if service != "s3"]


def subnets_of(built, service="ssm"):
    return [name.removeprefix("id-network-isolated-") for name in inputs(built, "VpcEndpoint", f"network-{service}")["subnetIds"]]  # fmt: skip


@pytest.mark.parametrize(("zones", "count", "expected"), [([A, B], 1, "1"), ([A, B], 2, "12"), ([A, B, C], 3, "123")])
def test_one_zone_in_dev_and_all_in_production(zones, count, expected):
    built = network(zones=zones, endpoint_zones=count)
    assert {service: "".join(subnets_of(built, service)) for service in ALL if service != "s3"} == dict.fromkeys(
        ["bedrock-runtime", "lambda", "ssm", "ssmmessages"], expected
    )


def test_only_zones_that_offer_the_service_get_an_address():
    def answer(arguments):
        only_there = any("lambda" in name for name in arguments["filters"][0]["values"])
        return {"availabilityZones": [B, C] if only_there else [A, B, C]}

    account = Account(getVpcEndpointService=answer)
    built = network(account, zones=[A, B, C], endpoint_zones=2)
    assert subnets_of(built, "lambda") == ["2", "3"]
    assert subnets_of(built, "ssm") == ["1", "2"]


def test_a_service_that_is_nowhere_here_is_refused():
    account = Account(getVpcEndpointService={"availabilityZones": [C]})
    with pytest.raises(ConfigurationError) as error:
        network(account, services=["ssm"])
    assert str(error.value) == (
        "vectordb:network: none of eu-central-1a, eu-central-1b offers the endpoint ssm. "
        "Name zones that do, or subnets in them: eu-central-1c."
    )


def test_the_gateway_endpoint_is_a_route_and_has_no_address():
    built = network(services=["s3"])
    assert inputs(built, "VpcEndpoint", "network-s3") == {
        "vpcId": "id-network-vpc",
        "serviceName": f"com.amazonaws.{REGION}.s3",
        "vpcEndpointType": "Gateway",
        "routeTableIds": ["id-network-isolated"],
        "tags": tags("network-s3"),
    }
    assert built.names("SecurityGroup") == []


def test_policies_are_attached_once_by_who_knows_them():
    def then(made):
        statement = {"Effect": "Allow", "Action": "ssm:X", "Resource": "*", "Principal": "*"}
        assert len(made.endpoint_policy("ssm", [statement])) == 1

    built = network(then=then)
    assert inputs(built, "VpcEndpointPolicy", "network-ssm")["vpcEndpointId"] == "id-network-ssm"
    assert built.statements("VpcEndpointPolicy", "network-ssm") == [
        {"Effect": "Allow", "Action": "ssm:X", "Resource": "*", "Principal": "*"}
    ]


def test_an_endpoint_has_ipv6_where_the_network_and_the_service_have_it():
    account = Account(getVpcEndpointService={"supportedIpAddressTypes": ["ipv4", "ipv6"]})
    built = network(account, services=["ssm"], ipv6=True)
    assert inputs(built, "VpcEndpoint", "network-ssm")["ipAddressType"] == "dualstack"
    assert "ipAddressType" not in inputs(network(account, services=["ssm"]), "VpcEndpoint", "network-ssm")
    assert "ipAddressType" not in inputs(network(services=["ssm"], ipv6=True), "VpcEndpoint", "network-ssm")
