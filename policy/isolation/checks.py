"""Checks that several rules are made of."""

from collections.abc import Callable, Iterator, Mapping

from isolation.reading.properties import Property
from isolation.rule import Check, Finding, Resource, aws

Judge = Callable[[Property], Iterator[Finding]]
"""What is wrong with one property."""


def presence(what: str) -> Check:
    """A check that finds every resource of its type; `what` is its predicate: `is an internet gateway`."""

    def check(_: Resource) -> Iterator[Finding]:
        yield Finding("", what)

    return check


def is_true(flag: Property) -> Iterator[Finding]:
    """A finding unless `flag` is true or unknown; absent is the provider's default, false."""
    if flag.truth is not True and not flag.unknown:
        problem = "is absent, and false by default" if flag.absent else f"is {flag.described}, not true"
        yield Finding(flag.path, problem, f"Set {flag.path} to true.")


def is_not_true(flag: Property) -> Iterator[Finding]:
    """A finding unless `flag` is false, absent or unknown; a value that is no boolean is a finding too."""
    if flag.truth is not False and flag.given:
        problem = f"is {flag.described}, not false"
        yield Finding(flag.path, problem, f"Set {flag.path} to false.")


def is_not_false(flag: Property) -> Iterator[Finding]:
    """A finding unless `flag` is true, absent or unknown: where true is the default."""
    if flag.truth is not True and flag.given:
        yield Finding(flag.path, f"is {flag.described}, not true", f"Leave {flag.path} out, or set it to true.")


def is_false(flag: Property) -> Iterator[Finding]:
    """A finding unless `flag` is false or unknown: where absent is the default, true."""
    if flag.absent:
        yield Finding(flag.path, "is absent, and true by default", f"Set {flag.path} to false.")
    else:
        yield from is_not_true(flag)


def is_given(value: Property) -> Iterator[Finding]:
    """A finding when `value` is absent, or an empty list."""
    if value.absent or (not value.unknown and not list(value.elements())):
        yield Finding(value.path, "is absent" if value.absent else "is empty", f"Set {value.path}.")


def is_one_of(*allowed: str, default: str = "") -> Judge:
    """A finding unless the text is one of `allowed` or unknown.

    Args:
        allowed: what it may be; AWS's own words, which are no secrets.
        default: what absent means, if that is worth saying; when it is one of `allowed`, absent is no finding.
    """
    choice = " or ".join(allowed)

    def judge(value: Property) -> Iterator[Finding]:
        if value.unknown or value.text in allowed or (value.absent and default in allowed):
            return
        meaning = f", and {default} by default" if default else ""
        problem = f"is absent{meaning}" if value.absent else f"is {value.described}, not {choice}"
        yield Finding(value.path, problem, f"Set {value.path} to {choice}.")

    return judge


def at_least(minimum: float, value: Property, unit: str, default: str = "") -> Iterator[Finding]:
    """A finding unless `value` is a number of at least `minimum` `unit`, or unknown; `default` is what absent means."""
    if value.unknown or (value.number is not None and value.number >= minimum):
        return
    meaning = f", and {default} by default" if default else ""
    described = f"below {minimum:g} {unit}" if value.number is not None else value.described
    yield Finding(
        value.path,
        f"is absent{meaning}" if value.absent else f"is {described}",
        f"Set {value.path} to at least {minimum:g} {unit}.",
    )


def customer_key(key: Property) -> Iterator[Finding]:
    """A finding unless the property names a key that is not AWS's own (`alias/aws/…`), or is unknown."""
    if key.unknown:
        return
    if key.text is None:
        yield Finding(key.path, f"is {key.described}")
    elif "alias/aws/" in key.text or key.text == "AWS_OWNED_KMS_KEY":
        yield Finding(key.path, "names a key that AWS manages")


def every(judge: Judge, *patterns: str) -> Check:
    """A check that asks `judge` about every property at `patterns`."""

    def check(resource: Resource) -> Iterator[Finding]:
        for pattern in patterns:
            for found in resource.select(pattern):
                yield from judge(found)

    return check


def all_true(*patterns: str) -> Check:
    """A check that every property at `patterns` is true."""
    return every(is_true, *patterns)


def none_true(*patterns: str) -> Check:
    """A check that no property at `patterns` is true."""
    return every(is_not_true, *patterns)


def on(checks: Mapping[str, Check]) -> dict[str, Check]:
    """Checks by their types' tokens, from types as Pulumi's registry writes them: `rds/cluster`."""
    return {aws(path): check for path, check in checks.items()}
