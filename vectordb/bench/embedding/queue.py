"""A standard queue of SQS, as far as the sample's shape makes use of it: visibility timeout, receive count, dead letters."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

_LOOK_SECONDS = 0.05


@dataclass(eq=False)
class Message:
    """One message."""

    body: str
    receives: int = 0
    visible_at: float = 0.0
    """On the monotonic clock."""


@dataclass
class Queue:
    """Thread-safe.

    Args:
        visibility_seconds: that a message which was received stays hidden; then it comes again, unless it was deleted.
        most_receives: after so many it goes to the dead letters in place of being received once more.
    """

    visibility_seconds: float
    most_receives: int = 3
    dead: list[Message] = field(default_factory=list)
    _messages: dict[int, Message] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __len__(self) -> int:
        """Messages that were neither deleted nor given up, the hidden ones too."""
        with self._lock:
            return len(self._messages)

    def send(self, body: str) -> None:
        """Add one."""
        message = Message(body)
        with self._lock:
            self._messages[id(message)] = message

    def receive(self, most: int, wait_seconds: float) -> list[Message]:
        """At most so many that are visible; waits so long for a batch to fill."""
        until = time.monotonic() + wait_seconds
        while self._visible() < most and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
        return self._take(most)

    def delete(self, messages: Sequence[Message]) -> None:
        """What was done comes no more."""
        with self._lock:
            for message in messages:
                self._messages.pop(id(message), None)

    def _visible(self) -> int:
        now = time.monotonic()
        with self._lock:
            return sum(message.visible_at <= now for message in self._messages.values())

    def _take(self, most: int) -> list[Message]:
        now = time.monotonic()
        found: list[Message] = []
        with self._lock:
            for message in [message for message in self._messages.values() if message.visible_at <= now]:
                if len(found) == most:
                    break
                if message.receives == self.most_receives:
                    self.dead.append(self._messages.pop(id(message)))
                    continue
                message.receives += 1
                message.visible_at = now + self.visibility_seconds
                found.append(message)
        return found
