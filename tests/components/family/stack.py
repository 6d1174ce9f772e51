"""A stack as its project, its name and its configuration; what the program makes of it, once."""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.components.models.known import Known
from tests.components.recorded import ROOT
from vectordb.plan import plan, program
from vectordb.plan.lookups import partition_of
from vectordb.plan.recording import Recording
from vectordb.plan.stack_configuration import StackConfiguration


@dataclass(frozen=True)
class Stack:
    """One stack of the program in this repository."""

    project: str = "vectordb"
    name: str = "dev"
    region: str = "us-east-1"
    keys: dict[str, Any] = field(default_factory=dict)
    """Key of the namespace `vectordb` → value, as in the stack's file."""

    @property
    def partition(self) -> str:
        return partition_of(self.region)

    @property
    def values(self) -> dict[str, str]:
        """The configuration as the engine hands it over."""
        wired = {f"vectordb:{k}": v if isinstance(v, str) else json.dumps(v) for k, v in self.keys.items()}
        return {"aws:region": self.region, **wired}

    @property
    def configuration(self) -> StackConfiguration:
        return StackConfiguration(self.project, self.name, ROOT, self.values, frozenset())

    def deployed(self) -> Recording:
        """The recording in which every output has a value."""
        return program.run(self.configuration, Known(self.region))

    def planned(self) -> Recording:
        """The recording of a preview."""
        return plan.record(self.configuration)
