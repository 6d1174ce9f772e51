"""CIDR blocks: whatever admits one public address is found, whatever stays private is not."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolation.reading.addresses import is_private, network, problem
from isolation.reading.properties import UNKNOWN, Property

# Written out, so that the module under test cannot agree with itself.
PRIVATE_V4 = [
    IPv4Network("10.0.0.0/8"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv4Network("100.64.0.0/10"),
]
PRIVATE_V6 = IPv6Network("fc00::/7")


def is_public(address: Any) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in block for block in PRIVATE_V4)
    return address not in PRIVATE_V6 and not address.ipv4_mapped


public_v4 = st.ip_addresses(v=4).filter(is_public)
public_v6 = st.ip_addresses(v=6).filter(is_public)


def wrong(cidr):
    return problem(Property("cidr", cidr))


@given(public_v4, st.integers(0, 32))
def test_a_block_around_a_public_v4_address_is_found(address, length):
    """With host bits set as they come: AWS ignores them."""
    cidr = f"{address}/{length}"
    assert wrong(cidr) == f"is {cidr}, which reaches outside private address space"


@given(public_v6, st.integers(0, 128))
def test_a_block_around_a_public_v6_address_is_found(address, length):
    cidr = f"{address}/{length}"
    assert wrong(cidr) == f"is {cidr}, which reaches outside private address space"


@given(st.sampled_from(PRIVATE_V4[:3]), st.data())
def test_a_block_within_rfc_1918_is_not_found(block, data):
    length = data.draw(st.integers(block.prefixlen, 32))
    address = IPv4Address(data.draw(st.integers(int(block.network_address), int(block.broadcast_address))))
    assert wrong(f"{address}/{length}") is None


@given(st.sampled_from(PRIVATE_V4), st.data())
def test_a_block_wider_than_a_private_one_is_found(block, data):
    """It holds a neighbour, and no two private blocks are neighbours."""
    length = data.draw(st.integers(0, block.prefixlen - 1))
    assert wrong(f"{block.network_address}/{length}") is not None


@given(st.integers(7, 128), st.data())
def test_a_block_of_unique_local_addresses_is_not_found(length, data):
    address = IPv6Address(
        data.draw(st.integers(int(PRIVATE_V6.network_address), int(PRIVATE_V6.network_address) + 2**121 - 1))
    )
    assert wrong(f"{address}/{length}") is None


@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_an_ipv4_mapped_block_is_judged_as_the_block_it_maps(address, length):
    assert (wrong(f"::ffff:{address}/{96 + length}") is None) == (wrong(f"{address}/{length}") is None)


@given(st.ip_addresses(v=4), st.integers(0, 95))
def test_a_block_wider_than_all_mapped_addresses_is_found(address, length):
    assert wrong(f"::ffff:{address}/{length}") is not None


@pytest.mark.parametrize(
    "cidr", ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "0.0.0.1/0", "10.0.0.0/7", "100.0.0.0/8", "::/0"]
)
def test_the_usual_ways_to_say_everywhere(cidr):
    assert wrong(cidr) == f"is {cidr}, which reaches outside private address space"


@pytest.mark.parametrize("cidr", ["2000::/3", "::/1", "8000::/1", "::ffff:0:0/96", "::ffff:0.0.0.0/97", "64:ff9b::/96"])
def test_v6_ways_to_say_everywhere(cidr):
    assert wrong(cidr) == f"is {cidr}, which reaches outside private address space"


@pytest.mark.parametrize("cidr", ["10.0.0.0/8", "172.31.0.0/16", "192.168.1.7/32", "100.64.0.0/10", "fd00::/8"])
def test_private_blocks(cidr):
    assert wrong(cidr) is None


@pytest.mark.parametrize(
    "cidr",
    [
        "10.0.0.0",
        "10.0.0.0/33",
        "10.0.0.0/8 ",
        "10.0.0.0/-1",
        "10.0.0.0/255.0.0.0",
        "0.0.0.0/0.0.0.0",
        "010.0.0.0/8",
        "fd00::%eth0/8",
        "fd00::/129",
        "\u0661\u0660.0.0.0/8",
        "",
        "hunter2",
        "pl-63a5400a",
    ],
)
def test_what_is_no_block_is_found_and_not_repeated(cidr):
    assert network(cidr) is None
    assert wrong(cidr) == "is a string that is no CIDR block"


@pytest.mark.parametrize(
    ("cidr", "described"), [(1.0, "a number"), (True, "true"), (["10.0.0.0/8"], "a list"), ({}, "an object")]
)
def test_what_is_no_text_is_no_block(cidr, described):
    assert wrong(cidr) == f"is {described} that is no CIDR block"


@given(st.text("0123456789abcdef.:/%-", max_size=24) | st.text(max_size=24))
def test_any_text_is_judged_one_way_or_the_other(text):
    block = network(text)
    if block is None:
        assert wrong(text) == "is a string that is no CIDR block"
    else:
        assert (wrong(text) is None) == is_private(block)


def test_absent_and_unknown_are_not_judged():
    assert wrong(None) is None
    assert wrong(UNKNOWN) is None
