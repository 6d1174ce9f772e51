"""What a check finds, and what is reported of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from vectordb.errors import VectordbError

if TYPE_CHECKING:
    from vectordb.doctor.context import Context, Subject


class State(StrEnum):
    """How a link is."""

    OK = "ok"
    WARNING = "warning"
    """It works and somebody should look, or this caller may not look."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """Nothing can be told while another link is broken, which is named."""
    NOT_APPLICABLE = "not applicable"
    """The stack goes another way."""


SOUND = frozenset({State.OK, State.WARNING, State.NOT_APPLICABLE})
"""What another check can build on."""


@dataclass(frozen=True)
class Finding:
    """What a check found: a sentence, and what to do when it is not well."""

    state: State
    detail: str
    remedy: str = ""


def ok(detail: str) -> Finding:
    """The link is sound."""
    return Finding(State.OK, detail)


def warning(detail: str, remedy: str) -> Finding:
    """It works, and somebody should look."""
    return Finding(State.WARNING, detail, remedy)


def failed(detail: str, remedy: str) -> Finding:
    """The link is broken."""
    return Finding(State.FAILED, detail, remedy)


def not_applicable(detail: str) -> Finding:
    """There is no such link on this stack's way."""
    return Finding(State.NOT_APPLICABLE, detail)


class SkippedError(Exception):
    """Nothing can be told before `needs`, another check's name, is sound."""

    def __init__(self, needs: str) -> None:
        super().__init__(f"needs {needs}")
        self.needs = needs


class DeniedError(VectordbError):
    """The caller may not look; whether the link is sound is not known."""


@dataclass(frozen=True)
class Check:
    """One link of the chain.

    Attributes:
        name: fixed, in lower case with hyphens; scripts rely on it.
        look: finds out. What it raises is a finding too: `SkippedError` skipped, `DeniedError` a warning, all else failed.
        needs: the checks that have to be sound first.
        elsewhere: why there is no such link on the stack's way; empty when there is one. Asked before anything is waited for.
        declared: whether the stack has what is looked at; a check without a subject is not reported as a line.
    """

    name: str
    look: "Callable[[Context], Finding]"
    needs: tuple[str, ...] = ()
    elsewhere: "Callable[[Subject], str]" = lambda _: ""
    declared: "Callable[[Subject], bool]" = lambda _: True


@dataclass(frozen=True)
class Outcome:
    """A line of the report. `seconds` is the check's own time, without what it waited for others."""

    name: str
    state: State
    seconds: float
    detail: str
    remedy: str

    def as_json(self) -> dict[str, Any]:
        """In the order in which it is printed."""
        return {
            "name": self.name,
            "state": self.state.value,
            "seconds": round(self.seconds, 3),
            "detail": self.detail,
            "remedy": self.remedy,
        }


@dataclass(frozen=True)
class Report:
    """All lines in the chain's order.

    Attributes:
        outcomes: of the checks that have a subject.
        absent: names of the checks whose subject the stack does not declare.
        seconds: from the first look to the last answer.
    """

    outcomes: tuple[Outcome, ...]
    absent: tuple[str, ...]
    seconds: float

    @property
    def failed(self) -> bool:
        """Whether any link is broken."""
        return any(outcome.state is State.FAILED for outcome in self.outcomes)

    def counts(self) -> dict[str, int]:
        """State → how many lines have it, in the order of `State`; only what there is."""
        states = [outcome.state for outcome in self.outcomes]
        return {state.value: states.count(state) for state in State if state in states}


def one_line(text: str) -> str:
    """Any text as one line."""
    return " ".join(text.split())


def without(secrets: Iterable[str], text: str) -> str:
    """`text` with every secret in it masked, the longest first."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    return text
