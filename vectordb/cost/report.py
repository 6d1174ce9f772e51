"""The bill as a person reads it in a terminal."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vectordb.cost import amounts
from vectordb.cost.estimate import Estimate
from vectordb.cost.line import Group

_TITLES = {Group.FIXED: "Whatever the use", Group.USE: "By assumed use", Group.RATE: "By use, nothing assumed"}
_PLAIN_WIDTH = 140


def show(estimate: Estimate, title: str, console: Console) -> None:
    """Print the lines by group, the total, what auto-pause saves, the assumptions, and what is not priced."""
    if not console.is_terminal:
        console.width = max(console.width, _PLAIN_WIDTH)  # a pipe has no width: its lines are not to be broken
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    table.add_column("part", no_wrap=True)
    table.add_column("item", overflow="fold")
    table.add_column("quantity", justify="right")
    table.add_column("USD a unit", justify="right")
    table.add_column("USD a month", justify="right", no_wrap=True)
    for group in Group:
        lines = [line for line in estimate.lines if line.group is group]
        if not lines:
            continue
        subtotal = "" if group is Group.RATE else amounts.dollars(estimate.sum(group))
        table.add_row(Text(_TITLES[group], style="bold"), "", "", "", Text(subtotal, style="bold"))
        for line in lines:
            table.add_row(f"  {line.part}", line.item, amounts.quantity(line), amounts.rate(line), amounts.cost(line))
    table.add_row(Text("In all", style="bold"), "", "", "", Text(amounts.dollars(estimate.total), style="bold green"))
    console.print(table)
    console.print()
    for text in _remarks(estimate):
        console.print(text, soft_wrap=True)


def _remarks(estimate: Estimate) -> list[Text]:
    remarks = []
    if pause := estimate.auto_pause:
        remarks.append(
            Text(
                f"Auto-pause saves {amounts.dollars(pause.saved)}: {amounts.dollars(pause.paused)} instead of "
                f"{amounts.dollars(pause.always_on)} with a minimum of 0.5 ACU.",
                style="green",
            )
        )
    remarks += [
        Text(f"Not priced: {one.urn.rpartition('::')[2]} ({one.type}): {one.reason}.", style="yellow")
        for one in estimate.unpriced
    ]
    remarks += [Text(note) for note in estimate.notes]
    free = sum(estimate.free.values())
    remarks.append(Text(f"Free: {free} resources of {len(estimate.free)} types.", style="dim"))
    assumed = ", ".join(
        f"{amounts.named(name)} {amounts.number(value)}" for name, value, _, _ in estimate.usage.described()
    )
    remarks.append(Text(f"Assumed: {assumed}.", style="dim"))
    prices = estimate.prices
    remarks.append(
        Text(
            f"List prices of {prices.region}, {prices.date}; a month has {prices.hours} hours; no free tier, no tax.",
            style="dim",
        )
    )
    return remarks
