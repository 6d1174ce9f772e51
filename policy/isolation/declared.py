"""What a stack declares in the settings of a rule, so that the rule lets it pass."""

from collections.abc import Iterator, Mapping
from typing import Final

from isolation.reading.addresses import PRIVATE
from isolation.rule import Check, Finding, Resource, Setting


def strings(settings: Mapping[str, object], name: str) -> list[str]:
    """The strings of a setting that is a list of them."""
    value = settings[name]
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def number(settings: Mapping[str, object], name: str) -> int:
    """A setting that is a whole number."""
    value = settings[name]
    return value if isinstance(value, int) else 0


def required(description: str) -> Setting:
    """The setting `required`, by which a stack does without what a rule demands; demanded by default."""
    return Setting(name="required", default=True, schema={"type": "boolean"}, description=description)


def identifiers(name: str, description: str) -> Setting:
    """A setting that lists ids, ARNs or account numbers; nothing is declared by default."""
    return Setting(
        name=name,
        default=[],
        schema={"type": "array", "items": {"type": "string"}},
        description=description,
    )


PRIVATE_CIDRS: Final = Setting(
    name="privateCidrs",
    default=list(PRIVATE),
    schema={"type": "array", "minItems": 1, "items": {"type": "string", "pattern": "^[0-9A-Fa-f:.]+/[0-9]{1,3}$"}},
    description="The CIDR blocks that count as private; name your own to admit less, or leave 100.64.0.0/10 out.",
)


def private_cidrs(settings: Mapping[str, object]) -> list[str]:
    """What the rule that asks counts as private."""
    return strings(settings, PRIVATE_CIDRS.name)


def presence_unless(what: str, setting: str, *keys: str) -> Check:
    """A check that finds every resource of its type, unless its name, or one of the properties `keys`, is declared.

    A property has to be known for that; the name is for what only the deployment will give an id.

    Args:
        what: the predicate of the finding: `peers with another VPC`.
        setting: the name of the list in which a stack declares who may.
        keys: the properties that say who.
    """

    def check(resource: Resource) -> Iterator[Finding]:
        declared = strings(resource.settings, setting)
        if resource.name not in declared and not any(resource.at(key).text in declared for key in keys):
            yield Finding("", what)

    return check
