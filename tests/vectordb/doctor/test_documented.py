"""The names that scripts rely on: the table in code and the one that people read are one."""

import re
from pathlib import Path

from vectordb.doctor.checks import CHECKS

PAGE = Path(__file__).parents[3] / "docs" / "doctor.md"


def test_the_page_lists_every_check_in_the_order_of_the_report():
    _, _, table = PAGE.read_text(encoding="utf-8").partition("## Checks")
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (.+) \| (.+) \|$", table, re.MULTILINE)
    assert [name for name, _, _ in rows] == [check.name for check in CHECKS]
    assert all(proof and remedy for _, proof, remedy in rows)


def test_the_names_are_these_for_ever():
    assert [check.name for check in CHECKS] == [
        "region-and-identity",
        "clock-skew",
        "vpc-block-public-access",
        "database-state",
        "plugin",
        "bastion",
        "document",
        "tunnel",
        "dns",
        "tls-chain",
        "forced-tls",
        "iam-login",
        "data-api",
        "extensions",
        "role-associations",
        "bridge",
        "vector-indexes",
        "s3-vectors",
        "sql-ledger",
        "embedding-worker",
        "queue",
        "embedding-sweeps",
        "vectorizers",
        "bedrock-models",
    ]


def test_what_a_check_needs_is_reported_before_it():
    seen = set()
    for check in CHECKS:
        assert set(check.needs) <= seen, check.name
        seen.add(check.name)
