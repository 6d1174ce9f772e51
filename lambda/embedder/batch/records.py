"""The lines of a job's files (Bedrock User Guide, "Format and upload your batch inference data" and "View the results").

    in:  {"recordId": "R0000000017", "modelInput": {as InvokeModel takes it}}
    out: {"recordId": "R0000000017", "modelInput": {...}, "modelOutput": {as InvokeModel answers}}   or "error" in its place

Lines come back in any order. A record is one call: as many chunks of one row as the model takes in one.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from embedder.errors import CallError
from embedder.providers.provider import Answer, Provider, Purpose
from embedder.rows import Piece

_ID = re.compile(r"R([0-9]{10})")
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class Result(NamedTuple):
    """A line of the output."""

    number: int
    start: int
    """Where it stands in its file, in bytes."""
    output: bytes | None
    """The model's answer; None where there is an error in its place."""


def record_id(number: int) -> str:
    """Eleven letters and digits, as Bedrock's examples have them."""
    return f"R{number:010d}"


def calls(provider: Provider, pieces: Sequence[Piece]) -> list[Sequence[Piece]]:
    """A row's chunks by records."""
    most = provider.limits.texts
    return [pieces[start : start + most] for start in range(0, len(pieces), most)]


def line(provider: Provider, number: int, pieces: Sequence[Piece]) -> bytes:
    """A record."""
    body = provider.request([piece.text for piece in pieces], Purpose.DOCUMENT).body
    return b'{"recordId":"' + record_id(number).encode() + b'","modelInput":' + body + b"}\n"


def digest(pieces: Sequence[Piece]) -> str:
    """Of a row's chunks: what is imported must be of the same."""
    return hashlib.sha256("".join(piece.hash for piece in pieces).encode()).hexdigest()


def results(content: bytes, start: int, *, last: bool) -> Iterator[Result]:
    """The whole lines of a part of a file that begins at `start`; `last`: the file ends with it. What is no record is passed over."""
    place = 0
    while place < len(content):
        end = content.find(b"\n", place)
        if end < 0:
            if not last:
                return
            end = len(content)
        found = _result(content[place:end], start + place)
        if found is not None:
            yield found
        place = end + 1


def whole(content: bytes, *, last: bool) -> int:
    """How many bytes of a part of a file are whole lines."""
    return len(content) if last else content.rfind(b"\n") + 1


def answer(provider: Provider, result: Result, texts: int) -> Answer | None:
    """The vectors of a result; None where it has none that can be used."""
    if result.output is None:
        return None
    try:
        return provider.answer(result.output, texts)
    except CallError:
        return None


def _result(text: bytes, start: int) -> Result | None:
    try:
        members = _members(text.decode())
        number = _ID.fullmatch(json.loads(members["recordId"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if number is None:
        return None
    output = members.get("modelOutput", "")
    # An answer is read by the model's provider, which refuses what is none.
    return Result(int(number[1]), start, output.encode() if output.startswith("{") and "error" not in members else None)


def _members(text: str) -> dict[str, str]:
    """The members of a JSON object as they are written: an answer's numbers are not to be written anew. Raises ValueError."""
    found: dict[str, str] = {}
    place = _past(text, 0, "{")
    while True:
        name, place = _DECODER.raw_decode(text, place)
        begin = _past(text, place, ":")
        _, place = _DECODER.raw_decode(text, begin)
        found[name] = text[begin:place]
        place = _past_space(text, place)
        if text[place : place + 1] == "}":
            return found
        place = _past(text, place, ",")


def _past(text: str, place: int, sign: str) -> int:
    """Behind a sign and the space around it. Raises ValueError when there is another."""
    place = _past_space(text, place)
    if text[place : place + 1] != sign:
        raise ValueError
    return _past_space(text, place + 1)


def _past_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    assert found is not None  # no space is a match, too
    return found.end()
