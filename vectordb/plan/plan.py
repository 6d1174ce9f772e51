"""A plan: what `pulumi up` would register, and what is wrong with it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vectordb.cost.estimate import Estimate
from vectordb.plan import analyzer, cost, lookups, policy_configuration, program
from vectordb.plan.checks import check
from vectordb.plan.presumed import Presumed, presume
from vectordb.plan.recording import Recording, Registration, masked
from vectordb.plan.remediation import Remediation
from vectordb.plan.stack_configuration import StackConfiguration
from vectordb.plan.violation import Violation


@dataclass(frozen=True)
class Plan:
    """A recording with the verdict of the policy pack and of the checks, and what a month of it costs."""

    recording: Recording
    pack: str
    policies: tuple[analyzer.Policy, ...]
    violations: tuple[Violation, ...]
    remediations: tuple[Remediation, ...]
    cost: Estimate
    presumed: Presumed

    @property
    def mandatory(self) -> tuple[Violation, ...]:
        """The violations that `pulumi up` would not pass."""
        return tuple(violation for violation in self.violations if violation.mandatory)

    def as_json(self) -> dict[str, Any]:
        """The plan as plain data: unknown values are Pulumi's sentinel, secrets are masked."""
        return {
            **_recorded(self.recording, self.presumed),
            "policies": [
                {
                    "urn": violation.urn,
                    "policy": violation.policy,
                    "pack": violation.pack,
                    "enforcement": "mandatory" if violation.mandatory else "advisory",
                    "severity": violation.severity,
                    "message": violation.message,
                }
                for violation in self.violations
            ],
            "rules": [
                {
                    "id": policy.id,
                    "title": policy.title,
                    "severity": policy.severity,
                    "enforcement": policy.enforcement,
                    "default": policy.default,
                    "configured": policy.configured,
                    "remedy": policy.remedy,
                    "controls": list(policy.controls),
                    "page": policy.page,
                }
                for policy in self.policies
            ],
            "remediations": [remediation.as_json() for remediation in self.remediations],
            "cost": self.cost.as_json(),
        }


class Preview:
    """A backend for which every output is unknown that the program did not give as an input."""

    preview = True

    def __init__(self, region: str, accepted: Callable[[], None] | None = None) -> None:
        self._lookups, self._accepted = lookups.Lookups(region), accepted

    def create(self, resource: Registration, inputs: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
        """No id: the SDK makes it, and every missing output, unknown to whoever uses it."""
        del resource
        return None, inputs

    def look_up(self, token: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Example values; there is no account to ask."""
        accepted, self._accepted = self._accepted, None
        if accepted is not None:
            accepted()
        return self._lookups.answer(token, arguments)


def record(configuration: StackConfiguration, accepted: Callable[[], None] | None = None) -> Recording:
    """Run the program as `pulumi preview` would.

    Args:
        configuration: of the stack.
        accepted: called when the program makes its first look-up: it has taken its configuration by then.
    """
    return program.run(configuration, Preview(configuration.region, accepted))


def make(
    configuration: StackConfiguration,
    accepted: Callable[[], None] | None = None,
    policy_config: Path | None = None,
    recorded: Callable[[dict[str, Any]], None] | None = None,
) -> Plan:
    """Record the program and judge it by the nearest pack in a `policy/` and by the checks of this package.

    Args:
        configuration: of the stack.
        accepted: as in `record`.
        policy_config: the configuration of the policies; by default the pack's own for the stack, where it has one.
        recorded: called before the policies judge with what of the plan's JSON is known by then.

    Raises:
        VectordbError: as `program.run`; or the policies' configuration cannot be read, or the pack failed.
    """
    folder = analyzer.nearest(configuration.directory)
    file = policy_config or policy_configuration.beside(folder, configuration.stack)
    policies = policy_configuration.read(file) if file else None
    # The pack starts while the program runs: each takes about a second.
    with analyzer.started(folder, configuration) as process:
        recording = record(configuration, accepted)
        pack = analyzer.connect(process, policies)
        recording, remediations = analyzer.remediate(pack, recording)
        presumed = presume(configuration, recording)
        if recorded is not None:
            recorded(_recorded(recording, presumed))
        found = analyzer.analyze(pack, presumed.completed(recording))
    found += check(recording)
    return Plan(
        recording,
        pack.name,
        pack.described,
        tuple(sorted(set(found))),
        tuple(remediations),
        cost.of(recording, configuration.region),
        presumed,
    )


def _recorded(recording: Recording, presumed: Presumed) -> dict[str, Any]:
    return {
        "project": recording.project,
        "stack": recording.stack,
        "resources": [_resource(resource) for resource in sorted(recording.resources, key=lambda r: r.urn)],
        "outputs": masked(recording.outputs),
        "presumed": presumed.as_json(),
    }


def _resource(resource: Registration) -> dict[str, Any]:
    return {
        "urn": resource.urn,
        "type": resource.type,
        "name": resource.name,
        "custom": resource.custom,
        "parent": resource.parent,
        "dependencies": sorted(resource.dependencies),
        "propertyDependencies": {key: sorted(urns) for key, urns in sorted(resource.property_dependencies.items())},
        "protect": resource.protect,
        "ignoreChanges": sorted(resource.ignore_changes),
        "aliases": sorted(resource.aliases),
        "inputs": masked(resource.inputs),
    }
