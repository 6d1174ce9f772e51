"""What a stack declares in the settings of a rule, so that the rule lets it pass."""

from collections.abc import Iterator, Mapping

from isolation.rule import Check, Finding, Resource, Setting


def strings(settings: Mapping[str, object], name: str) -> list[str]:
    """The strings of a setting that is a list of them."""
    value = settings[name]
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def identifiers(name: str, description: str) -> Setting:
    """A setting that lists ids, ARNs or account numbers; nothing is declared by default."""
    return Setting(
        name=name,
        default=[],
        schema={"type": "array", "items": {"type": "string"}},
        description=description,
    )


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
