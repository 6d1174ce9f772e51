"""`vectordb:indexes`: what is kept in Amazon S3 Vectors."""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from components.config.models import EMBEDDING_MODELS, check_embedding_model
from components.config.section import Section, refuse


class Metric(StrEnum):
    """The distance of an S3 Vectors index."""

    COSINE = "cosine"
    EUCLIDEAN = "euclidean"


Language = Literal["en", "fr", "es", "pt", "it", "de", "nl", "zh", "ja", "ko"]
"""Of a text analyzer (S3 Vectors API, TextSearchConfiguration, language); none: the standard one."""

_LONGEST_NAME = 63
_LONGEST_KEY = 63
"""Of a metadata key (S3 Vectors API, MetadataKey)."""
# 3 to 63 of lower-case letters, digits, hyphens and dots, a letter or digit at both ends (S3 Vectors, CreateIndex).
_INDEX_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class Shape(Section):
    """What is fixed once an index exists."""

    dimension: Annotated[int, Field(ge=1, le=4096)]
    metric: Metric = Metric.COSINE
    non_filterable_keys: Annotated[tuple[str, ...], Field(max_length=10)] = ()
    generation: Annotated[int, Field(ge=1, le=999)] = 1

    @field_validator("non_filterable_keys")
    @classmethod
    def _legal_keys(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(_is_key, value)) or len(set(value)) != len(value):
            raise ValueError("must be different keys of 1 to 63 characters")
        return value


class FullTextKey(Section):
    """A metadata key whose text can be searched by words."""

    key: str
    language: Language | None = None

    @field_validator("key")
    @classmethod
    def _legal_key(cls, value: str) -> str:
        if not _is_key(value):
            raise ValueError("must be a metadata key of 1 to 63 characters")
        return value


class Index(Shape):
    """One S3 Vectors index. Another shape takes another generation, which is made beside those that are kept.

    Model, full-text keys and tenant key are of the current generation, and can change.
    """

    name: str
    model: str | None = None
    full_text_keys: Annotated[tuple[FullTextKey, ...], Field(max_length=10)] = ()
    tenant_key: str | None = None
    keep: tuple[Shape, ...] = ()

    @field_validator("model")
    @classmethod
    def _known_model(cls, value: str | None) -> str | None:
        return value if value is None else check_embedding_model(value)

    @field_validator("full_text_keys", mode="before")
    @classmethod
    def _plain_keys(cls, value: object) -> object:
        """A key without a language may stand alone."""
        if not isinstance(value, list | tuple):
            return value
        return [{"key": item} if isinstance(item, str) else item for item in value]

    @field_validator("full_text_keys")
    @classmethod
    def _different_keys(cls, value: tuple[FullTextKey, ...]) -> tuple[FullTextKey, ...]:
        keys = [item.key for item in value]
        if twice := [key for place, key in enumerate(keys) if key in keys[:place]]:
            raise ValueError(f"names {twice[0]!r} twice; a key has one language")
        return value

    @field_validator("tenant_key")
    @classmethod
    def _legal_tenant_key(cls, value: str | None) -> str | None:
        # A filter takes what begins with $ for an operator.
        if value is not None and (not _is_key(value) or value.startswith("$")):
            raise ValueError("must be a metadata key of 1 to 63 characters that does not begin with $")
        return value

    @field_validator("name")
    @classmethod
    def _legal_name(cls, value: str) -> str:
        if not _INDEX_NAME.fullmatch(value):
            raise ValueError(
                "must be 3 to 63 lower-case letters, digits, hyphens and dots, a letter or digit at both ends"
            )
        return value

    @model_validator(mode="after")
    def _different_generations(self) -> "Index":
        generations = [shape.generation for shape in (self, *self.keep)]
        if len(set(generations)) != len(generations):
            raise ValueError(
                f"generation {max(generations, key=generations.count)} is both current and kept, or kept twice"
            )
        if len(physical_name(self.name, max(generations))) > _LONGEST_NAME:
            raise ValueError(f"the name has no room for generation {max(generations)}: shorten it")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> "Index":
        refuse(self._problems())
        return self

    def _problems(self) -> Iterator[str]:
        """What contradicts itself, in words that say what to change."""
        if self.tenant_key in self.non_filterable_keys:
            yield (
                f"tenantKey {self.tenant_key!r} is among nonFilterableKeys, and tenants are told apart by a filter on it; "
                "take it out there, which takes another generation where the index exists"
            )
        given = EMBEDDING_MODELS.get(self.model or "", (self.dimension,))
        if self.dimension not in given:
            nearest = min(given, key=lambda one: abs(one - self.dimension))
            yield (
                f"model {self.model!r} gives {', '.join(map(str, given))} numbers, and dimension is {self.dimension}; "
                f"the nearest is {nearest}"
            )


def _is_key(text: str) -> bool:
    return 1 <= len(text) <= _LONGEST_KEY


def physical_name(name: str, generation: int) -> str:
    """What an index is called in S3 Vectors; SQL goes by its name alone."""
    return name if generation == 1 else f"{name}-g{generation}"
