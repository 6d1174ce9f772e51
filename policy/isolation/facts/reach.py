"""What can reach what, as plain data for a report."""

from collections.abc import Iterator
from typing import Any

from isolation.access.shown import identifier
from isolation.encryption.flows import encrypted
from isolation.reachability.declared import FILE, table
from isolation.reachability.differences import Differences, Judged, differences
from isolation.reachability.exposure import exposure
from isolation.reachability.flows import flows
from isolation.reachability.names import Reference
from isolation.reachability.network import Network, network
from isolation.reachability.nodes import Node
from isolation.reachability.paths import paths
from isolation.stack import Stack


def facts(stack: Stack) -> dict[str, Any]:
    """Exposure, nodes, networks and flows of a plan.

    Returns:
        `exposure` {open: [{resource, name, sentence}], interfaces, unproven: [sentence]}, `nodes`, `vpcs`, `flows` (each
        with its protocol, ports, status, reason, rules and encryption), `missing_flows`, and `paths` to databases.
    """
    graph, found = network(stack), differences(stack, table(str(stack.settings.get("flows", FILE))))
    named = {
        flow.id: flow for judged in (*found.declared, *found.undeclared) for flow in (judged.source, judged.target)
    }
    nodes = {node.id: node for node in graph.nodes} | named
    return {
        "exposure": _exposure(stack, found),
        "nodes": [_node(graph, node) for node in nodes.values()],
        "vpcs": list(_vpcs(graph)),
        "flows": [
            row
            for status, judged in (("undeclared", found.undeclared), ("declared", found.declared))
            for each in judged
            for row in _rows(stack, each, status)
        ],
        "missing_flows": [
            {
                "source": each.source.id,
                "target": each.target.id,
                "protocol": each.row.protocol,
                "ports": each.row.ports,
                "why": each.row.why,
                "reason": each.reason,
            }
            for each in found.missing
        ],
        "paths": [
            {"target": path.target.id, "name": path.target.label, "sentence": path.sentence}
            for path in paths(flows(stack))
        ],
    }


def _exposure(stack: Stack, found: Differences) -> dict[str, Any]:
    known = exposure(stack)
    perhaps = [
        f"{each.source.label} may reach {each.target.label} with {each.traffic}, which is not declared: "
        f"{', '.join(each.names)} can be for others too until their values are known."
        for each in found.possible
    ]
    return {
        "open": [
            {"resource": next(iter(each.node.urns), ""), "name": each.node.id, "sentence": each.sentence}
            for each in known.open
        ],
        "interfaces": known.interfaces,
        "unproven": [*known.unproven, *perhaps],
    }


def _node(graph: Network, node: Node) -> dict[str, Any]:
    return {
        "id": node.id,
        "label": node.label,
        "kind": node.kind,
        "resources": list(node.urns),
        "vpc": node.vpc,
        "subnets": _known(node.subnets),
        "groups": _known(graph.held(node)) if node.urns else [],
    }


def _known(reference: Reference) -> list[str]:
    return sorted({identifier(name) for name in reference.names})


def _vpcs(graph: Network) -> Iterator[dict[str, Any]]:
    for vpc in graph.topology.vpcs.values():
        subnets = [
            {"urn": subnet.urn, "name": subnet.name, "zone": identifier(subnet.zone), "cidr": identifier(subnet.cidr)}
            for subnet in graph.topology.subnets.values()
            if subnet.vpc == vpc.urn
        ]
        yield {"urn": vpc.urn, "name": vpc.name, "cidr": identifier(vpc.cidr), "subnets": subnets}
    others = {node.vpc for node in graph.nodes if node.vpc} - graph.topology.vpcs.keys()
    for name in sorted(others):
        yield {"urn": name, "name": name, "cidr": "", "subnets": []}


def _rows(stack: Stack, judged: Judged, status: str) -> Iterator[dict[str, Any]]:
    proof = encrypted(stack, judged.target, judged.traffic, judged.rows)
    for protocol, ports in judged.traffic.rows():
        yield {
            "source": judged.source.id,
            "target": judged.target.id,
            "protocol": protocol,
            "ports": ports,
            "status": status,
            "why": " ".join(dict.fromkeys(row.why for row in judged.rows)),
            "via": list(judged.via),
            "encryption": {"state": proof.state, "by": proof.by},
        }
