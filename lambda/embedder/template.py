"""What is sent for a chunk: the generation's template, such as `$title: $chunk`, filled in.

`$chunk` is the chunk, `$name` or `${name}` a column, `$$` a dollar sign. A template without `$chunk` would give every chunk of a row
the same vector, so there is none.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from embedder.chunking import measures
from embedder.errors import SettingsError
from embedder.limits import Limits

DEFAULT = "$chunk"
CHUNK = "chunk"
SMALLEST_ROOM = 20
"""Characters that the columns must leave for the chunk."""
_NAMES = re.compile(r"\$(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)|\{(?P<braced>[^{}]+)\}|(?P<dollar>\$))")


class NoRoomError(Exception):
    """A row's columns fill what the model takes."""


class Template(NamedTuple):
    """A template in parts: literal, name, literal, name, ..., literal."""

    source: str
    literals: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def columns(self) -> frozenset[str]:
        """The columns it needs."""
        return frozenset(self.names) - {CHUNK}

    def render(self, chunk: str, columns: Mapping[str, str | None]) -> str:
        """The text; a column that is null is empty."""
        if not self.columns and self.names == (CHUNK,):
            return f"{self.literals[0]}{chunk}{self.literals[1]}"
        parts = [self.literals[0]]
        for name, literal in zip(self.names, self.literals[1:], strict=True):
            parts += [chunk if name == CHUNK else self._value(columns, name), literal]
        return "".join(parts)

    def room(self, limits: Limits, columns: Mapping[str, str | None]) -> Limits:
        """The limits of a chunk: the model's, less what the template adds to each.

        Raises:
            NoRoomError: there is none.
        """
        around = self.render("", columns)
        times = self.names.count(CHUNK)
        left = limits._replace(
            characters=(limits.characters - len(around)) // times,
            tokens=(limits.tokens - measures.estimated_tokens(around)) // times,
            bytes=(limits.bytes - len(around.encode("utf-8", "replace"))) // times,
        )
        if min(left.characters, left.tokens, left.bytes // 4) < SMALLEST_ROOM:
            raise NoRoomError
        return left

    def _value(self, columns: Mapping[str, str | None], name: str) -> str:
        if name not in columns:
            raise SettingsError(f"the template needs the column {name!r}, which the database did not give")
        return columns[name] or ""


@lru_cache(maxsize=256)
def read(source: str | None) -> Template:
    """Raises SettingsError for a template without $chunk or with a lone dollar sign."""
    source = source or DEFAULT
    literals, names, end, pending = [], [], 0, ""
    for found in _NAMES.finditer(source):
        pending += source[end : found.start()]
        end = found.end()
        if found["dollar"]:
            pending += "$"
            continue
        literals.append(pending)
        names.append(found["name"] or found["braced"])
        pending = ""
    literals.append(pending + source[end:])
    if CHUNK not in names:
        raise SettingsError("the template must hold $chunk")
    if "$" in _NAMES.sub("", source):
        raise SettingsError("the template has a $ that begins no name; write $$ for the sign itself")
    return Template(source, tuple(literals), tuple(names))
