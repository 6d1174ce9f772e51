"""The architecture as inline SVG: VPCs with their subnets, what is in them, every flow as an arrow with its port, and the outside.

Colours come from the page's style sheet by class, so that one drawing serves light, dark and print. No meaning is in a colour alone:
an undeclared flow is dashed and says so, and an unproven encryption has an open lock.
"""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from vectordb.plan.report import layout
from vectordb.plan.report.facts import PROVEN, UNKNOWN, UNPROVEN, Facts, Node, Vpc
from vectordb.plan.report.grade import counted
from vectordb.plan.report.layout import BOX_WIDTH, MARGIN, PILL, Arrow, Box, Layout
from vectordb.plan.report.uses import Use

_KINDS = {
    "database": "Database",
    "bastion": "Bastion",
    "function": "Function",
    "endpoint": "Interface endpoint",
    "gateway-endpoint": "Gateway endpoint",
    "instance": "Instance",
    "proxy": "RDS Proxy",
    "load-balancer": "Load balancer",
    "interface": "Network interface",
    "outside": "Outside",
    "store": "Store",
    "model": "Model",
}
_LABEL = 22
"""Room for an arrow's label, from middle to middle."""
_SUBNETS = 4
"""Subnets whose names fit into a VPC's head."""
_WORDS = 12
"""Flows that the description tells one by one."""
_ARROWHEADS = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7.2" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    '<path class="head" d="M0 0.6 8 4 0 7.4z"/></marker><marker id="bad-head" viewBox="0 0 8 8" refX="7.2" refY="4" '
    'markerWidth="8" markerHeight="8" orient="auto"><path class="head bad" d="M0 0.6 8 4 0 7.4z"/></marker></defs>'
)
_CLOSED = "M2.6 5V3.6a2.4 2.4 0 0 1 4.8 0V5h.6v5H2V5zM3.9 5h2.2V3.6a1.1 1.1 0 0 0-2.2 0z"
_OPENED = "M2.6 5V2.6a2.4 2.4 0 0 1 4.7-.7l-1.2.4a1.1 1.1 0 0 0-2.2.3V5H8v5H2V5z"


def svg(facts: Facts, uses: Sequence[Use] = ()) -> str:
    """The drawing, with a title and a description in words."""
    placed = layout.arrange(facts, uses)
    internet = _internet(facts, placed)
    parts = [
        (
            f'<svg class="drawing" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(placed.width)} {_n(placed.height)}" '
            f'width="{_n(placed.width)}" height="{_n(placed.height)}" role="img" aria-labelledby="drawing-title drawing-words">'
        ),
        '<title id="drawing-title">Who can reach whom</title>',
        f'<desc id="drawing-words">{escape(words(facts, uses))}</desc>',
        _ARROWHEADS,
        *(_vpc(vpc, placed, band) for vpc, band in zip(facts.vpcs, placed.bands, strict=False)),
        *(_line(arrow) for arrow in placed.arrows),
        internet,
        *(_box(box) for box in placed.boxes if box.nodes),
        *_labels(placed),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part)


def hidden(facts: Facts, uses: Sequence[Use] = ()) -> int:
    """How many nodes the drawing leaves out."""
    return layout.arrange(facts, uses).hidden


def words(facts: Facts, uses: Sequence[Use] = ()) -> str:
    """The drawing in words, for whoever does not see it."""
    told = [f"{facts.label(f.source)} reaches {facts.label(f.target)} on {f.port}" for f in facts.flows[:_WORDS]]
    rest = len(facts.flows) - len(told)
    told += [f"{facts.label(use.source)} may use {facts.label(use.target)}" for use in uses[:_WORDS]]
    vpcs = ", ".join(f"{vpc.name} with {len(vpc.subnets)} subnets" for vpc in facts.vpcs) or "none"
    doors = (
        f"{counted(len(facts.doors), 'way')} in from the internet." if facts.doors else "No way in from the internet."
    )
    more = f" And {rest:,} more flows." if rest > 0 else ""
    return f"VPCs: {vpcs}. {doors} " + ". ".join(told) + ("." if told else "") + more


def _vpc(vpc: Vpc, placed: Layout, edges: tuple[float, float]) -> str:
    top, bottom = edges
    width = placed.right - placed.left
    parts = [
        f'<rect class="vpc" x="{_n(placed.left)}" y="{_n(top)}" width="{_n(width)}" height="{_n(bottom - top)}" rx="14"/>',
        (
            f'<text class="vpc-name" x="{_n(placed.left + 18)}" y="{_n(top + 25)}">'
            f'{_clip(f"VPC {vpc.name}", 44)} <tspan class="dim">{_clip(vpc.cidr, 20)}</tspan></text>'
        ),
    ]
    x = placed.left + 18
    for number, subnet in enumerate(vpc.subnets):
        if number == _SUBNETS or x + 150 > placed.right:
            parts.append(
                f'<text class="small dim" x="{_n(x)}" y="{_n(top + 51)}">and {len(vpc.subnets) - number:,} more</text>'
            )
            break
        name = f"{subnet.zone or subnet.name} {subnet.cidr}"
        parts.append(_chip(x, top + 38, str(number + 1)))
        parts.append(f'<text class="small" x="{_n(x + 23)}" y="{_n(top + 51)}">{_clip(name, 30)}</text>')
        x += 40 + 6.7 * min(len(name), 30)
    return "\n".join(parts)


def _chip(x: float, y: float, text: str) -> str:
    return (
        f'<rect class="chip" x="{_n(x)}" y="{_n(y)}" width="18" height="18" rx="5"/>'
        f'<text class="chip-text" x="{_n(x + 9)}" y="{_n(y + 13)}">{text}</text>'
    )


def _box(box: Box) -> str:
    kind = box.nodes[0].kind
    title = layout.kind_of(box.nodes[0]) or _KINDS.get(kind, kind or "Node")
    if len(box.nodes) > 1:
        title = f"{len(box.nodes):,} × {title}"
    known = kind if kind in _KINDS else "interface"
    parts = [
        f'<rect class="box {known}" x="{_n(box.x)}" y="{_n(box.y)}" width="{BOX_WIDTH}" height="{_n(box.height)}" rx="9"/>',
        f'<rect class="edge {known}" x="{_n(box.x)}" y="{_n(box.y + 9)}" width="4" height="{_n(box.height - 18)}" rx="2"/>',
        f'<text class="kind" x="{_n(box.x + 14)}" y="{_n(box.y + 19)}">{_clip(title, 26)}</text>',
    ]
    y = box.y + 38
    for line in layout.lines(box):
        parts.append(f'<text class="name" x="{_n(box.x + 14)}" y="{_n(y)}">{escape(line)}</text>')
        y += layout.LINE
    for place, zone in enumerate(box.zones[:7]):
        parts.append(_chip(box.x + 13 + place * 22, y - 10, str(zone + 1)))
    return "\n".join(parts)


def _line(arrow: Arrow) -> str:
    if not arrow.flows:
        return f'<path class="flow use" d="{_path(arrow.boxes)}" marker-end="url(#head)"/>'
    bad = any(not flow.declared for flow in arrow.flows)
    head = "bad-head" if bad else "head"
    return f'<path class="flow{" bad" if bad else ""}" d="{_path(arrow.boxes)}" marker-end="url(#{head})"/>'


def _path(boxes: Sequence[Box]) -> str:
    """Through the bends, each part an S from one column to the next; between boxes of one column a bow beside it."""
    first, last = boxes[0], boxes[-1]
    if first.column == last.column:
        right = first.band < 0
        x, bow = (first.x + BOX_WIDTH, first.x + BOX_WIDTH + 24) if right else (first.x, first.x - 46)
        return f"M{_n(x)} {_n(first.middle)}C{_n(bow)} {_n(first.middle)} {_n(bow)} {_n(last.middle)} {_n(x)} {_n(last.middle)}"
    points = list(_points(boxes))
    path = f"M{_n(points[0][0])} {_n(points[0][1])}"
    for (x, y), (to_x, to_y) in pairwise(points):
        middle = (x + to_x) / 2
        path += f"C{_n(middle)} {_n(y)} {_n(middle)} {_n(to_y)} {_n(to_x)} {_n(to_y)}"
    return path


def _points(boxes: Sequence[Box]) -> Iterator[tuple[float, float]]:
    onwards = boxes[-1].column > boxes[0].column
    for place, box in enumerate(boxes):
        near, far = (box.x, box.x + BOX_WIDTH) if onwards else (box.x + BOX_WIDTH, box.x)
        if place > 0:
            yield near, box.middle
        if place < len(boxes) - 1:
            yield far, box.middle


def _labels(placed: Layout) -> Iterator[str]:
    """Each arrow's port and lock, moved along until nothing else is there."""
    taken: list[tuple[float, float, float]] = []
    for arrow in placed.arrows:
        if not arrow.flows:
            continue
        ports = list(dict.fromkeys(flow.ports or flow.protocol or "any" for flow in arrow.flows))
        text = ", ".join(ports[:2]) + (f" +{len(ports) - 2}" if len(ports) > 2 else "")  # noqa: PLR2004 - two fit
        bad = any(not flow.declared for flow in arrow.flows)
        text = f"! {text}" if bad else text
        states = {flow.encryption for flow in arrow.flows}
        state = next((state for state in (UNPROVEN, UNKNOWN) if state in states), PROVEN)
        width = 30 + 6.8 * min(len(text), 11)
        x, y = _free(arrow, width, taken)
        taken.append((x, y, width))
        yield _label(x - width / 2, y, width, layout.clipped(text, 11), bad=bad, state=state)


def _label(x: float, y: float, width: float, text: str, *, bad: bool, state: str) -> str:
    marks = f"{' bad' if bad else ''} {state}"
    return (
        f'<rect class="label{marks}" x="{_n(x)}" y="{_n(y - 10)}" width="{_n(width)}" height="20" rx="10"/>'
        f'<path class="lock{marks}" transform="translate({_n(x + 7)} {_n(y - 6)}) scale(1.08)" d="{_CLOSED if state == PROVEN else _OPENED}"/>'
        f'<text class="port{marks}" x="{_n(x + 21)}" y="{_n(y + 4)}">{escape(text)}</text>'
    )


def _free(arrow: Arrow, width: float, taken: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """A place on the arrow's first part that no other label has; its middle when there is none."""
    first, last = arrow.boxes[0], arrow.boxes[1]
    if first.column == last.column:
        return first.x - 34, (first.middle + last.middle) / 2
    points = list(_points(arrow.boxes))
    parts = [pair for pair in pairwise(points) if abs(pair[0][0] - pair[1][0]) < BOX_WIDTH]
    for (x, y), (to_x, to_y) in reversed(parts):
        for share in (0.5, 0.35, 0.65):
            place = x + (to_x - x) * share, y + (to_y - y) * (share * share * (3 - 2 * share))
            if _is_free(place, width, taken):
                return place
    (x, y), (to_x, to_y) = parts[-1]
    place = (x + to_x) / 2, (y + to_y) / 2
    while not _is_free(place, width, taken):
        place = place[0], place[1] + _LABEL
    return place


def _is_free(place: tuple[float, float], width: float, taken: Sequence[tuple[float, float, float]]) -> bool:
    return not any(abs(place[0] - x) < (width + other) / 2 and abs(place[1] - y) < _LABEL for x, y, other in taken)


def _internet(facts: Facts, placed: Layout) -> str:
    """The internet on the left: shut out, or with an arrow to each box that it can reach."""
    band = placed.bands[0] if placed.bands else (16.0, 116.0)
    x, y = MARGIN, band[0] + 6
    parts = [
        f'<rect class="box internet" x="{_n(x)}" y="{_n(y)}" width="{PILL}" height="52" rx="9"/>',
        f'<text class="kind" x="{_n(x + 14)}" y="{_n(y + 20)}">Outside</text>',
        f'<text class="name" x="{_n(x + 14)}" y="{_n(y + 39)}">The internet</text>',
    ]
    start, edge, middle = x + PILL, placed.left, y + 26
    if not facts.doors:
        parts.append(f'<path class="shut" d="M{_n(start)} {_n(middle)}H{_n(edge - 13)}"/>')
        parts.append(f'<circle class="stop" cx="{_n(edge)}" cy="{_n(middle)}" r="11"/>')
        parts.append(f'<path class="cross" d="M{_n(edge - 4)} {_n(middle - 4)}l8 8m0-8l-8 8"/>')
        parts.append(
            f'<text class="small dim end" x="{_n(edge - 18)}" y="{_n(middle - 8)}">{"unproven" if facts.unproven else "no way in"}</text>'
        )
        return "\n".join(parts)
    ways = [_way_in(placed, box, start, middle) for box in _opened(facts, placed)] or [
        f"M{_n(start)} {_n(middle)}H{_n(edge)}"
    ]
    parts += [f'<path class="flow bad door" d="{way}" marker-end="url(#bad-head)"/>' for way in ways]
    parts.append(
        f'<text class="small worse" x="{_n(x + 4)}" y="{_n(y + 68)}">! {counted(len(facts.doors), "way")} in</text>'
    )
    return "\n".join(parts)


def _way_in(placed: Layout, box: Box, x: float, y: float) -> str:
    """From the internet to a box: in an S to a box of the first column, else under the VPC's name and down beside the box."""
    to_y = box.y + 16
    if box.column <= 1:
        bend = (x + box.x) / 2
        return f"M{_n(x)} {_n(y)}C{_n(bend)} {_n(y)} {_n(bend)} {_n(to_y)} {_n(box.x)} {_n(to_y)}"
    top = placed.bands[max(box.band, 0)][0] + layout.HEAD - 9
    gutter, beside = placed.left - 14, box.x - 26
    return f"M{_n(x)} {_n(y)}H{_n(gutter - 8)}Q{_n(gutter)} {_n(y)} {_n(gutter)} {_n(y + 8)}V{_n(top - 8)}Q{_n(gutter)} {_n(top)} {_n(gutter + 8)} {_n(top)}H{_n(beside - 8)}Q{_n(beside)} {_n(top)} {_n(beside)} {_n(top + 8)}V{_n(to_y - 8)}Q{_n(beside)} {_n(to_y)} {_n(beside + 8)} {_n(to_y)}H{_n(box.x)}"


def _opened(facts: Facts, placed: Layout) -> list[Box]:
    doors = {door.resource for door in facts.doors}

    def opened(node: Node) -> bool:
        return bool(doors & {*node.resources, node.id})

    return [box for box in placed.boxes if any(opened(node) for node in box.nodes)]


def _clip(text: str, width: int) -> str:
    return escape(layout.clipped(text, width))


def _n(value: float) -> str:
    """A coordinate with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")
