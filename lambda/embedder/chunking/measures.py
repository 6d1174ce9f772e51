"""How large any part of a text is, in constant time: sums of each character's weight from the beginning on.

Tokens are estimated, because a model's own vocabulary is megabytes and Bedrock's are not published. The estimate is meant to be
too high: three letters a token where English has four to five, one token for each digit and sign, two for a character of three bytes
in UTF-8 such as Chinese, four for one of four such as emoji, and one for each letter of a word that is too long to be one.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple

LONGEST_WORD = 20
"""Letters; what is longer is a key, an address, or base64, and has hardly a token in any vocabulary."""
_THIRDS = 3
_TWO_BYTES, _THREE_BYTES, _FOUR_BYTES = 0x80, 0x800, 0x10000


class Measure(NamedTuple):
    """One measure of one text and what a chunk may have of it."""

    sums: Sequence[int] | None
    """The weight of the first n characters at [n]; None where each weighs 1."""
    most: int
    """In the sums' unit."""

    def reach(self, begin: int) -> int:
        """The furthest end of a part from `begin` that is not too large."""
        if self.sums is None:
            return begin + self.most
        return bisect_right(self.sums, self.sums[begin] + self.most) - 1

    def back(self, end: int, most: int) -> int:
        """The earliest begin of a part to `end` that weighs `most` at most."""
        if self.sums is None:
            return max(0, end - most)
        low, high = 0, end
        while low < high:
            middle = (low + high) // 2
            if self.sums[end] - self.sums[middle] <= most:
                high = middle
            else:
                low = middle + 1
        return low


def characters(most: int) -> Measure:
    """Characters of Unicode, as PostgreSQL's length counts them."""
    return Measure(None, most)


def tokens(text: str, most: int) -> Measure:
    """Estimated tokens."""
    return Measure(_sums(_token_thirds(text)), most * _THIRDS)


def octets(text: str, most: int) -> Measure:
    """Bytes in UTF-8."""
    return Measure(None if text.isascii() else _sums(_each(text, _bytes)), most)


def estimated_tokens(text: str) -> int:
    """How many tokens a text is taken for."""
    return -(-sum(_token_thirds(text)) // _THIRDS)


def thirds(unit: str, size: int) -> int:
    """A size of a plan in the unit of its measure's sums."""
    return size * _THIRDS if unit == "tokens" else size


def _sums(weights: bytes | bytearray) -> "array[int]":
    return array("I", accumulate(weights, initial=0))


def _each(text: str, weight: Callable[[str], int]) -> bytearray:
    """The weight of each character, a byte each: texts may have millions."""
    known = {character: weight(character) for character in set(text)}
    return bytearray(map(known.__getitem__, text))


def _token_thirds(text: str) -> bytearray:
    # By the C library where that is possible, which most texts are.
    weights = bytearray(text.encode().translate(_ASCII_THIRDS)) if text.isascii() else _each(text, _thirds_of)
    start = 0
    for word in text.split():
        if len(word) > LONGEST_WORD:
            start = text.index(word, start)
            for position in range(start, start + len(word)):
                weights[position] = max(weights[position], _THIRDS)
            start += len(word)
    return weights


def _thirds_of(character: str) -> int:
    code = ord(character)
    if code < _TWO_BYTES:
        return 1 if character.isalpha() or character.isspace() else _THIRDS
    if code < _THREE_BYTES:
        return _THIRDS
    return 2 * _THIRDS if code < _FOUR_BYTES else 4 * _THIRDS


def _bytes(character: str) -> int:
    code = ord(character)
    return 1 if code < _TWO_BYTES else 2 if code < _THREE_BYTES else 3 if code < _FOUR_BYTES else 4


_ASCII_THIRDS = bytes(_thirds_of(chr(code)) if code < _TWO_BYTES else 0 for code in range(256))
