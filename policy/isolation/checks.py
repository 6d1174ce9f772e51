"""Checks that several rules are made of."""

from collections.abc import Iterator

from isolation.reading import Property
from isolation.rule import Check, Finding, Resource


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


def all_true(*patterns: str) -> Check:
    """A check that every property at `patterns` is true."""

    def check(resource: Resource) -> Iterator[Finding]:
        for pattern in patterns:
            for flag in resource.select(pattern):
                yield from is_true(flag)

    return check


def none_true(*patterns: str) -> Check:
    """A check that no property at `patterns` is true."""

    def check(resource: Resource) -> Iterator[Finding]:
        for pattern in patterns:
            for flag in resource.select(pattern):
                yield from is_not_true(flag)

    return check
