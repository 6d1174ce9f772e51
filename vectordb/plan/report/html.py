"""The report as one self-contained page: no request leaves it, it works without JavaScript, and every value in it is escaped."""

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape
from importlib import resources
from itertools import groupby

from vectordb.plan.report import drawing, sections, verdict
from vectordb.plan.report.difference import Difference
from vectordb.plan.report.grade import Grade
from vectordb.plan.report.model import Report
from vectordb.plan.report.tables import CODE, MARK, NAME, NUMBER, Cell, Row, Section, Text
from vectordb.plan.report.uses import uses

_LONG = 40
"""Rows of a table that are not folded, when it is none of the first screen's."""
_FIRST = 12
"""The same of one that is."""
_SHORT = 14
"""Characters of a name that is not broken."""
_SIGNS = {Grade.GOOD: "✓", Grade.LOOK: "!", Grade.BAD: "✗", Grade.PLAIN: ""}
_LEGEND = (
    "A lock on an arrow: its traffic is proven to be encrypted; an open one: it is not. Dashed with “!”: nobody declared the flow. "
    "The small numbers say in which subnets something is; what stands outside the frame is in no VPC. "
    "Dotted: what a role may call or use."
)


def page(report: Report, difference: Difference | None = None) -> str:
    """The whole page; the same report gives the same text."""
    style, script = _asset("page.css"), _asset("page.js")
    later = sections.later(report, difference)
    drawn = _drawing(report)
    title = f"{report.project} / {report.stack}: what can reach the database"
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        _policy(style, script),
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{escape(title)}</title>",
        '<link rel="icon" href="data:,">',
        f"<style>{style}</style>",
        "</head>",
        "<body>",
        '<a class="skip" href="#reach">Skip to what reaches the database</a>',
        '<div class="page">',
        *_top(report, difference),
        "<main>",
        _section(sections.reaching(report), "reach"),
        _doors(report),
        *_changes(difference),
        _tools(later, changed=difference is not None, drawn=bool(drawn)),
        drawn,
        *(_section(one) for one in later),
        "</main>",
        f"<footer>{''.join(f'<p>{_sentence(line)}</p>' for line in sections.about(report))}</footer>",
        "</div>",
        f"<script>{script}</script>",
        "</body>",
        "</html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Nothing but this very style sheet and script, by their digests."""

    def digest(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    rules = (
        f"default-src 'none'; style-src {digest(style)}; script-src {digest(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return f'<meta http-equiv="Content-Security-Policy" content="{rules}">'


def _top(report: Report, difference: Difference | None) -> Iterator[str]:
    since = f", compared with {difference.base}" if difference else ""
    yield '<header class="top">'
    yield f"<h1><span>{escape(report.project)} /</span> {escape(report.stack)}</h1>"
    yield f"<p>What this plan makes, and who can reach it{escape(since)}</p>"
    yield "</header>"
    whole = verdict.whole(report)
    yield (
        f'<div class="verdict {whole.grade}"><span class="sign" aria-hidden="true">{_SIGNS[whole.grade]}</span>'
        f"<p>{escape(whole.sentence)}</p></div>"
    )
    yield '<dl class="numbers">'
    for number in verdict.numbers(report, difference):
        detail = f" <small>{escape(number.detail)}</small>" if number.detail else ""
        yield f'<div><dt>{escape(number.label)}</dt><dd class="{number.grade}">{escape(number.value)}{detail}</dd></div>'
    yield "</dl>"


def _tools(later: Sequence[Section], *, changed: bool, drawn: bool) -> str:
    names = [("changes", "Changes")] * changed + [("drawing", "Architecture")] * drawn
    names += [(one.id, one.title) for one in later]
    links = "".join(f'<li><a href="#{name}">{escape(title)}</a></li>' for name, title in names)
    return (
        f'<div class="tools"><nav aria-label="Sections"><ul>{links}</ul></nav>'
        '<form class="filter" role="search" hidden><label for="filter">Filter rows</label>'
        '<input id="filter" type="search" autocomplete="off" spellcheck="false"><output for="filter"></output></form></div>'
    )


def _doors(report: Report) -> str:
    doors = sections.doors(report)
    return _section(doors) if doors.rows else ""


def _changes(difference: Difference | None) -> Iterator[str]:
    if difference is None:
        return
    found = sections.changes(difference)
    yield '<section id="changes" aria-labelledby="changes-title">'
    yield f'<h2 id="changes-title">What changes since {escape(difference.base)}</h2>'
    if difference.problem:
        yield f"<p>{_mark(Text('not compared', grade=Grade.LOOK))} Exposure, access and encryption: {escape(difference.problem)}</p>"
    same = [title.lower() for title, lines in difference.sections() if not lines]
    for one in found:
        yield f"<h3>{escape(one.title)}</h3>"
        yield _folded(one, "changes")
    if same and not difference.problem:
        yield f'<p class="dim">No change of {escape(", ".join(same))}.</p>'
    yield "</section>"


def _drawing(report: Report) -> str:
    if report.facts is None or not report.facts.nodes:
        return ""
    facts, used = uses(report)
    hidden = drawing.hidden(facts, used)
    more = f" {hidden:,} more are in the table of flows only." if hidden else ""
    return (
        '<section id="drawing" aria-labelledby="drawing-heading"><h2 id="drawing-heading">Architecture</h2>'
        f'<div class="frame" tabindex="0" role="region" aria-label="Drawing, can be scrolled">{drawing.svg(facts, used)}</div>'
        f'<p class="legend narrow">The drawing can be moved sideways.</p><p class="legend">{_LEGEND}{more}</p></section>'
    )


def _section(one: Section, kind: str = "") -> str:
    head = f'<section id="{one.id}" aria-labelledby="{one.id}-title"><h2 id="{one.id}-title">{escape(one.title)}</h2>'
    intro = f"<p>{_sentence(one.intro)}</p>" if one.intro else ""
    table = _folded(one, kind) if one.rows else f'<p class="dim">{escape(one.empty)}</p>'
    notes = "".join(f"<li>{_sentence(note)}</li>" for note in one.notes)
    return f"{head}{intro}{table}{f'<ul class=notes>{notes}</ul>' if notes else ''}</section>"


def _folded(one: Section, kind: str) -> str:
    """The table; of a long one the first rows, and the rest on demand."""
    most = _FIRST if kind else _LONG
    if len(one.rows) <= most + _FIRST:
        return _table(one, kind)
    rest = _table(replace(one, rows=one.rows[most:], title=f"{one.title}, the rest"), kind)
    more = f"<details><summary>Show {len(one.rows) - most:,} more</summary>{rest}</details>"
    return _table(replace(one, rows=one.rows[:most]), kind) + more


def _table(one: Section, kind: str = "") -> str:
    """Roles are written out: where a phone shows rows as cards, browsers would forget that it is a table."""
    head = "".join(
        f'<th scope="col" role="columnheader"{_class(_numeric(one, place))}>'
        f"{escape(name) or '<span class=hidden>Status</span>'}</th>"
        for place, name in enumerate(one.header)
    )
    bodies = "".join(_body(name, list(rows), one) for name, rows in groupby(one.rows, key=lambda row: row.group))
    return (
        f'<table class="rows {kind}" role="table" aria-label="{escape(one.title)}"><thead role="rowgroup"><tr role="row">{head}</tr>'
        f"</thead>{bodies}</table>"
    )


def _body(name: str, rows: Sequence[Row], one: Section) -> str:
    title = ""
    if one.group:
        title = f'<tr role="row"><th scope="rowgroup" role="rowheader" colspan="{len(one.header)}">{escape(name) or "None"}</th></tr>'
    lines = "".join(
        f'<tr role="row">{"".join(_cell(cell, label) for cell, label in zip(row.cells, one.header, strict=True))}</tr>'
        for row in rows
    )
    return f'<tbody role="rowgroup">{title}{lines}</tbody>'


def _cell(cell: Cell, label: str) -> str:
    texts = [text for text in cell if text.value]
    inner = " ".join(map(_text, texts))
    numeric = any(text.style == NUMBER for text in texts)
    return (
        f'<td role="cell" data-label="{escape(label)}"{_class(numeric)}>{f"<span>{inner}</span>" if inner else ""}</td>'
    )


def _text(text: Text) -> str:
    if text.grade is Grade.PLAIN:
        return _plain(text)
    if text.style == CODE:
        sign = f'<span class="{text.grade}" aria-hidden="true">{_SIGNS[text.grade]}</span>'
        together = " class=keep" if len(text.value) <= _SHORT else ""
        return f"<span{together}>{sign} {_plain(text)}</span>"
    return _mark(text)


def _sentence(value: str) -> str:
    """A sentence, in which backticks mark what is typed."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(value))


def _plain(text: Text) -> str:
    value = escape(text.value)
    if text.style == CODE:
        shown = f"<code{' class=short' if len(text.value) <= _SHORT else ''}>{value}</code>"
        return f'<a href="{escape(text.link)}">{shown}</a>' if text.link else shown
    if text.style == MARK:
        return _mark(text)
    return f"<b>{value}</b>" if text.style == NAME else _sentence(text.value)


def _mark(text: Text) -> str:
    sign = f'<span aria-hidden="true">{_SIGNS[text.grade]}</span> ' if _SIGNS[text.grade] else ""
    return f'<span class="mark {text.grade}">{sign}{escape(text.value)}</span>'


def _numeric(one: Section, place: int) -> bool:
    return bool(one.rows) and any(text.style == NUMBER for text in one.rows[0].cells[place])


def _class(numeric: bool) -> str:  # noqa: FBT001 - the only thing it takes
    return ' class="number"' if numeric else ""
