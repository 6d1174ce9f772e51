"""What the supervisor tells the command that started it: one JSON object a line over a pipe."""

import json
import sys
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """One line.

    Attributes:
        kind: made (a resource), ready, or failed.
        text: the resource's name, or the failure.
        detail: the resource's type, or the failure's remedy.
        seconds: since the supervisor started.
        exit_code: of a failure.
    """

    kind: str
    text: str = ""
    detail: str = ""
    seconds: float = 0.0
    exit_code: int = 0

    @classmethod
    def parse(cls, line: str) -> "Event | None":
        """The event of a line, None for anything else that was printed."""
        try:
            found: Any = json.loads(line)
            return cls(**found)
        except (ValueError, TypeError):
            return None


def send(event: Event) -> None:
    """Tell the command that waits; when it is gone, nobody is told."""
    try:
        print(json.dumps(asdict(event)), flush=True)  # noqa: T201 - standard output is the pipe
    except (BrokenPipeError, ValueError):
        sys.stdout = sys.stderr
