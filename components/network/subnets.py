"""Subnet arithmetic: pure functions over CIDR blocks."""

import ipaddress

SLOTS = 4
"""A VPC is cut into four equal blocks, so that going from two zones to three moves no subnet."""

_PRIVATE = tuple(ipaddress.IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
_LARGEST = 16  # AWS: a VPC's block is /16 to /28
_SMALLEST = 26  # four blocks of AWS's smallest subnet, /28


def check_vpc_cidr(cidr: str) -> str:
    """`cidr` itself when a VPC of this stack can have it.

    Raises:
        ValueError: not a private IPv4 block of /16 to /26, in words that name the nearest block that would do.
    """
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        raise ValueError("is not a CIDR block; write one such as '10.20.0.0/16'") from None
    if not isinstance(network, ipaddress.IPv4Network):
        raise ValueError("must be IPv4; write one such as '10.20.0.0/16'")  # noqa: TRY004 - pydantic reports values, not types
    if not any(network.subnet_of(private) for private in _PRIVATE):
        raise ValueError("is not inside private address space: 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16")
    if str(network) != cidr:
        raise ValueError(f"has bits set to the right of its prefix; did you mean '{network}'?")
    if network.prefixlen < _LARGEST:
        raise ValueError(f"is larger than AWS allows; the largest here is '{network.network_address}/{_LARGEST}'")
    if network.prefixlen > _SMALLEST:
        raise ValueError(f"is too small for subnets in several zones; use /{_SMALLEST} or larger (/16 to /{_SMALLEST})")
    return cidr


def subnet_cidrs(cidr: str, zones: int) -> list[str]:
    """The blocks of `zones` (1 to 4) equal subnets of the VPC `cidr`, disjoint, in order."""
    if not 1 <= zones <= SLOTS:
        raise ValueError(f"{zones} zones do not fit: 1 to {SLOTS} do")
    blocks = ipaddress.ip_network(check_vpc_cidr(cidr)).subnets(prefixlen_diff=SLOTS.bit_length() - 1)
    return [str(block) for block, _ in zip(blocks, range(zones), strict=False)]


def ipv6_subnet_cidr(cidr: str, place: int) -> str:
    """The /64 at `place` (from 0) of a VPC's IPv6 block: subnets are always /64 (Amazon VPC User Guide, IP addressing)."""
    block = ipaddress.IPv6Network(cidr)
    count = 1 << (64 - block.prefixlen)
    if not 0 <= place < count:
        raise ValueError(f"{cidr} has {count} subnets of /64; there is none at {place}")
    return str(ipaddress.IPv6Network((int(block.network_address) + (place << 64), 64)))
