"""A waiver: who answers for a finding, why, until when; it lets one finding pass, and is reported."""

from datetime import date
from typing import Any

import pytest
from pulumi_policy import Severity

from isolation.rule import Finding, Resource, ResourceRule, StackRule, aws
from isolation.serving.pack import Pack
from isolation.stack import Stack

VOLUME = aws("ebs/volume")
WAIVER = {"resource": "disk-*", "owner": "storage team", "reason": "Moved in May.", "expires": "2026-05-31"}


def found(_: Resource) -> Any:
    yield Finding("encrypted", "is absent")
    yield Finding("tags[3].key", "is odd")


def found_in_stack(stack: Stack) -> Any:
    yield None, Finding("", "is odd")


RULE = ResourceRule(id="kept", title="X.", severity=Severity.LOW, remedy="Do.", checks={VOLUME: found})
STACK_RULE = StackRule(id="whole", title="X.", severity=Severity.LOW, remedy="Do.", check=found_in_stack)
DISK = Resource(VOLUME, "disk-1", "urn:pulumi:dev::vectordb::aws:ebs/volume:Volume::disk-1", {})


def pack(*waivers: Any, today: str = "2026-05-01", rule: str = "kept") -> Pack:
    made = Pack([RULE, STACK_RULE], today=lambda: date.fromisoformat(today))
    made.configure({rule: {"waivers": list(waivers)}})
    return made


def paths(made: Pack) -> list[str]:
    return [finding.path for finding in made.of_resource(RULE, DISK)]


def test_without_a_waiver_everything_is_found() -> None:
    assert paths(pack()) == ["encrypted", "tags[3].key"]


@pytest.mark.parametrize("resource", ["disk-1", "disk-*", "disk-?", "*disk-1", DISK.urn])
def test_a_waiver_names_a_resource_by_name_or_urn(resource: str) -> None:
    assert paths(pack(WAIVER | {"resource": resource})) == []


@pytest.mark.parametrize("resource", ["disk", "Disk-1", "disk-2"])
def test_a_waiver_for_another_resource_waives_nothing(resource: str) -> None:
    assert paths(pack(WAIVER | {"resource": resource})) == ["encrypted", "tags[3].key"]


@pytest.mark.parametrize(
    ("property_", "left"),
    [
        ("encrypted", ["tags[3].key"]),
        ("tags[3].key", ["encrypted"]),
        ("tags[].key", ["encrypted"]),
        ("tags[2].key", ["encrypted", "tags[3].key"]),
    ],
)
def test_a_waiver_may_name_one_property(property_: str, left: list[str]) -> None:
    assert paths(pack(WAIVER | {"property": property_})) == left


@pytest.mark.parametrize(
    ("today", "left"), [("2026-05-31", []), ("2026-06-01", ["encrypted", "tags[3].key"])], ids=["last day", "day after"]
)
def test_a_waiver_counts_through_its_last_day(today: str, left: list[str]) -> None:
    assert paths(pack(WAIVER, today=today)) == left


def test_a_waiver_in_use_is_reported_with_all_that_it_says() -> None:
    made = pack(WAIVER | {"property": "encrypted"})
    assert list(made.waivers()) == [
        ("", "The waiver of kept for disk-*, property encrypted by storage team meets no finding: it can go.")
    ]
    assert paths(made) == ["tags[3].key"]
    assert list(made.waivers()) == [
        (
            DISK.urn,
            (
                "disk-1: encrypted is absent. Waived for kept until 2026-05-31 (30 days left). "
                "Owner: storage team. Reason: Moved in May."
            ),
        )
    ]


def test_an_expired_waiver_says_so_beside_the_violation() -> None:
    made = pack(WAIVER | {"property": "encrypted"}, today="2026-06-02")
    assert paths(made) == ["encrypted", "tags[3].key"]
    [(_, sentence)] = made.waivers()
    assert sentence.startswith(
        "disk-1: encrypted is absent. The waiver of kept expired on 2026-05-31: it waives nothing."
    )


def test_a_finding_about_the_stack_can_be_waived() -> None:
    made = pack(WAIVER | {"resource": "The stack"}, rule="whole")
    assert list(made.of_stack(STACK_RULE, Stack([DISK]))) == []
    [(urn, sentence)] = made.waivers()
    assert urn == ""
    assert sentence.startswith("The stack is odd. Waived for whole until 2026-05-31")


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (7.0, "is no object"),
        ({}, "lacks resource and owner and reason and expires"),
        (WAIVER | {"owner": " "}, "lacks owner"),
        ({key: WAIVER[key] for key in WAIVER if key != "reason"}, "lacks reason"),
        (WAIVER | {"expires": 20260531.0}, "lacks expires"),
        (WAIVER | {"expires": "soon"}, "has an expires that is no day written YYYY-MM-DD"),
        (WAIVER | {"expires": "2026-02-30"}, "has an expires that is no day written YYYY-MM-DD"),
        (WAIVER | {"expires": "20260531"}, "has an expires that is no day written YYYY-MM-DD"),
        (WAIVER | {"expiers": "2026-05-31"}, "has a key that waivers do not have (expiers)"),
        (WAIVER | {"property": 1.0}, "has a property that is no string"),
        (
            WAIVER | {"resource": "**"},
            "names every resource (disable the rule instead, where everybody sees it)",
        ),
    ],
)
def test_a_waiver_that_lacks_something_waives_nothing_and_says_so(entry: Any, problem: str) -> None:
    made = pack(entry)
    assert paths(made) == ["encrypted", "tags[3].key"]
    assert [sentence for _, sentence in made.waivers()] == [f"waivers[0] of kept {problem}: it waives nothing."]
    assert made.configuration.problems == ()


@pytest.mark.parametrize("given", ["disk-1", 7.0, {}])
def test_waivers_that_are_no_list(given: Any) -> None:
    made = Pack([RULE])
    made.configure({"kept": {"waivers": given}})
    assert paths(made) == ["encrypted", "tags[3].key"]
    assert [sentence for _, sentence in made.waivers()] == ["waivers of kept is no list: it waives nothing."]
