"""A VPC that exists: each thing that would open it is refused, and nothing of it is changed."""

import dataclasses

import pulumi_aws as aws
import pytest

from components.config import ConfigurationError
from components.network.existing_vpc import ExistingVpc, GivenEndpoint, Subnet, _ways_out, problems
from tests.components.network.harness import ALL, REGION, SUBNETS, VPC, Account, inputs, made, network, tags

FIRST = Subnet("subnet-1", "vpc-1", "a", public_addresses=False, ways_out=(), route_table_id="rtb-1")
SECOND = dataclasses.replace(FIRST, id="subnet-2", zone="b")
ENDPOINT = GivenEndpoint("vpce-1", "ssm", "vpc-1", "Interface", True, "available", ("sg-1",), "")
GATEWAY = GivenEndpoint("vpce-2", "s3", "vpc-1", "Gateway", False, "available", (), "pl-1")
CLEAN = ExistingVpc("vpc-1", ("10.0.0.0/16",), True, True, (FIRST, SECOND), {"ssm": ENDPOINT, "s3": GATEWAY})


def changed(thing, **fields):
    return dataclasses.replace(thing, **fields)


def with_subnet(**fields):
    return changed(CLEAN, subnets=(changed(FIRST, **fields), SECOND))


def with_endpoint(service="ssm", **fields):
    endpoint = {"ssm": ENDPOINT, "s3": GATEWAY}[service]
    return changed(CLEAN, endpoints={**CLEAN.endpoints, service: changed(endpoint, **fields)})


def test_an_isolated_one_has_no_problem():
    assert list(problems(CLEAN)) == []
    assert list(problems(changed(CLEAN, endpoints={}))) == []


DNS = "vpcId: vpc-1 needs DNS support and DNS hostnames, for the private DNS of the endpoints; switch both on."


@pytest.mark.parametrize(
    ("vpc", "line"),
    [
        (changed(CLEAN, dns_support=False), DNS),
        (changed(CLEAN, dns_hostnames=False), DNS),
        (with_subnet(vpc_id="vpc-2"), "subnetIds[0]: subnet-1 is in vpc-2, not in vpc-1."),
        (
            with_subnet(public_addresses=True),
            "subnetIds[0]: subnet-1 gives out public addresses; choose one that does not.",
        ),
        (
            with_subnet(ways_out=("igw-1",)),
            "subnetIds[0]: subnet-1 has a route to igw-1 (rtb-1); choose an isolated one.",
        ),
        (with_subnet(zone="b"), "subnetIds: are all in one zone; a database needs subnets in two."),
        (with_endpoint(vpc_id="vpc-2"), "endpoints.ssm: vpce-1 is in vpc-2, not in vpc-1."),
        (with_endpoint(state="pending"), "endpoints.ssm: vpce-1 is pending, not available."),
        (
            with_endpoint(private_dns=False),
            (
                "endpoints.ssm: vpce-1 has no private DNS; switch it on, or the clients look for ssm in the internet."
            ),
        ),
        (with_endpoint(kind="Gateway"), "endpoints.ssm: vpce-1 is of type Gateway, and ssm needs one of type Interface."),
        (
            with_endpoint("s3", kind="Interface", private_dns=True),
            "endpoints.s3: vpce-2 is of type Interface, and s3 needs one of type Gateway.",
        ),
        (
            with_endpoint(security_group_ids=()),
            "endpoints.ssm: vpce-1 has no security group; give it one, to which the rules can be added.",
        ),
    ],
)  # fmt: skip
def test_each_problem_is_said_and_nothing_else(vpc, line):
    assert list(problems(vpc)) == [line]


def route(**fields):
    names = ("carrier_gateway_id", "cidr_block", "core_network_arn", "destination_prefix_list_id", "egress_only_gateway_id",
             "gateway_id", "instance_id", "ipv6_cidr_block", "local_gateway_id", "nat_gateway_id", "network_interface_id",
             "odb_network_arn", "transit_gateway_id", "vpc_endpoint_id", "vpc_peering_connection_id")  # fmt: skip
    return aws.ec2.outputs.GetRouteTableRouteResult(**{**dict.fromkeys(names, ""), **fields})


@pytest.mark.parametrize(
    ("given", "way"),
    [
        # The VPC itself, and gateway endpoints.
        ({"gateway_id": "local", "cidr_block": "10.0.0.0/16"}, []),
        ({"gateway_id": "vpce-1", "destination_prefix_list_id": "pl-1"}, []),
        # The company's own networks.
        ({"transit_gateway_id": "tgw-1", "cidr_block": "10.0.0.0/8"}, []),
        ({"transit_gateway_id": "tgw-1", "ipv6_cidr_block": "fd00::/16"}, []),
        ({"transit_gateway_id": "tgw-1", "destination_prefix_list_id": "pl-1"}, []),
        ({"vpc_peering_connection_id": "pcx-1", "cidr_block": "172.20.0.0/16"}, []),
        ({"gateway_id": "vgw-1", "cidr_block": "192.168.0.0/16"}, []),
        # Ways out, whatever the destination.
        ({"gateway_id": "igw-1", "cidr_block": "0.0.0.0/0"}, ["igw-1"]),
        ({"gateway_id": "igw-1", "cidr_block": "203.0.113.0/24"}, ["igw-1"]),
        ({"nat_gateway_id": "nat-1", "cidr_block": "0.0.0.0/0"}, ["a NAT gateway (nat-1)"]),
        ({"nat_gateway_id": "nat-1", "cidr_block": "10.9.0.0/16"}, ["a NAT gateway (nat-1)"]),
        ({"egress_only_gateway_id": "eigw-1", "ipv6_cidr_block": "::/0"}, ["an egress-only internet gateway (eigw-1)"]),
        ({"carrier_gateway_id": "cagw-1", "cidr_block": "0.0.0.0/0"}, ["a carrier gateway (cagw-1)"]),
        ({"instance_id": "i-1", "network_interface_id": "eni-1", "cidr_block": "0.0.0.0/0"}, ["an instance (i-1)", "an interface (eni-1)"]),
        # Ways out through somebody else's gateway.
        ({"transit_gateway_id": "tgw-1", "cidr_block": "0.0.0.0/0"}, ["a transit gateway (tgw-1) for 0.0.0.0/0"]),
        ({"transit_gateway_id": "tgw-1", "ipv6_cidr_block": "::/0"}, ["a transit gateway (tgw-1) for ::/0"]),
        ({"transit_gateway_id": "tgw-1", "cidr_block": "128.0.0.0/1"}, ["a transit gateway (tgw-1) for 128.0.0.0/1"]),
        ({"vpc_peering_connection_id": "pcx-1", "cidr_block": "0.0.0.0/0"}, ["a peering connection (pcx-1) for 0.0.0.0/0"]),
        ({"core_network_arn": "arn:c", "cidr_block": "0.0.0.0/0"}, ["a core network (arn:c) for 0.0.0.0/0"]),
        ({"vpc_endpoint_id": "vpce-9", "cidr_block": "0.0.0.0/0"}, ["a Gateway Load Balancer endpoint (vpce-9) for 0.0.0.0/0"]),
        ({"gateway_id": "vgw-1", "cidr_block": "0.0.0.0/0"}, ["a VPN gateway (vgw-1) for 0.0.0.0/0"]),
        ({"local_gateway_id": "lgw-1", "cidr_block": "0.0.0.0/0"}, ["a local gateway (lgw-1) for 0.0.0.0/0"]),
    ],
)  # fmt: skip
def test_where_a_route_leads(given, way):
    assert list(_ways_out(route(**given))) == way


def existing(account=None, then=lambda made: None, **options):
    return network(account, then, vpc_id=VPC, subnet_ids=SUBNETS, **{"flow_logs": False, **options})


def test_all_that_is_wrong_with_a_vpc_is_said_at_once():
    account = Account(
        getVpc={"enableDnsSupport": False},
        getSubnet={"mapPublicIpOnLaunch": True, "availabilityZone": f"{REGION}a"},
        getRouteTable={"routes": [{"gatewayId": "igw-1", "cidrBlock": "0.0.0.0/0"}]},
    )
    with pytest.raises(ConfigurationError) as error:
        existing(account)
    first, *lines = str(error.value).splitlines()
    assert first == "The existing VPC cannot be used:"
    assert [line.partition(": ")[0].strip() for line in lines] == [
        "vectordb:network.vpcId",
        "vectordb:network.subnetIds[0]",
        "vectordb:network.subnetIds[0]",
        "vectordb:network.subnetIds[1]",
        "vectordb:network.subnetIds[1]",
        "vectordb:network.subnetIds",
    ]


def test_the_main_table_counts_for_a_subnet_without_one_of_its_own():
    asked = []

    def table(arguments):
        asked.append(arguments["routeTableId"])
        return {"routeTableId": arguments["routeTableId"], "routes": []}

    def own(arguments):
        (wanted,) = arguments["filters"]
        assert wanted["name"] == "association.subnet-id"
        return {"ids": ["rtb-own"] if wanted["values"] == [SUBNETS[0]] else []}

    account = Account(getRouteTables=own, getRouteTable=table, getVpc={"mainRouteTableId": "rtb-main"})
    built = existing(account, services=["s3"])
    assert asked == ["rtb-own", "rtb-main"]
    assert inputs(built, "VpcEndpoint", "network-s3")["routeTableIds"] == ["rtb-main", "rtb-own"]


def test_nothing_of_a_vpc_that_exists_is_made():
    built = existing()
    assert made(built) == sorted(
        [
            *[("SecurityGroup", f"network-{service}") for service in ALL if service != "s3"],
            *[("VpcEndpoint", f"network-{service}") for service in ALL],
        ]
    )
    assert {r.inputs["vpcId"] for r in built.registrations if r.custom} == {VPC}
    assert inputs(built, "VpcEndpoint", "network-lambda") == {
        "vpcId": VPC,
        "serviceName": f"com.amazonaws.{REGION}.lambda",
        "vpcEndpointType": "Interface",
        "privateDnsEnabled": True,
        "subnetIds": SUBNETS[:1],
        "securityGroupIds": ["id-network-lambda"],
        "tags": tags("network-lambda"),
    }


def test_given_endpoints_are_used_and_their_policies_left_alone():
    def then(network):
        assert network.shared_endpoints == ["lambda", "s3", "ssm"]
        assert network.endpoint_policy("lambda", [{"Effect": "Allow"}]) == []
        assert len(network.endpoint_policy("ssmmessages", [{"Effect": "Allow", "Action": "*", "Resource": "*"}])) == 1
        return {
            "ids": network.endpoint_ids,
            "groups": network.endpoint_security_group_ids,
            "s3": network.s3_prefix_list_id,
        }

    given = {"ssm": "vpce-0000000a", "lambda": "vpce-0000000b", "s3": "vpce-0000000c"}
    built = existing(then=then, existing_endpoints=given, services=["lambda", "s3", "ssm", "ssmmessages"])
    assert built.names("VpcEndpoint") == ["network-ssmmessages"]
    assert built.names("VpcEndpointPolicy") == ["network-ssmmessages"]
    assert built.outputs == {
        "ids": {"ssmmessages": "id-network-ssmmessages", **given},
        "groups": {
            "ssmmessages": "id-network-ssmmessages",
            "ssm": "sg-0000000a",
            "lambda": "sg-0000000b",
        },
        "s3": "pl-0123456789abcdef0",
    }


def test_endpoints_that_share_a_group_are_known():
    def then(network):
        assert network.share_a_group("ssm", "ssmmessages")
        assert not network.share_a_group("ssm", "lambda")
        assert not network.share_a_group("lambda", "bedrock-runtime")

    given = {"ssm": "vpce-0000000a", "ssmmessages": "vpce-0000000b", "lambda": "vpce-0000000c"}
    shared = {"vpce-0000000a": "sg-1", "vpce-0000000b": "sg-1", "vpce-0000000c": "sg-2"}
    account = Account(getVpcEndpoint=lambda arguments: {"securityGroupIds": [shared[arguments["id"]], "sg-3"]})
    existing(account, then, existing_endpoints=given)


def test_two_subnets_of_one_zone_get_one_address_of_an_endpoint():
    third = "subnet-0123456789abcdef2"
    places = {SUBNETS[0]: "a", SUBNETS[1]: "a", third: "b"}
    account = Account(getSubnet=lambda arguments: {"availabilityZone": REGION + places[arguments["id"]]})
    built = network(account, vpc_id=VPC, subnet_ids=[*SUBNETS, third], endpoint_zones=2, services=["ssm"])
    assert inputs(built, "VpcEndpoint", "network-ssm")["subnetIds"] == [SUBNETS[0], third]


def test_flows_are_logged_when_asked_for():
    assert inputs(existing(flow_logs=True, services=[]), "FlowLog", "network-flows")["vpcId"] == VPC
