"""The example answers of a plan agree with one another, and have the shape that AWS returns."""

import pytest

from vectordb.errors import VectordbError
from vectordb.plan.lookups import Lookups, partition_of


def answer(token, arguments=None, region="us-east-1"):
    return Lookups(region).answer(f"aws:x/{token}:{token}", arguments or {})


@pytest.mark.parametrize(
    ("region", "partition"),
    [("us-east-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("eu-central-1", "aws")],
)
def test_the_partition_follows_from_the_region(region, partition):
    assert partition_of(region) == partition
    facts = answer("getPartition", region=region)
    assert facts["partition"] == partition
    assert facts["dnsSuffix"] == ("amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com")
    assert answer("getCallerIdentity", region=region)["arn"].startswith(f"arn:{partition}:sts::123456789012:")


def test_what_is_not_known_is_said():
    with pytest.raises(VectordbError, match="The program looks up aws:x/getMoon:getMoon, and a run without an account"):
        answer("getMoon")


def test_every_region_has_three_zones_that_offer_everything():
    zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    assert answer("getAvailabilityZones", region="eu-west-1")["names"] == zones
    assert answer("getInstanceTypeOfferings", region="eu-west-1")["locations"] == zones
    service = {"serviceType": "Interface", "filters": [{"name": "service-name", "values": ["a", "cn.a"]}]}
    found = answer("getVpcEndpointService", service, "eu-west-1")
    assert (found["serviceName"], found["serviceType"], found["availabilityZones"]) == ("a", "Interface", zones)


def test_addresses_of_s3_are_those_for_documentation():
    entries = answer("getManagedPrefixList", {"name": "com.amazonaws.us-east-1.s3"})["entries"]
    assert [entry["cidr"] for entry in entries] == ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"]


def test_an_existing_vpc_is_isolated_and_its_parts_are_in_it():
    lookups = Lookups("eu-west-1")

    def ask(token, **arguments):
        return lookups.answer(f"aws:ec2/{token}:{token}", arguments)

    vpc = ask("getVpc", id="vpc-00000001")
    assert (vpc["enableDnsSupport"], vpc["enableDnsHostnames"]) == (True, True)
    subnets = [ask("getSubnet", id=name) for name in ("subnet-1", "subnet-2", "subnet-3", "subnet-1")]
    assert [subnet["availabilityZone"][-1] for subnet in subnets] == ["a", "b", "c", "a"]
    assert {subnet["vpcId"] for subnet in subnets} == {"vpc-00000001"}
    assert not any(subnet["mapPublicIpOnLaunch"] for subnet in subnets)
    assert ask("getRouteTable", routeTableId="rtb-1") == {
        "routeTableId": "rtb-1",
        "vpcId": "vpc-00000001",
        "routes": [],
        "id": "rtb",
    }


def test_existing_endpoints_are_what_their_service_is():
    def ask(service):
        filters = [{"name": "service-name", "values": [f"com.amazonaws.us-east-1.{service}"]}]
        found = answer("getVpcEndpoint", {"id": "vpce-0000000a", "filters": filters})
        return found["vpcEndpointType"], found["privateDnsEnabled"], found["securityGroupIds"], found["prefixListId"]

    assert ask("ssm") == ("Interface", True, ["sg-0000000a"], "")
    # The bastion's rule for packages names the prefix list: an empty one would be refused.
    assert ask("s3") == ("Gateway", False, [], "pl-0123456789abcdef0")
