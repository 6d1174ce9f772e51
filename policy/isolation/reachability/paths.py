"""Ways through several nodes: who reaches a database in the end, and over what."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from isolation.reachability.flows import Flow
from isolation.reachability.nodes import Node
from isolation.reachability.traffic import NONE, Traffic

_MOST_STEPS = 4
_DATABASES = ("database", "proxy")
_SESSION_SERVICES = ("ssm", "ssmmessages")


@dataclass(frozen=True, slots=True)
class Path:
    """A chain of flows that ends at a node."""

    target: Node
    sentence: str


def paths(found: Sequence[Flow]) -> tuple[Path, ...]:
    """Every way of one to four steps to a database or proxy, the shortest first."""
    ways = sorted((way for node in _targets(found) for way in _to(node, found)), key=len)
    return tuple(Path(way[-1][1], _sentence(way, found)) for way in ways)


_Step = tuple[Node, Node, Traffic]


def _targets(found: Sequence[Flow]) -> list[Node]:
    return list({flow.target.id: flow.target for flow in found if flow.target.kind in _DATABASES}.values())


def _to(target: Node, found: Sequence[Flow]) -> Iterator[list[_Step]]:
    steps: dict[str, dict[str, _Step]] = {}
    for flow in found:
        before = steps.setdefault(flow.target.id, {}).get(flow.source.id)
        traffic = (before[2] if before else NONE) | flow.traffic
        steps[flow.target.id][flow.source.id] = (flow.source, flow.target, traffic)
    waiting: list[list[_Step]] = [[step] for step in steps.get(target.id, {}).values()]
    while waiting:
        way = waiting.pop()
        yield way
        passed = {node.id for step in way for node in step[:2]}
        # What only its group is known of is no step on the way: which interface has it is anybody's guess.
        if len(way) < _MOST_STEPS and way[0][0].urns:
            waiting += [[step, *way] for name, step in steps.get(way[0][0].id, {}).items() if name not in passed]


def _sentence(way: list[_Step], found: Sequence[Flow]) -> str:
    start = way[0][0]
    reached = ", then ".join(f"{target.label} ({traffic})" for _, target, traffic in way)
    services = {flow.target.service for flow in found if flow.source.id == start.id}
    if services >= set(_SESSION_SERVICES):
        return f"People with a Session Manager session on {start.label} reach {reached}."
    return f"{start.label[0].upper()}{start.label[1:]} reaches {reached}."
