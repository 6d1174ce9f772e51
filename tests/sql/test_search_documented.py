"""docs/search-in-sql.md: every block of SQL runs, and prints what the page says it prints."""

import hashlib
import json
import re
from pathlib import Path

import psycopg
import pytest

import embedding
from tests.sql.doubles import MODEL, answered, index_arn

PAGE = Path(__file__).resolve().parents[2] / "docs" / "search-in-sql.md"
BLOCK = re.compile(r"^```sql ?(\w*)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
ENTRIES = [
    (1, "gzip", "compress", 60, "compress bytes in gzip format"),
    (2, "gzip", "open", 45, "open a compressed file"),
    (3, "zlib", "compress", 30, "compress bytes"),
    (4, "zlib", "compressobj", 80, "compress a stream of bytes in pieces"),
    (5, "json", "dumps", 70, "turn an object into text"),
    (6, "bisect", "insort", 25, "insert into a sorted list"),
]
DIMENSION = 64


def meaning(text):
    """A vector that is near those of texts with the same words."""
    words = set(text.split()) - {"a", "an", "in", "into", "of"}
    hashes = [hashlib.sha512(word.encode()).digest() for word in words]
    return [sum(numbers) - 127.5 * len(words) for numbers in zip(*hashes, strict=True)]


def embed(operation, parameters):
    return answered({"embedding": meaning(parameters["inputText"])}) if operation == "InvokeModel" else None


@pytest.fixture
def stdlib(database, monkeypatch):
    """The index stdlib and the table stdlib.entries, as the page takes them to be."""
    arn = index_arn("stdlib")
    texts = {"textSearchConfigurations": [{"metadataKey": "doc", "language": "en"}]}
    database.vectors.create("stdlib", DIMENSION, metadataConfiguration=texts)
    rows = [(*entry, meaning(entry[-1])) for entry in ENTRIES]
    database.vectors.put(
        "stdlib",
        {
            str(key): (vector, {"module": module, "name": name, "lines": lines, "doc": doc})
            for key, module, name, lines, doc, vector in rows
        },
    )
    monkeypatch.setenv("VECTORDB_INDEX_ARNS", json.dumps([arn]))
    monkeypatch.setitem(embedding.MODELS, MODEL, embedding.MODELS[MODEL]._replace(dimensions=(DIMENSION,)))
    database.vectors.before = embed
    database.as_admin("SELECT s3vl.register_index('stdlib', %s)", arn)
    database.as_admin(
        "UPDATE s3vl.index_registry SET model = %s, dimension = %s WHERE index_name = 'stdlib'", MODEL, DIMENSION
    )
    with database.login("vectordb_admin") as master:
        master.execute("CREATE SCHEMA stdlib")
        master.execute(
            "CREATE TABLE stdlib.entries (id bigint PRIMARY KEY, module text, name text, lines int, doc text, embedding vector,"
            " kind text DEFAULT 'function')"
        )
        for row in rows:
            master.execute("INSERT INTO stdlib.entries VALUES (%s, %s, %s, %s, %s, %s::float8[]::vector)", row)
        master.execute(
            "GRANT USAGE ON SCHEMA stdlib TO vectordb_reader; GRANT SELECT ON stdlib.entries TO vectordb_reader"
        )
    yield database
    with database.login("vectordb_admin") as master:
        master.execute("DROP SCHEMA stdlib CASCADE")
    database.as_admin("SELECT s3vl.unregister_index('stdlib')")
    database.vectors._ask("DeleteIndex", {"indexArn": arn})


def printed(cursor):
    """The rows as psql prints them."""
    rows = [[column.name for column in cursor.description]]
    special = {None: "", True: "t", False: "f"}
    rows += [
        [special[value] if value is None or value is True or value is False else str(value) for value in row]
        for row in cursor
    ]
    numbers = [column.type_code in {20, 21, 23, 700, 701, 1700} for column in cursor.description]
    widths = [max(len(row[place]) for row in rows) for place in range(len(numbers))]
    lines = [" " + " | ".join(value.center(width) for value, width in zip(rows[0], widths, strict=True))]
    lines.append("+".join("-" * (width + 2) for width in widths))
    lines += [
        " "
        + " | ".join(
            value.rjust(width) if number else value.ljust(width)
            for value, width, number in zip(row, widths, numbers, strict=True)
        )
        for row in rows[1:]
    ]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def test_every_example_runs_and_prints_what_the_page_says(stdlib):
    blocks = BLOCK.findall(PAGE.read_text())
    assert len(blocks) == PAGE.read_text().count("```sql") >= 10
    with stdlib.login() as session:
        for state, statement, expected in blocks:
            if state:
                with pytest.raises(psycopg.Error) as caught:
                    session.execute(statement)
                said = caught.value.diag
                assert (said.sqlstate, f"ERROR:  {said.message_primary}\n") == (state, expected)
                continue
            stdlib.lambda_.events.clear()
            cursor = session.execute(statement)
            if cursor.description is None:
                assert cursor.rowcount > 0
                assert expected == ""
                continue
            assert printed(cursor) == expected, statement
            assert len(stdlib.lambda_.events) == 1, statement


def test_every_error_of_the_page_is_one_of_the_bridge(app):
    page = PAGE.read_text()
    table = set(re.findall(r"\b(?:[0-9]{2}[0-9A-Z]{3}|S3V0[0-9])\b", page[page.index("## Errors") :]))
    source = (PAGE.parents[1] / "sql" / "repeatable" / "11_bridge_errors.sql").read_text()
    bridge = set(re.findall(r"^--   (\w{5})  ", source, re.MULTILINE))
    assert bridge <= table
    assert table - bridge == {"22P02", "22000", "22003", "57014"}  # PostgreSQL's and pgvector's
