"""The flows as a Mermaid diagram, which GitHub draws in a comment; only of a plan that is small enough to be read as one."""

import re

from vectordb.plan.report.facts import Facts

_MOST_NODES, _MOST_FLOWS, _MOST_LETTERS = 14, 18, 48
_SAFE = re.compile(r"[^A-Za-z0-9 .,/+-]+")


def diagram(facts: Facts) -> str:
    """The source of the diagram; empty when there is nothing to draw, or too much."""
    ends = dict.fromkeys(end for flow in facts.flows for end in (flow.source, flow.target))
    if not ends or len(ends) > _MOST_NODES or len(facts.flows) > _MOST_FLOWS:
        return ""
    names = {node: f"n{number}" for number, node in enumerate(ends)}
    lines = ["flowchart LR"]
    inside = {node: facts.nodes[node].vpc if node in facts.nodes else "" for node in ends}
    lines += [f'  {names[node]}["{_safe(facts.label(node))}"]' for node in ends if not inside[node]]
    for number, vpc in enumerate(dict.fromkeys(filter(None, inside.values()))):
        title = next((f"VPC {one.name} {one.cidr}" for one in facts.vpcs if one.urn == vpc), "VPC")
        lines.append(f'  subgraph v{number}["{_safe(title)}"]')
        lines += [f'    {names[node]}["{_safe(facts.label(node))}"]' for node in ends if inside[node] == vpc]
        lines.append("  end")
    for flow in facts.flows:
        arrow = "-->" if flow.declared else "-.->"
        mark = "" if flow.declared else "undeclared "
        open_ = "" if flow.proven else ", unproven"
        lines.append(f'  {names[flow.source]} {arrow}|"{_safe(mark + flow.port + open_)}"| {names[flow.target]}')
    return "\n".join(lines)


def _safe(text: str) -> str:
    """Letters and the few signs that mean nothing to Mermaid; `end` alone would end a subgraph, so nothing is unquoted."""
    return _SAFE.sub(" ", text).strip()[:_MOST_LETTERS] or "-"
