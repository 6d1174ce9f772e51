"""`vectordb:bridge`: the function between SQL and Amazon S3 Vectors."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, model_validator

from components.config.section import Section, refuse

_CACHE_SHARE = 4
"""The cache may have a quarter of the memory: the rest is Python's, its libraries' and the answers' under way."""


class Bridge(Section):
    """The function's size, place and habits; `memory` and `cacheMegabytes` in MB."""

    memory: Annotated[int, Field(ge=128, le=10240)] = 1024
    concurrency: Annotated[int, Field(ge=1, le=64)] = 32
    cache_seconds: Annotated[int, Field(ge=0, le=3600)] = 0
    cache_megabytes: Annotated[int, Field(ge=1, le=2560)] = 16
    tracing: bool = True
    vpc: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> "Bridge":
        refuse(self._problems())
        return self

    def _problems(self) -> Iterator[str]:
        """What contradicts itself, in words that say what to change."""
        if "cache_megabytes" in self.model_fields_set and not self.cache_seconds:
            yield "cacheMegabytes belongs to a cache, and cacheSeconds is 0, which is none; set that, or leave this out"
        if self.cache_megabytes * _CACHE_SHARE > self.memory:
            most = self.memory // _CACHE_SHARE
            yield (
                f"cacheMegabytes {self.cache_megabytes} is more than a quarter of memory {self.memory}; "
                f"lower it to {most}, or raise memory to {self.cache_megabytes * _CACHE_SHARE}"
            )
