"""Network ACLs admit private sources, and the answers of S3's gateway endpoint."""

from collections.abc import Iterator
from ipaddress import IPv4Network

from pulumi_policy import Severity

from isolation.addresses import network, problem
from isolation.reading import Property
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, aws

_STANDALONE = aws("ec2/networkAclRule")

# ACLs are stateless: what S3 answers through its gateway endpoint comes from its public ranges, to the client's
# ephemeral ports, and an ACL cannot name S3's prefix list (AWS PrivateLink guide, Gateway endpoints). S3's widest
# range is a /15 (52.216.0.0/15); the lists are AWS's and change, so the form of the entry is what is checked here.
_EPHEMERAL_PORTS = (1024, 65535)
_WIDEST_S3_RANGE = 15
_TCP = 6  # IANA protocol number


def _entries(resource: Resource) -> Iterator[Property]:
    if resource.type == _STANDALONE:
        if resource.at("egress").truth is not True:
            yield resource.root
    else:
        yield from resource.at("ingress").each()


def _allows(entry: Property) -> bool:
    action = entry.at("ruleAction").text or entry.at("action").text
    return action is None or action.casefold() != "deny"


def _answers_of_s3(entry: Property, cidr: Property) -> bool:
    block = network(cidr.value)
    if not isinstance(block, IPv4Network) or block.prefixlen < _WIDEST_S3_RANGE:
        return False
    protocol = entry.at("protocol")
    first, last = entry.at("fromPort").number, entry.at("toPort").number
    if first is None or last is None:
        return False
    is_tcp = protocol.number == _TCP or (protocol.text or "").casefold() == "tcp"
    return is_tcp and _EPHEMERAL_PORTS[0] <= first <= last <= _EPHEMERAL_PORTS[1]


def _check(resource: Resource) -> Iterator[Finding]:
    for entry in _entries(resource):
        if not _allows(entry):
            continue
        for key in ("cidrBlock", "ipv6CidrBlock"):
            cidr = entry.at(key)
            if (wrong := problem(cidr)) and not _answers_of_s3(entry, cidr):
                yield Finding(cidr.path, wrong)


NETWORK_ACL_INGRESS = ResourceRule(
    id="network-acl-ingress-private",
    title="Network ACLs admit ingress from private addresses only, and the answers of S3's gateway endpoint.",
    severity=Severity.HIGH,
    remedy="Admit the VPC's CIDR block; for S3's gateway endpoint, TCP 1024 to 65535 from the blocks of S3's prefix list.",
    frameworks=Frameworks(
        fsbp=("EC2.21",),
        cis=("5.1",),
        checkov=("CKV_AWS_229", "CKV_AWS_230", "CKV_AWS_231", "CKV_AWS_232", "CKV_AWS_352"),
    ),
    checks=dict.fromkeys((aws("ec2/networkAcl"), aws("ec2/defaultNetworkAcl"), _STANDALONE), _check),
)
