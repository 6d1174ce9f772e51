"""Where statements end, in all the ways PostgreSQL lets a semicolon not end one."""

import pytest

from vectordb.database import lexer
from vectordb.database.lexer import Kind


def split(text):
    return [text[found.start : found.end] for found in lexer.statements(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select 1; select 2", ["select 1", "select 2"]),
        ("select 1;;; ; select 2;", ["select 1", "select 2"]),
        ("-- only; a comment\n/* and; another */", []),
        ("select ';' ; select 2", ["select ';'", "select 2"]),
        ("select 'it''s;' ; select 2", ["select 'it''s;'", "select 2"]),
        (r"select 'back\'; select 2", [r"select 'back\'", "select 2"]),
        (r"select E'back\';' ; select 2", [r"select E'back\';'", "select 2"]),
        ("select E'a'\n  'b\\';c' ; select 2", ["select E'a'\n  'b\\';c'", "select 2"]),
        ('select 1 as "a;""b" ; select 2', ['select 1 as "a;""b"', "select 2"]),
        ("do $$ begin perform 1; end $$; select 2", ["do $$ begin perform 1; end $$", "select 2"]),
        ("do $a$ x; $b$ y; $b$ $$ ; $a$; select 2", ["do $a$ x; $b$ y; $b$ $$ ; $a$", "select 2"]),
        ("select a$$b; select c$$d", ["select a$$b", "select c$$d"]),  # $ inside a name opens no quote
        ("select $1; select 2", ["select $1", "select 2"]),
        ("select 1 /* a /* nested; */ ; */ + 1; select 2", ["select 1 /* a /* nested; */ ; */ + 1", "select 2"]),
        ("create rule r as on insert to t do also (delete from a; delete from b); select 2",
         ["create rule r as on insert to t do also (delete from a; delete from b)", "select 2"]),
        ("create function f() returns int begin atomic select 1; select case when true then 1 end; end; select 2",
         ["create function f() returns int begin atomic select 1; select case when true then 1 end; end", "select 2"]),
        ("CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC select 1; END; select 2",
         ["CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC select 1; END", "select 2"]),
        ("begin; select 1; end; select 2", ["begin", "select 1", "end", "select 2"]),
        ("select 'ünï; ☃'; select 2", ["select 'ünï; ☃'", "select 2"]),
        ("select 100 % 7; select 2", ["select 100 % 7", "select 2"]),
    ],
)  # fmt: skip
def test_statements_end_where_postgresql_ends_them(text, expected):
    assert split(text) == expected


@pytest.mark.parametrize(
    ("text", "problem", "offset"),
    [
        ("select 'open", "the quoted string is not closed", 7),
        ('select "open', "the quoted name is not closed", 7),
        ("select $x$ open $y$", "the dollar quote $x$ is not closed", 7),
        ("select /* a /* b */", "the comment is not closed", 7),
    ],
)
def test_what_is_never_closed_is_told_with_its_beginning(text, problem, offset):
    with pytest.raises(lexer.LexicalError) as caught:
        lexer.statements(text)
    assert (caught.value.problem, caught.value.offset) == (problem, offset)


def test_tokens_leave_no_gap():
    text = "select 'a', $t$b$t$, \"c\", :{region}, 1.5e3::int; -- end\n/* x */"
    found = list(lexer.tokens(text))
    assert "".join(text[token.start : token.end] for token in found) == text
    assert [text[t.start : t.end] for t in found if t.kind is Kind.PLACEHOLDER] == [":{region}"]


def test_ten_megabytes_in_one_string_are_read_once():
    text = "select '" + "x''" * 3_000_000 + "'; select 2"
    assert len(lexer.statements(text)) == 2


def test_place_counts_lines_and_columns_from_one():
    assert lexer.place("ab\ncd", 0) == (1, 1)
    assert lexer.place("ab\ncd", 4) == (2, 2)
