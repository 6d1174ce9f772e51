"""Runs a Pulumi YAML program against a provider's process: as much of the language as the example uses.

Pulumi YAML's own rules (pulumi/pulumi-yaml): `${name}`, `.property`, `["key"]` and `[0]`; a string that is nothing but
one interpolation has that value's type; `vectordb:Network` stands for `vectordb:index:Network`.
"""

import re

import yaml

from tests.components.plugin.engine import PROJECT, STACK, output, plain
from vectordb.plan.recording import UNKNOWN

REFERENCE = re.compile(r"\$\{([^}]+)\}")
STEP = re.compile(r'\.?([A-Za-z_][\w-]*)|\["([^"]+)"\]|\[(\d+)\]')


class Program:
    """A parsed program. `references` and `resources` are what a test of the text needs."""

    def __init__(self, text):
        document = yaml.safe_load(text)
        self.variables, self.resources = document["variables"], document["resources"]
        self.outputs, self.packages = document["outputs"], document["packages"]
        self.types = {name: _token(resource["type"]) for name, resource in self.resources.items()}

    def run(self, host, lookups, *, dry_run=True):
        """Make every resource in the order of its references; the program's outputs."""
        values = {"pulumi": {"project": PROJECT, "stack": STACK}}
        for name, variable in self.variables.items():
            call = variable["fn::invoke"]
            found = lookups.answer(_token(call["function"]), evaluate(call.get("arguments", {}), values))
            values[name] = found[call["return"]]
        waiting = dict(self.resources)
        while waiting:
            name = next(n for n, r in waiting.items() if not needed(r) & set(waiting))
            resource = waiting.pop(name)
            dependencies = [values[needed_name]["urn"] for needed_name in _named(resource)]
            urn, state = host.construct(
                self.types[name].rpartition(":")[2],
                name,
                evaluate(resource["properties"], values),
                dependencies=dependencies,
                dry_run=dry_run,
            )
            values[name] = {"urn": urn, **state}
        return plain(evaluate(self.outputs, values))


def steps(expression):
    """`network.subnetIds[0]` → ["network", "subnetIds", 0]."""
    found = STEP.findall(expression)
    assert "".join(match.group(0) for match in STEP.finditer(expression)) == expression, expression
    return [int(place) if place else name or key for name, key, place in found]


def references(value):
    """Every `${…}` in a value, as steps."""
    if isinstance(value, str):
        yield from (steps(found) for found in REFERENCE.findall(value))
    elif isinstance(value, dict):
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def needed(resource):
    return {path[0] for path in references(resource)}


def evaluate(value, values):
    """A value with its references resolved, those to resources as outputs."""
    if isinstance(value, dict):
        return {key: evaluate(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [evaluate(item, values) for item in value]
    if not isinstance(value, str) or not (found := REFERENCE.findall(value)):
        return value
    if value == f"${{{found[0]}}}":
        return _resolved(steps(found[0]), values)
    parts = {expression: plain(_resolved(steps(expression), values)) for expression in found}
    return UNKNOWN if UNKNOWN in parts.values() else REFERENCE.sub(lambda match: str(parts[match[1]]), value)


def _resolved(path, values):
    value, inside = values[path[0]], path[1:]
    if not isinstance(value, dict) or "urn" not in value:
        for step in inside:
            value = value[step]
        return value
    urn = value["urn"]
    for step in inside:
        value = UNKNOWN if value == UNKNOWN else value[step]
    return output(value, urn)


def _named(resource):
    return [path[0] for path in references((resource.get("options") or {}).get("dependsOn") or [])]


def _token(token):
    package, _, rest = token.partition(":")
    return token if ":" in rest else f"{package}:index:{rest}"
