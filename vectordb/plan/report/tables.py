"""A table of the report, before it is Markdown or HTML."""

from dataclasses import dataclass

from vectordb.plan.report.grade import Grade

CODE, NAME, MARK, PROSE, NUMBER = "code", "name", "mark", "prose", "number"


@dataclass(frozen=True)
class Text:
    """A piece of a cell.

    Attributes:
        value: what it says; it may be anything that a plan holds.
        style: `code` for identifiers, `name` for what people call something, `mark` for a status, `prose`, or `number`.
        grade: with a mark of its own in front, never a colour alone.
        link: an address made of known parts, of what has the style `code` and no grade.
    """

    value: str
    style: str = PROSE
    grade: Grade = Grade.PLAIN
    link: str = ""


Cell = tuple[Text, ...]


@dataclass(frozen=True)
class Row:
    """One row; rows of one group stand under its name."""

    cells: tuple[Cell, ...]
    group: str = ""


@dataclass(frozen=True)
class Section:
    """One table with what is said before and after it.

    Attributes:
        id: an anchor.
        header: of the columns; empty for a list.
        empty: the sentence for no rows.
        notes: sentences below.
    """

    id: str
    title: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    empty: str
    intro: str = ""
    notes: tuple[str, ...] = ()
    group: str = ""
    """What a group is, where rows are grouped."""
