"""Nothing has a public address, and nothing has an IPv6 address unless that was asked for."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from isolation.checks import none_true, presence
from isolation.reading.properties import Property
from isolation.rule import Check, Finding, Frameworks, Resource, ResourceRule, Setting, aws

_INSTANCE = none_true("associatePublicIpAddress")
_SUBNET = none_true("mapPublicIpOnLaunch", "assignIpv6AddressOnCreation", "mapCustomerOwnedIpOnLaunch")


def _given(pattern: str, what: str) -> Check:
    """A check that nothing stands at `pattern`."""

    def check(resource: Resource) -> Iterator[Finding]:
        for found in resource.select(pattern):
            if found.given:
                yield Finding(found.path, what)

    return check


PUBLIC_ADDRESSES = ResourceRule(
    id="no-public-address",
    title="No interface has a public address, and no subnet gives one out.",
    severity=Severity.CRITICAL,
    remedy="Keep to private addresses; people come in through Session Manager.",
    why=(
        "A public address makes an interface a target the moment that a route to the internet exists, and AWS charges for it "
        "until then (Amazon VPC User Guide, IP addressing). A subnet that gives them out does so for whatever is made in it "
        "later, by services too: load balancers, tasks, replication instances."
    ),
    frameworks=Frameworks(
        fsbp=("EC2.9", "EC2.15", "EC2.25", "AutoScaling.5", "ECS.2", "ECS.16"),
        checkov=("CKV_AWS_88", "CKV_AWS_130", "CKV_AWS_333"),
    ),
    checks={
        aws("ec2/eip"): presence("is a public address"),
        aws("ec2/eipAssociation"): presence("gives an interface a public address"),
        aws("ec2/natGatewayEipAssociation"): presence("gives a NAT gateway a public address"),
        aws("ec2/subnet"): _SUBNET,
        aws("ec2/defaultSubnet"): _SUBNET,
        aws("ec2/instance"): _INSTANCE,
        aws("ec2/spotInstanceRequest"): _INSTANCE,
        aws("ec2/launchConfiguration"): _INSTANCE,
        aws("ec2/launchTemplate"): none_true(
            "networkInterfaces[].associatePublicIpAddress", "networkInterfaces[].associateCarrierIpAddress"
        ),
        aws("ec2/spotFleetRequest"): none_true("launchSpecifications[].associatePublicIpAddress"),
        aws("ec2/vpcIpamPool"): none_true("publiclyAdvertisable"),
        aws("ecs/service"): none_true("networkConfiguration.assignPublicIp"),
        aws("ecs/taskSet"): none_true("networkConfiguration.assignPublicIp"),
        aws("cloudwatch/eventTarget"): none_true("ecsTarget.networkConfiguration.assignPublicIp"),
        aws("scheduler/schedule"): none_true("target.ecsParameters.networkConfiguration.assignPublicIp"),
        aws("lb/loadBalancer"): _given("subnetMappings[].allocationId", "gives the load balancer a public address"),
        aws("alb/loadBalancer"): _given("subnetMappings[].allocationId", "gives the load balancer a public address"),
    },
    repairs={
        aws("ec2/subnet"): {"mapPublicIpOnLaunch": False, "assignIpv6AddressOnCreation": False},
    },
)

_IPV6: Final = {
    "ec2/vpc": ("assignGeneratedIpv6CidrBlock", "ipv6CidrBlock", "ipv6IpamPoolId"),
    "ec2/subnet": ("ipv6CidrBlock", "ipv6IpamPoolId", "ipv6Native", "assignIpv6AddressOnCreation"),
    "ec2/networkInterface": (
        "ipv6AddressCount",
        "ipv6Addresses",
        "ipv6AddressLists",
        "ipv6Prefixes",
        "ipv6PrefixCount",
        "enablePrimaryIpv6",
    ),
    "ec2/instance": ("ipv6AddressCount", "ipv6Addresses", "enablePrimaryIpv6"),
    "ec2/spotInstanceRequest": ("ipv6AddressCount", "ipv6Addresses", "enablePrimaryIpv6"),
    "ec2/vpcEndpoint": ("ipAddressType",),
    "ec2transitgateway/vpcAttachment": ("ipv6Support",),
    "lb/loadBalancer": ("ipAddressType",),
    "alb/loadBalancer": ("ipAddressType",),
    "rds/cluster": ("networkType",),
    "rds/instance": ("networkType",),
    "rds/proxy": ("endpointNetworkType", "targetConnectionNetworkType"),
    "lambda/function": ("vpcConfig.ipv6AllowedForDualStack",),
}
_OFF: Final = frozenset({"ipv4", "disable"})


def _switches_on(value: Property) -> bool:
    """Whether a property asks for IPv6: by being there, unless it says no; one that is unknown may say no."""
    if value.truth is False or value.number == 0 or (value.text or "").casefold() in _OFF:
        return False
    return value.given and (value.text is not None or value.number is not None or any(True for _ in value.elements()))


def _ipv6(keys: tuple[str, ...]) -> Check:
    def check(resource: Resource) -> Iterator[Finding]:
        if resource.settings["allowed"] is True:
            return
        for key in keys:
            if _switches_on(value := resource.at(*key.split("."))):
                yield Finding(value.path, "asks for IPv6")

    return check


def _ipv6_block(resource: Resource) -> Iterator[Finding]:
    if resource.settings["allowed"] is not True:
        yield Finding("", "gives a VPC an IPv6 block")


IPV6 = ResourceRule(
    id="ipv6-only-when-asked",
    title="The network has no IPv6 unless it is asked for.",
    severity=Severity.MEDIUM,
    remedy="Leave it out, or set the setting allowed to true.",
    why=(
        "AWS's IPv6 addresses are public ones: there is no translation in between, and one gateway makes each of them "
        "reachable (Amazon VPC User Guide, IP addressing). Rules that name IPv4 blocks say nothing about them."
    ),
    settings=(
        Setting(
            name="allowed",
            default=False,
            schema={"type": "boolean"},
            description="Whether the VPC and what is in it may have IPv6 addresses.",
        ),
    ),
    checks={
        aws("ec2/vpcIpv6CidrBlockAssociation"): _ipv6_block,
        **{aws(path): _ipv6(keys) for path, keys in _IPV6.items()},
    },
)
