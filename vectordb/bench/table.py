"""A result as a person reads it in a terminal."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vectordb.bench import shown
from vectordb.bench.result import Result

_PLAIN_WIDTH = 180
_STYLES = {True: "green", False: "bold red", None: "dim"}


def show(result: Result, console: Console) -> None:
    """Print the rows, what they were measured on, and the conclusion."""
    if not console.is_terminal:
        console.width = max(console.width, _PLAIN_WIDTH)  # a pipe has no width: its lines are not to be broken
    table = Table(header_style="bold", box=None, pad_edge=False)
    for position, heading in enumerate(shown.HEADINGS):
        table.add_column(heading, justify="left" if position in {0, 5} else "right", no_wrap=position in {3, 4, 5})
    for row in result.rows:
        style = "dim" if row.demanded is None else ""
        texts = [Text(cell, style=style) for cell in shown.cells(row)]
        texts[-1] = Text(shown.verdict(row), style=_STYLES[row.met])
        table.add_row(*texts)
    console.print(table)
    console.print()
    for line in (*shown.notes(result), *shown.conditions(result)):
        console.print(Text(line, style="dim"), soft_wrap=True)
    console.print(Text(shown.conclusion(result), style="green" if result.met else "bold red"), soft_wrap=True)
