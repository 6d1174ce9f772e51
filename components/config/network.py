"""`vectordb:network`: a VPC of the stack's own, or one that exists."""

import difflib
import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator, model_validator

from components.config.section import RetentionDays, Section, camel, refuse
from components.network.subnets import check_vpc_cidr

ZONES = (2, 3)
MOST_SUBNETS = 6
"""No region has more zones."""
ENDPOINT_SERVICES = (
    "bedrock",
    "bedrock-runtime",
    "lambda",
    "s3",
    "s3vectors",
    "secretsmanager",
    "sqs",
    "ssm",
    "ssmmessages",
)
"""What `components.network.endpoints.services` can ask for."""
_OWN_ONLY = ("cidr", "zones", "ipv6")
_EXISTING_ONLY = ("subnet_ids", "endpoints")


def _identifier(kind: str) -> Callable[[str], str]:
    """A check that a text is an id of that kind: old ones have 8 digits, newer ones 17."""

    def check(value: str) -> str:
        if not re.fullmatch(rf"{kind}-([0-9a-f]{{8}}|[0-9a-f]{{17}})", value):
            raise ValueError(f"is no id of this kind; write one such as '{kind}-0123456789abcdef0'")
        return value

    return check


VpcId = Annotated[str, AfterValidator(_identifier("vpc"))]
SubnetId = Annotated[str, AfterValidator(_identifier("subnet"))]
EndpointId = Annotated[str, AfterValidator(_identifier("vpce"))]
SecurityGroupId = Annotated[str, AfterValidator(_identifier("sg"))]


class BlockPublicAccess(StrEnum):
    """VPC Block Public Access: a setting of the whole account and region."""

    UNMANAGED = "unmanaged"
    BIDIRECTIONAL = "bidirectional"
    INGRESS = "ingress"


class Network(Section):
    """Where the system lives. With `vpcId` it moves into a VPC that exists, into the isolated subnets that are named."""

    cidr: str = "10.20.0.0/16"
    zones: int | tuple[str, ...] = 2
    vpc_id: VpcId | None = None
    subnet_ids: tuple[SubnetId, ...] = ()
    endpoints: dict[str, EndpointId] = Field(default_factory=dict)
    clients: dict[str, SecurityGroupId] = Field(default_factory=dict)
    endpoint_zones: Annotated[int, Field(ge=1, le=3)] = 1
    flow_logs: bool | None = None
    log_retention_days: RetentionDays = 30
    ipv6: bool = False
    block_public_access: BlockPublicAccess = BlockPublicAccess.UNMANAGED

    @field_validator("cidr")
    @classmethod
    def _usable(cls, value: str) -> str:
        return check_vpc_cidr(value)

    @field_validator("zones", mode="before")
    @classmethod
    def _two_or_three(cls, value: object) -> object:
        if isinstance(value, list | tuple):
            names = [zone for zone in value if isinstance(zone, str) and zone]
            if len(value) not in ZONES or len(set(names)) != len(value):
                raise ValueError("must name two or three different zones, such as ['us-east-1a', 'us-east-1b']")
        elif value not in ZONES or isinstance(value, bool):
            raise ValueError("is not offered. Allowed: 2, 3, or a list of that many zones' names")
        return value

    @field_validator("subnet_ids")
    @classmethod
    def _different(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if twice := [item for place, item in enumerate(value) if item in value[:place]]:
            raise ValueError(f"names {twice[0]} twice")
        return value

    @field_validator("endpoints")
    @classmethod
    def _known_services(cls, value: dict[str, str]) -> dict[str, str]:
        for service in value:
            if service not in ENDPOINT_SERVICES:
                near = difflib.get_close_matches(service, ENDPOINT_SERVICES, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else "."
                raise ValueError(f"{service!r} is not used here{hint} Allowed: {', '.join(ENDPOINT_SERVICES)}")
        return value

    @field_validator("clients")
    @classmethod
    def _clients(cls, value: dict[str, str]) -> dict[str, str]:
        if wrong := [name for name in value if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name)]:
            raise ValueError(
                f"{wrong[0]!r} is no client's name; write up to 31 lower-case letters, digits and hyphens, a letter first"
            )
        groups = list(value.values())
        if twice := [group for place, group in enumerate(groups) if group in groups[:place]]:
            raise ValueError(f"names {twice[0]} twice, and a rule can be added to a security group once; keep one")
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> "Network":
        refuse(self._problems())
        return self

    def _problems(self) -> Iterator[str]:
        """What contradicts itself, in words that say what to change."""
        others = _EXISTING_ONLY if self.vpc_id is None else _OWN_ONLY
        given = camel(Network, [name for name in others if name in self.model_fields_set])
        if self.vpc_id is None:
            zones = self.zones if isinstance(self.zones, int) else len(self.zones)
            if given:
                yield f"beside a VPC of the stack's own there is no {given}; leave that out, or give vpcId too"
            if self.endpoint_zones > zones:
                yield f"endpointZones {self.endpoint_zones} is more than the {zones} zones; lower it, or raise zones"
        else:
            if given:
                yield f"in a VPC that exists there is no {given} to choose; leave that out, or leave vpcId out"
            if not ZONES[0] <= len(self.subnet_ids) <= MOST_SUBNETS:
                yield (
                    f"vpcId needs subnetIds: 2 to {MOST_SUBNETS} isolated subnets in at least two zones, "
                    f"not {len(self.subnet_ids)}"
                )
            elif self.endpoint_zones > len(self.subnet_ids):
                yield f"endpointZones {self.endpoint_zones} is more than the {len(self.subnet_ids)} subnets; lower it"

    @property
    def logs_flows(self) -> bool:
        """Flow logs: on in a VPC of the stack's own, in one that exists when asked for."""
        return self.vpc_id is None if self.flow_logs is None else self.flow_logs
