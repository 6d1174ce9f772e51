"""From a text to its terms, in each language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectordb.local.emulator.s3vectors.text.analysis import LANGUAGES, analyzer


@pytest.mark.parametrize(
    ("language", "text", "terms"),
    [
        (None, "Read the CSV-file, 2 times!", ["read", "the", "csv", "file", "2", "times"]),
        (None, "os.path.join(snake_case) E4021", ["os", "path", "join", "snake_case", "e4021"]),
        (None, "don't l\u2019été 'quoted'", ["don't", "l\u2019été", "quoted"]),
        # Compatibility forms: a ligature, full-width letters, a combining accent.
        (None, "e\ufb03cient \uff21\uff22 cafe\u0301", ["efficient", "ab", "café"]),
        (None, "\U0001d400\U0001f600 ... \n", ["a"]),
        ("en", "The queries of the users' files", ["query", "user", "file"]),
        ("en", "Python's classes, bus, glass, houses and does", ["python", "classe", "bus", "glass", "house", "doe"]),
        ("en", "was it the one", ["one"]),
        ("fr", "Les fichiers", ["les", "fichiers"]),
        ("de", "Straßen und Öl", ["straßen", "und", "öl"]),
        ("zh", "向量数据库 S3", ["向量", "量数", "数据", "据库", "s3"]),
        ("ja", "猫。カタカナ", ["猫", "カタ", "タカ", "カナ"]),
        ("ja", "ｶﾀｶﾅ", ["カタ", "タカ", "カナ"]),
        ("ko", "벡터 검색 v2", ["벡터", "검색", "v2"]),
        (None, "벡터 검색", ["벡터", "검색"]),
        (None, "", []),
    ],
)
def test_terms(language, text, terms):
    assert analyzer(language)(text) == terms


@given(st.text(max_size=60), st.sampled_from([None, *LANGUAGES]))
def test_terms_are_lower_case_words_and_case_says_nothing(text, language):
    analyse = analyzer(language)
    terms = analyse(text)
    assert all(term and not any(character.isspace() for character in term) for term in terms)
    assert analyse(f"{text}\n\n{text}") == terms * 2
    if text.isascii():
        assert analyse(text.upper()) == terms
