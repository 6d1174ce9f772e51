"""Values that the SQL gets from the deployment: a declared list, put in as quoted literals.

`:{name}` stands for a value, as in `SELECT s3vl.configure(:{function_arn}, :{region})`. It becomes a complete literal, quotes included
(psycopg's own quoting), so `:{indexes}::jsonb` is right and `':{region}'` is not.

- In code, and in the code of a dollar-quoted body (`DO $$ … :{users}::jsonb … $$`), it is replaced.
- In a comment it stays as it is.
- In a quoted string or a quoted name a declared one is an error, since quotes inside quotes would end them; any other stays as it
  is. The text `:{region}` itself is written `':' || '{region}'`.
- A value that holds the delimiter of the dollar quote around it is an error, for it would end the body early.
"""

import bisect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from vectordb.database import lexer
from vectordb.database.lexer import Kind
from vectordb.database.settings import Settings
from vectordb.errors import VectordbError

NAMES = ("embedding", "function_arn", "indexes", "master", "region", "users")


def from_settings(settings: Settings, *, master: str) -> dict[str, str]:
    """The values of `NAMES`. `embedding`, `indexes` and `users` are JSON text; `master` is the name of the user who applies the files."""
    return {
        "embedding": settings.embedding,
        "function_arn": settings.function_arn,
        "indexes": settings.indexes,
        "master": master,
        "region": settings.region,
        "users": settings.users,
    }


@dataclass(frozen=True)
class Rendered:
    """A file with its values put in.

    Attributes:
        text: what the server gets.
        used: the values that are in it, by name.
    """

    text: str
    used: Mapping[str, str]
    _starts: tuple[int, ...]  # where in `text` each unchanged piece begins,
    _origins: tuple[int, ...]  # where in the file,
    _stops: tuple[int, ...]  # and where in the file it ends

    def origin(self, offset: int) -> int:
        """Where in the file a place in `text` comes from; within a value, the place of its placeholder."""
        piece = bisect.bisect_right(self._starts, offset) - 1
        return min(self._origins[piece] + offset - self._starts[piece], self._stops[piece])

    def used_json(self) -> str:
        """The values in it as canonical JSON; part of a repeatable file's checksum."""
        return json.dumps(dict(self.used), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def render(path: Path, text: str, values: Mapping[str, str]) -> Rendered:
    """Put values in place of placeholders.

    Raises:
        VectordbError: an unknown name, or a place where none may stand; with file, line and column.
    """
    pieces: list[str] = []
    starts, origins, stops = [0], [0], []
    used: dict[str, str] = {}
    length = done = 0
    try:
        for start, end, delimiters in _placeholders(path, text):
            name = text[start + 2 : end - 1]
            if name not in values:
                raise _error(path, text, start, f"unknown value {name!r}, known: {', '.join(sorted(values))}")
            literal = sql.Literal(values[name]).as_string(None)
            for delimiter in delimiters:
                if delimiter in literal:
                    raise _error(
                        path, text, start, f"the value of {name} holds {delimiter}, the dollar quote around it"
                    )
            pieces += [text[done:start], literal]
            length += start - done + len(literal)
            done = end
            used[name] = values[name]
            starts.append(length)
            origins.append(end)
            stops.append(start)
    except lexer.LexicalError as error:
        raise _error(path, text, error.offset, error.problem) from error
    pieces.append(text[done:])
    return Rendered("".join(pieces), used, tuple(starts), tuple(origins), (*stops, len(text)))


def _placeholders(path: Path, text: str) -> list[tuple[int, int, tuple[str, ...]]]:
    """Start, end and the surrounding dollar quotes of every placeholder that is code."""
    found: list[tuple[int, int, tuple[str, ...]]] = []
    bodies: list[tuple[int, int, tuple[str, ...]]] = [(0, len(text), ())]
    while bodies:
        start, end, delimiters = bodies.pop()
        if ":{" not in text[start:end]:
            continue  # nor is a body that is not SQL read as if it were
        for token in lexer.tokens(text, start, end):
            if token.kind is Kind.PLACEHOLDER:
                found.append((token.start, token.end, delimiters))
            elif token.kind is Kind.DOLLAR:
                inner = len(token.tag)
                bodies.append((token.start + inner, token.end - inner, (*delimiters, token.tag)))
            elif token.kind in {Kind.STRING, Kind.NAME}:
                _check_quoted(path, text, token)
    return sorted(found)


def _check_quoted(path: Path, text: str, token: lexer.Token) -> None:
    for name in NAMES:
        if (at := text.find(f":{{{name}}}", token.start, token.end)) >= 0:
            raise _error(
                path, text, at, f"the value {name} stands inside quotes; it brings its own, so put it outside of them"
            )


def _error(path: Path, text: str, offset: int, problem: str) -> VectordbError:
    line, column = lexer.place(text, offset)
    return VectordbError(f"{path}:{line}:{column}: {problem}")
