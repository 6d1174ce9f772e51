"""What a rule is, and what it finds."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pulumi_policy import Severity

from isolation.reading.properties import Property

if TYPE_CHECKING:
    from isolation.stack import Stack


def aws(path: str) -> str:
    """The type token of an AWS resource: `ec2/securityGroup` is `aws:ec2/securityGroup:SecurityGroup`."""
    name = path.rpartition("/")[2]
    return f"aws:{path}:{name[0].upper()}{name[1:]}"


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as the policies see it: its inputs in a resource rule, its outputs in a stack rule."""

    type: str
    name: str
    urn: str
    properties: Mapping[str, object]
    parent: str = ""
    """URN of the component that it belongs to."""
    references: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For each property, the URNs of the resources whose outputs it is made of: known even where the value is not."""
    protect: bool = False
    """Whether Pulumi refuses to delete it."""
    ignored: tuple[str, ...] = ()
    """The properties whose changes Pulumi ignores."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """The settings of the rule that looks at it, defaults filled in."""

    @property
    def root(self) -> Property:
        return Property("", self.properties)

    def at(self, *keys: str) -> Property:
        """The property below the root; see `Property.at`."""
        return self.root.at(*keys)

    def select(self, pattern: str) -> Iterator[Property]:
        """The properties at a pattern; see `Property.select`."""
        return self.root.select(pattern)


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation: where, what, and, when the rule's own remedy does not fit, what to do."""

    path: str
    """The property; empty when the resource itself is the violation."""
    problem: str
    """A predicate for the property or the resource, without the value: `is absent`."""
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frameworks:
    """The controls of public catalogues that a rule covers, by their ids."""

    fsbp: tuple[str, ...] = ()
    """AWS Foundational Security Best Practices (Security Hub)."""
    cis: tuple[str, ...] = ()
    """CIS AWS Foundations Benchmark 3.0.0."""
    cdk_nag: tuple[str, ...] = ()
    """cdk-nag's AWS Solutions pack."""
    checkov: tuple[str, ...] = ()

    def labels(self) -> list[str]:
        """Every control with its catalogue's name."""
        return [
            *(f"FSBP {control}" for control in self.fsbp),
            *(f"CIS 3.0.0 {control}" for control in self.cis),
            *(f"cdk-nag {control}" for control in self.cdk_nag),
            *(f"Checkov {control}" for control in self.checkov),
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Something about a rule that a stack may configure: `{"log-retention": {"days": 30}}`."""

    name: str
    default: object
    schema: Mapping[str, object]
    """The JSON schema of its value."""
    description: str
    """What it decides, one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    id: str
    """Unique, in lower case with hyphens; configuration names a rule by it."""
    title: str
    """What holds when the rule is kept, one sentence."""
    severity: Severity
    remedy: str
    """What to do about a finding, one sentence."""
    why: str = ""
    """What happens otherwise, and the source of the facts: a paragraph of the rule's page."""
    frameworks: Frameworks = field(default_factory=Frameworks)
    settings: tuple[Setting, ...] = ()

    @property
    def defaults(self) -> dict[str, object]:
        """The settings of a stack that configures none."""
        return {setting.name: setting.default for setting in self.settings}

    def message(self, resource: Resource, finding: Finding) -> str:
        """One line: the resource, the property, the class of its value, the remedy."""
        subject = f"{resource.name}: {finding.path}" if finding.path else resource.name
        return f"{subject} {finding.problem}. {finding.remedy or self.remedy}"


Check = Callable[[Resource], Iterator[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRule(_Rule):
    """Judges each resource by itself, before it is made."""

    checks: Mapping[str, Check]
    """The check of each resource type that the rule knows; no other type is looked at."""
    repairs: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """For a resource type, what a property becomes when the rule finds that property and is told to remediate: constants
    that neither replace the resource nor destroy anything."""

    def findings(self, resource: Resource) -> Iterator[Finding]:
        """What is wrong with `resource`. Never raises: what the check cannot digest is a finding too."""
        check = self.checks.get(resource.type)
        if check is None:
            return
        if self.settings and not resource.settings:
            resource = replace(resource, settings=self.defaults)
        try:
            yield from check(resource)
        except Exception as error:  # noqa: BLE001 - a rule that fails must not let the resource pass, nor end the deployment with a trace
            yield unjudged(error)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackRule(_Rule):
    """Judges facts across resources, at the end of a preview and, with outputs, of an update."""

    check: "Callable[[Stack], Iterator[tuple[Resource, Finding]]]"
    reads_everything: bool = False
    """Whether it looks at every text of every resource: then nothing unknown waits for this rule in particular."""

    def findings(self, stack: "Stack") -> Iterator[tuple[Resource | None, Finding]]:
        """What is wrong, with the resource that has it. Never raises."""
        if self.settings and not stack.settings:
            stack = stack.configured(self.defaults)
        try:
            yield from self.check(stack)
        except Exception as error:  # noqa: BLE001 - as above
            yield None, unjudged(error)


def unjudged(error: Exception) -> Finding:
    """The finding for a check that failed; the error's own text may hold a value and is left out."""
    return Finding(
        "",
        f"could not be judged ({type(error).__name__})",
        "Correct the resource's inputs; if they are right, the rule is wrong: please report it.",
    )


Rule = ResourceRule | StackRule
