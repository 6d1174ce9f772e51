"""Stack configuration, validated: one frozen object, and errors that say what to write instead.

Every key is described in docs/configuration.md. The errors of all keys are collected and raised together.
"""

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

import pulumi
from pulumi.runtime import config as runtime_config
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from components.subnets import check_vpc_cidr

NAMESPACE = "vectordb"


class ConfigurationError(pulumi.RunError):
    """The stack's configuration cannot be used; Pulumi prints the message without a trace."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Network(_Section):
    """An isolated VPC of the stack's own."""

    cidr: str = "10.20.0.0/16"
    zones: Literal[2, 3] = 2

    @field_validator("cidr")
    @classmethod
    def _usable(cls, value: str) -> str:
        return check_vpc_cidr(value)


class Engine(StrEnum):
    """Where PostgreSQL runs."""

    AURORA = "aurora"


class Transport(StrEnum):
    """How the SQL step and people reach the database."""

    SSM = "ssm"
    DIRECT = "direct"


class Database(_Section):
    """PostgreSQL with pgvector; capacity in Aurora capacity units (ACU, about 2 GiB of memory each)."""

    engine: Engine = Engine.AURORA
    version: Literal["16", "17", "18"] = "18"
    min_capacity: Annotated[float, Field(ge=0, le=256, multiple_of=0.5)] = 0
    max_capacity: Annotated[float, Field(ge=1, le=256, multiple_of=0.5)] = 4
    generation: Annotated[int, Field(ge=1, le=9999)] = 1
    protect: bool = False

    @field_validator("version", mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _ordered(self) -> "Database":
        if self.max_capacity < self.min_capacity:
            raise ValueError(f"maxCapacity {self.max_capacity:g} is below minCapacity {self.min_capacity:g}")
        return self


class Metric(StrEnum):
    """The distance of an S3 Vectors index."""

    COSINE = "cosine"
    EUCLIDEAN = "euclidean"


# 3 to 63 of lower-case letters, digits, hyphens and dots, a letter or digit at both ends (S3 Vectors, CreateIndex).
_INDEX_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# An unquoted PostgreSQL identifier; 63 bytes are all that the server keeps.
_ROLE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_RESERVED_ROLES = (
    "pg_",
    "rds",
    "vectordb_owner",
    "vectordb_reader",
    "vectordb_writer",
    "vectordb_worker",
    "vectordb_admin",
)


class Index(_Section):
    """One S3 Vectors index. All but its name is fixed once it exists: a change makes a new, empty index."""

    name: str
    dimension: Annotated[int, Field(ge=1, le=4096)]
    metric: Metric = Metric.COSINE
    non_filterable_keys: Annotated[tuple[str, ...], Field(max_length=10)] = ()

    @field_validator("name")
    @classmethod
    def _legal_name(cls, value: str) -> str:
        if not _INDEX_NAME.fullmatch(value):
            raise ValueError(
                "must be 3 to 63 lower-case letters, digits, hyphens and dots, a letter or digit at both ends"
            )
        return value

    @field_validator("non_filterable_keys")
    @classmethod
    def _legal_keys(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not 1 <= len(key) <= 63 for key in value) or len(set(value)) != len(value):  # noqa: PLR2004 - AWS's limit
            raise ValueError("must be different keys of 1 to 63 characters")
        return value


class Access(StrEnum):
    """What a login may do."""

    READER = "reader"
    WRITER = "writer"
    ADMIN = "admin"


class User(_Section):
    """A login role that authenticates with IAM."""

    name: str
    access: Access = Access.READER

    @field_validator("name")
    @classmethod
    def _legal_name(cls, value: str) -> str:
        if not _ROLE_NAME.fullmatch(value):
            raise ValueError(
                "must be a PostgreSQL name: a lower-case letter or _, then letters, digits and _, up to 63"
            )
        if value.startswith(_RESERVED_ROLES):
            raise ValueError("is kept for PostgreSQL, RDS or this project; choose another name")
        return value


class Configuration(_Section):
    """All of a stack's settings."""

    network: Network = Network()
    database: Database = Database()
    bastion: bool = True
    transport: Transport = Transport.SSM
    indexes: tuple[Index, ...] = ()
    users: tuple[User, ...] = (User(name="vectordb_app", access=Access.WRITER),)

    @field_validator("indexes", "users")
    @classmethod
    def _distinct(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        names = [item.name for item in value]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(map(repr, twice))} more than once; each name can be used once")
        return value

    @model_validator(mode="after")
    def _reachable(self) -> "Configuration":
        if self.transport is Transport.SSM and not self.bastion:
            raise ValueError("transport 'ssm' needs the bastion; set bastion to true, or transport to 'direct'")
        return self


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
        return Configuration.model_validate(given)
    except ValidationError as error:
        lines = [f"  {_explained(detail)}" for detail in error.errors()]
        raise ConfigurationError("\n".join(["The stack's configuration cannot be used:", *lines])) from None


def _decoded(text: str) -> Any:
    """Lists, objects, numbers and booleans arrive as JSON text, strings as they are."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _explained(detail: ErrorDetails) -> str:
    place = list(detail["loc"])
    key = NAMESPACE + ":" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
    context = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            allowed = _allowed_keys(place[:-1])
            return f"{key}: there is no such key{_nearest(str(place[-1]), allowed)} Allowed: {', '.join(allowed)}."
        case "missing":
            return f"{key}: is required."
        case "enum" | "literal_error":
            choices = re.findall(r"'([^']*)'|\b(\d+)\b", str(context.get("expected", "")))
            allowed = [quoted or number for quoted, number in choices]
            nearest = _nearest(str(detail["input"]), allowed)
            return f"{key}: {_shown(detail['input'])} is not offered{nearest} Allowed: {', '.join(allowed)}."
        case "value_error":
            subject = _shown(detail["input"]) + " " if isinstance(detail["input"], str) else ""
            sentence = f"{key.removesuffix(':')}: {subject}{context['error']}"
            return sentence if sentence.endswith("?") else f"{sentence}."
        case "greater_than_equal" | "less_than_equal":
            return f"{key}: {_shown(detail['input'])} is out of range. Allowed: {_range(place)}."
        case _:
            message = detail["msg"][:1].lower() + detail["msg"][1:]
            return f"{key}: {_shown(detail['input'])}: {message}."


def _model_at(place: Iterable[int | str]) -> type[BaseModel]:
    model: type[BaseModel] = Configuration
    sections: dict[str, type[BaseModel]] = {"network": Network, "database": Database, "indexes": Index, "users": User}
    for part in place:
        model = sections.get(str(part), model)
    return model


def _allowed_keys(place: list[int | str]) -> list[str]:
    return [field.alias or name for name, field in _model_at(place).model_fields.items()]


def _range(place: list[int | str]) -> str:
    for name, field in _model_at(place[:-1]).model_fields.items():
        if place[-1] in (name, field.alias):
            bounds = {
                kind: getattr(item, kind) for item in field.metadata for kind in ("ge", "le") if hasattr(item, kind)
            }
            return f"{bounds.get('ge')} to {bounds.get('le')}"
    return "see docs/configuration.md"


def _nearest(given: str, allowed: list[str]) -> str:
    found = difflib.get_close_matches(given, allowed, n=1, cutoff=0.5)
    return f"; did you mean {found[0]!r}?" if found and not given.isdigit() else "."


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 - one line of a terminal
