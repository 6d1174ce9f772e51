"""IAM policy documents as plain functions."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

Statement = Mapping[str, Any]


def document(*statements: Statement) -> pulumi.Output[str]:
    """A policy document of `statements`, whose parts may be outputs; JSON with its keys in a fixed order.

    A statement about an empty list of resources is left out: IAM refuses it, and it allows nothing.
    """
    return pulumi.Output.from_input([dict(statement) for statement in statements]).apply(_document)


def _document(statements: list[dict[str, Any]]) -> str:
    kept = [statement for statement in statements if statement.get("Resource") != []]
    return json.dumps({"Version": "2012-10-17", "Statement": kept}, sort_keys=True)


def allow(
    actions: str | Sequence[str],
    resources: Any,
    *,
    principal: Mapping[str, Any] | str | None = None,
    condition: Mapping[str, Any] | None = None,
    sid: str | None = None,
    effect: str = "Allow",
) -> dict[str, Any]:
    """One statement; `resources` is an ARN or a list of them, each of which may be an output."""
    statement: dict[str, Any] = {"Effect": effect, "Action": actions, "Resource": resources}
    if sid:
        statement["Sid"] = sid
    if principal is not None:
        statement["Principal"] = principal
    if condition:
        statement["Condition"] = condition
    return statement


def trust(
    service: pulumi.Input[str], *, account: pulumi.Input[str] | None = None, source_arn: Any = None
) -> pulumi.Output[str]:
    """Who may assume a role: one AWS service, and only on behalf of `account` and `source_arn` (confused deputy)."""
    condition: dict[str, Any] = {}
    if account is not None:
        condition["StringEquals"] = {"aws:SourceAccount": account}
    if source_arn is not None:
        condition["ArnLike"] = {"aws:SourceArn": source_arn}
    statement: dict[str, Any] = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    if condition:
        statement["Condition"] = condition
    return document(statement)
