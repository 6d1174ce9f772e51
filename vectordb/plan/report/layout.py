"""Where the boxes and arrows of the architecture drawing go: pure arithmetic over the facts, the same for the same facts.

Columns say what a box is, from left to right: what lies outside of every VPC, clients, proxies, databases, endpoints, and what lies
outside and is reached. Each VPC is a band of rows across the middle columns.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from vectordb.plan.report.facts import Facts, Flow, Node
from vectordb.plan.report.uses import Use

BOX_WIDTH = 196
GAP = 116
_NEARER = 30
"""How much less room there is before the last column."""
PILL = 118
"""Width of the box that is the internet."""
MARGIN = 20.0
ROW_GAP = 18
LINE = 17
NAMES = 4
"""Names in one box; more are counted."""
HEAD = 78.0
"""Room in a VPC for its name and its subnets, above the first row."""
_FOOT = 22.0
_KIND = 22
"""Letters of a kind; more than that are a sentence."""
MOST = 36
"""Boxes in a drawing; more are counted below it."""
_CLIENTS, _PROXIES, _DATABASES, _ENDPOINTS = 1, 2, 3, 4
_COLUMNS: Mapping[str, int] = {
    "proxy": _PROXIES,
    "database": _DATABASES,
    "endpoint": _ENDPOINTS,
    "gateway-endpoint": _ENDPOINTS,
}
_LEFT, _RIGHT = 0, 5
_ALONE = frozenset({"database", "proxy", "bastion"})
"""Kinds that are never drawn together with their like."""


@dataclass
class Box:
    """One box: a node, or several of a kind that take part in the same flows.

    Attributes:
        nodes: what is in it; none for the bend of an arrow that passes a column.
        column: see the module.
        band: the VPC's number; -1 outside.
        x, y, height: where it is; y is its upper edge.
    """

    nodes: tuple[Node, ...]
    column: int
    band: int
    x: float = 0
    y: float = 0
    height: float = 0
    zones: tuple[int, ...] = ()

    @property
    def middle(self) -> float:
        """The height at which its centre is."""
        return self.y + self.height / 2


@dataclass
class Arrow:
    """One arrow, for the flows that go from one box to another, or for what one may use of another.

    Attributes:
        boxes: the source, the bends, the target.
        flows: none for a use.
    """

    boxes: list[Box]
    flows: tuple[Flow, ...]


@dataclass
class Layout:
    """A drawing's geometry.

    Attributes:
        bands: upper and lower edge of each VPC.
        left, right: the VPCs' edges.
        hidden: how many nodes are not drawn.
    """

    boxes: list[Box]
    arrows: list[Arrow]
    bands: list[tuple[float, float]] = field(default_factory=list)
    left: float = 0
    right: float = 0
    width: float = 0
    height: float = 0
    hidden: int = 0


def arrange(facts: Facts, uses: Sequence[Use] = ()) -> Layout:
    """The layout of a drawing of the nodes, flows and VPCs in `facts`, and of who uses what."""
    bands = {vpc.urn: number for number, vpc in enumerate(facts.vpcs)}
    subnets = {subnet.urn: number for vpc in facts.vpcs for number, subnet in enumerate(vpc.subnets)}
    groups = _groups(facts, bands, uses)
    shown, hidden = groups[:MOST], groups[MOST:]
    boxes = [
        Box(nodes, column, band, zones=tuple(sorted({subnets[urn] for urn in nodes[0].subnets if urn in subnets})))
        for nodes, column, band in shown
    ]
    layout = Layout(boxes, [], hidden=sum(len(nodes) for nodes, _, _ in hidden))
    of = {node.id: box for box in boxes for node in box.nodes}
    layout.arrows = _arrows(facts.flows, of) + _dotted(uses, of)
    _place_columns(layout)
    _order(layout)
    _place_rows(layout, max(len(facts.vpcs), 1))
    return layout


def _groups(facts: Facts, bands: Mapping[str, int], uses: Sequence[Use]) -> list[tuple[tuple[Node, ...], int, int]]:
    """Nodes that are drawn as one, with their column and band; those that a database has to do with first."""
    targets = {flow.target for flow in facts.flows} | {use.target for use in uses}
    near = {
        end
        for flow in facts.flows
        for end in (flow.source, flow.target)
        if {facts.nodes[i].kind for i in (flow.source, flow.target) if i in facts.nodes} & {"database", "proxy"}
    }
    alike: dict[tuple[object, ...], list[Node]] = {}
    for node in facts.nodes.values():
        ties = frozenset(_ties(node, facts.flows, uses))
        own = node.id if node.kind in _ALONE else ""
        alike.setdefault((own, node.kind, node.vpc, node.subnets, ties), []).append(node)
    found = []
    for nodes in alike.values():
        first = nodes[0]
        band = bands.get(first.vpc, -1)
        column = _COLUMNS.get(first.kind, _CLIENTS) if band >= 0 else _RIGHT if first.id in targets else _LEFT
        found.append((tuple(nodes), column, band))
    return sorted(found, key=lambda group: (group[0][0].kind not in _ALONE, group[0][0].id not in near))


def _ties(node: Node, flows: Iterable[Flow], uses: Iterable[Use]) -> Iterator[tuple[object, ...]]:
    """What a node has to do with others, so that nodes with the same ties are drawn as one."""
    for flow in flows:
        if node.id in (flow.source, flow.target):
            out = flow.source == node.id
            yield out, flow.target if out else flow.source, flow.ports, flow.declared, flow.encryption
    for use in uses:
        if node.id in (use.source, use.target):
            yield use.source == node.id, use.target if use.source == node.id else use.source


def _arrows(flows: Iterable[Flow], of: Mapping[str, Box]) -> list[Arrow]:
    found: dict[tuple[int, int, bool, bool], Arrow] = {}
    for flow in flows:
        source, target = of.get(flow.source), of.get(flow.target)
        if source is not None and target is not None and source is not target:
            key = (id(source), id(target), flow.declared, flow.proven)
            arrow = found.setdefault(key, Arrow([source, target], ()))
            arrow.flows = (*arrow.flows, flow)
    return list(found.values())


def _dotted(uses: Iterable[Use], of: Mapping[str, Box]) -> list[Arrow]:
    found: dict[tuple[int, int], Arrow] = {}
    for use in uses:
        source, target = of.get(use.source), of.get(use.target)
        if source is not None and target is not None and source is not target:
            found.setdefault((id(source), id(target)), Arrow([source, target], ()))
    return list(found.values())


def _place_columns(layout: Layout) -> None:
    """Columns without a box take no room; arrows across a column get a bend in it."""
    used = sorted({box.column for box in layout.boxes} | {_LEFT})
    number = {column: place for place, column in enumerate(used)}
    for box in layout.boxes:
        box.column = number[box.column]
    for arrow in layout.arrows:
        source, target = arrow.boxes[0], arrow.boxes[-1]
        step = 1 if target.column > source.column else -1
        band = source.band if source.band >= 0 else target.band
        bends = [Box((), column, band) for column in range(source.column + step, target.column, step)]
        arrow.boxes[1:1] = bends
        layout.boxes += bends
    _place_across(layout, used)


def _place_across(layout: Layout, used: Sequence[int]) -> None:
    """The left column is narrow when there is nothing in it but the internet."""
    pitch = BOX_WIDTH + GAP
    narrow = 0 if any(box.column == 0 for box in layout.boxes) else BOX_WIDTH - PILL
    near = _NEARER if _RIGHT in used else 0
    for box in layout.boxes:
        box.x = MARGIN + box.column * pitch - narrow - (near if used[box.column] == _RIGHT else 0)
    end = MARGIN - narrow + len(used) * pitch - GAP - near
    inside = end - (pitch - near if _RIGHT in used else 0)
    layout.left = MARGIN - narrow + pitch - 24
    layout.right = max(inside + 24, layout.left + 240)
    layout.width = max(end, layout.right) + MARGIN


def _order(layout: Layout, sweeps: int = 4) -> None:
    """Rows: a box stands about where what it is tied to stands (the barycentre method of Sugiyama)."""
    rank = {id(box): float(number) for number, box in enumerate(layout.boxes)}
    tied: dict[int, list[Box]] = {}
    for arrow in layout.arrows:
        for one, other in pairwise(arrow.boxes):
            tied.setdefault(id(one), []).append(other)
            tied.setdefault(id(other), []).append(one)
    columns = sorted({box.column for box in layout.boxes})
    for sweep in range(sweeps):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            inside = [box for box in layout.boxes if box.column == column]
            wish = {
                id(box): _mean([rank[id(other)] for other in tied.get(id(box), ())], rank[id(box)]) for box in inside
            }
            inside.sort(key=lambda box: (box.band, wish[id(box)]))
            for place, box in enumerate(inside):
                rank[id(box)] = place - len(inside) / 2
    layout.boxes.sort(key=lambda box: (box.column, box.band, rank[id(box)]))


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _place_rows(layout: Layout, bands: int) -> None:
    for box in layout.boxes:
        box.height = height(box) if box.nodes else 12
    top = 16.0
    for band in range(bands):
        columns: dict[int, list[Box]] = {}
        for box in layout.boxes:
            if box.band in (band, -1 if band == 0 else band):
                columns.setdefault(box.column, []).append(box)
        tallest = max((_tall(boxes) for boxes in columns.values()), default=0)
        tallest = max(tallest, 96)
        for boxes in columns.values():
            y = top + HEAD + (tallest - _tall(boxes)) / 2
            for box in boxes:
                box.y = y
                y += box.height + ROW_GAP
        layout.bands.append((top, top + HEAD + tallest + _FOOT))
        top += HEAD + tallest + _FOOT + 28
    layout.height = top - 12


def _tall(boxes: Sequence[Box]) -> float:
    return sum(box.height for box in boxes) + ROW_GAP * (len(boxes) - 1)


def height(box: Box) -> float:
    """A box's height in pixels: its kind, its lines, its zones."""
    return 30 + LINE * len(lines(box)) + (24 if box.zones else 6)


def lines(box: Box, width: int = 21) -> list[str]:
    """The lines of text in a box, each at most `width` characters."""
    if len(box.nodes) == 1:
        return wrapped(name_of(box.nodes[0]), width)
    shown = [clipped(name_of(node), width) for node in box.nodes[:NAMES]]
    rest = len(box.nodes) - NAMES
    return [*shown, f"and {rest:,} more"] if rest > 0 else shown


def kind_of(node: Node) -> str:
    """What a node's label says before its name: `Aurora cluster` of `Aurora cluster database`; empty for what is outside."""
    kind = node.label.rpartition(" ")[0]
    fits = node.kind != "outside" and len(kind) <= _KIND
    return kind[:1].upper() + kind[1:] if fits else ""


def name_of(node: Node) -> str:
    """A node's label without its kind."""
    return node.label[len(kind_of(node)) :].lstrip()


def wrapped(text: str, width: int, most: int = 2) -> list[str]:
    """`text` in at most `most` lines of `width` characters; what does not fit is an ellipsis."""
    found: list[str] = []
    rest = " ".join(text.split())
    while rest and len(found) < most - 1 and len(rest) > width:
        cut = max(rest.rfind(" ", 0, width + 1), rest.rfind("-", 0, width) + 1)
        cut = cut if cut > 0 else width
        found.append(rest[:cut])
        rest = rest[cut:].lstrip()
    return [*found, clipped(rest, width)] if rest else found or [""]


def clipped(text: str, width: int) -> str:
    """`text`, or as much of it as fits before an ellipsis."""
    return text if len(text) <= width else text[: width - 1] + "…"
