"""docs/search-in-sql.md: its table of errors. Its examples run in tests/local/test_stack.py, on what they are written for."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "search-in-sql.md"


def test_every_error_of_the_page_is_one_of_the_bridge():
    page = PAGE.read_text()
    table = set(re.findall(r"\b(?:[0-9]{2}[0-9A-Z]{3}|S3V0[0-9])\b", page[page.index("## Errors") :]))
    source = (PAGE.parents[1] / "sql" / "repeatable" / "11_bridge_errors.sql").read_text()
    bridge = set(re.findall(r"^--   (\w{5})  ", source, re.MULTILINE))
    assert bridge <= table
    assert table - bridge == {"22P02", "22000", "22003", "57014"}  # PostgreSQL's and pgvector's
