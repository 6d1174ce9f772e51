"""The report's first screen in a terminal: what reaches the database, and what changes before the resources do."""

from rich.console import Console
from rich.text import Text

from vectordb.plan.report import reach, verdict
from vectordb.plan.report.difference import Difference, Line
from vectordb.plan.report.facts import PROVEN, UNKNOWN
from vectordb.plan.report.grade import Grade
from vectordb.plan.report.model import Report

_STYLES = {Grade.GOOD: "green", Grade.LOOK: "yellow", Grade.BAD: "bold red", Grade.PLAIN: ""}
_SIGNS = {Grade.GOOD: "✓", Grade.LOOK: "!", Grade.BAD: "✗", Grade.PLAIN: " "}
_MOST = 12
"""Lines of each kind; the files that the report is written to have all."""


def show_reach(report: Report, console: Console) -> None:
    """Print every flow to a database, and whether there is a way in from outside."""
    doors = verdict.doors(report)
    _say(console, doors.grade, doors.sentence)
    if report.facts is None:
        return
    for door in report.facts.doors[:_MOST]:
        _say(console, Grade.BAD, f"{door.name}: {door.sentence}", "  ")
    found = reach.ways(report)
    if reach.databases(report.facts):
        console.print("What reaches the database:" if found else "Nothing reaches the database over the network.")
    for way in found[:_MOST]:
        flow = way.flow
        state = {PROVEN: "encrypted", UNKNOWN: "encryption checked at up"}.get(flow.encryption, "not proven encrypted")
        undeclared = "" if flow.declared else ", undeclared"
        grade = Grade.PLAIN if flow.declared and flow.proven else Grade.BAD
        said = f"{way.who} → {way.database}, {flow.port}, {state}{undeclared}"
        _say(console, grade, said + (f"; may log in: {'; '.join(way.logins)}" if way.logins else ""), "  ")
    if len(found) > _MOST:
        console.print(f"    and {len(found) - _MOST:,} more: --html FILE or --markdown FILE has all of them")


def show_difference(difference: Difference, console: Console) -> None:
    """Print what changes of exposure, access, encryption, cost and policies."""
    if difference.problem:
        console.print()
        _say(console, Grade.LOOK, f"Exposure, access and encryption are not compared: {difference.problem}")
    for title, lines in difference.sections():
        if lines:
            console.print()
            console.print(Text(f"{title}:", style="bold"))
            for line in lines[:_MOST]:
                _change(line, console)
            if len(lines) > _MOST:
                console.print(f"    and {len(lines) - _MOST:,} more: --html FILE or --markdown FILE has all of them")


def _change(line: Line, console: Console) -> None:
    sign = Text(f"  {_SIGNS[line.grade]} {line.mark} ", style=_STYLES[line.grade])
    console.print(
        sign + Text(f"{_printable(line.subject)}  ", style="bold") + Text(_printable(line.detail)), soft_wrap=True
    )


def _say(console: Console, grade: Grade, sentence: str, indent: str = "") -> None:
    console.print(Text(f"{indent}{_SIGNS[grade]} {_printable(sentence)}", style=_STYLES[grade]), soft_wrap=True)


def _printable(text: str) -> str:
    """Names come from a plan: no control character of theirs reaches the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)
