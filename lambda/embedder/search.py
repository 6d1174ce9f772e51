"""Which texts of a refused call are the ones refused, in few calls.

One half of the suspects is asked. If it is refused, the search goes on in it and the other half is put aside untested; if it is
not, its vectors are there and the other half is the suspect one. In the end one text is left, and is asked alone, because setting a row
aside for good wants certainty. All that was put aside goes into one call. So one bad text in n costs log2 n calls, one for the
certainty, and one for the rest; several bad ones as many searches.
"""

from typing import Generic, TypeVar

T = TypeVar("T")


class Search(Generic[T]):
    """The search for one bad text among `suspects`, two or more, which were refused together."""

    def __init__(self, suspects: list[T]) -> None:
        self._suspects = suspects
        self._aside: list[T] = []
        self._asked: list[T] = []
        self.found: T | None = None
        """The text that was refused alone."""

    def next(self) -> list[T] | None:
        """What to ask now, or None when the search is over."""
        if self.found is not None or not self._suspects:
            return None
        count = len(self._suspects)
        self._asked = self._suspects if count == 1 else self._suspects[: count // 2]
        return self._asked

    def answered(self) -> None:
        """What was asked has its vectors."""
        self._suspects = self._suspects[len(self._asked) :]

    def refused(self) -> None:
        """What was asked was refused."""
        if len(self._asked) == 1:
            self.found = self._asked[0]
        self._aside += self._suspects[len(self._asked) :]
        self._suspects = [] if self.found is not None else self._asked

    def rest(self) -> list[T]:
        """What has not been asked, or not alone: put aside, and still suspect."""
        return self._suspects + self._aside
