"""No gateway to the internet, and no network that has one by default."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from isolation.checks import presence
from isolation.rule import Check, Finding, Frameworks, Resource, ResourceRule, aws


def _nat(resource: Resource) -> Iterator[Finding]:
    # A private NAT gateway translates between private networks only; public is the default.
    if resource.at("connectivityType").text != "private":
        yield Finding("", "is a public NAT gateway")


def _association(resource: Resource) -> Iterator[Finding]:
    if (gateway := resource.at("gatewayId")).given:
        yield Finding(gateway.path, "routes what comes in through a gateway", "Associate the table with subnets only.")


INTERNET_GATEWAYS = ResourceRule(
    id="no-internet-gateway",
    title="The network has no gateway to the internet.",
    severity=Severity.CRITICAL,
    remedy="Remove it; reach AWS services through VPC endpoints.",
    why=(
        "What has no gateway cannot be reached from the internet, whatever its security groups say, and cannot be used to "
        "carry data out (Amazon VPC User Guide, Enable internet access for a VPC). A carrier gateway, an egress-only one "
        "and a NAT gateway are internet gateways by other names; an exclusion takes a network out of VPC Block Public Access."
    ),
    frameworks=Frameworks(fsbp=("EC2.172",)),
    checks={
        aws("ec2/internetGateway"): presence("is an internet gateway"),
        aws("ec2/internetGatewayAttachment"): presence("attaches an internet gateway to a VPC"),
        aws("ec2/egressOnlyInternetGateway"): presence("is an egress-only internet gateway"),
        aws("ec2/carrierGateway"): presence("is a carrier gateway"),
        aws("ec2/natGateway"): _nat,
        aws("ec2/routeTableAssociation"): _association,
        aws("ec2/vpcBlockPublicAccessExclusion"): presence("exempts a network from VPC Block Public Access"),
    },
)

# What AWS puts into the default VPC when the property says nothing.
_PLACED: Final = {
    "ec2/securityGroup": "vpcId",
    "rds/cluster": "dbSubnetGroupName",
    "docdb/cluster": "dbSubnetGroupName",
    "neptune/cluster": "neptuneSubnetGroupName",
    "redshift/cluster": "clusterSubnetGroupName",
    "dms/replicationInstance": "replicationSubnetGroupId",
    "elasticache/cluster": "subnetGroupName",
    "elasticache/replicationGroup": "subnetGroupName",
}
# Another of the same kind, from which it has its network.
_SOURCES: Final = ("replicationGroupId", "globalReplicationGroupId")


def _placed(key: str) -> Check:
    def check(resource: Resource) -> Iterator[Finding]:
        place = resource.at(key)
        if place.text == "default":
            yield Finding(place.path, "is AWS's own, in the account's default VPC")
        elif place.absent and all(resource.at(source).absent for source in _SOURCES):
            yield Finding(place.path, "is absent, so that the account's default VPC is used")

    return check


def _database(resource: Resource) -> Iterator[Finding]:
    # A replica is where its source is, unless it is told otherwise.
    if resource.at("replicateSourceDb").absent:
        yield from _placed("dbSubnetGroupName")(resource)


def _instance(resource: Resource) -> Iterator[Finding]:
    elsewhere = ("networkInterfaces", "primaryNetworkInterface", "launchTemplate")
    if resource.at("subnetId").absent and all(resource.at(key).absent for key in elsewhere):
        yield Finding("subnetId", "is absent, so that one of the account's default subnets is used")


def _scaling_group(resource: Resource) -> Iterator[Finding]:
    subnets, zones = resource.at("vpcZoneIdentifiers"), resource.at("availabilityZones")
    if zones.given and not subnets.unknown and not any(True for _ in subnets.elements()):
        yield Finding(zones.path, "names zones and no subnets, so that the account's default subnets are used")


DEFAULT_NETWORKS = ResourceRule(
    id="no-default-network",
    title="The account's default VPC and subnets are not used.",
    severity=Severity.HIGH,
    remedy="Name a subnet, a subnet group or a VPC of your own: the default VPC comes with an internet gateway.",
    why=(
        "The default VPC has an internet gateway, a default route to it, and subnets that give each instance a public address "
        "(Amazon VPC User Guide, Default VPCs). None of that is in a plan that merely adopts it, or in one that leaves the "
        "network out: what names no subnet is put there."
    ),
    frameworks=Frameworks(fsbp=("ElastiCache.7",), checkov=("CKV_AWS_148",)),
    checks={
        aws("ec2/defaultVpc"): presence("adopts the account's default VPC"),
        aws("ec2/defaultSubnet"): presence("adopts one of the account's default subnets"),
        **{aws(path): _placed(key) for path, key in _PLACED.items()},
        aws("rds/instance"): _database,
        aws("ec2/instance"): _instance,
        aws("ec2/spotInstanceRequest"): _instance,
        aws("autoscaling/group"): _scaling_group,
    },
)
