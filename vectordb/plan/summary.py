"""The plan as a person reads it in a terminal."""

import json
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vectordb.cost.line import Group
from vectordb.plan.plan import Plan
from vectordb.plan.recording import Registration
from vectordb.plan.report.grade import counted

_NAMED = 6
"""Policies that one line names; the report has all."""


def judged(plan: Plan) -> str:
    """How many policies of which pack judged: `133 policies of vectordb`."""
    asked = sum(policy.enforcement != "disabled" for policy in plan.policies)
    of = f"{asked}" if asked == len(plan.policies) else f"{asked} of the {len(plan.policies)}"
    return f"{of} policies of {plan.pack}"


def show(plan: Plan, console: Console) -> None:
    """Print counts by component, then each violation with its resource and remedy."""
    recording = plan.recording
    table = Table(title=f"{recording.project} / {recording.stack}", title_justify="left", header_style="bold", box=None)
    table.add_column("component", no_wrap=True)
    table.add_column("resources", justify="right")
    table.add_column("of", overflow="fold", style="dim")
    for component, kinds in _by_component(plan):
        listed = ", ".join(f"{kind} ×{count}" if count > 1 else kind for kind, count in sorted(kinds.items()))
        table.add_row(component, str(kinds.total()), listed)
    console.print(table)
    total = sum(resource.custom for resource in recording.resources)
    console.print(f"\n{total} resources in {len(list(recording.components()))} components.")
    console.print(_cost(plan), soft_wrap=True)
    for remediation in plan.remediations:
        what = f"{remediation.path} is now {json.dumps(remediation.value)} (remediated by {remediation.policy})"
        console.print(Text("→ ", style="yellow") + Text(remediation.resource, style="bold") + Text(f"  {what}"))
    for violation in plan.violations:
        mark = Text("✗ ", style="bold red") if violation.mandatory else Text("! ", style="yellow")
        console.print()
        console.print(
            mark + Text(violation.resource, style="bold") + Text(f"  {violation.policy} ({violation.severity})")
        )
        if violation.urn:
            console.print(Text(f"  {violation.urn}", style="dim"), soft_wrap=True)
        for line in violation.message.splitlines():
            console.print(Text(f"  {line}"), soft_wrap=True)
    console.print()
    console.print(_verdict(plan), soft_wrap=True)
    _show_force(plan, console)
    looked_up = "Look-ups (account, zones, image) were answered with example values; nothing was asked of AWS."
    console.print(Text(looked_up, style="dim"), soft_wrap=True)


def _show_force(plan: Plan, console: Console) -> None:
    """Where to read about what was found, and which policies the configuration has taken out of force."""
    found = {violation.policy for violation in plan.violations}
    pages = {str(Path(policy.page).parent) for policy in plan.policies if policy.id in found and policy.page}
    for folder in sorted(pages):
        console.print(Text(f"Each policy has a page: {folder}/POLICY.md", "dim"), soft_wrap=True)
    weakened = [f"{policy.id} ({policy.enforcement})" for policy in plan.policies if policy.weakened]
    if weakened:
        named = ", ".join(weakened[:_NAMED]) + (f" and {len(weakened) - _NAMED:,} more" if weakened[_NAMED:] else "")
        console.print(Text(f"! Not in force by the configuration of the policies: {named}.", "yellow"), soft_wrap=True)


def _by_component(plan: Plan) -> list[tuple[str, Counter[str]]]:
    components = {resource.urn: resource for resource in plan.recording.components()}
    counts: dict[str, Counter[str]] = {}
    for resource in plan.recording.resources:
        if resource.custom:
            owner: Registration | None = components.get(resource.parent)
            title = f"{owner.name} ({owner.type.rpartition(':')[2]})" if owner else "(no component)"
            counts.setdefault(title, Counter())[resource.type.rpartition(":")[2]] += 1
    return sorted(counts.items())


def _cost(plan: Plan) -> str:
    cost = plan.cost
    missing = f" {len(cost.unpriced)} not priced." if cost.unpriced else ""
    return (
        f"{cost.total:,} USD a month: {cost.sum(Group.FIXED):,} whatever the use, {cost.sum(Group.USE):,} by assumed use."
        f"{missing} Lines: vectordb cost --stack {plan.recording.stack}"
    )


def _verdict(plan: Plan) -> Text:
    checked = judged(plan)
    if plan.mandatory:
        found = counted(len(plan.mandatory), "mandatory violation")
        return Text(f"✗ {found} of {checked}. Nothing like this can be deployed.", "bold red")
    if plan.violations:
        return Text(f"✓ No mandatory violation of {checked}; {len(plan.violations)} advisory.", "yellow")
    weakened = any(policy.weakened for policy in plan.policies)
    return Text(f"✓ No violation of {checked}.", "yellow" if weakened else "green")
