"""The stacks of this repository, each recorded once in each way."""

from functools import cache
from pathlib import Path

import yaml

from tests.components.models.known import Known
from tests.components.recorded import ROOT
from vectordb.plan import plan, program, stack_configuration
from vectordb.plan.recording import Recording
from vectordb.plan.stack_configuration import StackConfiguration


def _in_python(directory: Path) -> bool:
    """Programs in other languages are not run here."""
    runtime = yaml.safe_load((directory / "Pulumi.yaml").read_text())["runtime"]
    return (runtime if isinstance(runtime, str) else runtime["name"]) == "python"


EXAMPLES = tuple(sorted(f.parent.name for f in ROOT.glob("examples/*/Pulumi.dev.yaml") if _in_python(f.parent)))
STACKS = ("dev", "prod", *EXAMPLES)


def configuration(name: str) -> StackConfiguration:
    """Of `dev`, `prod` or an example."""
    if name in EXAMPLES:
        return stack_configuration.read(ROOT / "examples" / name, "dev")
    return stack_configuration.read(ROOT, name)


@cache
def deployed(name: str) -> Recording:
    """With every output known."""
    wanted = configuration(name)
    return program.run(wanted, Known(wanted.region))


@cache
def planned(name: str) -> Recording:
    """As in a preview."""
    return plan.record(configuration(name))
