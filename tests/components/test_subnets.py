import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.network.subnets import check_vpc_cidr, ipv6_subnet_cidr, subnet_cidrs

PRIVATE = [ipaddress.ip_network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]


@st.composite
def vpc_blocks(draw):
    outer = draw(st.sampled_from(PRIVATE))
    prefix = draw(st.integers(max(16, outer.prefixlen), 26))
    offset = draw(st.integers(0, 2 ** (prefix - outer.prefixlen) - 1))
    return str(ipaddress.ip_network((int(outer.network_address) + (offset << (32 - prefix)), prefix)))


@given(vpc_blocks(), st.integers(1, 4))
def test_subnets_are_inside_disjoint_equal_and_large_enough(cidr, zones):
    vpc = ipaddress.ip_network(cidr)
    subnets = [ipaddress.ip_network(block) for block in subnet_cidrs(cidr, zones)]
    assert len(subnets) == zones
    assert all(subnet.subnet_of(vpc) for subnet in subnets)
    assert not any(a.overlaps(b) for i, a in enumerate(subnets) for b in subnets[i + 1 :])
    assert {subnet.prefixlen for subnet in subnets} == {vpc.prefixlen + 2}
    assert subnets[0].prefixlen <= 28


@given(vpc_blocks())
def test_another_zone_moves_no_subnet(cidr):
    assert subnet_cidrs(cidr, 3)[:2] == subnet_cidrs(cidr, 2)


@given(st.integers(0, 2**32 - 1), st.integers(0, 32))
def test_what_is_accepted_is_private_and_of_a_size_that_aws_allows(address, prefix):
    cidr = str(ipaddress.ip_network((address, prefix), strict=False))
    network = ipaddress.ip_network(cidr)
    good = 16 <= prefix <= 26 and any(network.subnet_of(block) for block in PRIVATE)
    if good:
        assert check_vpc_cidr(cidr) == cidr
    else:
        with pytest.raises(ValueError, match=r"[a-z]"):
            check_vpc_cidr(cidr)


@given(st.text(max_size=30).filter(lambda text: "/" not in text))
def test_any_other_text_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r"write one such as '10\.20\.0\.0/16'|is not inside private|too small"):
        check_vpc_cidr(text)


def test_zones_beyond_the_slots():
    with pytest.raises(ValueError, match="5 zones do not fit: 1 to 4 do"):
        subnet_cidrs("10.0.0.0/16", 5)


@given(st.integers(0, 2**56 - 1), st.integers(0, 255), st.integers(0, 255))
def test_ipv6_subnets_are_different_blocks_of_64_inside_the_vpcs(prefix, first, second):
    vpc = ipaddress.IPv6Network((prefix << 72, 56))
    one, other = (ipaddress.IPv6Network(ipv6_subnet_cidr(str(vpc), place)) for place in (first, second))
    assert (one.prefixlen, one.subnet_of(vpc), other.subnet_of(vpc)) == (64, True, True)
    assert one.overlaps(other) == (first == second)
    assert one == list(vpc.subnets(new_prefix=64))[first]


@pytest.mark.parametrize("place", [-1, 256])
def test_ipv6_subnets_beyond_the_block(place):
    with pytest.raises(ValueError, match=f"2001:db8::/56 has 256 subnets of /64; there is none at {place}"):
        ipv6_subnet_cidr("2001:db8::/56", place)
