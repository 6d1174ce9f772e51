"""What can be reached from outside: from the internet, another network, another account, or through a door of AWS's own.

A way in needs a route back to where it comes from, a security group's rule and a network ACL that let it in, and, from
the internet, a public address (Amazon VPC User Guide, "Internet gateways"). Where one of these is only known after the
deployment, the way is possible, and said to be so; what keeps it shut has to be known.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from isolation.reachability.blocks import NOWHERE, PUBLIC, Blocks, joined
from isolation.reachability.flows import flows
from isolation.reachability.groups import INGRESS
from isolation.reachability.names import shown
from isolation.reachability.network import Door, Network, network
from isolation.reachability.nodes import Node
from isolation.reachability.routes import Route
from isolation.reachability.topology import Subnet
from isolation.reachability.traffic import Traffic
from isolation.reachability.way import admitted
from isolation.stack import Stack

_FROM_THE_INTERNET = frozenset({"internet gateway", "carrier gateway"})
_OUTWARD_ONLY = frozenset({"NAT gateway", "egress-only internet gateway"})
_SERVICE = "ec2/vpcEndpointService"
_SERVICE_PRINCIPAL = "ec2/vpcEndpointServiceAllowedPrinciple"


@dataclass(frozen=True, slots=True)
class Opening:
    """A way from outside to a node."""

    node: Node
    sentence: str
    """Who reaches what, over which resources."""
    remote: Blocks
    """From where; nothing where it is not by address."""
    certain: bool


@dataclass(frozen=True, slots=True)
class Exposure:
    """What is known of the ways in."""

    open: tuple[Opening, ...]
    unproven: tuple[str, ...]
    """Sentences: what may be open, and why nobody can tell yet."""
    interfaces: int
    """How many nodes have an interface in a VPC."""


def exposure(stack: Stack) -> Exposure:
    """The ways into a plan, looked for once."""
    return stack.once(_exposure)


def _exposure(stack: Stack) -> Exposure:
    graph = network(stack)
    own = [node for node in graph.nodes if node.attached and node.kind != "gateway-endpoint"]
    found = [opening for node in own for opening in _by_routes(graph, node)]
    found += [*_by_entrances(stack), *_by_services(graph)]
    unclear = [sentence for node in own for sentence in _unclear(graph, node)]
    possible = [opening.sentence for opening in found if not opening.certain]
    certain = tuple(opening for opening in found if opening.certain)
    return Exposure(certain, tuple(dict.fromkeys([*possible, *unclear])), len(own))


def _by_routes(graph: Network, node: Node) -> Iterator[Opening]:
    for subnet in graph.subnets(node):
        for route in subnet.routes:
            remote, certain = _remote(graph, node, subnet, route)
            for door in graph.doors(node, INGRESS) if remote else ():
                for blocks, sure in ((door.blocks & remote, True), (remote, False)):
                    if (sure and not blocks) or (not sure and not door.open_ended):
                        continue
                    if traffic := door.rule.traffic & admitted(subnet, blocks):
                        known = sure and certain and door.certain
                        sentence = _sentence(graph, node, subnet, route, door, blocks, traffic)
                        yield Opening(node, sentence, blocks, known)


def _remote(graph: Network, node: Node, subnet: Subnet, route: Route) -> tuple[Blocks, bool]:
    """From which addresses a route's target leads to a node, and whether that is certain."""
    if route.kind in _OUTWARD_ONLY:
        return NOWHERE, True
    if route.kind not in _FROM_THE_INTERNET:
        return route.destinations - _joined_here(graph, node, route), route.known
    # IPv6 addresses are public ones; IPv4 takes a public address as well.
    v6 = Blocks(v6=PUBLIC.v6) if subnet.blocks.v6 else NOWHERE
    public = subnet.gives_public_addresses if node.public_by_subnet else node.public
    v4 = NOWHERE if public is False else Blocks(v4=PUBLIC.v4)
    return route.destinations & (v4 | v6), route.known and (public is True or not v4 or bool(v6))


def _joined_here(graph: Network, node: Node, route: Route) -> Blocks:
    """The addresses of the plan's own VPCs that a route leads to: flows between nodes are not from outside."""
    own = {vpc for link in graph.links if link.targets.names & route.target.names for vpc in link.vpcs.names}
    vpcs = [graph.topology.vpcs[vpc].blocks for vpc in own if vpc in graph.topology.vpcs]
    return joined([graph.vpc(node).blocks, *vpcs])


def _sentence(
    graph: Network, node: Node, subnet: Subnet, route: Route, door: Door, blocks: Blocks, traffic: Traffic
) -> str:
    over = ", ".join(sorted(shown(graph.stack, name) for name in route.target.names)) or "one that is not known yet"
    who = "The internet" if route.kind in _FROM_THE_INTERNET else f"The network behind {route.kind} {over}"
    fence = f", network ACL {subnet.acl.name}" if subnet.acl else ""
    return (
        f"{who} ({_shown(blocks)}) can reach {node.label} with {traffic}: {route.kind} {over}, route in {route.name}, "
        f"subnet {subnet.name}{fence}, {door.rule.described}."
    )


def _shown(blocks: Blocks) -> str:
    whole = [
        f"any public {family} address"
        for family, own, all_ in (("IPv4", blocks.v4, PUBLIC.v4), ("IPv6", blocks.v6, PUBLIC.v6))
        if own == all_
    ]
    rest = Blocks(() if blocks.v4 == PUBLIC.v4 else blocks.v4, () if blocks.v6 == PUBLIC.v6 else blocks.v6)
    return ", ".join([*whole, *([str(rest)] if rest else [])])


def _by_entrances(stack: Stack) -> Iterator[Opening]:
    for flow in flows(stack):
        if flow.source.entrance:
            who = flow.source.entrance[0].upper() + flow.source.entrance[1:]
            rules = " and ".join(flow.names)
            sentence = f"{who} can reach {flow.target.label} with {flow.traffic}: {flow.source.label}, rules {rules}."
            yield Opening(flow.target, sentence, NOWHERE, flow.certain)


def _by_services(graph: Network) -> Iterator[Opening]:
    """Endpoint services: other accounts' VPCs reach the load balancers behind them (AWS PrivateLink guide)."""
    for service in graph.found.get(_SERVICE, ()):
        allowed = [*service.at("allowedPrincipals").elements()]
        for resource in graph.found.get(_SERVICE_PRINCIPAL, ()):
            named = graph.names.one(resource, "vpcEndpointServiceId", _SERVICE)
            if service.urn in named.names or not named.certain:
                allowed.append(resource.at("principalArn"))
        allowed = [each for each in allowed if not each.absent]
        balancers = graph.names.one(service, "networkLoadBalancerArns", "lb/loadBalancer", "alb/loadBalancer")
        gateways = graph.names.one(service, "gatewayLoadBalancerArns", "lb/loadBalancer")
        for node in graph.nodes:
            if allowed and set(node.urns) & (balancers | gateways).names:
                sentence = (
                    f"Other accounts can reach {node.label} from their own VPCs: endpoint service {service.name} allows "
                    f"{len(allowed)} principal{'s' if len(allowed) > 1 else ''}."
                )
                yield Opening(node, sentence, NOWHERE, any(each.given for each in allowed))


def _unclear(graph: Network, node: Node) -> Iterator[str]:
    if not node.groups.names and not node.groups.certain:
        yield f"{node.label}: its security groups are not known before the deployment."
    subnets = graph.subnets(node)
    own = graph.vpc(node).blocks
    for door in graph.doors(node, INGRESS):
        if door.open_ended:
            yield f"{node.label}: {door.rule.described} admits what is only known after the deployment."
        beyond = door.blocks - own if own else door.blocks
        if beyond and not subnets:
            where = shown(graph.stack, node.vpc) if node.vpc else "its VPC"
            yield f"{node.label}: {door.rule.described} admits {beyond}; the routes of {where} are not in this plan."
