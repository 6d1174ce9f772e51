"""Every text within a resource, wherever it stands.

This goes around `Property`, which reads one element after the other and asks of each what it is: here all of them are
read, of each resource of a stack.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pulumi_policy import deserialize

from isolation.reading.properties import Property, is_unknown

_TARGET: Final = "__target"
"""Under this key the SDK's proxies hand out what they stand for, unknown elements too."""


def texts_within(container: Property) -> Iterator[Property]:
    """The known strings within a property, itself among them; the names of an object's keys are none."""
    found: list[tuple[str, str]] = []
    _collect(container.value, container.path, found)
    return (Property(path, text) for path, text in found)


def _collect(value: object, path: str, found: list[tuple[str, str]]) -> None:
    if isinstance(value, str):
        if not is_unknown(value):
            found.append((path, value))
    elif isinstance(value, Mapping):
        held = value if isinstance(value, dict) else _target(value)
        if held.get(deserialize.SPECIAL_SIG_KEY) == deserialize.SPECIAL_SECRET_SIG:
            _collect(held.get("value"), path, found)
        else:
            for key, each in held.items():
                _collect(each, f"{path}.{key}" if path else str(key), found)
    elif isinstance(value, Sequence) and not isinstance(value, bytes):
        for index, each in enumerate(value if isinstance(value, list) else _target(value)):
            _collect(each, f"{path}[{index}]", found)


def _target(container: Any) -> Any:
    """What a proxy stands for; the container itself, if it is none."""
    try:
        return container[_TARGET]
    except (LookupError, TypeError):
        return container
