"""Values are put in as literals, where code is, and nowhere else."""

from pathlib import Path

import pytest

from vectordb.database import values
from vectordb.errors import VectordbError

GIVEN = {
    "embedding": "null",
    "function_arn": "arn:aws:lambda:us-east-1:123456789012:function:bridge:live",
    "indexes": '[{"name":"it\'s"}]',
    "master": "vectordb_admin",
    "region": "us-east-1",
    "users": "[]",
}
FILE = Path("sql/repeatable/x.sql")


def render(text, given=GIVEN):
    return values.render(FILE, text, given)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select :{region}", "select 'us-east-1'"),
        ("select :{indexes}::jsonb, :{region}", "select '[{\"name\":\"it''s\"}]'::jsonb, 'us-east-1'"),
        ("do $$ begin perform f(:{region}); end $$", "do $$ begin perform f('us-east-1'); end $$"),
        ("do $a$ execute $b$ select :{region} $b$ $a$", "do $a$ execute $b$ select 'us-east-1' $b$ $a$"),
        ("-- :{region}\n/* :{region} :{unknown} */ select 1", "-- :{region}\n/* :{region} :{unknown} */ select 1"),
        (
            "select 'a:{b}', '{\"a\":{}}'::jsonb, ':' || '{region}'",
            "select 'a:{b}', '{\"a\":{}}'::jsonb, ':' || '{region}'",
        ),
        ("select '100%', 5 % 2, x::text", "select '100%', 5 % 2, x::text"),
    ],
)
def test_values_stand_where_code_is(text, expected):
    assert render(text).text == expected


def test_a_backslash_in_a_value_is_no_escape():
    assert render("select :{region}", {"region": "a\\'b"}).text == "select  E'a\\\\''b'"


def test_the_values_in_a_file_are_told_and_no_others():
    rendered = render("select :{users}, :{region}, :{region}")
    assert rendered.used_json() == '{"region":"us-east-1","users":"[]"}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("select 1,\n  :{regoin}", "sql/repeatable/x.sql:2:3: unknown value 'regoin', known: embedding, function_arn, indexes, master, region, users"),
        ("select ':{region}'", "sql/repeatable/x.sql:1:9: the value region stands inside quotes; it brings its own, so put it outside of them"),
        ("do $$ execute 'x :{region}' $$", "sql/repeatable/x.sql:1:18: the value region stands inside quotes; it brings its own, so put it outside of them"),
        ('select 1 as "a:{region}"', "sql/repeatable/x.sql:1:15: the value region stands inside quotes; it brings its own, so put it outside of them"),
        ("select ':{", "sql/repeatable/x.sql:1:8: the quoted string is not closed"),
    ],
)  # fmt: skip
def test_a_value_in_the_wrong_place_is_told_with_line_and_column(text, message):
    with pytest.raises(VectordbError) as caught:
        render(text)
    assert caught.value.message == message


def test_a_value_cannot_end_the_dollar_quote_around_it():
    with pytest.raises(VectordbError, match=r"x\.sql:1:12: the value of region holds \$\$, the dollar quote around it"):
        render("do $$ exec(:{region}) $$", {"region": "$$; drop table t; --"})


def test_places_in_the_rendered_text_lead_back_to_the_file():
    text = "a :{region} b :{users} c"
    rendered = render(text)
    for letter in "abc":
        assert rendered.origin(rendered.text.index(f" {letter}") + 1 if letter != "a" else 0) == (
            text.index(f" {letter}") + 1 if letter != "a" else 0
        )
    assert rendered.origin(rendered.text.index("us-east-1")) == text.index(":{region}")
    assert rendered.origin(rendered.text.index("[]")) == text.index(":{users}")
