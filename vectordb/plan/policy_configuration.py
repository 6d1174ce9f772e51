"""The configuration of a policy pack, read and completed as the Pulumi CLI does it.

`pulumi preview --policy-pack-config FILE`: pkg/resource/analyzer/config.go, LoadPolicyPackConfigFromFile and
ReconcilePolicyPackConfig. One thing is left to the pack, which reports it: whether a value fits the policy's schema.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2

from vectordb.errors import VectordbError

_LEVELS = ("advisory", "mandatory", "remediate", "disabled")
_ALL = "all"


@dataclass(frozen=True)
class PolicyConfiguration:
    """For each policy its enforcement level, if the file says one, and its other keys."""

    levels: dict[str, str] = field(default_factory=dict)
    properties: dict[str, dict[str, Any]] = field(default_factory=dict)

    def request(self, info: Any) -> analyzer_pb2.ConfigureAnalyzerRequest:
        """What the CLI sends to a pack that describes itself as `info` (AnalyzerInfo): its defaults, then `all`, then the rest."""
        configured = {}
        for policy in info.policies:
            schema = json_format.MessageToDict(policy.configSchema.properties)
            level = self.levels.get(policy.name, self.levels.get(_ALL))
            configured[policy.name] = analyzer_pb2.PolicyConfig(
                enforcementLevel=policy.enforcementLevel if level is None else _number(level),
                properties=_struct(
                    {key: described["default"] for key, described in schema.items() if "default" in described}
                    | self.properties.get(policy.name, {})
                ),
            )
        for name in sorted((self.levels.keys() | self.properties.keys()) - configured.keys()):
            configured[name] = analyzer_pb2.PolicyConfig(
                enforcementLevel=_number(self.levels.get(name, "advisory")),
                properties=_struct(self.properties.get(name, {})),
            )
        return analyzer_pb2.ConfigureAnalyzerRequest(policyConfig=configured)


def beside(pack: Path, stack: str) -> Path | None:
    """The configuration of a pack for a stack, `config.<stack>.json` in the pack's folder, where there is one."""
    file = pack / f"config.{stack}.json"
    return file if file.exists() else None


def read(file: Path) -> PolicyConfiguration:
    """Read a file as the CLI does.

    Raises:
        VectordbError: it cannot be read, or the CLI would not take it.
    """
    try:
        text = file.read_text(encoding="utf-8")
        loaded = json.loads(text) if text.strip() else {}
    except FileNotFoundError:
        raise VectordbError(f"The policies' configuration {file} does not exist.") from None
    except (OSError, ValueError) as error:
        raise VectordbError(f"The policies' configuration {file} cannot be read as JSON: {error}") from None
    if not isinstance(loaded, dict):
        raise VectordbError(f"The policies' configuration {file} is no object from policies to what is configured.")
    levels: dict[str, str] = {}
    properties: dict[str, dict[str, Any]] = {}
    for policy, value in loaded.items():
        if not isinstance(value, str | dict):
            raise VectordbError(
                f"{file}: {policy} is neither an enforcement level nor an object of settings.", remedy=_allowed()
            )
        level = value if isinstance(value, str) else value.get("enforcementLevel")
        if level is not None and level not in _LEVELS:
            raise VectordbError(f"{file}: {policy} has an enforcement level that there is not.", remedy=_allowed())
        if level is not None:
            levels[policy] = level
        if isinstance(value, dict):
            properties[policy] = {key: item for key, item in value.items() if key != "enforcementLevel"}
    return PolicyConfiguration(levels, properties)


def _allowed() -> str:
    return f"Enforcement levels are {', '.join(_LEVELS)}."


def _number(level: str) -> analyzer_pb2.EnforcementLevel.ValueType:
    return analyzer_pb2.EnforcementLevel.Value(level.upper())


def _struct(properties: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(properties, struct_pb2.Struct())
