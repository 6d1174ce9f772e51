"""What a plan is compared with: an earlier plan's JSON, whole or of an older version, or a stack's state."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vectordb.errors import VectordbError
from vectordb.plan import cost
from vectordb.plan.changes import listed
from vectordb.plan.facts import Prover
from vectordb.plan.recording import Recording, Registration, masked
from vectordb.plan.report import model


def read(file: Path, text: str) -> dict[str, Any]:
    """The JSON in `text`, which came from `file`.

    Raises:
        VectordbError: it is none, or neither a plan nor a state.
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise VectordbError(f"--diff {file}: it cannot be read as JSON: {error}") from None
    if not isinstance(found, dict):
        raise VectordbError(f"--diff {file}: it is neither a plan nor a stack's state.")
    listed(found)  # before the program is run
    return found


def unproved(data: Mapping[str, Any] | None) -> bool:
    """Whether there is a base that has no facts of its own: an older plan, or a state."""
    return data is not None and not isinstance(data.get("facts"), Mapping)


def to_prove(data: Mapping[str, Any], identifiers: Mapping[str, str]) -> dict[str, Any]:
    """The base as the pack takes it, without secrets; a state with the identifiers that the plan only has names for.

    Args:
        data: a plan or a state.
        identifiers: made-up value → `name.output`, as the plan presumes them.
    """
    hidden: dict[str, Any] = masked(dict(data))
    if "deployment" not in data:
        return hidden
    wanted = set(identifiers.values())
    found: dict[str, str] = {}
    for resource in listed(data):
        name = model.name_of(str(resource.get("urn", "")))
        for key, value in {**(resource.get("outputs") or {}), "id": resource.get("id")}.items():
            if f"{name}.{key}" in wanted and isinstance(value, str) and value:
                found[value] = f"{name}.{key}"
    return hidden | {"presumed": {"identifiers": found}}


def report(data: Mapping[str, Any], prover: Prover, region: str) -> model.Report:
    """The report of the base.

    Args:
        data: a plan or a state.
        prover: has begun with it if it is `unproved`.
        region: of the stack, for the prices of a base that has no bill.

    Raises:
        VectordbError: it is not written as vectordb or Pulumi write it.
    """
    try:
        plan = _as_plan(data)
        if "cost" not in plan:
            plan["cost"] = cost.of(_recording(plan), region).as_json()
        return model.read(plan | (prover.answer().as_json() if unproved(data) else {}))
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise VectordbError(
            f"The plan to compare with is not written as expected: {type(error).__name__}: {error}.",
            remedy="Write one with `vectordb plan --json FILE` or `pulumi stack export --file FILE`.",
        ) from None


def _as_plan(data: Mapping[str, Any]) -> dict[str, Any]:
    """A state in the form of a plan: without what is to be deleted, without providers and without what was only looked up."""
    if "deployment" not in data:
        return dict(data)
    kept = [
        resource | {"inputs": masked(resource.get("inputs") or {})}
        for resource in listed(data)
        if not resource.get("delete") and not resource.get("external")
        if not resource["type"].startswith("pulumi:providers:")
    ]
    return {"resources": kept}


def _recording(plan: Mapping[str, Any]) -> Recording:
    resources = tuple(
        Registration(
            urn=item["urn"],
            type=item["type"],
            name=model.name_of(item["urn"]),
            custom=bool(item.get("custom")),
            parent=item.get("parent") or "",
            inputs=dict(item.get("inputs") or {}),
            property_dependencies={
                key: tuple(urns or ()) for key, urns in (item.get("propertyDependencies") or {}).items()
            },
        )
        for item in plan.get("resources") or []
    )
    return Recording(str(plan.get("project", "")), str(plan.get("stack", "")), resources, {})
