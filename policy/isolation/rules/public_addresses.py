"""Nothing has a public address."""

from pulumi_policy import Severity

from isolation.checks import none_true, presence
from isolation.rule import Frameworks, ResourceRule, aws

_INSTANCE = none_true("associatePublicIpAddress")
_SUBNET = none_true("mapPublicIpOnLaunch", "assignIpv6AddressOnCreation")

PUBLIC_ADDRESSES = ResourceRule(
    id="no-public-address",
    title="No interface has a public address, and no subnet gives one out.",
    severity=Severity.CRITICAL,
    remedy="Keep to private addresses; people come in through Session Manager.",
    frameworks=Frameworks(fsbp=("EC2.9", "EC2.15", "EC2.25"), checkov=("CKV_AWS_88", "CKV_AWS_130")),
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
    },
)
