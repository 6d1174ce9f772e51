"""Pulumi's own protection, which is an option of a resource and none of its properties."""

from dataclasses import replace

import pytest

from tests.policy.support import UNKNOWN, messages, plain_resource, resource_rule

_RULE = resource_rule("data-protected")
_INDEX = plain_resource("s3/vectorsIndex", {"indexName": UNKNOWN}, "vectors", settings=_RULE.defaults)


@pytest.mark.parametrize("type_", sorted(_RULE.checks))
def test_what_is_protected_passes(type_: str) -> None:
    assert messages(_RULE, replace(_INDEX, type=type_, protect=True)) == []


def test_what_is_not_is_found() -> None:
    assert messages(_RULE, _INDEX) == [
        "vectors is not protected: Pulumi would delete or replace it. Set the resource option protect."
    ]
