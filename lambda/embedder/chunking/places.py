"""Where a text would rather be cut: places with a strength, by method of chunking.

A place is a position; its text goes on behind it. Separators stay with what they end, so that the parts, put together, are the text.
"""

import re
from enum import IntEnum


class Strength(IntEnum):
    """What ends at a place; the strongest that is not too early wins."""

    WORD = 1
    SENTENCE = 2
    LINE = 3
    PARAGRAPH = 4
    BLOCK = 5
    SECTION = 6
    CHAPTER = 7


Places = dict[int, Strength]

_WORDS = re.compile(r"\s+")
_SENTENCES = re.compile(
    r"[.!?\u2026]+[\"'\u201d\u2019)\]]*\s+|[\u3002\uff01\uff1f\uff61]+[\u201d\u2019\u300d\u300f\uff09]*\s*"
)
"""Of Latin scripts with white space behind, of Chinese and Japanese without."""
_LINES = re.compile(r"\n")
_PARAGRAPHS = re.compile(r"\n[ \t\r]*\n\s*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})(?:\s|$)")
_CHAPTERS = 2
"""Headings of these levels begin a chapter, deeper ones a section."""


def of(method: str, text: str) -> Places:
    """Position → strength; none for `fixed` and `none`."""
    if method in {"none", "fixed"}:
        return {}
    places: Places = {}
    _mark(places, text, _WORDS, Strength.WORD)
    _mark(places, text, _SENTENCES, Strength.SENTENCE)
    if method == "sentence":
        _mark(places, text, _PARAGRAPHS, Strength.SENTENCE)
        return places
    _mark(places, text, _LINES, Strength.LINE)
    if method == "recursive":
        _mark(places, text, _PARAGRAPHS, Strength.PARAGRAPH)
    else:
        _markdown(places, text)
    return places


def _mark(places: Places, text: str, pattern: re.Pattern[str], strength: Strength) -> None:
    """Patterns come by their strength: what is there already is weaker."""
    places.update(dict.fromkeys((found.end() for found in pattern.finditer(text)), strength))


def _markdown(places: Places, text: str) -> None:
    """Blocks end at blank lines outside code; a heading begins what follows it, and is never left behind at an end."""
    fence = ""
    position = 0
    blank = under_heading = False
    for line in text.splitlines(keepends=True):
        opening = _FENCE.match(line)
        heading = None if fence else _HEADING.match(line)
        if heading and not under_heading:
            places[position] = Strength.CHAPTER if len(heading[1]) <= _CHAPTERS else Strength.SECTION
        elif under_heading:
            places.pop(position, None)
        elif fence and position in places:
            places[position] = min(places[position], Strength.LINE)
        elif blank and line.strip():
            places[position] = Strength.BLOCK
        if opening and not fence:
            fence = opening[1]
        elif fence and opening and opening[1][0] == fence[0] and len(opening[1]) >= len(fence):
            fence = ""
        position += len(line)
        blank = not line.strip()
        under_heading = bool(heading) or (under_heading and blank)
    places.pop(0, None)
