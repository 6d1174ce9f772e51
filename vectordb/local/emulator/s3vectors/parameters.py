"""Reading a request's parameters under the model's constraints, with the service's ValidationException for the rest."""

from collections.abc import Mapping
from typing import Any

from vectordb.local.emulator.wire import ServiceError


def invalid(path: str, message: str) -> ServiceError:
    """A ValidationException about one field."""
    field = {"path": path if path.startswith("/") else f"/{path}", "message": message}
    return ServiceError("ValidationException", message, members={"fieldList": [field]})


def constraint(path: str, rule: str, *, length: int | None = None) -> ServiceError:
    """A ValidationException in the words of the model's constraints."""
    value = "Value" if length is None else f"Value with length {length}"
    return invalid(
        path, f"1 validation error detected. {value} at '/{path}' failed to satisfy constraint: Member must {rule}"
    )


def text(parameters: Mapping[str, Any], name: str, shortest: int, longest: int, *, default: str | None = None) -> str:
    """A string of `shortest` to `longest` characters; without `default` it is required."""
    value = parameters.get(name)
    if value is None:
        if default is None:
            raise constraint(name, "not be null")
        return default
    if not isinstance(value, str):
        raise constraint(name, "be a string")
    if not shortest <= len(value) <= longest:
        raise constraint(name, f"have length between {shortest} and {longest}, inclusive", length=len(value))
    return value


def integer(parameters: Mapping[str, Any], name: str, lowest: int, highest: int, *, default: int | None = None) -> int:
    """A whole number from `lowest` to `highest`; without `default` it is required."""
    value = parameters.get(name)
    if value is None:
        if default is None:
            raise constraint(name, "not be null")
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise constraint(name, "be an integer")
    if not lowest <= value <= highest:
        raise constraint(name, f"be between {lowest} and {highest}, inclusive")
    return value


def flag(parameters: Mapping[str, Any], name: str) -> bool:
    """A boolean that is false by default."""
    value = parameters.get(name)
    if value is not None and not isinstance(value, bool):
        raise constraint(name, "be a boolean")
    return bool(value)


def choice(parameters: Mapping[str, Any], name: str, allowed: tuple[str, ...], *, default: str | None = None) -> str:
    """One of the allowed strings; without `default` it is required."""
    value = parameters.get(name, default)
    if value is None:
        raise constraint(name, "not be null")
    if value not in allowed:
        raise constraint(name, f"satisfy enum value set: [{', '.join(allowed)}]")
    return str(value)


def items(parameters: Mapping[str, Any], name: str, fewest: int, most: int) -> list[Any]:
    """A list of `fewest` to `most` members; when none need be there it may be absent."""
    value = parameters.get(name)
    if value is None:
        if fewest:
            raise constraint(name, "not be null")
        return []
    if not isinstance(value, list):
        raise constraint(name, "be a list")
    if not fewest <= len(value) <= most:
        raise constraint(name, f"have length between {fewest} and {most}, inclusive", length=len(value))
    return value


def structure(parameters: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A nested object, empty when absent."""
    value = parameters.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise constraint(name, "be a structure")
    return value
