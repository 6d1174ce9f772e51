"""The report as a comment on a pull request: always short enough for GitHub, and safe whatever a plan's names hold."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from vectordb.plan.report import mermaid, sections, verdict
from vectordb.plan.report.difference import Difference
from vectordb.plan.report.grade import Grade
from vectordb.plan.report.model import Report
from vectordb.plan.report.tables import NUMBER, Cell, Row, Section, Text

MOST_BYTES = 60_000
"""GitHub takes 65,536 characters in a comment."""
_STEPS = (200, 60, 20, 8, 3, 0)
"""Rows of a section, while there is not room for all."""
_VISIBLE, _FEW = 10, 4
"""Rows of a table that is not folded; the rest is, unless it is a few."""
_CELL = 600
"""Characters of a cell."""
_SIGNS = {Grade.GOOD: "✅", Grade.LOOK: "⚠️", Grade.BAD: "❌", Grade.PLAIN: ""}
_WHERE = "the page that `vectordb plan --html FILE` writes has all of them"
_SPECIAL = re.compile(r"([\\`*_\[\]~|])")
_BREAKS = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "@&#8203;", "#": "#&#8203;", "$": "\\$"}
_LINKS = re.compile(r"(?i)(:)(?=//)|(?<=\bwww)(\.)")
_STARTS = re.compile(r"^([-+=>]|\d+(?=[.)]))")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")


@dataclass(frozen=True)
class _Part:
    """A section with what of it is shown, and whether it is folded."""

    section: Section
    level: int = 2
    folded: bool = True
    most: int | None = None

    @cached_property
    def text(self) -> str:
        """As Markdown."""
        return _section(self)


def comment(report: Report, difference: Difference | None = None) -> str:
    """The comment, at most `MOST_BYTES` long in UTF-8.

    What there is no room for is left out from the end, the least important table first, and each says how much is missing.
    """
    parts = _parts(report, difference)
    head, foot = _head(report, difference), _foot(report)
    room = MOST_BYTES - len(f"{head}\n\n\n\n{foot}\n".encode())
    for place in (*range(len(parts) - 1, -1, -1),):
        for most in _STEPS:
            if _size(parts) <= room:
                break
            if most < len(parts[place].section.rows):
                parts[place] = replace(parts[place], most=most)
    while _size(parts) > room:
        parts.pop()
    return "\n\n".join([head, *(part.text for part in parts), foot]) + "\n"


def marker(report: Report) -> str:
    """The hidden first line, by which a workflow finds its own comment again."""
    return f"<!-- vectordb plan {_plain_name(report.project)}/{_plain_name(report.stack)} -->"


def _size(parts: Sequence[_Part]) -> int:
    return sum(len(part.text.encode()) + 2 for part in parts)


def _parts(report: Report, difference: Difference | None) -> list[_Part]:
    parts = [_Part(sections.reaching(report), folded=False)]
    if (doors := sections.doors(report)).rows:
        parts.append(_Part(doors, folded=False))
    if difference is not None:
        parts += [_Part(one, 3, folded=False) for one in sections.changes(difference)]
    return parts + [_Part(one, folded=not _urgent(one)) for one in sections.later(report, difference)]


def _urgent(one: Section) -> bool:
    """Violations are not folded away."""
    return one.id == "policies" and any(
        text.grade is Grade.BAD for row in one.rows for cell in row.cells for text in cell
    )


def _head(report: Report, difference: Difference | None) -> str:
    whole = verdict.whole(report)
    numbers = verdict.numbers(report, difference)
    titles = " | ".join(prose(number.label) for number in numbers)
    values = " | ".join(
        f"{_SIGNS[number.grade]} **{number.value}**{f' ({number.detail})' if number.detail else ''}".strip()
        for number in numbers
    )
    table = f"| {titles} |\n|{' --- |' * len(numbers)}\n| {values} |"
    title = f"## {_SIGNS[whole.grade]} {code(f'{report.project} / {report.stack}')}: {prose(whole.sentence)}"
    changed = ""
    if difference is not None:
        problem = (
            f" Exposure, access and encryption are not compared: {prose(difference.problem)}"
            if difference.problem
            else ""
        )
        same = [name.lower() for name, lines in difference.sections() if not lines]
        calm = f" No change of {', '.join(same)}." if same and not difference.problem else ""
        changed = f"\n\nCompared with {code(difference.base)}.{problem}{calm}"
    return f"{marker(report)}\n{title}\n\n{table}{changed}"


def _foot(report: Report) -> str:
    drawn = mermaid.diagram(report.facts) if report.facts else ""
    drawing = f"<details><summary>Drawing</summary>\n\n```mermaid\n{drawn}\n```\n\n</details>\n\n" if drawn else ""
    return drawing + "\n".join(f"<sub>{sentence(line)}</sub>" for line in sections.about(report))


def _section(part: _Part) -> str:
    one = part.section
    rows = one.rows if part.most is None else one.rows[: part.most]
    said = [sentence(one.intro)] if one.intro else []
    if rows and not part.folded and len(rows) > _VISIBLE + _FEW:
        said.append(_table(one, rows[:_VISIBLE]))
        more = f"<details><summary>{len(rows) - _VISIBLE:,} more</summary>"
        said.append(f"{more}\n\n{_table(one, rows[_VISIBLE:])}\n\n</details>")
    elif rows:
        said.append(_table(one, rows))
    elif not one.rows:
        said.append(sentence(one.empty))
    if left := len(one.rows) - len(rows):
        said.append(f"*{left:,} {'more ' if rows else ''}rows are left out: {_WHERE}.*")
    notes = one.notes if part.most is None else one.notes[: part.most]
    if notes:
        said.append("\n".join(f"- {sentence(_cut(note))}" for note in notes))
    if len(notes) < len(one.notes):
        said.append(f"*{len(one.notes) - len(notes):,} more notes are left out: {_WHERE}.*")
    body = "\n\n".join(said)
    if not part.folded:
        return f"{'#' * (part.level + 1)} {prose(one.title)}\n\n{body}"
    count = f" ({len(one.rows):,})" if one.rows else ""
    return f"<details><summary><b>{prose(one.title)}</b>{count}</summary>\n\n{body}\n\n</details>"


def _table(one: Section, rows: Sequence[Row]) -> str:
    grouped = bool(one.group)
    header = [one.group, *one.header] if grouped else list(one.header)
    numeric = [any(text.style == NUMBER for text in cell) for cell in one.rows[0].cells]
    marks = ["---"] * grouped + ["---:" if right else "---" for right in numeric]
    lines = [f"| {' | '.join(header)} |", f"| {' | '.join(marks)} |"]
    before = None
    for row in rows:
        cells = list(map(_cell, row.cells))
        if grouped:
            cells.insert(0, code(_cut(row.group)) if row.group != before else "")
            before = row.group
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(cell: Cell) -> str:
    return " ".join(_text(text) for text in cell if text.value)


def _text(text: Text) -> str:
    value = _cut(text.value)
    match text.style:
        case "code":
            written = f"[{code(value)}]({text.link})" if text.link else code(value)
        case "name":
            written = f"<b>{prose(value)}</b>"
        case _:
            written = sentence(value)
    return f"{_SIGNS[text.grade]} {written}".strip()


def _cut(value: str) -> str:
    return value if len(value) <= _CELL else value[: _CELL - 1] + "…"


def code(value: str) -> str:
    """A name as a code span: nothing in it is Markdown, HTML, a link or a mention."""
    value = _CONTROLS.sub(" ", value).strip()
    if not value:
        return ""
    longest = max(map(len, re.findall("`+", value)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if "`" in value else ""
    # In a table a bar ends the cell even in a code span, unless it is escaped (GitHub Flavored Markdown, 4.10).
    return f"{fence}{pad}{value.replace('|', chr(92) + '|')}{pad}{fence}"


def sentence(value: str) -> str:
    """Text in which backticks mark what is typed."""
    parts = value.split("`")
    if len(parts) % 2 == 0:
        return prose(value)
    written = [code(part) if place % 2 else _spaced(part) for place, part in enumerate(parts)]
    return "".join(written).strip()


def _spaced(value: str) -> str:
    """As `prose`, with a space where it had one at an end: beside a code span it is not lost."""
    return f"{' ' * value[:1].isspace()}{prose(value)}{' ' * (value[-1:].isspace() and len(value) > 1)}"


def prose(value: str) -> str:
    """A sentence as text: what Markdown, HTML or GitHub would read as a sign, a link, a mention or an issue is only seen."""
    value = _SPECIAL.sub(r"\\\1", _CONTROLS.sub(" ", value).strip())
    value = "".join(_BREAKS.get(character, character) for character in value)
    value = _LINKS.sub(lambda found: f"\\{found[0]}", value)
    return _STARTS.sub(lambda found: f"&#{ord(found[0][0])};{found[0][1:]}", value)


def _plain_name(value: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.]+", "-", value)
