"""From the engine's text to the configuration, and from what is wrong with it to one line each."""

import difflib
import json
import re
import typing
from collections.abc import Iterable, Mapping
from typing import Any

import pulumi
from pulumi.runtime import config as runtime_config
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from components.config.configuration import Configuration

NAMESPACE = "vectordb"


class ConfigurationError(pulumi.RunError):
    """The stack's configuration cannot be used; Pulumi prints the message without a trace."""


def load(values: Mapping[str, str] | None = None) -> Configuration:
    """The configuration of the stack that runs.

    Args:
        values: `vectordb:key` → the engine's text; by default what the engine handed to this run.

    Raises:
        ConfigurationError: with one line for each thing that is wrong.
    """
    if values is None:
        values = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
    prefix = f"{NAMESPACE}:"
    given = {key.removeprefix(prefix): _decoded(text) for key, text in values.items() if key.startswith(prefix)}
    try:
        return Configuration.model_validate(given, by_alias=True, by_name=False)
    except ValidationError as error:
        lines = [f"  {line}" for detail in error.errors() for line in _explained(detail)]
        raise ConfigurationError("\n".join(["The stack's configuration cannot be used:", *lines])) from None


def _decoded(text: str) -> Any:
    """Lists, objects, numbers and booleans arrive as JSON text, strings as they are."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _explained(detail: ErrorDetails) -> list[str]:
    """One line for each thing that is wrong: the key, what was given, what is allowed."""
    place = list(detail["loc"])
    key = (
        f"{NAMESPACE}:"
        + "".join(f"[{part}]" if isinstance(part, int) else f".{_printable(part)}" for part in place)[1:]
    )
    given, kind, context = detail["input"], detail["type"], detail.get("ctx", {})
    if kind == "value_error":
        return [_sentence(key, given, text) for text in str(context["error"]).split("\n")]
    if kind == "missing":
        return [f"{key}: is required."]
    if kind == "extra_forbidden":
        allowed = _allowed_keys(_model_at(place[:-1]))
        return [f"{key}: there is no such key{_nearest(place[-1], allowed)} Allowed: {', '.join(allowed)}."]
    if kind in ("enum", "literal_error"):
        choices = re.findall(r"'([^']*)'|\b(\d+)\b", str(context.get("expected", "")))
        allowed = [quoted or number for quoted, number in choices]
        return [f"{key}: {_shown(given)} is not offered{_nearest(given, allowed)} Allowed: {', '.join(allowed)}."]
    return [f"{key}: {_shown(given)} {_of_another_kind(kind, place, detail)}."]


def _sentence(key: str, given: object, text: str) -> str:
    """What a check of this package says; of a whole section it names the part itself."""
    about_it = text.startswith(("is ", "must ", "names ", "has "))
    subject = f"{_shown(given)} " if about_it or not isinstance(given, dict | list) else ""
    return f"{key.removesuffix(':')}: {subject}{text}" + ("" if text.endswith("?") else ".")


_WORDS = {
    "bool_": "is neither true nor false",
    "dict_type": "is no object; write a key and its value a line",
    "finite_number": "is out of range. Allowed: {range}",
    "float_": "is no number. Allowed: {range}",
    "greater_than": "is out of range. Allowed: {range}",
    "int_from_float": "is no whole number. Allowed: {range}",
    "int_": "is no number. Allowed: {range}",
    "less_than": "is out of range. Allowed: {range}",
    "model_": "is no object; write a key and its value a line. Allowed: {keys}",
    "multiple_of": "is between two steps. Allowed: {range} in steps of {multiple_of:g}",
    "number_type": "is no number. Allowed: {range}",
    "string_": "is no text; write it in quotes",
    "too_long": "has {actual_length} items. Allowed: up to {max_length}",
    "tuple_type": "is no list; write [a, b], or one item a line after a hyphen",
}
"""What pydantic's own checks find, by the beginning of their names, in the words of this configuration."""


def _of_another_kind(kind: str, place: list[int | str], detail: ErrorDetails) -> str:
    words = next((words for start, words in _WORDS.items() if kind.startswith(start)), None)
    if words is None:
        return detail["msg"][:1].lower() + detail["msg"][1:]
    known = detail.get("ctx", {})
    return words.format(**known, range=_range(place), keys=", ".join(_allowed_keys(_model_at(place))))


def _model_at(place: Iterable[int | str]) -> type[BaseModel]:
    """The section that is configured at `place`."""
    model: type[BaseModel] = Configuration
    for part in place:
        for name, field in model.model_fields.items():
            if part in (name, field.alias):
                model = next(iter(_sections(field.annotation)), model)
    return model


def _sections(annotation: Any) -> Iterable[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _sections(inner)


def _allowed_keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _range(place: list[int | str]) -> str:
    for name, field in _model_at(place[:-1]).model_fields.items():
        if place[-1] in (name, field.alias):
            if choices := _choices(field.annotation):
                return ", ".join(map(str, choices))
            constraints = [*field.metadata, *(m for a in typing.get_args(field.annotation) for m in _metadata(a))]
            bounds = {kind: getattr(c, kind) for c in constraints for kind in ("gt", "ge", "le") if hasattr(c, kind)}
            low = f"more than {bounds['gt']:g}" if "gt" in bounds else f"{bounds.get('ge')}"
            return f"{low} to {bounds.get('le')}"
    return "see docs/configuration.md"


def _choices(annotation: Any) -> tuple[Any, ...]:
    return typing.get_args(annotation) if typing.get_origin(annotation) is typing.Literal else ()


def _metadata(annotation: Any) -> Iterable[Any]:
    # Annotated[int, Field(ge=…)] inside a union keeps its Field.
    for found in getattr(annotation, "__metadata__", ()):
        yield from getattr(found, "metadata", ())


def _nearest(given: object, allowed: list[str]) -> str:
    """The choice that was probably meant."""
    if isinstance(given, int | float) and not isinstance(given, bool):
        numbers = [int(choice) for choice in allowed if choice.isdigit()]
        return f"; the nearest is {min(numbers, key=lambda n: abs(n - given))}." if numbers else "."
    if given in allowed:
        return f"; did you mean {given}, without quotes?"
    found = difflib.get_close_matches(str(given), allowed, n=1, cutoff=0.5)
    return f"; did you mean {found[0]!r}?" if found else "."


def _printable(key: str) -> str:
    return key if key.isprintable() else json.dumps(key)


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 - one line of a terminal
