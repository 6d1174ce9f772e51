"""Which files there are, and what they must be called."""

import hashlib

import pytest

from vectordb.database import ledger, sqlfiles, values
from vectordb.errors import VectordbError


def lay(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def test_versioned_files_by_number_then_repeatable_ones_by_name(tmp_path):
    lay(tmp_path, {
        "versioned/1000_d.sql": "select 4", "versioned/020_c.sql": "select 3", "versioned/003_b.sql": "select 2",
        "repeatable/z.sql": "select 6", "repeatable/a.sql": "select 5",
    })  # fmt: skip
    assert [file.label for file in sqlfiles.discover(tmp_path)] == [
        "versioned/003_b.sql",
        "versioned/020_c.sql",
        "versioned/1000_d.sql",
        "repeatable/a.sql",
        "repeatable/z.sql",
    ]


def test_byte_order_mark_and_line_ends_are_made_alike(tmp_path):
    lay(tmp_path, {"repeatable/a.sql": b"\xef\xbb\xbfselect 1;\r\nselect '\xe2\x98\x83';\r\n"})
    assert sqlfiles.discover(tmp_path)[0].text == "select 1;\nselect '☃';\n"


@pytest.mark.parametrize(
    ("text", "transaction"),
    [
        ("-- vectordb: no-transaction\nselect 1", False),
        ("/* licence */\n-- what it does\n--  vectordb:no-transaction  \nselect 1", False),
        ("select 1;\n-- vectordb: no-transaction", True),  # a header stands at the head
        ("-- about vectordb: words\nselect 1", True),
    ],
)
def test_the_header_decides_about_the_transaction(tmp_path, text, transaction):
    lay(tmp_path, {"versioned/001_a.sql": text})
    assert sqlfiles.discover(tmp_path)[0].transaction is transaction


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"versioned/001_a.sql": "", "versioned/0001_b.sql": ""}, "have the same number"),
        ({"versioned/1_a.sql": ""}, "1_a.sql: not a name for a versioned file"),
        ({"versioned/001_Bad-name.sql": ""}, "001_Bad-name.sql: not a name for a versioned file"),
        ({"loose.sql": ""}, "these files would never be applied: .*loose.sql"),
        ({"repeatable/deep/a.sql": ""}, "these files would never be applied: .*deep/a.sql"),
        ({"repeatable/a.sql": b"select '\xff'"}, "a.sql: byte 8 is not UTF-8"),
        ({"repeatable/a.sql": b"x\n y\0"}, "a.sql:2:3: a NUL character"),
        (
            {"repeatable/a.sql": "\n-- vectordb: notransaction\n"},
            "a.sql:2: unknown header 'notransaction', allowed: no-transaction, after <pattern of files>",
        ),
        (
            {"versioned/001_a.sql": "-- vectordb: after 0*.sql"},
            "unknown header 'after 0[*].sql', allowed: no-transaction$",
        ),
        ({"repeatable/a.sql": "-- vectordb: after"}, "unknown header 'after'"),
        ({"repeatable/a.sql": "-- vectordb: after b.sql", "repeatable/b.sql": ""}, "no file before it is called b.sql"),
        ({"repeatable/a.sql": "/* never closed"}, "a.sql:1:1: the comment is not closed"),
    ],
)
def test_a_folder_that_would_not_do_what_it_seems_to_is_refused(tmp_path, files, message):
    with pytest.raises(VectordbError, match=message):
        sqlfiles.discover(lay(tmp_path, files))


def test_a_file_has_changed_when_one_that_it_follows_has(tmp_path):
    def checksums(of_a: str, of_c: str) -> list[str]:
        files = {"a1.sql": of_a, "b.sql": "-- vectordb: after a*.sql\nSELECT 1;", "c.sql": of_c}
        found = sqlfiles.discover(lay(tmp_path, {f"repeatable/{name}": text for name, text in files.items()}))
        assert [file.after for file in found] == ["", "a*.sql", ""]
        return [ledger.checksum(file, values.render(file.path, file.text, {})) for file in found]

    before = checksums("SELECT 1;", "SELECT 1;")
    assert [old == new for old, new in zip(before, checksums("SELECT 1;", "SELECT 2;"), strict=True)] == [
        True,
        True,
        False,
    ]
    assert [old == new for old, new in zip(before, checksums("SELECT 2;", "SELECT 1;"), strict=True)] == [
        False,
        False,
        True,
    ]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(VectordbError, match="there is no folder"):
        sqlfiles.discover(tmp_path / "none")


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("select 1;\n  COMMIT;", "a.sql:2:3: COMMIT"),
        ("begin; select 1; end", "a.sql:1:1: BEGIN"),
        ("start transaction", "a.sql:1:1: START"),
        ("rollback", "a.sql:1:1: ROLLBACK"),
        ("prepare transaction 'x'", "a.sql:1:1: PREPARE"),
        ("-- a line that CR ends\rcommit", "a.sql:1:24: COMMIT"),
        ("savepoint s; rollback to savepoint s; release s", ""),
        ("prepare q as select 1", ""),
        ("do $$ begin perform 1; end $$; -- commit;", ""),
        ("-- vectordb: no-transaction\nbegin; select 1; commit", ""),
    ],
)
def test_a_file_may_not_end_the_transaction_it_is_recorded_in(tmp_path, text, refused):
    [file] = sqlfiles.discover(lay(tmp_path, {"versioned/001_a.sql": text}))
    if not refused:
        sqlfiles.check(file)
        return
    with pytest.raises(VectordbError, match=f"{refused} would end the transaction"):
        sqlfiles.check(file)


def test_the_digest_is_over_paths_and_bytes_with_lf(tmp_path):
    lay(tmp_path, {"versioned/001_a.sql": b"a\r\nb\n", "repeatable/a.sql": "x", "readme.md": "no SQL"})
    expected = hashlib.sha256(b"repeatable/a.sql\0x\0versioned/001_a.sql\0a\nb\n\0").hexdigest()
    assert sqlfiles.digest(tmp_path) == expected
