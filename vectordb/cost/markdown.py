"""A bill, several bills beside each other, and the prices, as Markdown."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from vectordb.cost import amounts
from vectordb.cost.estimate import Estimate
from vectordb.cost.line import Group, Line
from vectordb.cost.prices import Prices


def bill(estimate: Estimate) -> str:
    """Every line, what is not in the total, the assumptions."""
    parts = [
        table(
            ("part", "item", "quantity", "USD a unit", "USD a month"),
            [
                *_group(estimate, Group.FIXED, "whatever the use"),
                *_group(estimate, Group.USE, "by assumed use"),
                ("**in all**", "", "", "", f"**{amounts.dollars(estimate.total)}**"),
            ],
            right=3,
        )
    ]
    if estimate.auto_pause:
        pause = estimate.auto_pause
        parts.append(
            f"Auto-pause saves {amounts.dollars(pause.saved)} of these: with a minimum of 0.5 ACU the capacity would cost "
            f"{amounts.dollars(pause.always_on)} instead of {amounts.dollars(pause.paused)}."
        )
    rates = sorted({f"{line.item} {amounts.rate(line)}" for line in estimate.lines if line.group is Group.RATE})
    if rates:
        parts.append("Paid by use, and nothing assumed: " + "; ".join(rates) + ".")
    if estimate.unpriced:
        parts.append("Not in the total:")
        parts.append(
            "\n".join(f"- `{one.urn.rpartition('::')[2]}` (`{one.type}`): {one.reason}" for one in estimate.unpriced)
        )
    if estimate.notes:
        parts.append("\n".join(f"- {note}" for note in estimate.notes))
    return "\n\n".join(parts)


def by_part(estimate: Estimate) -> str:
    """One row a part: what it is made of, and what it costs."""
    rows = []
    lines = [line for line in estimate.lines if line.group is not Group.RATE]
    for part in dict.fromkeys(line.part for line in sorted(lines, key=lambda line: -_of(lines, line.part))):
        items = dict.fromkeys(line.item for line in lines if line.part == part)
        rows.append((part, "; ".join(items), amounts.dollars(_of(lines, part))))
    rows.append(("**in all**", "", f"**{amounts.dollars(estimate.total)}**"))
    return table(("part", "for", "USD a month"), rows, right=1)


def comparison(estimates: Iterable[tuple[str, Estimate]]) -> str:
    """One row a stack: what is paid whatever the use, what the assumed use adds, what auto-pause saves."""
    rows = []
    for title, estimate in estimates:
        saved = amounts.dollars(estimate.auto_pause.saved) if estimate.auto_pause else ""
        fixed, use = estimate.sum(Group.FIXED), estimate.sum(Group.USE)
        rows.append((title, *map(amounts.dollars, (fixed, use)), f"**{amounts.dollars(estimate.total)}**", saved))
    return table(("USD a month", "whatever the use", "by assumed use", "in all", "auto-pause saves"), rows, right=4)


def assumptions(estimate: Estimate) -> str:
    """What is assumed of the use."""
    rows = [
        (amounts.named(name), f"{amounts.number(value)} {unit}", text)
        for name, value, unit, text in estimate.usage.described()
    ]
    return table(("assumed", "", ""), rows)


def price_list(prices: Prices) -> str:
    """Every price with AWS's page and how it was read."""
    rows = [
        (
            f"`{price.key}`",
            amounts.number(price.usd),
            price.unit,
            f"[{price.source}]({prices.sources[price.source].page})",
        )
        for price in prices.table.values()
    ]
    read = [f"- {key}: {source.read}" for key, source in prices.sources.items()]
    return table(("price", "USD", "for one", "AWS's page"), rows) + "\n\nHow each was read:\n\n" + "\n".join(read)


def table(header: Sequence[str], rows: Iterable[Sequence[str]], right: int = 0) -> str:
    """A Markdown table whose last `right` columns stand to the right."""
    marks = ["---"] * (len(header) - right) + ["---:"] * right
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, marks, *rows))


def _group(estimate: Estimate, group: Group, title: str) -> list[tuple[str, str, str, str, str]]:
    lines = [line for line in estimate.lines if line.group is group]
    rows = [(line.part, line.item, amounts.quantity(line), amounts.rate(line), amounts.cost(line)) for line in lines]
    return [*rows, (f"*{title}*", "", "", "", f"*{amounts.dollars(estimate.sum(group))}*")] if rows else []


def _of(lines: Iterable[Line], part: str) -> Decimal:
    return sum((line.usd for line in lines if line.part == part), Decimal(0))
