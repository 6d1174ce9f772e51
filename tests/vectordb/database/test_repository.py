"""The repository's own SQL, applied as a whole by a master who is no superuser."""

import json
from pathlib import Path

import pytest

from vectordb.database import migrate, sqlfiles

from .conftest import VALUES

FOLDER = Path(__file__).parents[3] / "sql"
GIVEN = VALUES | {
    "users": json.dumps([{"access": "writer", "name": "vectordb_app"}]),
    "indexes": json.dumps([{
        "arn": "arn:aws:s3vectors:us-east-1:123456789012:bucket/vectors/index/stdlib", "dimension": 256, "metric": "cosine", "name": "stdlib",
    }]),
}  # fmt: skip


@pytest.mark.parametrize("version", [16, 18])
@pytest.mark.skipif(not list(FOLDER.rglob("*.sql")), reason="sql/ is empty")
def test_the_whole_of_sql_applies_and_is_then_unchanged(make_database, version):
    database = make_database(version)
    files = sqlfiles.discover(FOLDER)
    first = migrate.apply(database.connect, files, GIVEN, timeout=20, say=database.said.append)
    assert first.applied == [file.label for file in files]
    assert {"vector", "aws_lambda", "aws_commons"} <= set(first.versions)
    second = migrate.apply(database.connect, files, GIVEN, timeout=20, say=database.said.append)
    assert (second.applied, second.unchanged) == ([], len(files))
