"""What can go wrong with a call, by what is to be done about it. No message holds content of a row or words of a model's answer."""

from enum import StrEnum

LONGEST_MESSAGE = 300


class Kind(StrEnum):
    """As embed.fail takes them."""

    THROTTLE = "throttle"
    """Too many requests: nobody's fault. Later, and slower for everyone; no attempt is counted."""
    TRANSIENT = "transient"
    """May go well the next time: later, and an attempt is counted."""
    POISON = "poison"
    """This text will never be taken: the row is set aside, the others go on."""
    CONFIGURATION = "configuration"
    """No text would be taken: the vectorizer stops until someone has mended it."""


class CallError(Exception):
    """A call without vectors.

    Args:
        kind: what to do.
        code: the service's own, or one of ours; a word.
        message: one sentence for whoever operates this, without content.
        delay: seconds that the service asked for, or None.
    """

    def __init__(self, kind: Kind, code: str, message: str, delay: float | None = None) -> None:
        super().__init__(f"{code}: {message}"[:LONGEST_MESSAGE])
        self.kind = kind
        self.code = code
        self.delay = delay


class SettingsError(ValueError):
    """The environment or a generation's configuration is not usable; the message says what, and holds no content."""
