"""Outputs of outputs."""

from collections.abc import Mapping
from typing import cast

import pulumi


def mapping(values: Mapping[str, pulumi.Output[str]]) -> pulumi.Output[dict[str, str]]:
    """One output of a mapping. `Output.all` with names does this too, but makes a list of an empty one."""
    return cast("pulumi.Output[dict[str, str]]", pulumi.Output.from_input(dict(values)))
