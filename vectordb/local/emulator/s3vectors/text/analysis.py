"""From a text to the terms that are searched.

The service's analyzers are not public, so these are simple and predictable ones:

- standard (no language given; also French, Spanish, Portuguese, Italian, German and Dutch): words of letters, digits and
  underscores, an apostrophe inside a word belonging to it; compatibility forms unified (NFKC) and lower-cased.
- English: the same without possessive 's, without Lucene's 33 stop words, and with Harman's s-stemmer ("How effective is
  suffixing?", 1991), which takes plurals off: "queries" is "query", "files" is "file".
- Chinese, Japanese and Korean: pairs of neighbouring characters of those scripts, a lone character by itself; other words
  as in the standard.

The same analyzer reads what is stored and what is asked.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

LANGUAGES = ("en", "fr", "es", "pt", "it", "de", "nl", "zh", "ja", "ko")
"""The model's LanguageCode."""

Analyzer = Callable[[str], list[str]]

_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
_POSSESSIVE = re.compile(r"['\u2019]s$")
# Kana, Bopomofo, Han with its iteration marks and extensions, Hangul: one group between the other words.
_EAST_ASIAN = re.compile(
    r"([\u3005\u3006\u3040-\u30ff\u3105-\u312f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    r"\U00020000-\U0003fffd]+)"
)
_STOP_WORDS = frozenset(
    _WORD.findall(
        "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this"
        " to was will with"
    )
)
_SHORTEST_PLURAL = 4


def analyzer(language: str | None) -> Analyzer:
    """The analyzer of a language code, the standard one for None."""
    return _ANALYZERS.get(language or "", standard)


def standard(text: str) -> list[str]:
    """Lower-case words."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return _WORD.findall(text.lower())


def english(text: str) -> list[str]:
    """Lower-case words without stop words, plurals as their singulars."""
    return list(filter(None, map(_stem, standard(text))))


def pairs(text: str) -> list[str]:
    """Pairs of East Asian characters, and words."""
    terms = []
    for position, part in enumerate(_EAST_ASIAN.split(unicodedata.normalize("NFKC", text).lower())):
        if position % 2 == 0:  # what is between the groups
            terms.extend(_WORD.findall(part))
        elif len(part) == 1:
            terms.append(part)
        else:
            terms.extend(part[at : at + 2] for at in range(len(part) - 1))
    return terms


@lru_cache(maxsize=1 << 17)
def _stem(word: str) -> str:
    """Empty for a stop word."""
    word = _POSSESSIVE.sub("", word)
    if word in _STOP_WORDS:
        return ""
    if len(word) < _SHORTEST_PLURAL or not word.endswith("s"):
        return word
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return word[:-3] + "y"
    if word.endswith("es") and not word.endswith(("aes", "ees", "oes")):
        return word[:-1]
    return word if word.endswith(("us", "ss")) else word[:-1]


_ANALYZERS: dict[str, Analyzer] = {"en": english, "zh": pairs, "ja": pairs, "ko": pairs}
