"""The entries of the isolated subnets' network ACL: pure functions.

An ACL is stateless, so that each direction names the connection as well as its answers. Without an ACL of their own the
subnets would fall to the locked default one, which lets nothing through.
"""

import ipaddress
from collections.abc import Sequence
from typing import NotRequired, TypedDict, cast

import pulumi

from components.network.flows import HTTPS

EPHEMERAL = (1024, 65535)
"""The ports of answers, and PostgreSQL's among them."""
MOST_PREFIXES = 14
"""Of 20 entries a direction (Amazon VPC quotas) those of the VPC itself take up to four; the default one counts too."""
_S3_STEP, _FIRST_RULE, _FIRST_S3_RULE = 10, 100, 300


class Entry(TypedDict):
    """One entry, as `aws.ec2.NetworkAcl` takes it."""

    rule_no: int
    action: str
    protocol: str
    cidr_block: NotRequired[pulumi.Input[str]]
    ipv6_cidr_block: NotRequired[pulumi.Input[str]]
    from_port: int
    to_port: int


def entries(cidrs: Sequence[pulumi.Input[str]], s3_cidrs: Sequence[str]) -> tuple[list[Entry], list[Entry]]:
    """What comes in and what goes out: HTTPS and PostgreSQL inside the VPC, and S3's gateway endpoint.

    Args:
        cidrs: the VPC's own blocks; one that only AWS knows, an output, is its IPv6 block.
        s3_cidrs: the blocks of S3's prefix list, whose public addresses answer through the gateway endpoint; empty
            without that endpoint.

    Returns:
        Ingress and egress as `aws.ec2.NetworkAcl` takes them.
    """
    inside = [(cidr, ports) for cidr in cidrs for ports in ((HTTPS, HTTPS), EPHEMERAL)]
    within = [_entry(_FIRST_RULE + _S3_STEP * n, cidr, ports) for n, (cidr, ports) in enumerate(inside)]
    outside = list(enumerate(covering(s3_cidrs, MOST_PREFIXES)))
    answers = [_entry(_FIRST_S3_RULE + _S3_STEP * n, cidr, EPHEMERAL) for n, cidr in outside]
    requests = [_entry(_FIRST_S3_RULE + _S3_STEP * n, cidr, (HTTPS, HTTPS)) for n, cidr in outside]
    return within + answers, within + requests


def covering(cidrs: Sequence[str], most: int) -> list[str]:
    """At most `most` blocks that hold all of `cidrs`, adding as few foreign addresses as that takes.

    Raises:
        ValueError: `most` is not positive.
    """
    if most < 1:
        raise ValueError(f"{most} blocks cannot hold anything")
    blocks = list(ipaddress.collapse_addresses(ipaddress.IPv4Network(cidr) for cidr in cidrs))
    if len(blocks) > most:
        _, blocks = _covers(blocks, most)[-1]
    return [str(block) for block in blocks]


def _covers(blocks: list[ipaddress.IPv4Network], most: int) -> list[tuple[int, list[ipaddress.IPv4Network]]]:
    """For 1, 2, … `most` blocks the best cover of `blocks` (sorted, disjoint): its addresses, and itself.

    The smallest block that holds them all is one cover; any other is made of covers of its two halves.
    """
    if len(blocks) == 1:
        return [(blocks[0].num_addresses, blocks)] * most
    whole = blocks[0]
    while not blocks[-1].subnet_of(whole):
        whole = whole.supernet()
    best = [(whole.num_addresses, [whole])]
    if most > 1:
        lower, _ = whole.subnets()
        below = [block for block in blocks if block.subnet_of(lower)]
        left, right = _covers(below, most - 1), _covers(blocks[len(below) :], most - 1)
        for count in range(2, most + 1):
            pairs = [(left[n - 1], right[count - n - 1]) for n in range(1, count)]
            (few, some), (more, others) = min(pairs, key=lambda pair: pair[0][0] + pair[1][0])
            best.append(min(best[0], (few + more, some + others), key=lambda cover: cover[0]))
    return best


def _entry(number: int, cidr: pulumi.Input[str], ports: tuple[int, int]) -> Entry:
    key = "cidr_block" if isinstance(cidr, str) and ":" not in cidr else "ipv6_cidr_block"
    return cast(
        "Entry",
        {
            "rule_no": number,
            "action": "allow",
            "protocol": "tcp",
            key: cidr,
            "from_port": ports[0],
            "to_port": ports[1],
        },
    )
