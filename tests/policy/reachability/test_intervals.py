"""Sets as intervals against plain sets, and ACLs against asking entry after entry for each address and port."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from isolation.reachability.acls import Acl, Entry
from isolation.reachability.blocks import EVERYWHERE, PRIVATE, PUBLIC, Blocks, block, joined
from isolation.reachability.ranges import difference, intersection, union
from isolation.reachability.traffic import ALL, NONE, Traffic, of

LAST = 30
INTERVALS = st.lists(st.tuples(st.integers(0, LAST), st.integers(0, LAST)), max_size=5)
PROTOCOLS = st.sampled_from(["tcp", "udp", "icmp", "50", "all"])
TRAFFIC = st.dictionaries(PROTOCOLS, INTERVALS.map(union).filter(bool), max_size=3).map(of)
ENTRIES = st.lists(
    st.builds(
        Entry,
        st.integers(1, 5),
        st.booleans(),
        st.tuples(st.sampled_from(["tcp", "udp"]), INTERVALS.map(union)).map(lambda each: of({each[0]: each[1]}))
        | st.just(ALL),
        INTERVALS.map(lambda each: Blocks(v4=union(each))),
        st.just(True),
    ),
    max_size=5,
    unique_by=lambda entry: entry.number,
)
few = settings(max_examples=40, deadline=None)


def members(intervals):
    return {number for first, last in intervals for number in range(first, last + 1)}


@few
@given(INTERVALS, INTERVALS)
def test_intervals_are_sets_of_numbers(one, other):
    left, right = union(one), union(other)
    assert members(left) == members(one)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(left))
    assert members(union(one, other)) == members(one) | members(other)
    assert members(intersection(left, right)) == members(one) & members(other)
    assert members(difference(left, right)) == members(one) - members(other)
    assert Blocks(v4=left).meets(Blocks(v4=right)) == bool(members(one) & members(other))


def packets(traffic):
    """(protocol, port) of everything in it, as far as this test's protocols and ports go."""
    names = ["tcp", "udp", "icmp", "50"]
    return {
        (name, port)
        for protocol, ports in traffic.parts
        for name in (names if protocol == "all" else [protocol])
        for port in members(intersection(ports, ((0, LAST),)))
    }


@few
@given(TRAFFIC, TRAFFIC)
def test_traffic_is_a_set_of_protocols_and_ports(one, other):
    assert packets(one & other) == packets(one) & packets(other)
    assert packets(one | other) == packets(one) | packets(other)
    assert packets(one - other) >= packets(one) - packets(other)
    if one is not ALL:
        assert packets(one - other) == packets(one) - packets(other)


@few
@given(ENTRIES, INTERVALS.map(lambda each: Blocks(v4=union(each))).filter(bool))
def test_an_acl_passes_what_its_first_entry_for_a_packet_allows(entries, remote):
    passed = Acl("fence", entries, []).passes("ingress", remote)
    ordered = sorted(entries, key=lambda entry: entry.number)

    def allowed(address, protocol, port):
        for entry in ordered:
            if address in members(entry.blocks.v4) and (protocol, port) in packets(entry.traffic):
                return entry.allow
        return False

    asked = [(name, port) for name in ("tcp", "udp") for port in range(LAST + 1)]
    expected = {each for each in asked if any(allowed(address, *each) for address in members(remote.v4))}
    assert packets(passed) & set(asked) == expected


def test_public_and_private_are_all_addresses_and_none_twice():
    assert PUBLIC | PRIVATE == EVERYWHERE
    assert not PUBLIC & PRIVATE
    assert block("100.64.0.0/10") & PUBLIC == Blocks()
    assert joined([block("0.0.0.0/1"), block("128.0.0.0/1"), block("::/0")]) == EVERYWHERE


def test_a_block_is_shown_as_cidrs_of_which_only_some():
    assert str(block("10.0.0.0/8") | block("fc00::/7")) == "10.0.0.0/8, fc00::/7"
    assert str(block("0.0.0.0/0") - block("10.0.0.0/8")) == "0.0.0.0/5, 8.0.0.0/7, 11.0.0.0/8, 12.0.0.0/6 and 4 more"
    assert not block("nonsense")
    assert not block(7)


def test_traffic_is_shown_as_a_reader_says_it():
    assert str(ALL) == "all traffic"
    assert str(NONE) == "nothing"
    assert str(of({"tcp": ((443, 443), (8000, 8010))})) == "tcp 443, 8000-8010"
    assert str(of({"icmp": ((0, 65535),), "udp": ((53, 53),)})) == "icmp and udp 53"
    assert of(dict.fromkeys(("tcp", "udp", "icmp", "icmpv6", "other"), ((0, 65535),))) is ALL
    assert isinstance(ALL & of({"tcp": ((1, 1),)}), Traffic)
