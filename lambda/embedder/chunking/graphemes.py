"""Where a text may be cut without breaking what a reader sees as one character.

The rules of Unicode's UAX #29 that matter to a cut: nothing before a combining mark, a joiner, a variation selector or a skin tone,
nothing after a joiner, nothing between the halves of a flag, a CR and its LF, or the parts of a Hangul syllable.
"""

import unicodedata

FURTHEST = 64
"""Characters that a cut moves to find a place; a longer cluster is no character of any script, and is cut."""
_JOINER = "\u200d"
_MARKS = frozenset({"Mn", "Mc", "Me"})
_HANGUL_VOWELS_AND_FINALS = range(0x1160, 0x1200)
_HANGUL_JAMO = range(0x1100, 0x1200)
_HANGUL_SYLLABLES = range(0xAC00, 0xD7A4)
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_TAGS = range(0xE0020, 0xE0080)
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)


def may_cut(text: str, position: int) -> bool:
    """Whether text[:position] and text[position:] both begin and end with whole characters."""
    if position <= 0 or position >= len(text):
        return True
    before, after = text[position - 1], text[position]
    if before < "\u0300" and after < "\u0300":
        return not (before == "\r" and after == "\n")
    if before == _JOINER or _extends(after):
        return False
    code = ord(after)
    if code in _HANGUL_VOWELS_AND_FINALS and (ord(before) in _HANGUL_JAMO or ord(before) in _HANGUL_SYLLABLES):
        return False
    if code in _FLAG_LETTERS and ord(before) in _FLAG_LETTERS:
        return _flag_letters_before(text, position) % 2 == 0
    return True


def cut_at_or_before(text: str, position: int, begin: int) -> int:
    """The last place up to `position` where the text may be cut, after `begin`; `position` itself where there is none."""
    for place in range(position, max(begin, position - FURTHEST), -1):
        if may_cut(text, place):
            return place
    return position


def cut_at_or_after(text: str, position: int, end: int) -> int:
    """The first place from `position` where the text may be cut, up to `end`, which is one."""
    for place in range(position, min(end, position + FURTHEST)):
        if may_cut(text, place):
            return place
    return end


def _extends(character: str) -> bool:
    code = ord(character)
    return character == _JOINER or unicodedata.category(character) in _MARKS or code in _SKIN_TONES or code in _TAGS


def _flag_letters_before(text: str, position: int) -> int:
    start = position
    while start > 0 and ord(text[start - 1]) in _FLAG_LETTERS:
        start -= 1
    return position - start
