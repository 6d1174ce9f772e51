"""Whatever of a plan has a network interface, and what stands for interfaces beyond it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from isolation.access.shown import identifier
from isolation.reachability.blocks import NOWHERE, Blocks
from isolation.reachability.holders import HOLDERS, Shape, guessed
from isolation.reachability.names import NOBODY, SOMEBODY, Names, Reference, type_path
from isolation.reachability.topology import SUBNETS, VPCS, Topology, sole
from isolation.rule import Resource

UNFILTERED = "nothing stands before it"
"""The group of an interface that has none and needs none: a network load balancer's, say."""


@dataclass(frozen=True, slots=True)
class Node:
    """Something that opens connections, or takes them."""

    id: str
    kind: str
    label: str
    urns: tuple[str, ...]
    """What it is made of; nothing for what is not in the plan."""
    type: str
    """Type of the first of them, as `rds/cluster`."""
    component: str
    """Name of the component's type that it belongs to, as `AuroraDatabase`; empty without one."""
    service: str
    """Of an endpoint: the last part of its service's name."""
    vpc: str
    """URN or id; empty when it has no interface, or nobody knows where."""
    subnets: Reference
    groups: Reference
    public: bool | None
    """Whether it has a public address; None where that is not known yet."""
    public_by_subnet: bool = False
    """Whether its subnet decides that."""
    features: tuple[str, ...] = ()
    """Of a database: the features that it has a role for, as `Lambda`."""
    entrance: str = ""
    """Who of the outside may use it as a way of their own."""
    blocks: Blocks = NOWHERE
    """Of what stands for addresses: these."""

    @property
    def attached(self) -> bool:
        """Whether it has an interface in a VPC, as far as is known."""
        return bool(self.subnets or self.vpc)


def nodes(
    names: Names, found: dict[str, list[Resource]], by_urn: dict[str, Resource], topology: Topology
) -> list[Node]:
    """The nodes of the plan, each with an id of its own that a reader can make sense of."""
    reader = _Reader(names, found, by_urn, topology)
    made = list(reader.nodes())
    counted: dict[str, int] = {}
    unique = []
    for node in made:
        counted[node.id] = counted.get(node.id, 0) + 1
        unique.append(node if counted[node.id] == 1 else replace(node, id=f"{node.id} ({counted[node.id]})"))
    return unique


class _Reader:
    def __init__(
        self, names: Names, found: dict[str, list[Resource]], by_urn: dict[str, Resource], topology: Topology
    ) -> None:
        self._names, self._found, self._by_urn, self._topology = names, found, by_urn, topology
        self._claimed = self._interfaces_of_others()
        self._addresses = self._public_addresses()

    def nodes(self) -> Iterator[Node]:
        for path, resources in self._found.items():
            shape = HOLDERS.get(path)
            for resource in resources:
                known = shape or guessed(resource)
                if known is not None and resource.urn not in self._claimed:
                    yield self._node(resource, path, known)

    def _node(self, resource: Resource, path: str, shape: Shape) -> Node:
        read = [resource, *self._parts(resource, path)]
        subnets = self._subnets(read, shape)
        vpc = self._vpc(read, subnets)
        attached = bool(subnets or vpc) and shape.interface
        kind, service = self._kind(resource, shape)
        public, by_subnet = self._public(read, shape)
        return Node(
            id=resource.name,
            kind=kind,
            label=f"{shape.label if kind != 'gateway-endpoint' else 'gateway endpoint'} {service or resource.name}",
            urns=tuple(each.urn for each in read),
            type=path,
            component=self._component(resource),
            service=service,
            vpc=vpc,
            subnets=subnets if attached else NOBODY,
            groups=self._groups(read, shape, vpc, attached=attached),
            public=public,
            public_by_subnet=by_subnet,
            features=self._features(resource, path),
            entrance=shape.entrance,
        )

    def _kind(self, resource: Resource, shape: Shape) -> tuple[str, str]:
        if shape.kind != "endpoint":
            return shape.kind, ""
        service = identifier((resource.at("serviceName").text or "").rpartition(".")[2])
        # Gateway is the provider's default.
        kind = resource.at("vpcEndpointType").text or "Gateway"
        return ("gateway-endpoint" if kind == "Gateway" else "endpoint"), service

    def _parts(self, resource: Resource, path: str) -> list[Resource]:
        """What belongs to a node besides the resource that it is named after."""
        if path == "rds/cluster":
            return [
                each
                for each in self._found.get("rds/clusterInstance", ())
                if resource.urn in self._names.one(each, "clusterIdentifier", "rds/cluster").names
            ]
        return [self._by_urn[urn] for urn, owner in self._claimed.items() if owner == resource.urn]

    def _interfaces_of_others(self) -> dict[str, str]:
        """URN of an interface, a launch template → URN of the instance, the group of instances that uses it."""
        owners: dict[str, str] = {}
        for resource in self._found.get("ec2/instance", ()):
            for key in ("networkInterfaces", "primaryNetworkInterface"):
                for element in resource.at(key).elements():
                    named = self._names.of(resource, element.at("networkInterfaceId"), "ec2/networkInterface")
                    owners |= dict.fromkeys(named.names & self._by_urn.keys(), resource.urn)
        for resource in self._found.get("ec2/networkInterfaceAttachment", ()):
            interface = sole(self._names.one(resource, "networkInterfaceId", "ec2/networkInterface"))
            instance = sole(self._names.one(resource, "instanceId", "ec2/instance"))
            if interface in self._by_urn and instance in self._by_urn:
                owners[interface] = instance
        for resource in self._found.get("autoscaling/group", ()):
            template = resource.at("launchTemplate", "id")
            for urn in self._names.of(resource, template, "ec2/launchTemplate").names & self._by_urn.keys():
                owners[urn] = resource.urn
        return owners

    def _subnets(self, read: list[Resource], shape: Shape) -> Reference:
        subnets = NOBODY
        for resource in read:
            for key in shape.subnets:
                for given in resource.select(key):
                    subnets |= self._names.of(resource, given, *SUBNETS)
            if shape.subnet_group:
                property_, path = shape.subnet_group
                groups = self._names.one(resource, property_, path)
                for urn in groups.names & self._by_urn.keys():
                    subnets |= self._names.one(self._by_urn[urn], "subnetIds", *SUBNETS)
                if resource is read[0] and groups and not groups.names & self._by_urn.keys():
                    subnets |= SOMEBODY
        for association, key, own in shape.associations:
            for resource in self._found.get(association, ()):
                if read[0].urn in self._names.one(resource, own, type_path(read[0])).names and "ubnet" in key:
                    subnets |= self._names.one(resource, key, *SUBNETS)
        return subnets

    def _vpc(self, read: list[Resource], subnets: Reference) -> str:
        through = {subnet.vpc for subnet in self._topology.of(subnets)} - {""}
        if len(through) == 1:
            return through.pop()
        named = sole(self._names.one(read[0], "vpcId", *VPCS))
        if named:
            return named
        groups = {sole(self._names.one(self._by_urn[urn], "vpcId", *VPCS)) for urn in self._held(read)} - {""}
        return groups.pop() if len(groups) == 1 else ""

    def _held(self, read: list[Resource]) -> frozenset[str]:
        shape = HOLDERS.get(type_path(read[0])) or guessed(read[0])
        found = NOBODY
        for resource in read:
            for key in shape.groups if shape else ():
                for given in resource.select(key):
                    found |= self._names.of(resource, given, "ec2/securityGroup")
        return found.names & self._by_urn.keys()

    def _groups(self, read: list[Resource], shape: Shape, vpc: str, *, attached: bool) -> Reference:
        groups = NOBODY
        paths = ("ec2/securityGroup", "ec2/defaultSecurityGroup", "ec2/vpc")
        for resource in read:
            for key in shape.groups:
                for given in resource.select(key):
                    groups |= self._names.of(resource, given, *paths)
        for association, key, own in (*shape.associations, *_ATTACHED_GROUPS):
            for resource in self._found.get(association, ()):
                named = self._names.one(resource, own, type_path(read[0]), *(type_path(each) for each in read[1:]))
                if named.names & {each.urn for each in read} and "ecurityGroup" in key:
                    groups |= self._names.one(resource, key, *paths)
        if groups or not attached:
            return groups
        if read[0].at("loadBalancerType").text in ("network", "gateway") or not shape.groups:
            return Reference(frozenset([UNFILTERED]))
        return Reference(frozenset([vpc])) if vpc else SOMEBODY

    def _public(self, read: list[Resource], shape: Shape) -> tuple[bool | None, bool]:
        """Whether a node has a public address, and whether its subnet decides."""
        if any(each.urn in self._addresses for each in read):
            return True, False
        if shape.public_unless:
            inside = read[0].at(shape.public_unless)
            return (None if inside.unknown else inside.truth is not True), False
        flags = [flag for each in read for key in shape.public for flag in each.select(key)]
        if any(flag.truth is True for flag in flags):
            return True, False
        if any(flag.unknown for flag in flags):
            return None, False
        return False, shape.by_subnet and all(flag.absent for flag in flags)

    def _public_addresses(self) -> set[str]:
        held: set[str] = set()
        for path in ("ec2/eip", "ec2/eipAssociation"):
            for resource in self._found.get(path, ()):
                for key, target in (("instance", "ec2/instance"), ("instanceId", "ec2/instance")):
                    held |= self._names.one(resource, key, target).names
                for key in ("networkInterface", "networkInterfaceId"):
                    held |= self._names.one(resource, key, "ec2/networkInterface").names
        return held

    def _features(self, resource: Resource, path: str) -> tuple[str, ...]:
        association, key = _FEATURES.get(path, ("", ""))
        named = (
            each.at("featureName").text or ""
            for each in self._found.get(association, ())
            if resource.urn in self._names.one(each, key, path).names
        )
        return tuple(sorted(named))

    def _component(self, resource: Resource) -> str:
        parent = self._by_urn.get(resource.parent)
        return parent.type.rpartition(":")[2] if parent is not None and not parent.type.startswith("aws:") else ""


_FEATURES = {
    "rds/cluster": ("rds/clusterRoleAssociation", "dbClusterIdentifier"),
    "rds/instance": ("rds/roleAssociation", "dbInstanceIdentifier"),
}
_ATTACHED_GROUPS = (("ec2/networkInterfaceSecurityGroupAttachment", "securityGroupId", "networkInterfaceId"),)
