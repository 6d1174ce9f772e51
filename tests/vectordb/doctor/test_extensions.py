"""Versions of pgvector: which are warned of, and with what to do."""

import pytest

from vectordb.doctor.checks import sessions
from vectordb.doctor.findings import DeniedError, SkippedError
from vectordb.errors import VectordbError


class Database:
    """Answers the one question with rows of name, installed and default version."""

    def __init__(self, *rows):
        self.rows = list(rows)

    def execute(self, query, params=None):
        assert "pg_available_extensions" in query
        return self

    def fetchall(self):
        return self.rows


LAMBDA = ("aws_lambda", "1.0", "1.0")
CVE = "pgvector below 0.8.2 has CVE-2026-3172, parallel HNSW builds can leak data of other relations"
SERIAL = "Until then build indexes with max_parallel_maintenance_workers = 0, as `vectordb migrate apply` does."


def found(make_context, *rows):
    context = make_context(outcomes={"tls-chain": "ok", "iam-login": "ok"})
    context.everyday = Database(*rows)
    return sessions.installed_extensions(context)


@pytest.mark.parametrize(
    ("rows", "state", "detail", "remedy"),
    [
        ([LAMBDA, ("vector", "0.8.3", "0.8.3")], "ok", "aws_lambda 1.0, vector 0.8.3", ""),
        (
            [LAMBDA, ("vector", "0.8.1", "0.8.1")], "warning", f"aws_lambda 1.0, vector 0.8.1: {CVE}",
            f"Upgrade the engine, which brings a newer one. {SERIAL}",
        ),
        (
            [LAMBDA, ("vector", "0.8.1", "0.8.6")], "warning", f"aws_lambda 1.0, vector 0.8.1: {CVE}",
            f"0.8.6 is available: put ALTER EXTENSION vector UPDATE into a file of sql/versioned. {SERIAL}",
        ),
        (
            [LAMBDA, ("vector", "0.8.2", "0.8.2")], "warning",
            "aws_lambda 1.0, vector 0.8.2: pgvector below 0.8.3 may corrupt HNSW indexes when they are vacuumed",
            "Upgrade the engine, which brings a newer one. Then REINDEX INDEX CONCURRENTLY on every HNSW index.",
        ),
        (
            [LAMBDA, ("vector", "0.8.3", "0.8.6")], "warning", "aws_lambda 1.0, vector 0.8.3; pgvector 0.8.6 is available",
            "0.8.6 is available: put ALTER EXTENSION vector UPDATE into a file of sql/versioned.",
        ),
        (
            [("vector", None, "0.8.6")], "failed", "not installed: aws_lambda, vector",
            (
                "Apply the SQL: vectordb migrate apply; where the ledger says that was done, as the master: "
                "CREATE EXTENSION aws_lambda CASCADE; CREATE EXTENSION vector CASCADE;"
            ),
        ),
    ],
)  # fmt: skip
def test_versions(make_context, rows, state, detail, remedy):
    finding = found(make_context, *rows)
    assert (finding.state.value, finding.detail, finding.remedy) == (state, detail, remedy)


def test_the_required_ones_are_those_that_the_sql_makes(request):
    sql = (request.config.rootpath / "sql" / "versioned" / "002_extensions.sql").read_text()
    made = {line.split()[5] for line in sql.splitlines() if line.startswith("CREATE EXTENSION IF NOT EXISTS")}
    assert made == set(sessions.REQUIRED)


def test_where_no_login_gets_in_the_master_is_asked(make_context):
    context = make_context(outcomes={"tls-chain": "ok", "iam-login": "failed"})
    context.master = lambda: Database(LAMBDA, ("vector", "0.8.6", "0.8.6"))
    assert sessions.installed_extensions(context).state.value == "ok"


@pytest.mark.parametrize("error", [DeniedError("not authorized"), VectordbError("refused")])
def test_where_nobody_gets_in_the_login_is_named(make_context, error):
    context = make_context(outcomes={"tls-chain": "ok", "iam-login": "failed"})

    def refuse():
        raise error

    context.master = refuse
    with pytest.raises(SkippedError, match="iam-login"):
        sessions.installed_extensions(context)


def test_over_the_data_api_the_master_s_session_is_the_one(make_context):
    context = make_context(transport="data-api", outcomes={"data-api": "ok"})
    context.master = lambda: Database(LAMBDA, ("vector", "0.8.6", "0.8.6"))
    assert sessions.installed_extensions(context).state.value == "ok"
    broken = make_context(transport="data-api", outcomes={"data-api": "failed"})
    with pytest.raises(SkippedError, match="data-api"):
        sessions.installed_extensions(broken)
