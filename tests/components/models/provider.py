"""Inputs against the provider's own classes: every name, nested ones too, and the types of plain values.

The SDK translates a plain dictionary's keys and lets through what it does not know, misspelt ones among them; the
provider would refuse them, or ignore them, at deployment.
"""

import importlib
import keyword
import typing
from collections.abc import Iterator
from enum import Enum
from functools import cache
from typing import Any

from pulumi import _types

from tests.components.models.shapes import is_unknown
from vectordb.plan.recording import is_secret

ASSET = "4dabf18193072939515e22adb298388d"


@cache
def resource_class(token: str) -> type:
    """The SDK's class of a resource type such as `aws:ec2/networkAcl:NetworkAcl`."""
    package, module, name = token.split(":")
    folder = module.partition("/")[0]
    return getattr(importlib.import_module(f"pulumi_{package}.{folder}{'_' * keyword.iskeyword(folder)}"), name)


@cache
def input_types(token: str) -> dict[str, Any]:
    """The type of each input property of a resource."""
    cls = resource_class(token)
    module = importlib.import_module(cls.__module__)
    arguments = getattr(module, f"{cls.__name__}InitArgs", None) or getattr(module, f"{cls.__name__}Args")
    return _types.input_type_types(arguments)


def problems(token: str, inputs: dict[str, Any]) -> Iterator[str]:
    """What the provider does not know or take, each as `path: sentence`."""
    yield from _object(inputs, input_types(token), token.rpartition(":")[2])


def _object(value: dict[str, Any], types: dict[str, Any], path: str) -> Iterator[str]:
    for key, item in value.items():
        if key not in types:
            yield f"{path}: there is no property {key!r}"
        else:
            yield from _value(item, types[key], f"{path}.{key}")


def _value(value: Any, declared: Any, path: str) -> Iterator[str]:
    if value is None or is_unknown(value) or is_secret(value):
        return
    if isinstance(value, dict) and ASSET in value:
        return
    nested = [cls for cls in _classes(declared) if _types.is_input_type(cls)]
    if isinstance(value, dict):
        if nested:
            yield from _object(value, _types.input_type_types(nested[0]), path)
        elif not _contains(declared, "Mapping"):
            yield f"{path}: is an object, where {declared} is wanted"
    elif isinstance(value, list):
        if not _contains(declared, "Sequence"):
            yield f"{path}: is a list, where {declared} is wanted"
        for number, item in enumerate(value):
            yield from _value(item, declared, f"{path}[{number}]")
    elif not _fits(value, declared):
        yield f"{path}: {value!r} is no {declared}"


def _classes(declared: Any) -> Iterator[type]:
    if isinstance(declared, type) and not typing.get_args(declared):
        yield declared
    for inner in typing.get_args(declared):
        yield from _classes(inner)


def _contains(declared: Any, kind: str) -> bool:
    origin = getattr(typing.get_origin(declared), "__name__", "")
    return origin == kind or any(_contains(inner, kind) for inner in typing.get_args(declared))


def _fits(value: Any, declared: Any) -> bool:
    classes = list(_classes(declared))
    # Where the SDK takes an enumeration and any other text too, both are in the union.
    if (names := [cls for cls in classes if issubclass(cls, Enum)]) and str not in classes:
        return value in [member.value for member in names[0]]
    if isinstance(value, bool):
        return bool in classes
    return isinstance(value, tuple(classes)) or (isinstance(value, int) and float in classes)
