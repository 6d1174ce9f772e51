"""Which availability zones the system lives in: what AWS offers where, and pure choices over it."""

from collections.abc import Collection, Mapping, Sequence

import pulumi_aws as aws

from components.config import ConfigurationError, Network

FEWEST = 2
"""A database needs subnets in two zones (Aurora and RDS User Guides, DB subnet groups)."""


def available() -> list[str]:
    """The zones of the region that every account has; not Local Zones, which are opted in to."""
    regular = aws.GetAvailabilityZonesFilterArgs(name="opt-in-status", values=["opt-in-not-required"])
    return list(aws.get_availability_zones(state="available", filters=[regular]).names)


def offering(instance_type: str) -> list[str]:
    """The zones that have an EC2 instance type."""
    wanted = aws.ec2.GetInstanceTypeOfferingsFilterArgs(name="instance-type", values=[instance_type])
    found = aws.ec2.get_instance_type_offerings(location_type="availability-zone", filters=[wanted])
    return list(found.locations)


def own(config: Network, somewhere: Mapping[str, Collection[str]]) -> list[str]:
    """The zones of a VPC of the stack's own; none of one that exists. The rest as in `choose`."""
    return choose(available(), config.zones, somewhere) if config.vpc_id is None else []


def choose(
    available: Sequence[str], wanted: int | Sequence[str], somewhere: Mapping[str, Collection[str]] | None = None
) -> list[str]:
    """The zones of the subnets, in order.

    By number it is the first zones by name, so that the answer stays the same for as long as the account has them. Of the
    first two the second gives way to a later zone when otherwise neither would offer something that is needed in one
    zone; a third is added to those two, so that they stay where they are.

    Args:
        available: the zones that the account can use.
        wanted: how many, or exactly which.
        somewhere: what at least one of the zones has to offer → the zones that do.

    Raises:
        ConfigurationError: there are too few, one does not exist, or nowhere has what is needed.
    """
    names = sorted(available)
    needs = somewhere or {}
    if not isinstance(wanted, int):
        if missing := [zone for zone in wanted if zone not in names]:
            raise ConfigurationError(
                f"vectordb:network.zones: {', '.join(missing)} cannot be used by this account. Allowed: {', '.join(names)}."
            )
        chosen = list(wanted)
    else:
        if len(names) < wanted:
            raise ConfigurationError(
                f"vectordb:network.zones: {wanted} zones are asked for, and this account has {len(names)} here "
                f"({', '.join(names) or 'none'}). Take fewer, or another aws:region."
            )
        chosen = _first(names, min(wanted, FEWEST), needs)
        chosen += [zone for zone in names if zone not in chosen][: wanted - len(chosen)]
    for what, offered in needs.items():
        if not set(offered) & set(chosen):
            raise ConfigurationError(
                f"vectordb:network.zones: none of {', '.join(chosen)} offers {what}. "
                f"Name zones that do: {', '.join(sorted(offered)) or 'this region has none'}."
            )
    return chosen


def _first(names: Sequence[str], count: int, needs: Mapping[str, Collection[str]]) -> list[str]:
    chosen = list(names[:count])
    for offered in needs.values():
        if not set(offered) & set(chosen) and (later := [zone for zone in names[count:] if zone in offered]):
            chosen[-1] = later[0]
    return chosen


def placed(zones: Sequence[str], offered: Collection[str], count: int) -> list[int]:
    """The places in `zones` of the first `count` different ones that are among `offered`: an interface endpoint's.

    An endpoint takes one subnet of a zone (EC2 API, DuplicateSubnetsInSameZone); those of a VPC that exists may share one.
    """
    first = [place for place, zone in enumerate(zones) if zone in offered and zone not in zones[:place]]
    return first[:count]


def home(zones: Sequence[str], offered: Collection[str], what: str) -> int:
    """The first place in `zones` that is among `offered`: where a host lives.

    Raises:
        ConfigurationError: none is, which only a VPC that exists can bring about.
    """
    found = placed(zones, offered, 1)
    if not found:
        raise ConfigurationError(
            f"vectordb:network.subnetIds: none of {', '.join(zones)} offers {what}. "
            f"Name a subnet in a zone that does: {', '.join(sorted(offered)) or 'this region has none'}."
        )
    return found[0]
