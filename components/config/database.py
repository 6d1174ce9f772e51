"""`vectordb:database`: PostgreSQL with pgvector on Aurora, on RDS, or on both."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from components.config import windows
from components.config.models import foundation_model, is_model
from components.config.section import RetentionDays, Section, camel, refuse

SERVERLESS = "db.serverless"
_VERSION = re.compile(r"(16|17|18)(\.[1-9][0-9]?)?")
_CLASS = re.compile(r"db\.(serverless|[a-z][a-z0-9-]*\.(micro|small|medium|large|x?large|[0-9]{1,2}xlarge|metal))")
_PARAMETER = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?")
_WORD = re.compile(r"[a-z_][a-z0-9_]*")
_RESTORED = re.compile(r"[A-Za-z][A-Za-z0-9:/_.-]{0,254}")
# What the program sets itself; a parameter of the stack's own must not undo it.
_OURS = ("rds.force_ssl", "rds.custom_dns_resolution", "shared_preload_libraries", "cron.database_name")


class Engine(StrEnum):
    """Where PostgreSQL runs."""

    AURORA = "aurora"
    RDS = "rds"
    BOTH = "both"


def _restorable(value: str) -> str:
    if not _RESTORED.fullmatch(value):
        raise ValueError("is no identifier or ARN; write one such as 'vectordb-prod-database-1-final'")
    return value


Restorable = Annotated[str, AfterValidator(_restorable)]


class ReaderScaling(Section):
    """Readers that come and go with the load, beside those that are always there."""

    max: Annotated[int, Field(ge=1, le=15)]
    cpu_percent: Annotated[int, Field(ge=10, le=95)] = 60


class Restore(Section):
    """Where a new database gets its data from; heeded when it is made, never later."""

    snapshot: Restorable | None = None
    source: Restorable | None = None
    time: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "Restore":
        if (self.snapshot is None) == (self.source is None):
            raise ValueError("needs either snapshot, or source (and time; without it, the latest moment)")
        if self.time is not None:
            if self.source is None:
                raise ValueError("time belongs to source: a snapshot has its own")
            try:
                moment = datetime.fromisoformat(self.time)
            except ValueError:
                raise ValueError(
                    f"time {self.time!r} is not a moment; write one such as '2026-01-31T12:00:00Z'"
                ) from None
            if moment.tzinfo is None:
                raise ValueError(f"time {self.time!r} has no zone; end it with Z")
        return self

    @property
    def moment(self) -> str | None:
        """`time` as the provider takes it: UTC, to the second, such as 2026-01-31T12:00:00Z."""
        return self.time and datetime.fromisoformat(self.time).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Database(Section):
    """PostgreSQL with pgvector; capacity in Aurora capacity units (ACU, about 2 GiB of memory each)."""

    engine: Engine = Engine.AURORA
    version: str = "18"
    min_capacity: Annotated[float, Field(ge=0, le=256, multiple_of=0.5)] = 0
    max_capacity: Annotated[float, Field(ge=1, le=256, multiple_of=0.5)] = 4
    auto_pause_seconds: Annotated[int, Field(ge=300, le=86400)] = 300
    instance_class: str | None = None
    readers: Annotated[int, Field(ge=0, le=15)] = 0
    reader_scaling: ReaderScaling | None = None
    storage_type: Literal["aurora", "aurora-iopt1", "gp3", "io2"] | None = None
    allocated_storage: Annotated[int, Field(ge=20, le=65536)] = 20
    max_allocated_storage: Annotated[int, Field(ge=22, le=65536)] | None = None
    multi_az: bool = False
    parameters: dict[str, str] = Field(default_factory=dict)
    preload_libraries: tuple[str, ...] = ()
    cron: bool = False
    bedrock_models: tuple[str, ...] = ()
    data_api: bool | None = None
    proxy: bool = False
    insights: Literal["standard", "advanced", "off"] = "standard"
    monitoring_seconds: Literal[0, 1, 5, 10, 15, 30, 60] = 0
    backup_days: Annotated[int, Field(ge=1, le=35)] = 7
    backup_window: str | None = None
    maintenance_window: str | None = None
    log_retention_days: RetentionDays = 30
    certificate_authority: Literal["rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"] = "rds-ca-rsa2048-g1"
    allow_major_upgrade: bool = False
    apply_immediately: bool = True
    restore: Restore | None = None
    generation: Annotated[int, Field(ge=1, le=9999)] = 1
    protect: bool = False
    final_snapshot: bool | None = None

    @field_validator("version", mode="before")
    @classmethod
    def _known_major(cls, value: object) -> object:
        if isinstance(value, float):
            raise ValueError("must be in quotes, as in '18.6': without them 17.10 would be 17.1")  # noqa: TRY004 - pydantic reports values
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if isinstance(text, str) and not _VERSION.fullmatch(text):
            raise ValueError("is not offered. Allowed: '16', '17', '18', or an exact minor such as '18.6'")
        return text

    @field_validator("instance_class")
    @classmethod
    def _class(cls, value: str | None) -> str | None:
        if value is not None and not _CLASS.fullmatch(value):
            raise ValueError(
                "is no instance class; write one such as 'db.r8g.large', 'db.t4g.medium' or 'db.serverless'"
            )
        return value

    @field_validator("parameters", mode="before")
    @classmethod
    def _parameters(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        for name in value:
            if name in _OURS:
                raise ValueError(f"{name} is set by the program; it can't be changed here")
            if not isinstance(name, str) or not _PARAMETER.fullmatch(name):
                raise ValueError(f"{name!r} is no parameter's name; write one such as 'work_mem'")
        return {name: _as_parameter(given) for name, given in value.items()}

    @field_validator("preload_libraries")
    @classmethod
    def _libraries(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [item for item in value if not _WORD.fullmatch(item)]:
            raise ValueError(f"{wrong[0]!r} is no library's name; write one such as 'pgaudit'")
        if "pg_cron" in value:
            raise ValueError("'pg_cron' is preloaded, and told its database, by cron; set that to true")
        return value

    @field_validator("bedrock_models")
    @classmethod
    def _models(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for model in value:
            if not is_model(model):
                raise ValueError(f"{model!r} is no model's id; write one such as 'amazon.titan-embed-text-v2:0'")
            if foundation_model(model) != model:
                raise ValueError(f"{model!r} is an inference profile; only foundation models can be allowed here")
        if len(set(value)) != len(value):
            raise ValueError("names a model twice")
        return value

    @field_validator("backup_window")
    @classmethod
    def _daily(cls, value: str | None) -> str | None:
        if value is not None and windows.daily(value) is None:
            raise ValueError("is no daily window of 30 minutes or more; write UTC such as '03:00-04:00'")
        return value

    @field_validator("maintenance_window")
    @classmethod
    def _weekly(cls, value: str | None) -> str | None:
        if value is not None and windows.weekly(value) is None:
            raise ValueError("is no weekly window of 30 minutes or more; write UTC such as 'sun:04:30-sun:05:30'")
        return value

    @property
    def leaves_snapshot(self) -> bool:
        """Whether a snapshot, the automated backups and their key outlive the database."""
        return self.protect if self.final_snapshot is None else self.final_snapshot

    @property
    def aurora(self) -> bool:
        """Whether there is an Aurora cluster."""
        return self.engine is not Engine.RDS

    @property
    def rds(self) -> bool:
        """Whether there is an RDS instance."""
        return self.engine is not Engine.AURORA

    @property
    def aurora_class(self) -> str:
        """The class of the cluster's instances; beside an RDS instance, `instanceClass` is that one's."""
        return (self.instance_class or SERVERLESS) if self.engine is Engine.AURORA else SERVERLESS

    @property
    def rds_class(self) -> str:
        """The class of the RDS instance: IAM logins need memory that the smallest, `micro`, has not."""
        return self.instance_class or "db.t4g.small"

    @property
    def serverless(self) -> bool:
        """Whether Aurora's capacity follows the load."""
        return self.aurora and self.aurora_class == SERVERLESS

    @property
    def burstable(self) -> bool:
        """Whether the cluster's instances are of a T class."""
        return self.aurora and self.aurora_class.startswith("db.t")

    @property
    def pauses(self) -> bool:
        """Whether an idle cluster stops and costs storage only."""
        return self.serverless and self.min_capacity == 0

    @model_validator(mode="after")
    def _consistent(self) -> "Database":
        refuse(_problems(self))
        return self


def _problems(d: Database) -> list[str]:
    """What contradicts itself, in words that say what to change."""
    return _engine_problems(d) + _capacity_problems(d) + _storage_problems(d) + _pausing_problems(d) + _time_problems(d)


def _engine_problems(d: Database) -> list[str]:
    given = d.model_fields_set
    found: list[str] = []
    if not d.aurora and (only := sorted(given & _AURORA_ONLY)):
        found.append(f"engine rds has no {camel(Database, only)}; leave that out, or set engine to aurora or both")
    if not d.rds and (only := sorted(given & _RDS_ONLY)):
        found.append(f"engine aurora has no {camel(Database, only)}; leave that out, or set engine to rds or both")
    if d.rds and d.rds_class == SERVERLESS:
        found.append("instanceClass db.serverless is Aurora's; RDS needs one such as db.t4g.small")
    if d.data_api and d.burstable:
        # Aurora User Guide, Data API limitations.
        found.append(f"dataApi does not work with {d.aurora_class}; take an r class or db.serverless")
    if d.restore is not None and d.engine is Engine.BOTH:
        found.append("restore has one source, and engine both makes two databases; restore one, then add the other")
    return found


def _capacity_problems(d: Database) -> list[str]:
    found: list[str] = []
    if d.max_capacity < d.min_capacity:
        found.append(f"maxCapacity {d.max_capacity:g} is below minCapacity {d.min_capacity:g}; raise it, or lower that")
    if d.aurora and not d.serverless and (only := sorted(d.model_fields_set & _SERVERLESS_ONLY)):
        names = camel(Database, only)
        found.append(f"instanceClass {d.aurora_class} has no {names}; leave that out, or take db.serverless")
    if d.reader_scaling and d.reader_scaling.max < d.readers:
        found.append(f"readerScaling.max {d.reader_scaling.max} is below readers {d.readers}, which are always there")
    return found


def _time_problems(d: Database) -> list[str]:
    # RDS API, CreateDBCluster and CreateDBInstance, PreferredBackupWindow.
    if windows.overlap(d.backup_window, d.maintenance_window):
        return [f"backupWindow {d.backup_window} and maintenanceWindow {d.maintenance_window} overlap; move one"]
    return []


def _storage_problems(d: Database) -> list[str]:
    found: list[str] = []
    aurora_kind = (d.storage_type or "").startswith("aurora")
    if d.engine is Engine.AURORA and d.storage_type and not aurora_kind:
        found.append(f"storageType {d.storage_type} is RDS's; Aurora has aurora and aurora-iopt1")
    if d.engine is Engine.RDS and aurora_kind:
        found.append(f"storageType {d.storage_type} is Aurora's; RDS has gp3 and io2")
    # RDS User Guide, Provisioned IOPS SSD storage.
    if d.rds and d.storage_type == "io2" and d.allocated_storage < _PROVISIONED_GIB:
        found.append(f"storageType io2 begins at {_PROVISIONED_GIB} GiB; allocatedStorage is {d.allocated_storage}")
    # RDS User Guide, storage autoscaling: the maximum has to be at least 10 % more; 26 % are advised.
    if d.max_allocated_storage is not None and d.max_allocated_storage * 10 < d.allocated_storage * 11:
        least = -(-d.allocated_storage * 11 // 10)
        found.append(
            f"maxAllocatedStorage {d.max_allocated_storage} is not 10 % above allocatedStorage "
            f"{d.allocated_storage}; set it to {least} or more"
        )
    return found


def _pausing_problems(d: Database) -> list[str]:
    """At 0 ACU these would keep the cluster awake, or be asleep with it (Aurora User Guide, scaling to 0 ACUs)."""
    if not d.pauses:
        return []
    found = []
    if d.proxy:
        found.append(
            "proxy keeps a connection open, so that minCapacity 0 never pauses; set minCapacity to 0.5 or more"
        )
    if d.cron:
        found.append("cron's jobs are skipped while the cluster is paused; set minCapacity to 0.5 or more")
    return found


_PROVISIONED_GIB = 100
_SERVERLESS_ONLY = {"min_capacity", "max_capacity", "auto_pause_seconds"}
_AURORA_ONLY = _SERVERLESS_ONLY | {"readers", "reader_scaling", "bedrock_models", "data_api"}
_RDS_ONLY = {"allocated_storage", "max_allocated_storage", "multi_az"}


def _as_parameter(value: object) -> object:
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value) if isinstance(value, int | float) else value
