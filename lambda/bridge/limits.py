"""How much an answer may hold: Lambda carries 6 MB, and nothing may be left out without saying so."""

import json
from collections.abc import Sequence
from typing import Any

from protocol import MAX_ANSWER_BYTES, BridgeError

_SEPARATOR_BYTES = 2

Vector = dict[str, Any]


class Room:
    """What is still free in an answer.

    Bytes are counted as Lambda's runtime for Python may write them: with a space behind each separator, and everything
    beyond ASCII escaped.
    """

    def __init__(self) -> None:
        self.most = self.left = MAX_ANSWER_BYTES

    @property
    def used(self) -> int:
        """Bytes that are taken."""
        return self.most - self.left

    def take(self, vectors: Sequence[Vector | None], body: bytes) -> int:
        """Make room for as many of the leading vectors as fit, and say how many that is.

        Args:
            vectors: as they will be answered; None for one that will not.
            body: the service's answer that held them, an upper bound of their size when it is ASCII.
        """
        if body.isascii() and None not in vectors:
            bound = len(body) + body.count(b",") + body.count(b":")
            if bound <= self.left:
                self.left -= bound
                return len(vectors)
        for position, vector in enumerate(vectors):
            needed = size(vector) if vector else 0
            if needed > self.left:
                return position
            self.left -= needed
        return len(vectors)

    def further(self, taken: int) -> int:
        """How many more parts fit that are like the average of those taken."""
        return self.left * taken // max(self.used, 1)


def size(vector: Vector) -> int:
    """Bytes of one vector in the answer."""
    return len(json.dumps(vector)) + _SEPARATOR_BYTES


def too_large(what: str) -> BridgeError:
    """The refusal of what cannot be answered even alone."""
    return BridgeError("ResponseTooLarge", f"{what} is larger than an answer of Lambda may be")
