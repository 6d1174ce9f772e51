"""Files as editors, generators and accidents make them: each runs as it is written, or is refused with its place."""

import pytest

from vectordb.errors import VectordbError


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"\xef\xbb\xbfinsert into t values ('bom')", ["bom"]),
        (b"insert into t\r\nvalues ('a\r\nb');\r\n-- end\r\n", ["a\nb"]),
        (b"insert into t values ('100%s %(x)s %% {} \\'), (E'\\'' || '%')", ["100%s %(x)s %% {} \\", "'%"]),
        (b"do $a$ begin execute $b$ insert into t values ($c$;$$;$d$--$c$) $b$; end $a$;;", [";$$;$d$--"]),
        (b"/* a /* ; */ -- */ insert into t values ('nested')", ["nested"]),
        ((b"create function f() returns text language sql begin atomic select 'x;'; select case when true then 'atomic' end; end;"
         b"insert into t select f()"), ["atomic"]),
        (b"insert into t values ('a') -- no end of line", ["a"]),
        (b"-- CR ends it\rinsert into t values (E'a'\r'b')", ["ab"]),
        (b"insert into t values (U&'d\\0061t\\+000061'); insert into t values ('a'\n  'b')", ["data", "ab"]),
        (b"", []),
        (b"-- nothing\n;;\n/* */", []),
        (b"insert into t values ('\xc3\xa9\xe2\x98\x83\xf0\x9f\x98\x80')", ["é☃😀"]),
        (b"insert into t values ('$1 $2 :x :1 ?')", ["$1 $2 :x :1 ?"]),
    ],
    ids=["byte order mark", "CRLF", "percent", "nested dollar quotes", "nested comment", "atomic body", "no end of line", "CR alone", "unicode escapes",
         "empty", "comments only", "not ASCII", "placeholders of others"],
)  # fmt: skip
def test_it_runs_as_written(database, content, rows):
    database.write("versioned/001_t.sql", "create table t (x text)")
    (database.folder / "versioned/002_odd.sql").write_bytes(content)
    assert database.apply().applied == ["versioned/001_t.sql", "versioned/002_odd.sql"]
    assert [x for (x,) in database.rows("select x from t order by ctid")] == rows
    assert database.apply().applied == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"select 1;\n  selec 2", '2:3: ERROR 42601: syntax error at or near "selec"'),
        (b"select 'open", "1:8: the quoted string is not closed"),
        (b"select 1;\nselect $x$ $y$", "2:8: the dollar quote $x$ is not closed"),
        (b"select (1", "1:10: ERROR 42601: syntax error at end of input"),
        (b"select 1)", '1:9: ERROR 42601: syntax error at or near ")"'),
        (b"select 1;\ncommit;", "2:1: COMMIT would end the transaction in which the file is applied and recorded"),
        (b"select \x00", "1:8: a NUL character, which PostgreSQL does not take"),
        (b"select '\xff'", ": byte 8 is not UTF-8"),
        (b"\xff\xfes\x00", ": byte 0 is not UTF-8"),
        (b"\\i other.sql", '1:1: ERROR 42601: syntax error at or near "\\"'),
        (b"<<<<<<< HEAD\nselect 1", '1:1: ERROR 42601: syntax error at or near "<<<<<<<"'),
    ],
    ids=["syntax", "string", "dollar quote", "end of input", "parenthesis", "commit", "NUL", "latin-1", "UTF-16", "psql", "conflict"],
)  # fmt: skip
def test_what_is_malformed_is_refused_with_its_place(database, content, told):
    database.write("versioned/001_t.sql", "create table t (x text)")
    path = database.folder / "versioned/002_odd.sql"
    path.write_bytes(content)
    with pytest.raises(VectordbError) as caught:
        database.apply()
    separator = "" if told.startswith(":") else ":"
    assert caught.value.message.splitlines()[0] == f"{path}{separator}{told}"
    assert "insert" not in " ".join(database.said)


def test_the_line_that_is_shown_is_the_one_that_is_counted(database):
    """To an editor a form feed begins no line, nor does U+2028."""
    path = database.write("versioned/001_t.sql", "select 1;\f\nselect '\u2028', 2;\n\tselec 3")
    with pytest.raises(VectordbError) as caught:
        database.apply()
    assert caught.value.message.splitlines() == [
        f'{path}:3:2: ERROR 42601: syntax error at or near "selec"',
        "  3 |  selec 3",
        "    |  ^",
    ]


def test_ten_megabytes_of_statements(database):
    database.write(
        "versioned/001_t.sql", "create table t (x text);\n" + f"insert into t values ('{'x' * 1000}');\n" * 10_000
    )
    assert database.apply().applied == ["versioned/001_t.sql"]
    assert database.rows("select count(*), sum(length(x)) from t") == [(10_000, 10_000_000)]
