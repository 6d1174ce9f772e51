"""Runs the project's own program with a configuration, in process, and finds resources in what it registered."""

import dataclasses
import json
from pathlib import Path

from pulumi.runtime import resource
from pulumi.runtime.proto import source_pb2

from vectordb.plan import plan, stack_configuration

# For each resource the SDK looks up which lines of which files led to it: a fifth of a recording's time, and no part of it.
resource._get_stack_trace = source_pb2.StackTrace

ROOT = Path(__file__).parents[2]


def record(**keys):
    """The recording of the dev stack with some keys of the namespace replaced."""
    configuration = stack_configuration.read(ROOT, "dev")
    values = dict(configuration.values)
    for key, value in keys.items():
        name = key.replace("__", ":") if "__" in key else f"vectordb:{key}"
        values[name] = value if isinstance(value, str) else json.dumps(value)
    return plan.record(dataclasses.replace(configuration, values=values))


def only(recording, kind, name=None):
    """The inputs of the one resource of that type (the part after the last colon) and, if given, name."""
    found = [r for r in recording.resources if r.type.rpartition(":")[2] == kind and name in (None, r.name)]
    assert len(found) == 1, f"{kind} {name}: {[r.name for r in found]}"
    return found[0]


def all_of(recording, kind):
    return {r.name: r for r in recording.resources if r.type.rpartition(":")[2] == kind}
