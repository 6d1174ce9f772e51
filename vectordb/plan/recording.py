"""What a program registered: plain data, the same whether it was planned or executed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Pulumi's sentinel for a value that only the deployment will know (sdk/go/common/resource/plugin)."""
SECRET_KEY = "4dabf18193072939515e22adb298388d"  # noqa: S105 - the name of Pulumi's signature key, no secret
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - Pulumi's signature of a secret wrapper
STACK_TYPE = "pulumi:pulumi:Stack"


@dataclass(frozen=True)
class Registration:
    """One resource as the program registered it. `inputs` keep Pulumi's secret wrappers and unknown sentinel."""

    urn: str
    type: str
    name: str
    custom: bool
    parent: str
    inputs: dict[str, Any]
    dependencies: tuple[str, ...] = ()
    property_dependencies: dict[str, tuple[str, ...]] = field(default_factory=dict)
    protect: bool = False
    ignore_changes: tuple[str, ...] = ()
    retain_on_delete: bool = False
    delete_before_replace: bool = False
    aliases: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recording:
    """A whole run: resources in the order of their registration, the stack's outputs, the look-ups that were made."""

    project: str
    stack: str
    resources: tuple[Registration, ...]
    outputs: dict[str, Any]
    lookups: tuple[str, ...] = ()

    def components(self) -> Iterator[Registration]:
        """The component resources, the stack itself left out."""
        return (r for r in self.resources if not r.custom and r.type != STACK_TYPE)


def is_secret(value: Any) -> bool:
    """Whether `value` is Pulumi's wrapper of a secret."""
    return isinstance(value, dict) and value.get(SECRET_KEY) == SECRET_SIGNATURE


def opened(value: Any) -> Any:
    """`value` with every secret wrapper replaced by what it holds, as the engine hands it to a policy pack."""
    if is_secret(value):
        return opened(value.get("value"))
    if isinstance(value, dict):
        return {key: opened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [opened(item) for item in value]
    return value


def masked(value: Any) -> Any:
    """`value` with every secret replaced by the word `[secret]`, for people and files."""
    if is_secret(value):
        return "[secret]"
    if isinstance(value, dict):
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    return value


def whole_numbers(value: Any) -> Any:
    """Protocol buffers carry every number as a double; integers become integers again."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: whole_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [whole_numbers(item) for item in value]
    return value
