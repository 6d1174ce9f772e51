"""`vectordb:indexes`: what is kept in Amazon S3 Vectors."""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from components.config.section import Section


class Metric(StrEnum):
    """The distance of an S3 Vectors index."""

    COSINE = "cosine"
    EUCLIDEAN = "euclidean"


_LONGEST_NAME = 63
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
        if any(not 1 <= len(key) <= 63 for key in value) or len(set(value)) != len(value):  # noqa: PLR2004 - AWS's limit
            raise ValueError("must be different keys of 1 to 63 characters")
        return value


class Index(Shape):
    """One S3 Vectors index. Another shape takes another generation, which is made beside those that are kept."""

    name: str
    keep: tuple[Shape, ...] = ()

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


def physical_name(name: str, generation: int) -> str:
    """What an index is called in S3 Vectors; SQL goes by its name alone."""
    return name if generation == 1 else f"{name}-g{generation}"
