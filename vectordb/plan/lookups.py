"""Answers to the look-ups that a program makes of an account, for runs that have none.

They are example values in the shape that AWS returns; the plan says which were used.
"""

from collections.abc import Callable
from typing import Any

from vectordb.errors import VectordbError

ACCOUNT = "123456789012"


def partition_of(region: str) -> str:
    """The partition that a region belongs to (botocore's partitions.json)."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


class Lookups:
    """The answers of one run, which agree with one another: a subnet is in the VPC that was asked about."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._partition = partition_of(region)
        self._vpc = "vpc-0123456789abcdef0"
        self._subnets: list[str] = []

    def answer(self, token: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The result of the provider function `token`.

        Raises:
            VectordbError: the program asks for something that has no answer here.
        """
        name = token.rpartition(":")[2]
        answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "getAvailabilityZones": self._zones,
            "getCallerIdentity": self._identity,
            "getInstanceTypeOfferings": self._offerings,
            "getManagedPrefixList": self._prefix_list,
            "getParameter": self._parameter,
            "getPartition": self._partition_facts,
            "getRegion": self._region_facts,
            "getRouteTable": self._route_table,
            "getRouteTables": self._route_tables,
            "getSubnet": self._subnet,
            "getVpc": self._vpc_facts,
            "getVpcEndpoint": self._endpoint,
            "getVpcEndpointService": self._service,
        }
        if name not in answers:
            raise VectordbError(
                f"The program looks up {token}, and a run without an account has no answer to it.",
                remedy="Add one to vectordb/plan/lookups.py.",
            )
        return answers[name](arguments)

    @property
    def _zone_names(self) -> list[str]:
        return [f"{self._region}{letter}" for letter in "abc"]

    def _identity(self, _: dict[str, Any]) -> dict[str, Any]:
        arn = f"arn:{self._partition}:sts::{ACCOUNT}:assumed-role/deployer/plan"
        return {"accountId": ACCOUNT, "arn": arn, "id": ACCOUNT, "userId": "AROAEXAMPLE:plan"}

    def _partition_facts(self, _: dict[str, Any]) -> dict[str, Any]:
        china = self._partition == "aws-cn"
        return {
            "partition": self._partition,
            "dnsSuffix": "amazonaws.com.cn" if china else "amazonaws.com",
            "id": self._partition,
            "reverseDnsPrefix": "cn.com.amazonaws" if china else "com.amazonaws",
        }

    def _region_facts(self, _: dict[str, Any]) -> dict[str, Any]:
        return dict.fromkeys(("region", "name", "id", "description"), self._region) | {"endpoint": ""}

    def _zones(self, _: dict[str, Any]) -> dict[str, Any]:
        identifiers = [f"{self._region}-az{number}" for number in (1, 2, 3)]
        return {"names": self._zone_names, "zoneIds": identifiers, "groupNames": [self._region], "id": self._region}

    def _offerings(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"locations": self._zone_names, "instanceTypes": [], "locationTypes": [], "id": self._region}

    def _parameter(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {
            "name": arguments.get("name"),
            "insecureValue": "ami-0123456789abcdef0",
            "type": "String",
            "id": "ami",
        }

    def _service(self, arguments: dict[str, Any]) -> dict[str, Any]:
        name = arguments["filters"][0]["values"][0]
        return {
            "serviceName": name,
            "serviceType": arguments.get("serviceType", "Interface"),
            "availabilityZones": self._zone_names,
            "supportedIpAddressTypes": ["ipv4"],
            "id": name,
        }

    def _prefix_list(self, arguments: dict[str, Any]) -> dict[str, Any]:
        # Blocks for documentation (RFC 5737), in place of S3's own.
        blocks = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
        return {
            "id": "pl-0123456789abcdef0",
            "name": arguments.get("name", ""),
            "entries": [{"cidr": block, "description": ""} for block in blocks],
            "addressFamily": "IPv4",
        }

    def _vpc_facts(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self._vpc = arguments.get("id") or self._vpc
        return {
            "id": self._vpc,
            "cidrBlock": "10.0.0.0/16",
            "cidrBlockAssociations": [{"cidrBlock": "10.0.0.0/16", "associationId": "", "state": "associated"}],
            "enableDnsSupport": True,
            "enableDnsHostnames": True,
            "mainRouteTableId": "rtb-0123456789abcdef0",
        }

    def _subnet(self, arguments: dict[str, Any]) -> dict[str, Any]:
        subnet = arguments["id"]
        if subnet not in self._subnets:
            self._subnets.append(subnet)
        place = self._subnets.index(subnet) % len(self._zone_names)
        return {
            "id": subnet,
            "vpcId": self._vpc,
            "availabilityZone": self._zone_names[place],
            "mapPublicIpOnLaunch": False,
            "assignIpv6AddressOnCreation": False,
        }

    def _route_tables(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"ids": ["rtb-0123456789abcdef0"], "id": self._region}

    def _route_table(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"routeTableId": arguments["routeTableId"], "vpcId": self._vpc, "routes": [], "id": "rtb"}

    def _endpoint(self, arguments: dict[str, Any]) -> dict[str, Any]:
        service = arguments["filters"][0]["values"][0]
        gateway = service.endswith(".s3")
        return {
            "id": arguments["id"],
            "vpcId": self._vpc,
            "serviceName": service,
            "vpcEndpointType": "Gateway" if gateway else "Interface",
            "privateDnsEnabled": not gateway,
            "state": "available",
            "securityGroupIds": [] if gateway else [arguments["id"].replace("vpce-", "sg-")],
            "prefixListId": "pl-0123456789abcdef0" if gateway else "",
        }
