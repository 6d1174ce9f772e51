"""PostgreSQL's lexical rules, as far as finding statements and placeholders needs them.

Knows quoted strings (plain and with backslashes), quoted names, dollar quotes, nested comments, and SQL-standard function bodies
(BEGIN ATOMIC … END), whose semicolons end no statement.
"""

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Kind(enum.Enum):
    """Kinds of token; the values are the names of the groups in the pattern."""

    SPACE = "space"
    COMMENT = "comment"
    STRING = "string"
    NAME = "name"  # a quoted identifier
    DOLLAR = "dollar"
    WORD = "word"
    PLACEHOLDER = "placeholder"
    SEMICOLON = "semicolon"
    OPEN = "open"
    CLOSE = "close"
    OTHER = "other"


class Token(NamedTuple):
    """A piece of the text: `text[start:end]`. For a dollar quote `tag` is its delimiter, as in `$body$`."""

    kind: Kind
    start: int
    end: int
    tag: str = ""


class LexicalError(Exception):
    """A quote or comment that never ends.

    Args:
        problem: in words.
        offset: where it begins, in characters from the start of the text.
    """

    def __init__(self, problem: str, offset: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.offset = offset


# Possessive quantifiers: a string of ten megabytes is read once, never tried again.
_TOKEN = re.compile(
    r"""
    (?P<space>\s++)
  | (?P<comment>--[^\n\r]*+)
  | (?P<block>/\*)
  | (?P<string>[eE]'(?:[^'\\]|\\.|'')*+'(?:[ \t\f\v]*[\n\r]\s*'(?:[^'\\]|\\.|'')*+')*
             | '[^']*+(?:''[^']*+)*+')
  | (?P<name>"[^"]*+(?:""[^"]*+)*+")
  | (?P<quote>\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*+)?\$)
  | (?P<word>[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*+)
  | (?P<placeholder>:\{[a-z_][a-z0-9_]*+\})
  | (?P<semicolon>;)
  | (?P<open>\()
  | (?P<close>\))
  | (?P<unended>['"])
  | (?P<other>\d[\w.]*+|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_MARK = re.compile(r"/\*|\*/")


def tokens(text: str, start: int = 0, end: int | None = None) -> Iterator[Token]:
    """The tokens of `text[start:end]`, without gaps.

    Raises:
        LexicalError: a quote or a comment is not closed.
    """
    end = len(text) if end is None else end
    at = start
    while at < end:
        match = _TOKEN.match(text, at, end)
        if match is None:  # every character matches `other`
            raise AssertionError
        group = match.lastgroup
        stop = match.end()
        tag = ""
        if group == "block":
            kind, stop = Kind.COMMENT, _comment_end(text, at, end)
        elif group == "quote":
            kind, tag = Kind.DOLLAR, match[0]
            closing = text.find(tag, stop, end)
            if closing < 0:
                raise LexicalError(f"the dollar quote {tag} is not closed", at)
            stop = closing + len(tag)
        elif group == "unended":
            raise LexicalError(
                "the quoted string is not closed" if match[0] == "'" else "the quoted name is not closed", at
            )
        else:
            kind = Kind(group)
        yield Token(kind, at, stop, tag)
        at = stop


def _comment_end(text: str, start: int, end: int) -> int:
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, start, end):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    raise LexicalError("the comment is not closed", start)


@dataclass(frozen=True)
class Statement:
    """One statement: `text[start:end]` without its semicolon, and its first words in lower case."""

    start: int
    end: int
    words: tuple[str, ...]


_WORDS_KEPT = 12
# Words from which psql's own scanner (psqlscan.l) knows a function that may have a SQL-standard body.
_ROUTINES = (
    {"create", "function"},
    {"create", "procedure"},
    {"create", "or", "replace", "function"},
    {"create", "or", "replace", "procedure"},
)


def statements(text: str) -> list[Statement]:
    """Split a text at the semicolons that end statements. Empty statements and comments alone are left out.

    Raises:
        LexicalError: a quote or a comment is not closed.
    """
    found: list[Statement] = []
    start: int | None = None
    stop = parentheses = bodies = 0
    words: list[str] = []
    for token in tokens(text):
        if token.kind in {Kind.SPACE, Kind.COMMENT}:
            continue
        if token.kind is Kind.SEMICOLON and parentheses <= 0 and bodies == 0:
            if start is not None:
                found.append(Statement(start, stop, tuple(words)))
            start, parentheses, words = None, 0, []
            continue
        start = token.start if start is None else start
        stop = token.end
        if token.kind is Kind.OPEN:
            parentheses += 1
        elif token.kind is Kind.CLOSE:
            parentheses -= 1
        elif token.kind is Kind.WORD:
            word = text[token.start : token.end].lower()
            bodies += _body_step(word, words, bodies) if parentheses <= 0 else 0
            if len(words) < _WORDS_KEPT:
                words.append(word)
    if start is not None:
        found.append(Statement(start, stop, tuple(words)))
    return found


def _body_step(word: str, words: list[str], bodies: int) -> int:
    """How a word changes the depth of BEGIN … END and CASE … END in a routine's SQL-standard body."""
    if not any(routine == set(words[: len(routine)]) for routine in _ROUTINES):
        return 0
    if word == "begin" or (word == "case" and bodies):
        return 1
    return -1 if word == "end" and bodies else 0


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
