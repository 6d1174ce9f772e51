"""The VPC itself: what AWS puts into it, its addresses, its names, its log."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from isolation.checks import is_true
from isolation.declared import PRIVATE_CIDRS, private_cidrs, required
from isolation.reading.addresses import problem
from isolation.rule import Check, Finding, Frameworks, Resource, ResourceRule, StackRule, aws
from isolation.stack import Stack

_DEFAULTS: Final = {
    "ec2/defaultSecurityGroup": ("vpcId", "default security group"),
    "ec2/defaultNetworkAcl": ("defaultNetworkAclId", "default network ACL"),
    "ec2/defaultRouteTable": ("defaultRouteTableId", "default route table"),
}


def _unlocked(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    held: dict[str, set[str]] = {
        path: {vpc.urn for each in stack.of(path) for vpc in _vpcs_of(stack, each, key)}
        for path, (key, _) in _DEFAULTS.items()
    }
    for vpc in stack.of("ec2/vpc"):
        for path, (_, what) in _DEFAULTS.items():
            if vpc.urn not in held[path]:
                yield vpc, Finding("", f"has a {what} that this stack does not take over")


def _vpcs_of(stack: Stack, resource: Resource, key: str) -> list[Resource]:
    """The VPCs whose id, or whose default ACL's or table's id, the property `key` is."""
    named = resource.at(key).text
    if named is None:
        return stack.referenced(resource, key, "ec2/vpc")
    return [vpc for vpc in stack.of("ec2/vpc") if named in (vpc.at("id").text, vpc.at(key).text)]


VPC_DEFAULTS_TAKEN = StackRule(
    id="vpc-defaults-taken-over",
    title="The default security group, network ACL and route table of each VPC are in the stack.",
    severity=Severity.HIGH,
    remedy="Add an aws.ec2.DefaultSecurityGroup, DefaultNetworkAcl and DefaultRouteTable without rules or routes.",
    why=(
        "AWS makes each VPC with a group whose members reach each other and everything outside, an ACL that lets all "
        "traffic pass, and a main route table (Amazon VPC User Guide, Default security groups and Default network ACL). "
        "Whatever is made without a group, an ACL or a table of its own gets these; taken over and empty, it reaches nobody."
    ),
    frameworks=Frameworks(fsbp=("EC2.2",), cis=("5.4",), checkov=("CKV2_AWS_12",)),
    check=_unlocked,
)


def _empty(*keys: str) -> Check:
    def check(resource: Resource) -> Iterator[Finding]:
        for key in keys:
            if list((entries := resource.at(key)).elements()):
                yield Finding(entries.path, "is not empty")

    return check


VPC_DEFAULTS_EMPTY = ResourceRule(
    id="vpc-defaults-empty",
    title="The default security group, network ACL and route table of a VPC hold no rule and no route.",
    severity=Severity.HIGH,
    remedy="Remove the rules and routes, and give whatever needs them a group, an ACL or a table of its own.",
    why=(
        "The defaults catch what nobody placed: an interface without a group, a subnet without an ACL or a table (Amazon VPC "
        "User Guide, Default security groups). A rule there opens a door for things that do not exist yet."
    ),
    frameworks=Frameworks(fsbp=("EC2.2",), cis=("5.4",), checkov=("CKV2_AWS_12",)),
    checks={
        aws("ec2/defaultSecurityGroup"): _empty("ingress", "egress"),
        aws("ec2/defaultNetworkAcl"): _empty("ingress", "egress"),
        aws("ec2/defaultRouteTable"): _empty("routes", "propagatingVgws"),
    },
)

_RULES: Final = ("ec2/securityGroupRule", "vpc/securityGroupIngressRule", "vpc/securityGroupEgressRule")
_ADDED: Final = (
    *((path, "securityGroupId", "ec2/defaultSecurityGroup") for path in _RULES),
    ("ec2/networkAclRule", "networkAclId", "ec2/defaultNetworkAcl"),
    ("ec2/route", "routeTableId", "ec2/defaultRouteTable"),
)
_OF_THE_VPC: Final = {
    "securityGroupId": "defaultSecurityGroupId",
    "networkAclId": "defaultNetworkAclId",
    "routeTableId": "defaultRouteTableId",
}


def _added(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    for path, key, default in _ADDED:
        for resource in stack.of(path):
            by_id = {vpc.at(_OF_THE_VPC[key]).text for vpc in stack.of("ec2/vpc")} - {None}
            made_of = {each.type for each in stack.referenced(resource, key)}
            # An id that is made of a VPC alone is that of one of its defaults: a VPC has no other.
            if aws(default) in made_of or made_of == {aws("ec2/vpc")} or resource.at(key).text in by_id:
                yield resource, Finding(key, "is one of the defaults of a VPC")


VPC_DEFAULTS_NOT_EXTENDED = StackRule(
    id="vpc-defaults-not-extended",
    title="No rule or route is added to the defaults of a VPC.",
    severity=Severity.HIGH,
    remedy="Add it to a group, an ACL or a table of its own.",
    why=(
        "A standalone rule changes the default group, ACL or table as one that is written inline does, and the resource that "
        "took the default over still looks empty in the plan (Amazon VPC User Guide, Default security groups)."
    ),
    frameworks=Frameworks(fsbp=("EC2.2",), cis=("5.4",)),
    check=_added,
)


def _cidr(resource: Resource) -> Iterator[Finding]:
    cidr = resource.at("cidrBlock")
    if wrong := problem(cidr, private_cidrs(resource.settings)):
        yield Finding(cidr.path, wrong)


VPC_CIDRS = ResourceRule(
    id="vpc-cidr-private",
    title="VPCs and subnets have private addresses.",
    severity=Severity.HIGH,
    remedy="Choose a block of RFC 1918.",
    why=(
        "A VPC takes public blocks too, and does not own them (Amazon VPC User Guide, VPC CIDR blocks): its hosts hide the "
        "real ones, and every rule that admits the VPC's block admits the internet's hosts of the same addresses on the day "
        "a route leads there."
    ),
    settings=(PRIVATE_CIDRS,),
    checks=dict.fromkeys((aws("ec2/vpc"), aws("ec2/vpcIpv4CidrBlockAssociation"), aws("ec2/subnet")), _cidr),
)


def _names(resource: Resource) -> Iterator[Finding]:
    support = resource.at("enableDnsSupport")
    if support.given and support.truth is not True:  # true by default
        yield Finding(
            support.path, f"is {support.described}, not true", "Leave enableDnsSupport out, or set it to true."
        )
    yield from is_true(resource.at("enableDnsHostnames"))


def _resolvers(resource: Resource) -> Iterator[Finding]:
    for server in resource.at("domainNameServers").each():
        if server.text != "AmazonProvidedDNS":
            yield Finding(server.path, "is a resolver that is not the VPC's own")


VPC_NAMES = ResourceRule(
    id="vpc-resolves-privately",
    title="Names are resolved by the VPC, so that AWS's are answered with its endpoints.",
    severity=Severity.MEDIUM,
    remedy="Set enableDnsSupport and enableDnsHostnames to true and keep AmazonProvidedDNS.",
    why=(
        "The private DNS of an interface endpoint needs both settings (AWS PrivateLink Guide, Access an AWS service using an "
        "interface VPC endpoint); without it clients look for the service in the internet. A resolver elsewhere learns each "
        "name that is asked for and decides where clients connect."
    ),
    checks={aws("ec2/vpc"): _names, aws("ec2/vpcDhcpOptions"): _resolvers},
    repairs={aws("ec2/vpc"): {"enableDnsSupport": True, "enableDnsHostnames": True}},
)


# Without these a record does not tell who reached what, and whether they were let in.
_TOLD: Final = ("srcaddr", "dstaddr", "dstport", "protocol", "action")


def _traffic(resource: Resource) -> Iterator[Finding]:
    kind = resource.at("trafficType")
    # Transit gateways and their attachments have no such choice.
    if resource.at("vpcId").absent and resource.at("subnetId").absent and resource.at("eniId").absent:
        return
    if not kind.unknown and kind.text != "ALL":
        yield Finding(kind.path, "records a part of the traffic" if kind.given else "is absent")
    record = resource.at("logFormat")
    if record.text is not None and not all(f"${{{field}}}" in record.text for field in _TOLD):
        yield Finding(record.path, "leaves out who talked to whom", "Leave logFormat out, or add the fields to it.")


FLOW_LOG_TRAFFIC = ResourceRule(
    id="flow-log-records-all",
    title="Flow logs record accepted and refused traffic.",
    severity=Severity.MEDIUM,
    remedy="Set trafficType to ALL.",
    why=(
        "ACCEPT alone hides the attempts, REJECT alone hides what succeeded (Amazon VPC User Guide, Flow log basics); after "
        "an incident both are asked for."
    ),
    frameworks=Frameworks(fsbp=("EC2.6",), cis=("3.7",), cdk_nag=("AwsSolutions-VPC7",)),
    checks={aws("ec2/flowLog"): _traffic},
)


def _unlogged(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    if stack.settings["required"] is False:
        return
    logged = {vpc.urn for log in stack.of("ec2/flowLog") for vpc in stack.referenced(log, "vpcId", "ec2/vpc")}
    for vpc in stack.of("ec2/vpc"):
        if vpc.urn not in logged:
            yield vpc, Finding("", "has no flow log")


FLOW_LOGS = StackRule(
    id="vpc-has-flow-log",
    title="Each VPC has a flow log.",
    severity=Severity.MEDIUM,
    remedy="Add an aws.ec2.FlowLog with the VPC's id and trafficType ALL, or set the setting required to false.",
    why=(
        "The log is the only record of who talked to the database and who tried (Amazon VPC User Guide, Logging IP traffic "
        "using VPC Flow Logs). It cannot be written afterwards."
    ),
    settings=(
        required("Whether a VPC has to have a flow log; an account that logs all its VPCs elsewhere says false."),
    ),
    frameworks=Frameworks(fsbp=("EC2.6",), cis=("3.7",), cdk_nag=("AwsSolutions-VPC7",), checkov=("CKV2_AWS_11",)),
    check=_unlogged,
)
