"""What every section of the configuration is: frozen, with camel-case keys, and closed to keys that it does not know."""

import typing
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

# CloudWatch Logs API, PutRetentionPolicy, retentionInDays.
RetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]


class Section(BaseModel):
    """One object of the configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: object, info: ValidationInfo) -> object:
        # To Python, and so to pydantic, true is the number 1.
        if isinstance(value, bool) and _numeric(cls.model_fields[info.field_name or ""].annotation):
            raise PydanticCustomError("number_type", "is no number")
        return value


def refuse(problems: Iterable[str]) -> None:
    """Raise one error that holds all `problems`, a line each; none when there are none."""
    if lines := list(problems):
        raise ValueError("\n".join(lines))


def camel(model: type[BaseModel], names: Iterable[str]) -> str:
    """Fields of `model` as the configuration calls them: `minCapacity, maxCapacity`."""
    return ", ".join(model.model_fields[name].alias or name for name in names)


def _numeric(annotation: Any) -> bool:
    parts = [annotation, *typing.get_args(annotation)]
    parts += [inner for part in parts for inner in typing.get_args(part)]
    return bool not in parts and any(part in (int, float) or isinstance(part, int) for part in parts)
