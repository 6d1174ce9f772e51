"""Resources as the policies get them, and rules run as the policy engine runs them."""

from typing import Any

from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY, deserialize_properties
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from isolation.registry import RULES
from isolation.rule import Resource, ResourceRule, StackRule, aws

UNKNOWN = UNKNOWN_STRING_VALUE
NAME = "thing"


def secret(value: Any) -> dict[str, Any]:
    return {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": value}


def plain_resource(
    path: str, properties: dict[str, Any], name: str = NAME, settings: dict[str, Any] | None = None
) -> Resource:
    """A resource over plain dicts and lists, as on the wire."""
    token = aws(path)
    return Resource(token, name, f"urn:pulumi:dev::vectordb::{token}::{name}", properties, settings=settings or {})


def resource(
    path: str, properties: dict[str, Any], name: str = NAME, settings: dict[str, Any] | None = None
) -> Resource:
    """A resource whose properties raise when something unknown is touched, made as the SDK makes it."""
    return plain_resource(path, unknown_checking_proxy(deserialize_properties(properties)), name, settings)


def resource_rule(rule_id: str) -> ResourceRule:
    [rule] = [each for each in RULES if each.id == rule_id]
    assert isinstance(rule, ResourceRule)
    return rule


def stack_rule(rule_id: str) -> StackRule:
    [rule] = [each for each in RULES if each.id == rule_id]
    assert isinstance(rule, StackRule)
    return rule


def messages(rule: ResourceRule, judged: Resource) -> list[str]:
    return [rule.message(judged, finding) for finding in rule.findings(judged)]


def found(
    rule_id: str, path: str, properties: dict[str, Any], settings: dict[str, Any] | None = None
) -> list[tuple[str, str]]:
    """(property, problem) of each finding; `settings` beside the rule's defaults."""
    rule = resource_rule(rule_id)
    judged = resource(path, properties, settings=rule.defaults | (settings or {}))
    return [(finding.path, finding.problem) for finding in rule.findings(judged)]
