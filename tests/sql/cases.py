"""What the tests of the SQL share: what is declared, and how a failure is read."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.sql.doubles import index_arn

SQL = Path(__file__).resolve().parents[2] / "sql"
PASSWORD = "correct horse battery staple"

DECLARED = [
    {"name": "demo-index", "arn": index_arn("demo-index"), "dimension": 5, "metric": "cosine"},
    {"name": "many", "arn": index_arn("many"), "dimension": 2, "metric": "euclidean"},
    {"name": "empty", "arn": index_arn("empty"), "dimension": 3, "metric": "cosine"},
    {"name": "wide", "arn": index_arn("wide"), "dimension": 1536, "metric": "cosine"},
]
USERS = [
    {"name": "vectordb_app", "access": "writer"},
    {"name": "analyst", "access": "reader"},
    {"name": "operator", "access": "admin"},
]
READS = [
    "SELECT * FROM s3vl.query_vectors('[1,2,3,4,5]', 'demo-index')",
    "SELECT * FROM s3vl.get_vectors('{vec_001}', 'demo-index')",
    "SELECT * FROM s3vl.list_vectors(index_name => 'demo-index')",
]
reads = pytest.mark.parametrize("read", READS, ids=["query", "get", "list"])


def failure(connection: psycopg.Connection[Any], statement: str, *parameters: Any) -> tuple[Any, ...]:
    """What the statement's error says: SQLSTATE, message, detail, hint."""
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(statement, parameters or None)
    diagnosis = caught.value.diag
    return diagnosis.sqlstate, diagnosis.message_primary, diagnosis.message_detail, diagnosis.message_hint
