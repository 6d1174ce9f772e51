"""What a stack says about the rules: settings, and waivers.

The file that `pulumi preview --policy-pack-config` names holds an object: for each rule an enforcement level, or an
object with `enforcementLevel`, settings and `waivers`. The CLI takes the levels out and sends the rest to `Configure`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

from isolation.rule import Rule
from isolation.serving import waivers
from isolation.serving.schemas import MisfitError, fitted
from isolation.serving.waivers import Waiver

WAIVERS: Final = "waivers"
ALL: Final = "all"
"""Stands for every policy in the file; the CLI sends it on as if it were one of them."""


def schema(rule: Rule) -> dict[str, dict[str, Any]]:
    """The JSON schema of each key that a rule's configuration may have."""
    settings = {
        setting.name: {**setting.schema, "description": setting.description, "default": setting.default}
        for setting in rule.settings
    }
    return {**settings, WAIVERS: dict(waivers.SCHEMA)}


@dataclass(frozen=True, slots=True)
class Configured:
    """One rule's configuration, defaults filled in."""

    settings: Mapping[str, object]
    waivers: tuple[Waiver, ...] = ()


@dataclass(frozen=True, slots=True)
class Configuration:
    """Every rule's configuration, by id, and what is wrong with what was given."""

    rules: Mapping[str, Configured]
    problems: tuple[str, ...] = ()
    """Settings that no rule takes: each leaves its default in force."""
    no_waivers: tuple[str, ...] = field(default=())
    """Entries of `waivers` that waive nothing, whatever the day."""


def read(rules: Iterable[Rule], given: Mapping[str, Mapping[str, object]], others: Iterable[str] = ()) -> Configuration:
    """What `given` says about `rules`; never raises.

    Args:
        rules: all of the pack.
        given: for each policy, its keys and values as the CLI sends them.
        others: policies that are no rules and take no configuration but a level.
    """
    known = {rule.id: rule for rule in rules}
    problems = [_no_rule(name, known) for name in sorted(given.keys() - known.keys() - {*others, ALL})]
    configured: dict[str, Configured] = {}
    no_waivers: list[str] = []
    for rule in known.values():
        values = given.get(rule.id, {})
        settings, wrong = _settings(rule, values)
        granted, refused = waivers.read(rule.id, values.get(WAIVERS))
        configured[rule.id] = Configured(settings, granted)
        problems += wrong
        no_waivers += refused
    return Configuration(configured, tuple(problems), tuple(no_waivers))


def _settings(rule: Rule, values: Mapping[str, object]) -> tuple[dict[str, object], list[str]]:
    settings, wrong = {}, []
    for setting in rule.settings:
        settings[setting.name] = setting.default
        if setting.name in values:
            try:
                settings[setting.name] = fitted(values[setting.name], setting.schema)
            except MisfitError as error:
                wrong.append(f"{rule.id}: {setting.name} {error}. Its default, {json.dumps(setting.default)}, stays.")
    for key in sorted(values.keys() - settings.keys() - {WAIVERS}):
        taken = ", ".join([*settings, WAIVERS])
        wrong.append(f"{rule.id}: {key} is no setting of this rule. It takes {taken}.")
    return settings, wrong


def _no_rule(name: str, known: Mapping[str, Rule]) -> str:
    nearest = get_close_matches(name, known, n=1)
    return f"{name} is no rule of this pack." + (f" Did you mean {nearest[0]}?" if nearest else "")
