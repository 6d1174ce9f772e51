"""Gateway endpoints: which nodes reach the services behind them. Facts: AWS PrivateLink guide, "Gateway endpoints"."""

from collections.abc import Iterator

from isolation.reachability.blocks import PUBLIC
from isolation.reachability.names import NOBODY, Reference, shown
from isolation.reachability.network import Door, Network
from isolation.reachability.nodes import Node
from isolation.reachability.traffic import ALL, NONE, Traffic
from isolation.reachability.way import released

_TABLES = ("ec2/routeTable", "ec2/defaultRouteTable", "ec2/vpc")


class Gateways:
    """The gateway endpoints of a plan, with the route tables that lead to them."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._nodes = [node for node in network.nodes if node.kind == "gateway-endpoint"]
        self._tables = {node.id: self._routed(node) for node in self._nodes}

    def behind(self, node: Node, door: Door) -> Iterator[tuple[Node, Traffic, Traffic, bool]]:
        """The gateway endpoints to which an egress rule of `node` opens.

        Yields:
            The endpoint, what passes from some subnet of the node, what passes from all, and whether that is certain.
        """
        for gateway in self._nodes:
            named = bool(set(gateway.urns) & door.lists.names)
            # The service's addresses are public ones, and AWS's to change: a rule for any public block may be for them.
            if named or door.blocks.meets(PUBLIC):
                passed, everywhere, sure = self._way(node, gateway)
                if passed:
                    yield gateway, passed, everywhere, sure and door.certain and (not named or door.lists.certain)
        for name in sorted(door.lists.names):
            if not self._network.lists.declares(name) and name not in self._network.stack.by_urn:
                yield self._foreign(name), ALL, ALL, door.certain and door.lists.certain

    def _way(self, node: Node, gateway: Node) -> tuple[Traffic, Traffic, bool]:
        subnets = self._network.subnets(node)
        tables = self._tables[gateway.id]
        if not subnets or not tables.certain:
            together = not node.vpc or not gateway.vpc or node.vpc == gateway.vpc
            passed = ALL if together else NONE
            return passed, passed, bool(subnets) and tables.certain
        passed, everywhere = NONE, ALL
        for subnet in subnets:
            led = not subnet.table or subnet.table in tables.names
            one = released(subnet, PUBLIC) if led else NONE
            passed, everywhere = passed | one, everywhere & one
        return passed, everywhere, True

    def _routed(self, gateway: Node) -> Reference:
        names, found = self._network.names, self._network.found
        resource = self._network.stack.by_urn[gateway.urns[0]]
        tables = names.one(resource, "routeTableIds", *_TABLES)
        for association in found.get("ec2/vpcEndpointRouteTableAssociation", ()):
            if resource.urn in names.one(association, "vpcEndpointId", "ec2/vpcEndpoint").names:
                tables |= names.one(association, "routeTableId", *_TABLES)
        return tables

    def _foreign(self, name: str) -> Node:
        called = shown(self._network.stack, name)
        label = f"the prefix list {called}, which is not of this stack"
        return Node(called, "gateway-endpoint", label, (), "", "", "", "", NOBODY, NOBODY, public=None)
