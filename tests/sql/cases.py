"""What the tests of the SQL share: what is declared, and how a failure is read."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.sql.doubles import MODEL, index_arn

SQL = Path(__file__).resolve().parents[2] / "sql"
PASSWORD = "correct horse battery staple"

DECLARED: list[dict[str, Any]] = [
    {
        "name": "demo-index",
        "arn": index_arn("demo-index"),
        "dimension": 5,
        "metric": "cosine",
        "model": MODEL,
        "fullTextKeys": [{"key": "body", "language": "en"}],
    },
    {"name": "many", "arn": index_arn("many"), "dimension": 2, "metric": "euclidean"},
    {"name": "empty", "arn": index_arn("empty"), "dimension": 3, "metric": "cosine"},
    {"name": "wide", "arn": index_arn("wide"), "dimension": 1536, "metric": "cosine"},
    {"name": "copies", "arn": index_arn("copies"), "dimension": 8, "metric": "cosine"},
    {"name": "private", "arn": index_arn("private"), "dimension": 3, "metric": "cosine"},
    {"name": "tenants", "arn": index_arn("tenants"), "dimension": 4, "metric": "cosine", "tenantKey": "tenant"},
]
"""demo-index: the sample's five dimensions, with a model and full-text search. many: 5,000 vectors. wide: a usual dimension.
copies: to be written to. private: analyst alone may read it. tenants: vectors of acme, of globex, of both."""
USERS = [
    {"name": "vectordb_app", "access": "writer"},
    {"name": "analyst", "access": "reader"},
    {"name": "operator", "access": "admin"},
    {"name": "acme", "access": "writer"},
    {"name": "globex", "access": "writer"},
    {"name": "shop", "access": "writer"},
]
"""acme and globex are bound to the tenants of these names; shop is an application that is trusted to name one."""
READS = [
    "SELECT * FROM s3vl.query_vectors('[1,2,3,4,5]', 'demo-index')",
    "SELECT * FROM s3vl.get_vectors('{vec_001}', 'demo-index')",
    "SELECT * FROM s3vl.list_vectors(index_name => 'demo-index')",
]
reads = pytest.mark.parametrize("read", READS, ids=["query", "get", "list"])
MORE_READS = [
    *READS,
    "SELECT * FROM s3vl.query_vectors_batch(ARRAY['[1,2,3,4,5]'::vector], 'demo-index')",
    """SELECT * FROM s3vl.hybrid_query_vectors('[1,2,3,4,5]', '{"body": "words"}', 'demo-index')""",
    """SELECT * FROM s3vl.full_text_query('{"body": "words"}', 'demo-index')""",
    "SELECT * FROM s3vl.search_text('words', 'demo-index')",
    "SELECT * FROM s3vl.list_all_vectors('demo-index')",
    "SELECT * FROM s3vl.describe_index('demo-index')",
]
"""Each answers from demo-index with at least one row."""
every_read = pytest.mark.parametrize("read", MORE_READS, ids=lambda read: read.partition("s3vl.")[2].partition("(")[0])


def failure(connection: psycopg.Connection[Any], statement: str, *parameters: Any) -> tuple[Any, ...]:
    """What the statement's error says: SQLSTATE, message, detail, hint."""
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(statement, parameters or None)
    diagnosis = caught.value.diag
    return diagnosis.sqlstate, diagnosis.message_primary, diagnosis.message_detail, diagnosis.message_hint
