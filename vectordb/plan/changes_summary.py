"""Changes as a person reads them in a terminal."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from vectordb.plan.changes import Change, Kind
from vectordb.plan.consequences import Consequence

_ORDER = (Kind.REPLACED, Kind.REMOVED, Kind.ADDED, Kind.CHANGED, Kind.MOVED)
_MARKS = {
    Kind.ADDED: ("+", "green"),
    Kind.REMOVED: ("-", "red"),
    Kind.CHANGED: ("~", "yellow"),
    Kind.REPLACED: ("±", "bold red"),
    Kind.MOVED: ("→", "dim"),
}
_TAGS = ("tags",)


def show(since: str, changes: Sequence[Change], found: Sequence[Consequence], console: Console) -> None:
    """Print each change, those that only tag in one line, and then what the changes cost."""
    console.print()
    if not changes:
        console.print(f"Since {since}: nothing changes.", soft_wrap=True)
        return
    counts = Counter(change.kind for change in changes)
    told = ", ".join(f"{counts[kind]} {kind}" for kind in _ORDER if counts[kind])
    console.print(f"Since {since}: {told}.", soft_wrap=True)
    tagged = 0
    for kind in _ORDER:
        for change in changes:
            if change.kind is not kind:
                continue
            if change.kind is Kind.CHANGED and change.properties == _TAGS:
                tagged += 1
                continue
            mark, style = _MARKS[kind]
            line = Text.assemble(
                f"  {mark} ",
                f"{change.name} ",
                (f"{change.type.rpartition(':')[2]} ", "dim"),
                ", ".join(change.properties),
            )
            if change.was:
                line.append(f" (was {change.was.rpartition('::')[2]})", "dim")
            line.stylize(style, 2, 3)
            console.print(line, soft_wrap=True)
    if tagged:
        console.print(Text(f"  ~ {tagged} change their tags, nothing else"), soft_wrap=True)
    for item in found:
        console.print()
        sign = Text("✗ ", "bold red") if item.refused else Text("! ", "yellow")
        console.print(sign + Text(item.sentence), soft_wrap=True)
        if item.remedy:
            console.print(Text(f"  {item.remedy}"), soft_wrap=True)
