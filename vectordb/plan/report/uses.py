"""What the stack's own parts may call or use outside of every VPC, read from the access matrix: functions, queues, vector indexes, models.

No flow shows it: AWS's services answer at endpoints, and what is behind one is a matter of IAM. So the drawing leads from the endpoint,
or from a function that is in no VPC, to what its role may use.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from vectordb.plan.report.facts import Facts, Grant, Node
from vectordb.plan.report.model import Report, name_of, type_of

_KINDS: Mapping[str, tuple[str, str]] = {
    "aws:lambda/function:Function": ("lambda", "Lambda function"),
    "aws:s3/bucket:Bucket": ("s3", "Bucket"),
    "aws:s3/vectorsIndex:VectorsIndex": ("s3vectors", "Vector index"),
    "aws:sqs/queue:Queue": ("sqs", "Queue"),
}
"""Type → the service in its ARN and actions, and what it is called."""
_ENDPOINTS = {"bedrock": "bedrock-runtime"}
"""Service → the last word of its endpoint's label, where that is another."""
_MODEL = re.compile(r"^arn:[^:]*:bedrock:[^:]*:[^:]*:foundation-model/(?P<model>.+)$")
_ARN_PARTS = 6


@dataclass(frozen=True, order=True)
class Use:
    """One line of the drawing: ids of two nodes."""

    source: str
    target: str


def uses(report: Report) -> tuple[Facts, list[Use]]:
    """The facts with a node for each thing that is used, and who uses it."""
    facts = report.facts or Facts()
    added: dict[str, Node] = {}
    found: dict[Use, None] = {}
    acting = _acting(report, facts)
    for grant in facts.access:
        for source in acting.get(grant.principal, ()) if grant.allows else ():
            for service, target in _targets(report, facts, grant):
                if target.id not in facts.nodes:
                    added[target.id] = target
                through = _endpoint(facts, source, service)
                if target.id != source.id and not target.vpc:
                    found[Use(through.id if through else source.id, target.id)] = None
    return replace(facts, nodes={**facts.nodes, **added}), list(found)


def _acting(report: Report, facts: Facts) -> dict[str, list[Node]]:
    """Role → the nodes that act with it."""
    found: dict[str, list[Node]] = {}
    for node in facts.nodes.values():
        for role in {role for urn in node.resources for role in report.roles.get(urn, ())}:
            found.setdefault(role, []).append(node)
    return found


def _targets(report: Report, facts: Facts, grant: Grant) -> Iterator[tuple[str, Node]]:
    services = {action.partition(":")[0] for action in grant.actions}
    for resource in grant.resources:
        if (model := _MODEL.match(resource)) and "bedrock" in services:
            name = f"Bedrock model {model['model']}"
            yield "bedrock", Node(name, name, "model")
        for urn in report.addresses.get(_address(resource), ()):
            service, kind = _KINDS.get(type_of(urn), ("", ""))
            if service in services:
                known = next((node for node in facts.nodes.values() if urn in node.resources), None)
                yield service, known or Node(urn, f"{kind} {name_of(urn)}", "store", (urn,))


def _address(resource: str) -> str:
    """The name by which an ARN's resource was asked for; a name that stands for an ARN as it is."""
    parts = resource.split(":", _ARN_PARTS - 1)
    if len(parts) < _ARN_PARTS:
        return resource
    if parts[2] == "lambda":
        return parts[5].removeprefix("function:").partition(":")[0]
    return parts[5].rpartition("/")[2]


def _endpoint(facts: Facts, source: Node, service: str) -> Node | None:
    """The endpoint of the service that the source has a flow to."""
    word = _ENDPOINTS.get(service, service)
    for flow in facts.flows:
        target = facts.nodes.get(flow.target)
        if flow.source == source.id and target and "endpoint" in target.kind and target.label.endswith(f" {word}"):
            return target
    return None
