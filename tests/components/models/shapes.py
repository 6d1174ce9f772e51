"""Values against the shapes of a botocore service model: types, required members, enumerations, patterns, lengths, ranges.

botocore's own ParamValidator looks at types, required members and minimums only.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import botocore.session

from vectordb.plan.recording import UNKNOWN

SCALARS = {
    "string": str,
    "character": str,
    "integer": int,
    "long": int,
    "boolean": bool,
    "float": (int, float),
    "double": (int, float),
}


@dataclass
class Tally:
    """How much was looked at, so that nobody takes a plan full of unknown values for a checked one."""

    known: int = 0
    unknown: int = 0
    seen: set[str] = field(default_factory=set)
    """`service.Operation.member` that a known value was checked against."""


@cache
def operation(service: str, name: str):
    """The input shape of an operation."""
    return botocore.session.get_session().get_service_model(service).operation_model(name).input_shape


def is_unknown(value: Any) -> bool:
    return isinstance(value, str) and UNKNOWN in value


def problems(value: Any, shape: Any, path: str, tally: Tally) -> Iterator[str]:
    """What AWS would refuse in `value`, each as `path: sentence`."""
    if is_unknown(value):
        tally.unknown += 1
        return
    match shape.type_name:
        case "structure":
            yield from _structure(value, shape, path, tally)
        case "list":
            if not isinstance(value, list):
                yield f"{path}: {value!r} is no list"
                return
            yield from _size(len(value), shape, path, "items")
            for number, item in enumerate(value):
                yield from problems(item, shape.member, f"{path}[{number}]", tally)
        case "map":
            if not isinstance(value, dict):
                yield f"{path}: {value!r} is no map"
                return
            yield from _size(len(value), shape, path, "entries")
            for key, item in value.items():
                yield from problems(key, shape.key, f"{path} key", tally)
                yield from problems(item, shape.value, f"{path}.{key}", tally)
        case "blob" | "timestamp":
            tally.known += 1
        case _:
            tally.known += 1
            tally.seen.add(re.sub(r"\[\d+\]", "", path))
            yield from _scalar(value, shape, path)


def _structure(value: Any, shape: Any, path: str, tally: Tally) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is no structure"
        return
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"{path}: {name} is required"
    for name, item in value.items():
        yield from problems(item, shape.members[name], f"{path}.{name}", tally)


def _scalar(value: Any, shape: Any, path: str) -> Iterator[str]:
    wanted = SCALARS[shape.type_name]
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        yield f"{path}: {value!r} is no {shape.type_name}"
        return
    metadata = shape.metadata
    if "enum" in metadata and value not in metadata["enum"]:
        yield f"{path}: {value!r} is none of {', '.join(metadata['enum'])}"
    if isinstance(value, str):
        yield from _size(len(value), shape, path, "characters")
        if "pattern" in metadata and not pattern(metadata["pattern"]).search(value):
            yield f"{path}: {value!r} does not match {metadata['pattern']}"
    elif not isinstance(value, bool):
        yield from _size(value, shape, path, "")


def _size(size: float, shape: Any, path: str, unit: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if (least is not None and size < least) or (most is not None and size > most):
        yield f"{path}: {size} {unit} is outside of {least} to {most}".replace("  ", " ")


# Classes of characters that Java's patterns know and Python's do not, near enough for the names that a plan has.
_CLASSES = {
    r"\p{L}": r"a-zA-ZÀ-ɏ",
    r"\p{Nd}": r"\d",
    r"\p{N}": r"\d",
    r"\p{Z}": " ",
    r"\p{S}": r"$+<=>^`|~",
    r"\p{P}": r"!-#%-*,-/:;?@\[-\]_{}",
    r"\p{M}": "",
    r"\p{Graph}": "!-~",
    r"\p{Print}": " -~",
    r"\p{Alnum}": "a-zA-Z0-9",
    r"\p{ASCII}": r"\x00-\x7f",
    # Java writes what is outside of the first 65,536 characters in pairs.
    r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010ffff",
}


@cache
def pattern(text: str) -> re.Pattern[str]:
    """A model's pattern for Python's `re`; the services hold the whole value against it."""
    for theirs, ours in _CLASSES.items():
        # Alone, a class stands for one character; within brackets it is one of several.
        text = re.sub(rf"(?<!\[)(?<![^\\]\[\^){re.escape(theirs)}(?![^\[]*\])", lambda _, ours=ours: f"[{ours}]", text)
        text = text.replace(theirs, ours)
    # Java takes a flag anywhere, Python in front only.
    flags = re.IGNORECASE if "(?i)" in text else 0
    return re.compile(rf"\A(?:{text.replace('(?i)', '')})\Z", flags)
