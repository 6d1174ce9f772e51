"""All of a stack's settings, and what they ask of one another."""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from components.config.bridge import Bridge
from components.config.database import Database, Engine
from components.config.embedding import OLDEST_MINUTES, SWEEP_MINUTES, SWEEP_MINUTES_OF_PAUSING, Embedding, Vectorizer
from components.config.indexes import Index, physical_name
from components.config.network import Network
from components.config.section import Section, refuse
from components.config.users import Access, User

# All variables of a function together have 4,096 bytes (Lambda quotas): of the bridge's, the lists of its indexes and models
# grow, and the numbers have room for the largest.
_BRIDGE_BYTES = 4096 - len(
    "VECTORDB_INDEX_ARNS[]VECTORDB_MODELS[]VECTORDB_CACHE_SECONDS3600VECTORDB_CACHE_MEGABYTES2560VECTORDB_BATCH_CONCURRENCY64"
)
_LONGEST_ARN = len('"arn:aws-us-gov:s3vectors:ap-southeast-2:123456789012:bucket//index/",') + 63


_WORKER_BYTES, _WORKER_BATCH_BYTES = 4096 - 560, 400
"""Of the worker's variables: without what every worker has, host and queue at their longest; and what batch inference takes of it."""

_MOST_TAGS = 50 - 3
"""AWS's fifty a resource, without Name, Project and Stack."""


class Transport(StrEnum):
    """How the SQL step and people reach the database."""

    SSM = "ssm"
    DATA_API = "data-api"
    DIRECT = "direct"


class Observability(Section):
    """Alarms, a dashboard, and who hears of them."""

    enabled: bool = True
    email: str | None = None
    budget: Annotated[float, Field(gt=0, le=1_000_000)] | None = None

    @field_validator("email")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
            raise ValueError("is no e-mail address; write one such as 'on-call@example.com'")
        return value


class Configuration(Section):
    """All of a stack's settings."""

    network: Network = Network()
    database: Database = Database()
    bastion: bool = True
    transport: Transport = Transport.SSM
    indexes: tuple[Index, ...] = ()
    bridge: Bridge = Bridge()
    embedding: Embedding | None = None
    users: tuple[User, ...] = (User(name="vectordb_app", access=Access.WRITER),)
    observability: Observability = Observability()
    tags: dict[str, str] = Field(default_factory=dict)

    @field_validator("indexes", "users")
    @classmethod
    def _distinct(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        names = [item.name for item in value]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(map(repr, twice))} more than once; each name can be used once")
        return value

    @field_validator("indexes")
    @classmethod
    def _distinct_in_s3_vectors(cls, value: tuple[Index, ...]) -> tuple[Index, ...]:
        owners: dict[str, str] = {}
        for index in value:
            for shape in (index, *index.keep):
                name = physical_name(index.name, shape.generation)
                if (other := owners.setdefault(name, index.name)) != index.name:
                    raise ValueError(f"{other!r} and {index.name!r} would both be called {name!r}; rename one")
        return value

    @field_validator("indexes")
    @classmethod
    def _fit_the_bridge(cls, value: tuple[Index, ...]) -> tuple[Index, ...]:
        names = [physical_name(index.name, shape.generation) for index in value for shape in (index, *index.keep)]
        size = sum(_LONGEST_ARN + len(name) for name in names)
        room = _BRIDGE_BYTES - sum(len(f'"{model}",') for model in {index.model for index in value if index.model})
        if size > room:
            raise ValueError(
                f"are {len(names)}, kept generations among them, and the bridge's environment has room for the ARNs of "
                f"about {room * len(names) // size}; take fewer, or shorter names"
            )
        return value

    @field_validator("tags")
    @classmethod
    def _legal_tags(cls, value: dict[str, str]) -> dict[str, str]:
        # AWS General Reference, tag restrictions; three tags are the program's.
        if len(value) > _MOST_TAGS:
            raise ValueError(f"are {len(value)}; AWS has room for 50 a resource, three of which are the program's")
        for key, text in value.items():
            if not re.fullmatch(r"(?!(?i:aws:))[\w .:/=+\-@]{1,128}", key) or not re.fullmatch(
                r"[\w .:/=+\-@]{0,256}", text
            ):
                raise ValueError(
                    f"{key!r}: {text!r} is no tag of AWS: letters, digits, spaces and _ . : / = + - @, the key up to 128 "
                    "and the value up to 256, and no key that begins with aws:"
                )
        # IAM User Guide, rules for tagging: to roles and policies, keys that differ in case only are the same.
        spelt = {key.casefold(): key for key in ("Name", "Project", "Stack")}
        for key in value:
            if (other := spelt.setdefault(key.casefold(), key)) != key:
                raise ValueError(f"{key!r} and {other!r} differ in case only, which IAM refuses; keep one")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "Configuration":
        refuse(self._problems())
        return self

    def _problems(self) -> Iterator[str]:
        """What two sections ask of each other, in words that say what to change."""
        database = self.database
        if "bridge" in self.model_fields_set and not self.indexes:
            yield "bridge is there for indexes, and there are none; name one, or leave bridge out"
        if self.transport is Transport.SSM and not self.bastion:
            yield "transport 'ssm' needs the bastion; set bastion to true, or transport to 'data-api' or 'direct'"
        if self.transport is Transport.DATA_API:
            if database.engine is not Engine.AURORA:
                yield "transport 'data-api' is Aurora's alone; set database.engine to aurora, or transport to 'ssm'"
            if database.data_api is False:
                yield "transport 'data-api' needs database.dataApi; leave it out, or set it to true"
            if database.burstable:
                # Aurora User Guide, Data API limitations.
                yield (
                    f"transport 'data-api' does not work with database.instanceClass {database.aurora_class}; "
                    "take an r class or db.serverless"
                )
        yield from self._embedding_problems()
        if database.proxy and not self.users:
            yield "database.proxy needs users: it logs in as one of them; name one, or leave proxy out"

    def _embedding_problems(self) -> Iterator[str]:
        """What the worker asks of the rest."""
        if self.embedding is None:
            return
        if self.sweep_minutes and (empty := sorted(key for key, value in self.tags.items() if not value)):
            # EventBridge Scheduler's API, Tag: a value has 1 to 256 characters. Other services take empty ones.
            yield f"tags: {', '.join(map(repr, empty))} is empty, which a schedule cannot carry; give it a value"
        known = [index.name for index in self.indexes]
        if missing := sorted(set(self.embedding.indexes).difference(known)):
            yield (
                f"embedding.indexes names {', '.join(map(repr, missing))}, and indexes has {', '.join(known) or 'none'}; "
                "add it there"
            )
        written = sum(_LONGEST_ARN + len(name) for name in self.embedding.written_indexes)
        servers = sum(one.variable_bytes for one in self.embedding.endpoints)
        taken = written + servers + sum(len(f'"{model}",') for model in self.embedding.invoked_models)
        if taken > (room := _WORKER_BYTES - (_WORKER_BATCH_BYTES if self.embedding.batch else 0)):
            yield (
                f"embedding: the worker's environment has room for {room} bytes, and its indexes take up to {written}, its endpoints {servers}; "
                "name fewer, or a shorter caCertificate (an elliptic one)"
            )
        for one in self.embedding.vectorizers:
            if (index := one.destination.vectors_index) is not None:
                yield from self._problems_of_an_index(one, index)
            if one.delivery.mode == "in_transaction" and one.embedding.model not in self.database.bedrock_models:
                yield (
                    f"embedding: vectorizer {one.name!r} has delivery.mode in_transaction, in which the database itself asks "
                    f"{one.embedding.model}; add that to database.bedrockModels (Aurora only), or choose sync_lambda"
                )

    def _problems_of_an_index(self, one: Vectorizer, name: str) -> Iterator[str]:
        """What a vectorizer and the index that it writes to have to agree on."""
        known = {index.name: index for index in self.indexes}
        if name not in known:
            yield (
                f"embedding: vectorizer {one.name!r} writes to the index {name!r}, and indexes has "
                f"{', '.join(known) or 'none'}; add it there"
            )
            return
        index = known[name]
        if one.embedding.numbers != index.dimension:
            yield (
                f"embedding: vectorizer {one.name!r} has the dimension {one.embedding.numbers}, and the index {name!r} "
                f"has {index.dimension}; give both the same"
            )
        if index.tenant_key is not None and index.tenant_key not in (one.destination.metadata or ()):
            yield (
                f"embedding: vectorizer {one.name!r} writes to the index {name!r}, whose tenantKey is {index.tenant_key!r}; "
                "name a column of that name in destination.metadata"
            )
        others = self.embedding.vectorizers if self.embedding else ()
        if next(other.name for other in others if other.destination.vectors_index == name) != one.name:
            yield f"embedding: vectorizer {one.name!r} writes to the index {name!r}, which is another's; give each its own"

    @property
    def sweep_minutes(self) -> int:
        """How often the worker looks for work by itself; 0: never. Seldom where that wakes a cluster that pauses."""
        if self.embedding is None:
            return 0
        if self.embedding.sweep_minutes is not None:
            return self.embedding.sweep_minutes
        return SWEEP_MINUTES_OF_PAUSING if self.database.pauses else SWEEP_MINUTES

    @property
    def oldest_minutes(self) -> int:
        """How long a changed row may wait for its embedding before an alarm rings."""
        chosen = self.embedding.oldest_minutes if self.embedding else None
        return chosen or max(OLDEST_MINUTES, 2 * self.sweep_minutes)

    @property
    def models(self) -> tuple[str, ...]:
        """The models with which the bridge makes vectors of text, each once."""
        return tuple(sorted({index.model for index in self.indexes if index.model}))

    @property
    def data_api(self) -> bool:
        """Whether the cluster answers the RDS Data API: when asked for, or when the SQL step goes that way."""
        wanted = self.database.data_api
        return self.database.aurora and (self.transport is Transport.DATA_API if wanted is None else wanted)
