"""Which zones are chosen: the same today and tomorrow, with two and with three."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.config import ConfigurationError, Network
from components.network import zones

NAMES = [f"us-east-1{letter}" for letter in "abcdef"]
A, B, C, D = NAMES[:4]
accounts = st.lists(st.sampled_from(NAMES), unique=True, min_size=2, max_size=6)


def needing(*where):
    return {"t4g.nano": where}


def test_by_number_it_is_the_first_zones_by_name():
    assert zones.choose([C, A, B], 2) == [A, B]
    assert zones.choose([C, A, B], 3) == [A, B, C]


def test_the_second_zone_gives_way_to_one_that_has_what_is_needed():
    assert zones.choose([A, B, C, D], 2, needing(C, D)) == [A, C]
    assert zones.choose([A, B, C, D], 2, needing(B)) == [A, B]


def test_a_third_zone_moves_neither_of_the_two():
    assert zones.choose([A, B, C, D], 3, needing(C, D)) == [A, C, B]
    assert zones.choose([A, B, C, D], 3, needing(D)) == [A, D, B]


def test_named_zones_are_taken_as_they_are():
    assert zones.choose([A, B, C], [C, A], needing(A)) == [C, A]


@given(accounts, st.lists(st.sampled_from(NAMES), min_size=1))
def test_choices_are_stable(available, somewhere):
    needs = needing(*somewhere)
    if not set(somewhere) & set(available):
        with pytest.raises(ConfigurationError):
            zones.choose(available, 2, needs)
        return
    two = zones.choose(available, 2, needs)
    assert len(set(two)) == 2
    assert set(two) <= set(available)
    assert set(two) & set(somewhere)
    assert zones.choose(available[::-1], 2, needs) == two
    assert zones.choose([*available, "us-east-1z"], 2, needs) == two
    if len(available) > 2:
        three = zones.choose(available, 3, needs)
        assert three[:2] == two
        assert len(set(three)) == 3


@pytest.mark.parametrize(
    ("available", "wanted", "needs", "message"),
    [
        (
            [A, B],
            [A, "us-east-1x"],
            {},
            "vectordb:network.zones: us-east-1x cannot be used by this account. Allowed: us-east-1a, us-east-1b.",
        ),
        (
            [B, A],
            3,
            {},
            (
                "vectordb:network.zones: 3 zones are asked for, and this account has 2 here (us-east-1a, us-east-1b). "
                "Take fewer, or another aws:region."
            ),
        ),
        (
            [],
            2,
            {},
            (
                "vectordb:network.zones: 2 zones are asked for, and this account has 0 here (none). "
                "Take fewer, or another aws:region."
            ),
        ),
        (
            [A, B, C],
            [A, B],
            needing(C),
            "vectordb:network.zones: none of us-east-1a, us-east-1b offers t4g.nano. Name zones that do: us-east-1c.",
        ),
        (
            [A, B],
            2,
            needing(),
            "vectordb:network.zones: none of us-east-1a, us-east-1b offers t4g.nano. Name zones that do: this region has none.",
        ),
    ],
)
def test_what_cannot_be_chosen_is_said(available, wanted, needs, message):
    with pytest.raises(ConfigurationError) as error:
        zones.choose(available, wanted, needs)
    assert str(error.value) == message


@given(st.lists(st.sampled_from(NAMES), max_size=6), st.sets(st.sampled_from(NAMES)), st.integers(1, 3))
def test_an_endpoint_gets_one_subnet_of_a_zone_that_offers_it(here, offered, count):
    places = zones.placed(here, offered, count)
    chosen = [here[place] for place in places]
    assert places == sorted(places)
    assert len(set(chosen)) == len(chosen) == min(count, len(set(here) & offered))
    assert set(chosen) <= offered
    # More zones add places; none moves.
    assert zones.placed(here, offered, count + 1)[: len(places)] == places


def test_two_subnets_of_one_zone_get_one_address():
    assert zones.placed([A, A, B], {A, B}, 2) == [0, 2]
    assert zones.placed([A, B, C], {B, C}, 1) == [1]


def test_the_host_lives_where_its_type_is():
    assert zones.home([A, B], [B, C], "t4g.nano") == 1
    with pytest.raises(ConfigurationError) as error:
        zones.home([A], [B, C], "t4g.nano")
    assert str(error.value) == (
        "vectordb:network.subnetIds: none of us-east-1a offers t4g.nano. "
        "Name a subnet in a zone that does: us-east-1b, us-east-1c."
    )


def test_a_vpc_that_exists_has_its_own_zones(monkeypatch):
    monkeypatch.setattr(zones, "available", lambda: [A, B, C])
    assert zones.own(Network(zones=3), {}) == [A, B, C]
    existing = Network(vpc_id="vpc-01234567", subnet_ids=("subnet-01234567", "subnet-01234568"))
    assert zones.own(existing, needing()) == []
