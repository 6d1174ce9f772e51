"""Network ACLs: private blocks and the traffic of S3's gateway endpoint, one for each subnet."""

from collections.abc import Iterator
from ipaddress import IPv4Network

from pulumi_policy import Severity

from isolation.declared import PRIVATE_CIDRS, private_cidrs
from isolation.reading.addresses import network, problem
from isolation.reading.properties import Property
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, StackRule, aws
from isolation.stack import Stack

_ACLS = ("ec2/networkAcl", "ec2/defaultNetworkAcl")
_ENTRY = "ec2/networkAclRule"
_TYPES = tuple(aws(path) for path in (*_ACLS, _ENTRY))
_CIDRS = ("cidrBlock", "ipv6CidrBlock")

# ACLs are stateless: what S3 answers through its gateway endpoint comes from its public ranges, to the client's
# ephemeral ports, and an ACL cannot name S3's prefix list (AWS PrivateLink guide, Gateway endpoints). S3's widest
# range is a /15 (52.216.0.0/15); the lists are AWS's and change, so the form of the entry is what is checked here.
_EPHEMERAL_PORTS = (1024, 65535)
_HTTPS = (443, 443)
_WIDEST_S3_RANGE = 15
_TCP = 6  # IANA protocol number


def _ingress(resource: Resource) -> Iterator[Property]:
    if resource.type != aws(_ENTRY):
        yield from resource.at("ingress").each()
    elif resource.at("egress").truth is not True:
        yield resource.root


def _egress(resource: Resource) -> Iterator[Property]:
    if resource.type != aws(_ENTRY):
        yield from resource.at("egress").each()
    elif not resource.at("egress").absent and resource.at("egress").truth is not False:
        yield resource.root


def _allows(entry: Property) -> bool:
    action = entry.at("ruleAction").text or entry.at("action").text
    return action is None or action.casefold() != "deny"


def _is_of_s3(entry: Property, cidr: Property, ports: tuple[int, int]) -> bool:
    """Whether an entry has the form of one for S3's gateway endpoint: TCP, `ports` or fewer, a block of its size."""
    block = network(cidr.value)
    if not isinstance(block, IPv4Network) or block.prefixlen < _WIDEST_S3_RANGE:
        return False
    protocol = entry.at("protocol")
    first, last = entry.at("fromPort").number, entry.at("toPort").number
    if first is None or last is None:
        return False
    is_tcp = protocol.number == _TCP or (protocol.text or "").casefold() == "tcp"
    return is_tcp and ports[0] <= first <= last <= ports[1]


def _public(entries: Iterator[Property], private: list[str]) -> Iterator[tuple[Property, Property, str]]:
    """(entry, its block, what is wrong with it) for each entry that lets a block pass that is not private."""
    for entry in entries:
        if _allows(entry):
            for key in _CIDRS:
                cidr = entry.at(key)
                if wrong := problem(cidr, private):
                    yield entry, cidr, wrong


def _check_ingress(resource: Resource) -> Iterator[Finding]:
    for entry, cidr, wrong in _public(_ingress(resource), private_cidrs(resource.settings)):
        if not _is_of_s3(entry, cidr, _EPHEMERAL_PORTS):
            yield Finding(cidr.path, wrong)


NETWORK_ACL_INGRESS = ResourceRule(
    id="network-acl-ingress-private",
    title="Network ACLs admit ingress from private addresses only, and the answers of S3's gateway endpoint.",
    severity=Severity.HIGH,
    remedy="Admit the VPC's CIDR block; for S3's gateway endpoint, TCP 1024 to 65535 from the blocks of S3's prefix list.",
    why=(
        "The ACL is the second lock: it holds when somebody opens a security group. It keeps no state, so the answers of S3, "
        "which come from public ranges through the gateway endpoint, have to be let in by an entry of their own "
        "(AWS PrivateLink Guide, Gateway endpoints); an entry of exactly that form passes, and nothing wider."
    ),
    settings=(PRIVATE_CIDRS,),
    frameworks=Frameworks(
        fsbp=("EC2.21",),
        cis=("5.1",),
        cdk_nag=("AwsSolutions-VPC3",),
        checkov=("CKV_AWS_229", "CKV_AWS_230", "CKV_AWS_231", "CKV_AWS_232", "CKV_AWS_352"),
    ),
    checks=dict.fromkeys(_TYPES, _check_ingress),
)


def _check_egress(resource: Resource) -> Iterator[Finding]:
    for entry, cidr, wrong in _public(_egress(resource), private_cidrs(resource.settings)):
        if not _is_of_s3(entry, cidr, _HTTPS):
            yield Finding(cidr.path, wrong)


NETWORK_ACL_EGRESS = ResourceRule(
    id="network-acl-egress-private",
    title="Network ACLs let out to private addresses only, and HTTPS to S3's gateway endpoint.",
    severity=Severity.MEDIUM,
    remedy="Let out to the VPC's CIDR block; for S3's gateway endpoint, TCP 443 to the blocks of S3's prefix list.",
    why=(
        "An ACL that lets everything out leaves the security groups alone between the data and a route that somebody adds "
        "later. What S3's gateway endpoint needs has one form, TCP 443 to blocks no wider than S3's own "
        "(AWS PrivateLink Guide, Gateway endpoints), and passes."
    ),
    settings=(PRIVATE_CIDRS,),
    checks=dict.fromkeys(_TYPES, _check_egress),
)


def _has_gateway_endpoint(stack: Stack) -> bool:
    """Whether an endpoint of the stack is, or may be, a gateway endpoint; that is the provider's default too."""
    kinds = (endpoint.at("vpcEndpointType") for endpoint in stack.of("ec2/vpcEndpoint"))
    return any(not kind.given or kind.text == "Gateway" for kind in kinds)


def _answers_of_nobody(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    if _has_gateway_endpoint(stack):
        return
    private = private_cidrs(stack.settings)
    for resource in stack.of(*_ACLS, _ENTRY):
        for entries in (_ingress(resource), _egress(resource)):
            for _, cidr, wrong in _public(entries, private):
                yield (
                    resource,
                    Finding(cidr.path, f"{wrong}, and this stack has no gateway endpoint that answers there"),
                )


NETWORK_ACL_ANSWERS = StackRule(
    id="network-acl-public-needs-endpoint",
    title="A network ACL passes S3's public addresses only where the stack has a gateway endpoint.",
    severity=Severity.MEDIUM,
    remedy="Remove the entry: without a gateway endpoint nobody in the network is answered from there.",
    why=(
        "The form that S3's traffic has is all that tells its entries from an open door (AWS PrivateLink Guide, Gateway "
        "endpoints). Without the endpoint the excuse is gone, and what is left is a public block on every port above 1023, "
        "PostgreSQL's among them."
    ),
    settings=(PRIVATE_CIDRS,),
    check=_answers_of_nobody,
)


def _without_acl(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    held = {
        subnet.urn
        for path, key in (("ec2/networkAcl", "subnetIds"), ("ec2/networkAclAssociation", "subnetId"))
        for holder in stack.of(path)
        for subnet in stack.referenced(holder, key, "ec2/subnet")
    }
    for subnet in stack.of("ec2/subnet"):
        if subnet.urn not in held:
            yield subnet, Finding("", "has no network ACL of its own")


SUBNET_ACLS = StackRule(
    id="subnet-has-network-acl",
    title="Each subnet has a network ACL that is not the VPC's default one.",
    severity=Severity.MEDIUM,
    remedy="Name the subnet in the subnetIds of an aws.ec2.NetworkAcl.",
    why=(
        "A subnet without an ACL of its own has the VPC's default one (Amazon VPC User Guide, Network ACL basics). That one "
        "lets everything pass as AWS makes it; locked, as it should be, it lets nothing pass, and the first answer that the "
        "subnet waits for never comes."
    ),
    frameworks=Frameworks(checkov=("CKV2_AWS_1",)),
    check=_without_acl,
)
