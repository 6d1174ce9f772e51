"""Facts about CIDR blocks."""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Final

from isolation.reading.properties import Property

Network = IPv4Network | IPv6Network

PRIVATE: Final = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",  # RFC 1918
    "100.64.0.0/10",  # RFC 6598, shared address space: a VPC may have it, the internet does not route it
    "fc00::/7",  # RFC 4193
)

# Python's parser also takes masks, bare addresses, zone ids and numbers; AWS takes none of them.
_CIDR = re.compile(r"[0-9A-Fa-f:.]+/[0-9]{1,3}", re.ASCII)
_MAPPED_BITS = 96


def network(cidr: object) -> Network | None:
    """The block that `cidr` stands for, or None when it is no CIDR block. Host bits are ignored, as AWS does.

    An IPv4-mapped block (::ffff:10.0.0.0/104) is the IPv4 block that it maps.
    """
    if not isinstance(cidr, str) or not _CIDR.fullmatch(cidr):
        return None
    try:
        block = ip_network(cidr, strict=False)
    except ValueError:
        return None
    if isinstance(block, IPv6Network) and block.prefixlen >= _MAPPED_BITS and block.network_address.ipv4_mapped:
        return IPv4Network((int(block.network_address.ipv4_mapped), block.prefixlen - _MAPPED_BITS))
    return block


def within(block: Network, cidrs: Iterable[str]) -> bool:
    """Whether `cidrs` together hold all of `block`; what is no CIDR block among them holds nothing."""
    v4, v6 = _blocks(tuple(cidrs))
    if isinstance(block, IPv4Network):
        return any(block.subnet_of(other) for other in v4)
    return any(block.subnet_of(other) for other in v6)


def is_private(block: Network, private: Iterable[str] = PRIVATE) -> bool:
    """Whether the internet routes no address of `block`; so a /1 is public without a special case."""
    return within(block, private)


def problem(cidr: Property, private: Iterable[str] = PRIVATE) -> str | None:
    """What is wrong with a property that should hold a private CIDR block; None when nothing is, or it is unknown.

    Only what has the form of a CIDR block is repeated: anything else may be a secret in the wrong place.
    """
    if not cidr.given:
        return None
    block = network(cidr.value)
    if block is None:
        return f"is {cidr.described} that is no CIDR block"
    return None if is_private(block, private) else f"is {cidr.value}, which reaches outside private address space"


@lru_cache(maxsize=32)
def _blocks(cidrs: tuple[str, ...]) -> tuple[list[IPv4Network], list[IPv6Network]]:
    """The blocks of each version, neighbours joined: 10.0.0.0/9 and 10.128.0.0/9 hold 10.0.0.0/8."""
    found = [block for cidr in cidrs if (block := network(cidr)) is not None]
    return (
        list(collapse_addresses(block for block in found if isinstance(block, IPv4Network))),
        list(collapse_addresses(block for block in found if isinstance(block, IPv6Network))),
    )
