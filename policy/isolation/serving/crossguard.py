"""Turns rules into Pulumi's policies; with `servicer`, the only place that knows the SDK's interface."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyComplianceFramework,
    PolicyConfigSchema,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)

from isolation.rule import Resource, ResourceRule, Rule, StackRule
from isolation.serving import configuration
from isolation.serving.pack import THE_STACK, Pack
from isolation.stack import Stack

CONFIGURATION: Final = "configuration"
WAIVERS: Final = "waivers"
OWN_POLICIES: Final = (CONFIGURATION, WAIVERS)
"""The policies beside the rules: they report what became of the pack's configuration."""

_judged: ContextVar[Stack | None] = ContextVar("judged", default=None)


class ResourcePolicy(ResourceValidationPolicy):
    """The policy of a resource rule."""

    types: frozenset[str]
    """The only resource types that the policy may find something about."""


def policies(pack: Pack) -> list[Policy]:
    """One mandatory policy for each rule, in their order, then the pack's own."""
    of_rules = [
        _resource_policy(pack, rule) if isinstance(rule, ResourceRule) else _stack_policy(pack, rule)
        for rule in pack.rules
    ]
    return [*of_rules, _configuration_policy(pack), _waivers_policy(pack)]


@contextmanager
def read_once(resources: Sequence[PolicyResource]) -> Iterator[None]:
    """Within it, every stack policy judges these resources whatever its arguments are."""
    token = _judged.set(_stack(resources))
    try:
        yield
    finally:
        _judged.reset(token)


def _resource_policy(pack: Pack, rule: ResourceRule) -> Policy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        resource = _resource(args, pack.settings(rule))
        for finding in pack.of_resource(rule, resource):
            report(rule.message(resource, finding), resource.urn)

    def remediate(args: ResourceValidationArgs) -> Any:
        repairs = pack.repairs(rule, _resource(args, pack.settings(rule)))
        done = [_set(args.props, path.split("."), value) for path, value in repairs.items()]
        return args.props if any(done) else None

    policy = ResourcePolicy(
        rule.id, rule.title, validate, remediate=remediate if rule.repairs else None, **_described(rule)
    )
    policy.types = frozenset(rule.checks)
    return policy


def _stack_policy(pack: Pack, rule: StackRule) -> Policy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        stack = (_judged.get() or _stack(args.resources)).configured(pack.settings(rule))
        for resource, finding in pack.of_stack(rule, stack):
            report(rule.message(resource, finding), resource.urn)

    return StackValidationPolicy(rule.id, rule.title, validate, **_described(rule))


def _configuration_policy(pack: Pack) -> Policy:
    def validate(_: StackValidationArgs, report: ReportViolation) -> None:
        for problem in pack.configuration.problems:
            report(problem, THE_STACK.urn)

    return StackValidationPolicy(
        CONFIGURATION,
        "The configuration of the policies says only what they understand.",
        validate,
        EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        remediation_steps="Correct the file that --policy-pack-config names.",
        url="docs/policies.md",
    )


def _waivers_policy(pack: Pack) -> Policy:
    def validate(_: StackValidationArgs, report: ReportViolation) -> None:
        for urn, sentence in pack.waivers():
            report(sentence, urn)

    return StackValidationPolicy(
        WAIVERS,
        "Whoever waives a finding answers for it until a day that is written down.",
        validate,
        EnforcementLevel.ADVISORY,
        severity=Severity.LOW,
        remediation_steps="Mend what is waived before the waiver expires, then remove it.",
        url="docs/policies.md",
    )


def _described(rule: Rule) -> dict[str, Any]:
    """What a policy says about itself besides its name and its title."""
    return {
        "enforcement_level": EnforcementLevel.MANDATORY,
        "config_schema": PolicyConfigSchema(configuration.schema(rule)),
        "severity": rule.severity,
        "framework": _framework(rule),
        "tags": rule.frameworks.labels(),
        "remediation_steps": rule.remedy,
        "url": f"docs/policies/{rule.id}.md",
    }


def _framework(rule: Rule) -> PolicyComplianceFramework | None:
    """The first catalogue that has such a rule: the SDK has room for one, `tags` for all."""
    for name, version, controls in (
        ("AWS Foundational Security Best Practices", "1.0.0", rule.frameworks.fsbp),
        ("CIS AWS Foundations Benchmark", "3.0.0", rule.frameworks.cis),
    ):
        if controls:
            return PolicyComplianceFramework(name, version, ", ".join(controls))
    return None


def _set(properties: Any, path: Sequence[str], value: object) -> bool:
    """Put a value into the SDK's proxy of properties, which keeps secret what was secret; false where there is no place."""
    *above, last = path
    for key in above:
        if key not in properties or properties[key] is None:
            properties[key] = {}
        properties = properties[key]
        if not isinstance(properties, Mapping):
            return False
    properties[last] = value
    return True


def _stack(resources: Sequence[PolicyResource]) -> Stack:
    return Stack([_resource(each, {}) for each in resources])


def _resource(args: ResourceValidationArgs | PolicyResource, settings: Mapping[str, object]) -> Resource:
    depended = args.property_dependencies if isinstance(args, PolicyResource) else {}
    parent = args.parent.urn if isinstance(args, PolicyResource) and args.parent is not None else ""
    return Resource(
        args.resource_type,
        args.name,
        args.urn,
        args.props,
        parent=parent,
        references={key: tuple(each.urn for each in resources) for key, resources in depended.items()},
        protect=args.opts.protect,
        ignored=tuple(args.opts.ignore_changes),
        settings=settings,
    )
