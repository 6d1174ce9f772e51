"""The provider that lets other languages use the components: which ones there are, and two things that the SDK leaves out.

- A description that a base class gives is the subclass's too: the SDK reads a class's own source only.
- A whole number is one: protocol buffers have floats only, and the SDK hands them on (pulumi/provider/experimental/
  component.py, map_input_properties). `range(readers)` and an index's dimension would fail.

The schema is inferred from the components' annotations; `schema.json` is its published form, and a test holds them equal.
"""

import ast
import inspect
import json
import re
import sys
import typing
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pulumi
from pulumi.errors import InputPropertyError
from pulumi.provider.experimental.analyzer import PropertyDefinition, PropertyType
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.experimental.util import camel_case

from components.bastion.bastion import Bastion
from components.database.aurora import AuroraDatabase
from components.database.proxy import DatabaseProxy
from components.database.rds import RdsDatabase
from components.database.users import DatabaseUsers
from components.embedding.batch import EmbeddingBatch
from components.embedding.pipeline import EmbeddingPipeline
from components.embedding.schedule import EmbeddingSchedule
from components.encryption import Encryption
from components.lambda_bridge import LambdaBridge
from components.network.endpoint_policy import EndpointPolicy
from components.network.flow import Flow
from components.network.network import Network
from components.observability.observability import Observability
from components.sql_schema import SqlSchema
from components.text_search import TextSearch
from components.vector_store import S3VectorStore

NAME = "vectordb"
VERSION = "0.1.0"
COMPONENTS: list[type[pulumi.ComponentResource]] = [
    AuroraDatabase,
    Bastion,
    DatabaseProxy,
    DatabaseUsers,
    EmbeddingBatch,
    EmbeddingPipeline,
    EmbeddingSchedule,
    Encryption,
    EndpointPolicy,
    Flow,
    LambdaBridge,
    Network,
    Observability,
    RdsDatabase,
    S3VectorStore,
    SqlSchema,
    TextSearch,
]


def provider() -> "Provider":
    """The provider with every component."""
    return Provider(COMPONENTS, NAME, version=VERSION)


class Provider(ComponentProvider):
    """Pulumi's provider of Python components, with inherited descriptions and whole numbers."""

    def __init__(
        self,
        components: list[type[pulumi.ComponentResource]],
        name: str,
        namespace: str | None = None,
        version: str = "0.0.0",
    ) -> None:
        super().__init__(components, name, namespace, version)
        schema = json.loads(self.schema or "{}")
        for component in components:
            resource = schema["resources"][f"{name}:index:{component.__name__}"]
            resource["description"] = inspect.cleandoc(resource["description"])
            arguments = inspect.get_annotations(component.__init__)["args"]
            self._describe(resource["inputProperties"], arguments)
            self._describe(resource["properties"], component)
        for definition in self._type_defs.values():
            described = schema["types"][f"{name}:index:{definition.name}"]
            self._describe(described.get("properties") or {}, definition.python_type)
        self.schema = json.dumps(_without_nothing(schema))

    def map_input_properties(
        self,
        inputs: Mapping[str, Any],
        properties: dict[str, PropertyDefinition],
        mapping: dict[str, str],
        component_name: str,
        property_path: str,
    ) -> dict[str, Any]:
        """Rename what another language gave to what Python calls it, as the SDK does, and make whole numbers of floats.

        Raises:
            InputPropertyError: an input is missing, is no whole number, or is an output where the value has to be known.
        """
        prepared = {}
        for key, definition in properties.items():
            value = inputs.get(key) if isinstance(inputs, dict) else None
            if value is not None:
                path = f"{property_path}.{key}" if property_path else key
                prepared[key] = _prepared(value, definition, path)
        # An integer passes as the SDK's plain value does: its own conversion refuses outputs.
        untyped = {
            key: replace(definition, type=None) if definition.type is PropertyType.INTEGER else definition
            for key, definition in properties.items()
        }
        return dict(super().map_input_properties(prepared, untyped, mapping, component_name, property_path))

    def _describe(self, properties: dict[str, dict[str, Any]], owner: type) -> None:
        names = {camel_case(name): name for base in _bases(owner) for name in inspect.get_annotations(base)}
        for key, described in properties.items():
            texts = (self.analyzer.get_docstring(base, names[key]) for base in _bases(owner))
            text = inspect.cleandoc(next((text for text in texts if text), ""))
            described["description"] = _in_camel_case(text, set(names.values()))
            # A list's items and a mapping's values repeat the whole's description.
            for part in ("items", "additionalProperties"):
                if described.get(part):
                    described[part].pop("description", None)


def _prepared(value: Any, definition: PropertyDefinition, path: str) -> Any:
    """`value` with whole numbers where the schema has integers.

    Raises:
        InputPropertyError: it is an output where the value decides what is made, or it is no whole number.
    """
    if isinstance(value, pulumi.Output):
        if definition.plain:
            raise InputPropertyError(path, "is an output; it has to be a value that is known when the program runs")
        return value.apply(lambda known: _prepared(known, replace(definition, plain=None), path))
    if (inner := definition.items or definition.additional_properties) and isinstance(value, list | dict):
        # The parts of an input are inputs too.
        each = replace(inner, plain=inner.plain and definition.plain)
        if isinstance(value, list):
            return [_prepared(item, each, f"{path}[{place}]") for place, item in enumerate(value)]
        return {key: _prepared(item, each, f"{path}.{key}") for key, item in value.items()}
    if definition.type is PropertyType.INTEGER:
        if not isinstance(value, int | float) or isinstance(value, bool) or value != int(value):
            raise InputPropertyError(path, f"is {value!r}; it has to be a whole number")
        return int(value)
    return value


def _bases(owner: type) -> Iterator[type]:
    """The class and what it was made from, itself first. A TypedDict forgets its bases: they are read from its source."""
    if not typing.is_typeddict(owner):
        yield from owner.__mro__
        return
    yield owner
    written = ast.parse(inspect.getsource(owner)).body[0]
    assert isinstance(written, ast.ClassDef)
    for name in (base.id for base in written.bases if isinstance(base, ast.Name)):
        base = getattr(sys.modules[owner.__module__], name)
        if typing.is_typeddict(base):
            yield from _bases(base)


def _in_camel_case(text: str, names: set[str]) -> str:
    """Descriptions name other properties as the schema does."""
    return re.sub(r"`(\w+)`", lambda found: f"`{camel_case(found[1])}`" if found[1] in names else found[0], text)


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nothing(item) for key, item in value.items() if item is not None}
    return [_without_nothing(item) for item in value] if isinstance(value, list) else value
