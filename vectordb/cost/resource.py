"""A planned resource as far as its price depends on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Resource:
    """One resource of a plan.

    Attributes:
        urn: its URN.
        type: its Pulumi type, such as `aws:rds/cluster:Cluster`.
        part: the outermost component that it belongs to, by name.
        inputs: as the provider takes them, in camel case; None where the value is known to the deployment only.
        references: input → URNs of the resources that its value comes from.
    """

    urn: str
    type: str
    part: str
    inputs: Mapping[str, Any]
    references: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rpartition("::")[2]
