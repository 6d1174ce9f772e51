"""Settings: defaults in code, whole numbers that came as doubles, and what is said about values that do not fit."""

import json
from pathlib import Path
from typing import Any

import pytest
from pulumi_policy import Severity

from isolation.registry import RULES
from isolation.rule import Finding, Resource, ResourceRule, Setting, StackRule, aws
from isolation.serving.configuration import ALL, WAIVERS, read, schema
from isolation.serving.crossguard import OWN_POLICIES
from isolation.serving.schemas import KEYWORDS, MisfitError, fitted
from isolation.stack import Stack

FOLDER = Path(__file__).parents[2] / "policy"
DAYS = Setting(name="days", default=365, schema={"type": "integer", "minimum": 1, "maximum": 3653}, description="Days.")
WORDS = Setting(
    name="words", default=["a"], schema={"type": "array", "items": {"type": "string"}}, description="Words."
)


def rule(**changes: Any) -> ResourceRule:
    given = {"id": "kept", "title": "X.", "severity": Severity.LOW, "remedy": "Do.", "checks": {}} | changes
    return ResourceRule(**given)


CONFIGURED = rule(settings=(DAYS, WORDS))


def test_nothing_configured_is_the_defaults() -> None:
    configuration = read([CONFIGURED], {})
    assert configuration.rules["kept"].settings == {"days": 365, "words": ["a"]}
    assert configuration.problems == ()


def test_a_whole_number_comes_as_a_double_and_is_an_integer() -> None:
    settings = read([CONFIGURED], {"kept": {"days": 30.0}}).rules["kept"].settings
    assert settings == {"days": 30, "words": ["a"]}
    assert type(settings["days"]) is int


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"days": "hunter2"}, "kept: days is a string, not a whole number from 1 to 3653. Its default, 365, stays."),
        ({"days": 0.0}, "kept: days is 0, not a whole number from 1 to 3653. Its default, 365, stays."),
        ({"days": 1.5}, "kept: days is a number, not a whole number from 1 to 3653. Its default, 365, stays."),
        ({"days": True}, "kept: days is true, not a whole number from 1 to 3653. Its default, 365, stays."),
        ({"days": None}, "kept: days is null, not a whole number from 1 to 3653. Its default, 365, stays."),
        ({"words": "a"}, 'kept: words is a string, not a list, each a string. Its default, ["a"], stays.'),
        (
            {"words": ["a", 7.0]},
            'kept: words holds something that is a number, not a string. Its default, ["a"], stays.',
        ),
        ({"dyas": 1.0}, "kept: dyas is no setting of this rule. It takes days, words, waivers."),
    ],
)
def test_what_does_not_fit_is_told_and_leaves_the_default(given: dict[str, Any], sentence: str) -> None:
    configuration = read([CONFIGURED], {"kept": given})
    assert configuration.problems == (sentence,)
    assert configuration.rules["kept"].settings == CONFIGURED.defaults


def test_a_name_that_is_no_rule_is_told_with_the_nearest() -> None:
    given: dict[str, dict[str, object]] = {"kepd": {}, "zzz": {}, ALL: {}, "own": {}}
    assert read([CONFIGURED], given, ["own"]).problems == (
        "kepd is no rule of this pack. Did you mean kept?",
        "zzz is no rule of this pack.",
    )


@pytest.mark.parametrize(
    ("value", "described"),
    [
        ({"enum": ["a", "b"]}, "one of a, b"),
        ({"type": "number", "maximum": 2}, "a number of at most 2"),
        ({"type": "string", "pattern": "^a"}, "a string that matches ^a"),
        ({"type": "boolean"}, "true or false"),
    ],
)
def test_what_is_allowed_is_said(value: dict[str, Any], described: str) -> None:
    with pytest.raises(MisfitError, match=f"not {described}".replace("^", r"\^")):
        fitted({}, value)


def test_a_check_finds_its_settings_whoever_runs_it() -> None:
    def check(resource: Resource) -> Any:
        yield Finding("", f"is kept {resource.settings['days']} days")

    def of_stack(stack: Stack) -> Any:
        yield stack.resources[0], Finding("", f"is kept {stack.settings['days']} days")

    judged = Resource(aws("ebs/volume"), "thing", "urn:thing", {})
    assert [f.problem for f in rule(settings=(DAYS,), checks={judged.type: check}).findings(judged)] == [
        "is kept 365 days"
    ]
    kept = StackRule(id="x", title="X.", severity=Severity.LOW, remedy="Do.", settings=(DAYS,), check=of_stack)
    assert [f.problem for _, f in kept.findings(Stack([judged]))] == ["is kept 365 days"]
    assert [f.problem for _, f in kept.findings(Stack([judged], {"days": 2}))] == ["is kept 2 days"]


# ---- every rule


@pytest.mark.parametrize("each", [each for each in RULES if each.settings], ids=lambda each: each.id)
def test_every_setting_has_a_default_that_fits_and_a_schema_that_is_understood(each: ResourceRule | StackRule) -> None:
    for setting in each.settings:
        assert setting.name not in (WAIVERS, "enforcementLevel")
        assert setting.description.endswith(".")
        assert setting.schema.keys() <= KEYWORDS
        assert setting.schema.get("items", {}).keys() <= KEYWORDS
        assert fitted(setting.default, setting.schema) == setting.default
    json.dumps(schema(each))


# ---- the files


@pytest.mark.parametrize("file", sorted(FOLDER.glob("config.*.json")), ids=lambda file: file.name)
def test_the_pack_s_own_configurations_say_only_what_the_rules_take(file: Path) -> None:
    loaded = json.loads(file.read_text())
    given = {
        name: {key: item for key, item in value.items() if key != "enforcementLevel"}
        for name, value in loaded.items()
        if isinstance(value, dict)
    }
    configuration = read(RULES, given, OWN_POLICIES)
    assert configuration.problems == ()
    assert configuration.no_waivers == ()
    assert all(configured.waivers == () for configured in configuration.rules.values())
    assert loaded.keys() <= {rule.id for rule in RULES} | {*OWN_POLICIES, ALL}
    levels = [value if isinstance(value, str) else value.get("enforcementLevel") for value in loaded.values()]
    assert {level for level in levels if level} <= {"mandatory", "remediate"}


def test_every_stack_has_a_configuration() -> None:
    stacks = {file.stem.partition(".")[2] for file in FOLDER.parent.glob("Pulumi.*.yaml")}
    assert {file.stem.partition(".")[2] for file in FOLDER.glob("config.*.json")} == stacks
