"""No gateway to the internet, and no network that has one by default."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.checks import presence
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, aws


def _nat(resource: Resource) -> Iterator[Finding]:
    # A private NAT gateway translates between private networks only; public is the default.
    if resource.at("connectivityType").text != "private":
        yield Finding("", "is a public NAT gateway")


INTERNET_GATEWAYS = ResourceRule(
    id="no-internet-gateway",
    title="The network has no gateway to the internet.",
    severity=Severity.CRITICAL,
    remedy="Remove it; reach AWS services through VPC endpoints.",
    frameworks=Frameworks(fsbp=("EC2.172",)),
    checks={
        aws("ec2/internetGateway"): presence("is an internet gateway"),
        aws("ec2/internetGatewayAttachment"): presence("attaches an internet gateway to a VPC"),
        aws("ec2/egressOnlyInternetGateway"): presence("is an egress-only internet gateway"),
        aws("ec2/carrierGateway"): presence("is a carrier gateway"),
        aws("ec2/natGateway"): _nat,
        aws("ec2/vpcBlockPublicAccessExclusion"): presence("exempts a network from VPC Block Public Access"),
    },
)

DEFAULT_NETWORKS = ResourceRule(
    id="no-default-network",
    title="The account's default VPC and subnets are not used.",
    severity=Severity.HIGH,
    remedy="Use a VPC of your own: the default one comes with an internet gateway and gives out public addresses.",
    frameworks=Frameworks(checkov=("CKV_AWS_148",)),
    checks={
        aws("ec2/defaultVpc"): presence("adopts the account's default VPC"),
        aws("ec2/defaultSubnet"): presence("adopts one of the account's default subnets"),
    },
)
