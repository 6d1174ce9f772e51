"""The network ACL, judged by a small stateless evaluator: what a team's flows need passes, and nothing else does."""

import functools
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.network.acl import MOST_PREFIXES, covering, entries

VPC, VPC6 = "10.20.0.0/16", "2600:1f00:1:aa00::/56"
S3 = ["52.219.0.0/20", "52.219.169.0/24", "3.5.136.0/22"]
HERE, THERE, S3_ADDRESS, OUTSIDE = "10.20.0.7", "10.20.130.9", "52.219.3.4", "198.51.100.9"
PRIVATE_ELSEWHERE = "10.21.0.7"


def passes(rules, address, port, protocol="tcp"):
    """Whether the first rule that matches allows it; an ACL ends with a rule that denies (Amazon VPC User Guide)."""
    for rule in sorted(rules, key=lambda rule: rule["rule_no"]):
        block = ipaddress.ip_network(rule.get("cidr_block") or rule["ipv6_cidr_block"])
        if (
            ipaddress.ip_address(address) in block
            and rule["from_port"] <= port <= rule["to_port"]
            and rule["protocol"] == protocol
        ):
            return rule["action"] == "allow"
    return False  # fmt: skip


def exchange(acl, client, server, port, protocol="tcp", ephemeral=(1024, 32768, 49152, 65535)):
    """Whether a connection from one subnet to another gets through and is answered: four crossings, of one ACL."""
    ingress, egress = acl
    return all(
        passes(egress, server, port, protocol)
        and passes(ingress, client, port, protocol)
        and passes(egress, client, back, protocol)
        and passes(ingress, server, back, protocol)
        for back in ephemeral
    )


def outward(acl, server, port, protocol="tcp", ephemeral=(1024, 32768, 65535)):
    """Whether a subnet can talk to an address outside: two crossings."""
    ingress, egress = acl
    return all(passes(egress, server, port, protocol) and passes(ingress, server, back, protocol) for back in ephemeral)


def inward(acl, client, port, protocol="tcp"):
    ingress, _ = acl
    return passes(ingress, client, port, protocol)


@pytest.fixture(params=[False, True], ids=["ipv4", "dual"])
def acl(request):
    return entries([VPC, VPC6] if request.param else [VPC], S3)


def test_the_exact_entries():
    def entry(number, cidr, first, last, key="cidr_block"):
        ports = {"from_port": first, "to_port": last}
        return {"rule_no": number, "action": "allow", "protocol": "tcp", key: cidr, **ports}

    inside = [entry(100, VPC, 443, 443), entry(110, VPC, 1024, 65535)]
    inside6 = [entry(120, VPC6, 443, 443, "ipv6_cidr_block"), entry(130, VPC6, 1024, 65535, "ipv6_cidr_block")]
    blocks = ["3.5.136.0/22", "52.219.0.0/20", "52.219.169.0/24"]
    answers = [entry(300 + 10 * n, block, 1024, 65535) for n, block in enumerate(blocks)]
    requests = [entry(300 + 10 * n, block, 443, 443) for n, block in enumerate(blocks)]
    assert entries([VPC], S3) == (inside + answers, inside + requests)
    assert entries([VPC, VPC6], []) == (inside + inside6, inside + inside6)


@pytest.mark.parametrize(("client", "server"), [(HERE, THERE), (THERE, HERE), (HERE, HERE)])
@pytest.mark.parametrize("port", [443, 5432])
def test_what_the_system_does_passes_between_any_two_subnets(acl, client, server, port):
    assert exchange(acl, client, server, port)


def test_packages_come_through_the_gateway_endpoint(acl):
    assert outward(acl, S3_ADDRESS, 443)


@pytest.mark.parametrize("port", [22, 80, 53, 25, 1023])
def test_no_other_privileged_port_passes_inside(acl, port):
    assert not exchange(acl, HERE, THERE, port)
    assert not inward(acl, HERE, port)


@pytest.mark.parametrize("protocol", ["udp", "icmp"])
@pytest.mark.parametrize("port", [443, 5432, 53])
def test_nothing_but_tcp_passes(acl, protocol, port):
    assert not exchange(acl, HERE, THERE, port, protocol)
    assert not outward(acl, S3_ADDRESS, port, protocol)


@pytest.mark.parametrize("address", [OUTSIDE, PRIVATE_ELSEWHERE, "2001:db8::1"])
@pytest.mark.parametrize("port", [22, 80, 443, 5432, 40000])
def test_nobody_outside_reaches_in_or_is_reached(acl, address, port):
    assert not inward(acl, address, port)
    assert not passes(acl[1], address, port)


@pytest.mark.parametrize("port", [22, 80, 5432])
def test_s3_is_asked_on_443_only_and_asks_nothing(acl, port):
    assert not outward(acl, S3_ADDRESS, port)
    assert not inward(acl, S3_ADDRESS, 443)


def test_without_the_endpoint_nothing_leaves_the_vpc():
    ingress, egress = entries([VPC], [])
    assert not outward((ingress, egress), S3_ADDRESS, 443)
    assert {rule["cidr_block"] for rule in ingress + egress} == {VPC}


blocks = st.builds(
    lambda address, prefix: str(ipaddress.ip_network((address, prefix), strict=False)),
    st.integers(0, 2**32 - 1),
    st.integers(12, 30),
)


@given(st.lists(blocks, max_size=40), st.booleans())
def test_there_is_room_for_any_prefix_list(cidrs, dual):
    for rules in entries([VPC, VPC6] if dual else [VPC], cidrs):
        numbers = [rule["rule_no"] for rule in rules]
        assert len(set(numbers)) == len(numbers)
        assert all(1 <= number <= 32766 for number in numbers)
        # 20 a direction, of which the default rule takes one for each family (Amazon VPC quotas).
        assert len(rules) <= 18


def addresses(cidrs):
    return sum(network.num_addresses for network in ipaddress.collapse_addresses(map(ipaddress.ip_network, cidrs)))


@given(st.lists(blocks, max_size=40), st.integers(1, MOST_PREFIXES))
def test_a_cover_holds_everything_within_the_limit(cidrs, most):
    cover = [ipaddress.ip_network(block) for block in covering(cidrs, most)]
    assert len(cover) <= most
    assert all(any(ipaddress.ip_network(cidr).subnet_of(block) for block in cover) for cidr in cidrs)
    assert not any(a.overlaps(b) for number, a in enumerate(cover) for b in cover[:number])
    exact = list(ipaddress.collapse_addresses(map(ipaddress.ip_network, cidrs)))
    if len(exact) <= most:
        assert cover == exact


def fewest(wanted, most, bits=5):
    """The addresses of the smallest cover, by trying every way to cut a range of 2**bits in two."""

    @functools.cache
    def cost(start, size, count):
        inside = sum(start <= address < start + size for address in wanted)
        if not inside:
            return 0
        if not count:
            return 2**32
        half = size // 2
        split = [cost(start, half, n) + cost(start + half, half, count - n) for n in range(count + 1)] if half else []
        return min([size, *split])

    return cost(0, 2**bits, most)


@given(st.sets(st.integers(0, 31), min_size=1, max_size=12), st.integers(1, 6))
def test_a_cover_adds_as_few_foreign_addresses_as_it_can(wanted, most):
    base = int(ipaddress.ip_address("52.0.0.0"))
    cidrs = [str(ipaddress.ip_network(base + address)) for address in sorted(wanted)]
    assert addresses(covering(cidrs, most)) == fewest(frozenset(wanted), most)


def test_the_order_of_a_prefix_list_does_not_matter():
    assert covering(S3, 2) == covering(S3[::-1], 2) == ["3.5.136.0/22", "52.219.0.0/16"]
    assert covering([*S3, *S3], 14) == ["3.5.136.0/22", "52.219.0.0/20", "52.219.169.0/24"]


def test_no_blocks_hold_nothing():
    assert covering([], 3) == []
    with pytest.raises(ValueError, match="0 blocks cannot hold anything"):
        covering(S3, 0)
