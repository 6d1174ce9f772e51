"""Turns rules into Pulumi's policies; the only place that knows the SDK's interface."""

from collections.abc import Iterable

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from isolation.rule import Resource, ResourceRule, Rule, StackRule
from isolation.stack import Stack


def policies(rules: Iterable[Rule]) -> list[Policy]:
    """One mandatory policy for each rule, in their order."""
    return [_resource_policy(rule) if isinstance(rule, ResourceRule) else _stack_policy(rule) for rule in rules]


def _resource_policy(rule: ResourceRule) -> Policy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        resource = _resource(args)
        for finding in rule.findings(resource):
            report(rule.message(resource, finding), resource.urn)

    return ResourceValidationPolicy(
        rule.id,
        rule.title,
        validate,
        EnforcementLevel.MANDATORY,
        severity=rule.severity,
        tags=rule.frameworks.labels(),
        remediation_steps=rule.remedy,
    )


def _stack_policy(rule: StackRule) -> Policy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        for resource, finding in rule.findings(Stack([_resource(each) for each in args.resources])):
            named = resource or Resource("", "The stack", "", {})
            report(rule.message(named, finding), named.urn)

    return StackValidationPolicy(
        rule.id,
        rule.title,
        validate,
        EnforcementLevel.MANDATORY,
        severity=rule.severity,
        tags=rule.frameworks.labels(),
        remediation_steps=rule.remedy,
    )


def _resource(args: ResourceValidationArgs | PolicyResource) -> Resource:
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
    )
