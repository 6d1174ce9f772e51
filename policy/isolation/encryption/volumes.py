"""Volumes of EBS. Facts: Amazon EBS User Guide, "Amazon EBS encryption": what is encrypted at rest is encrypted on its way
between the instance and its volume too, since the host of the instance encrypts it.
"""

from collections.abc import Iterator

from isolation.encryption.proof import PROVEN, UNPROVEN, Plan, Proof
from isolation.reading.properties import Property
from isolation.rule import Resource

_BY_HOST = "the instance's host encrypts it before it leaves"


def of(plan: Plan, resource: Resource, path: str) -> Iterator[tuple[str, Proof]]:
    """(name, proof at rest) of each volume that an instance or a launch template makes."""
    if path == "ec2/launchTemplate":
        for place, mapping in enumerate(resource.at("blockDeviceMappings").each()):
            # Without `ebs` it takes a device away or names an instance store.
            if not mapping.at("ebs").absent:
                yield f"volume {place}", _volume(plan, resource, mapping.at("ebs"))
        return
    yield "root volume", _volume(plan, resource, resource.at("rootBlockDevice"))
    for place, volume in enumerate(resource.at("ebsBlockDevices").elements()):
        yield f"volume {place}", _volume(plan, resource, volume)


def in_transit(at_rest: Proof) -> Proof:
    """Between instance and volume: as at rest."""
    return Proof(at_rest.state, _BY_HOST if at_rest.state == PROVEN else at_rest.by)


def of_resource(plan: Plan, resource: Resource, path: str) -> Proof:
    """In transit, of a volume with a resource of its own."""
    del path
    return in_transit(plan.flagged(resource, resource.at("encrypted"), resource.at("kmsKeyId")))


def _volume(plan: Plan, resource: Resource, volume: Property) -> Proof:
    if volume.absent:
        what = "rootBlockDevice is absent, so whether it is encrypted is the image's to say; set encrypted"
        return Proof(UNPROVEN, what, "none")
    return plan.flagged(resource, volume.at("encrypted"), volume.at("kmsKeyId"))
