"""Which vectors hold a term: inverted indexes in memory, made from the stored metadata.

Documents are numbered in the order of writing. A rewritten vector gets a new number; what the old one left in the
postings is skipped, and swept out when there is more of it than of what lives.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vectordb.local.emulator.s3vectors.text.analysis import analyzer
from vectordb.local.emulator.s3vectors.text.ranking import Numbers, bm25

# A posting is document << 16 | frequency: 40 KB of metadata have fewer words than that.
_FREQUENCY_BITS = 16
_FREQUENCY = (1 << _FREQUENCY_BITS) - 1
_SPARE_NUMBERS = 4096


@dataclass(frozen=True, slots=True)
class TextQuery:
    """Words to search under one metadata key."""

    key: str
    text: str
    language: str | None = None


def _postings() -> "array[int]":
    return array("q")


class Field:
    """The texts of one metadata key."""

    def __init__(self, language: str | None) -> None:
        self.language = language
        self.complete = False
        """Whether the vectors from before the configuration are in."""
        self._analyse = analyzer(language)
        self._postings: defaultdict[str, array[int]] = defaultdict(_postings)
        self._lengths: array[int] = array("i")
        """Terms of each document; 0 where there is no text."""
        self._texts = 0
        self._terms = 0

    def has(self, document: int) -> bool:
        """Whether the document has a text here."""
        return document < len(self._lengths) and self._lengths[document] > 0

    def add(self, document: int, value: Any) -> None:
        """Take a document's text: a string, or the strings of a list; other values are none."""
        terms = self._terms_of(value)
        if not terms:
            return
        if document >= len(self._lengths):
            self._lengths.extend([0] * (document + 1 - len(self._lengths)))
        self._lengths[document] = len(terms)
        self._texts += 1
        self._terms += len(terms)
        base = document << _FREQUENCY_BITS
        postings = self._postings
        for term, frequency in Counter(terms).items():
            postings[term].append(base + frequency)

    def remove(self, document: int) -> None:
        """Forget a document's text, if it has one."""
        if self.has(document):
            self._texts -= 1
            self._terms -= self._lengths[document]
            self._lengths[document] = 0

    def scores(self, text: str, documents: int) -> Numbers:
        """The BM25 score of each of the documents, 0 for those that hold none of the text's terms."""
        scores = np.zeros(documents)
        lengths = np.array(self._lengths, dtype=np.float64)
        for term in dict.fromkeys(self._analyse(text)):
            found = self._postings.get(term)
            if found is None:
                continue
            postings = np.array(found, dtype=np.int64)
            numbers = postings >> _FREQUENCY_BITS
            of_each = lengths[numbers]
            living = of_each > 0
            numbers = numbers[living]
            frequencies = (postings[living] & _FREQUENCY).astype(np.float64)
            scores[numbers] += bm25(
                frequencies, of_each[living], texts=self._texts, average_length=self._terms / max(self._texts, 1)
            )
        return scores

    def renumber(self, numbers: NDArray[np.int64]) -> None:
        """Give each document its new number, in the same order, and sweep out what has none (-1)."""
        lengths = np.array(self._lengths, dtype=np.int32)
        moved = np.zeros(int(numbers.max(initial=-1)) + 1, dtype=np.int32)
        kept = numbers[: len(lengths)]
        moved[kept[kept >= 0]] = lengths[kept >= 0]
        self._lengths = array("i", moved.tobytes())
        swept: defaultdict[str, array[int]] = defaultdict(_postings)
        for term, found in self._postings.items():
            postings = np.array(found, dtype=np.int64)
            target = numbers[postings >> _FREQUENCY_BITS]
            living = target >= 0
            if living.any():
                packed = (target[living] << _FREQUENCY_BITS) | (postings[living] & _FREQUENCY)
                swept[term] = array("q", packed.tobytes())
        self._postings = swept

    def _terms_of(self, value: Any) -> list[str]:
        if isinstance(value, str):
            return self._analyse(value)
        if isinstance(value, list):
            return [term for element in value if isinstance(element, str) for term in self._analyse(element)]
        return []


class TextIndex:
    """The searchable keys of one index. Not thread-safe: the index holds a lock."""

    def __init__(self) -> None:
        self.fields: dict[str, Field] = {}
        self._numbers: dict[str, int] = {}
        self._keys: list[str] = []
        """By number; a key that has been rewritten is there more than once."""

    def begin(self, key: str, language: str | None) -> Field:
        """The field of a metadata key; a new one is to be filled with what is stored already."""
        field = self.fields.get(key)
        if field is None or field.language != language:
            field = self.fields[key] = Field(language)
        return field

    def drop(self, key: str) -> None:
        """Forget a metadata key."""
        self.fields.pop(key, None)
        if not self.fields:
            self._numbers.clear()
            self._keys.clear()

    def fill(self, field: Field, key: str, value: Any) -> None:
        """Bring in a vector that was stored before the field was made, unless it has come by itself."""
        number = self._numbers.get(key)
        if number is None:
            number = self._number(key)
        if not field.has(number):
            field.add(number, value)

    def put(self, keys: Sequence[str], metadata: Sequence[Mapping[str, Any]]) -> None:
        """Insert or replace vectors; of equal keys the last counts."""
        if not self.fields:
            return
        self.delete(keys)
        last = dict(zip(keys, metadata, strict=True))
        for key, values in last.items():
            number = self._number(key)
            for name, field in self.fields.items():
                if name in values:
                    field.add(number, values[name])
        if len(self._keys) > 2 * len(self._numbers) + _SPARE_NUMBERS:
            self._sweep()

    def delete(self, keys: Iterable[str]) -> None:
        """Remove those of the keys that are there."""
        for key in keys:
            number = self._numbers.pop(key, None)
            if number is not None:
                for field in self.fields.values():
                    field.remove(number)

    def scores(self, queries: Sequence[TextQuery]) -> list[Numbers]:
        """For each query the BM25 score of each document (see `key_of`), 0 where it matches none of the words."""
        size = len(self._keys)
        return [
            self.fields[query.key].scores(query.text, size) if query.key in self.fields else np.zeros(size)
            for query in queries
        ]

    def key_of(self, document: int) -> str:
        """The vector's key of a document that has a score."""
        return self._keys[document]

    def _number(self, key: str) -> int:
        number = self._numbers[key] = len(self._keys)
        self._keys.append(key)
        return number

    def _sweep(self) -> None:
        numbers = np.full(len(self._keys), -1, dtype=np.int64)
        living = sorted(self._numbers.values())
        numbers[living] = np.arange(len(living))
        self._keys = [self._keys[number] for number in living]
        self._numbers = {key: number for number, key in enumerate(self._keys)}
        for field in self.fields.values():
            field.renumber(numbers)
