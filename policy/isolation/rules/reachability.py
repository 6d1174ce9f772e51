"""What can reach what: nothing from outside, and inside exactly what is declared."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.declared import strings
from isolation.reachability.blocks import PUBLIC, Blocks, block, joined
from isolation.reachability.declared import FILE, Table, table
from isolation.reachability.differences import Judged, Missing, differences
from isolation.reachability.exposure import Opening, exposure
from isolation.rule import Finding, Resource, Setting, StackRule
from isolation.stack import Stack

NETWORKS = Setting(
    name="networks",
    default=[],
    schema={"type": "array", "items": {"type": "string", "pattern": "^[0-9A-Fa-f:.]+/[0-9]{1,3}$"}},
    description="Private CIDR blocks of other networks that may reach interfaces, over a peering connection or a VPN, say.",
)
FLOWS = Setting(
    name="flows",
    default=FILE,
    schema={"type": "string", "pattern": r"\.toml$"},
    description="The table of declared flows: a file in the pack's folder, or an absolute path.",
)


def _ways_in(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    allowed = joined(map(block, strings(stack.settings, NETWORKS.name))) - PUBLIC
    for opening in exposure(stack).open:
        if not _allowed(opening, allowed):
            yield (
                _subject(stack, opening.node.urns),
                Finding("", f"can be reached from outside. {opening.sentence[:-1]}"),
            )


def _allowed(opening: Opening, networks: Blocks) -> bool:
    return bool(opening.remote) and not opening.remote - networks


NO_WAY_IN = StackRule(
    id="no-way-in-from-outside",
    title="No interface can be reached from the internet, another network or another account.",
    severity=Severity.CRITICAL,
    remedy="Remove one of the resources on the way; people come in through Session Manager.",
    why=(
        "A way in is made of several resources, each of which looks harmless by itself: a route, a security group's rule, a "
        "network ACL's entry, a public address. The rule puts them together and fails when all of a way are there. From the "
        "internet that takes an attached gateway, a route to it, a public address and rules that admit it (Amazon VPC User "
        "Guide, Internet gateways); from other networks a route back over a peering connection, a transit gateway or a VPN; "
        "from other accounts an endpoint service. EC2 Instance Connect and Client VPN are ways in for people. What is only "
        "known after the deployment is listed by the report, and judged by `pulumi up`."
    ),
    settings=(NETWORKS,),
    check=_ways_in,
)


def _flows(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    declared = table(str(stack.settings.get(FLOWS.name, FILE)))
    yield from _malformed(declared)
    found = differences(stack, declared)
    for judged in found.undeclared:
        yield _more(stack, judged, declared.name)
    for missing in found.missing:
        yield _fewer(stack, missing, declared.name)


def _malformed(declared: Table) -> Iterator[tuple[Resource, Finding]]:
    for problem in declared.problems:
        path, separator, sentence = problem.rpartition(": ")
        remedy = "Correct the file: docs/flows.md has its form. What is wrong in it counts as not written."
        yield Resource("", declared.name, "", {}), Finding(path + separator.strip(), sentence, remedy)


def _more(stack: Stack, judged: Judged, file: str) -> tuple[Resource, Finding]:
    subject = _subject(stack, judged.via or judged.target.urns)
    others = [name for name in judged.names if name != subject.name]
    together = f", together with {', '.join(others)}" if others else ""
    problem = f"lets {judged.source.label} reach {judged.target.label} with {judged.traffic}{together}; {file} has no such flow"
    remedy = f"Remove or narrow the rule; if the flow is meant, add it to {file} with its reason (docs/flows.md)."
    return subject, Finding("", problem, remedy)


def _fewer(stack: Stack, missing: Missing, file: str) -> tuple[Resource, Finding]:
    problem = (
        f"cannot reach {missing.target.label} with {missing.row.traffic}, though {file} declares it "
        f"({missing.row.why.rstrip('.')}): {missing.reason}"
    )
    remedy = f"Add what is missing, on both sides; if the flow is not needed any more, take it out of {file}."
    return _subject(stack, missing.source.urns), Finding("", problem, remedy)


def _subject(stack: Stack, urns: tuple[str, ...]) -> Resource:
    """The first of them that is in the plan."""
    known = [stack.by_urn[urn] for urn in urns if urn in stack.by_urn]
    return known[0] if known else Resource("", "The stack", "", {})


FLOWS_AS_DECLARED = StackRule(
    id="flows-as-declared",
    title="Exactly the declared flows can pass, no more and no fewer.",
    severity=Severity.HIGH,
    remedy="Make the plan and policy/flows.toml agree.",
    why=(
        "Who may open a connection to whom is one readable table, policy/flows.toml, and a plan has to agree with it. What "
        "can pass follows from all that stands on the way: rules of both security groups in any of their forms, prefix lists, "
        "routes, and network ACLs for the request as well as for its answer. A flow that nobody declared is a door; a "
        "declared one that cannot pass is an outage that shows only after the deployment, as a time-out. Every stack of "
        "this program keeps to the table as it is; your own components get rows of their own."
    ),
    settings=(FLOWS,),
    check=_flows,
)
