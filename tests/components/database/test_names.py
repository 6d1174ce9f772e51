"""Identifiers fit AWS's rules whatever the project and the stack are called."""

import re

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.database.database import identifier
from tests.components.database.harness import PLACE, build

# 1 to 63 letters, digits and hyphens; a letter first, no hyphen last, no two together (RDS API, CreateDBCluster).
LEGAL = re.compile(r"(?=.{1,63}$)[a-z][a-z0-9]*(-[a-z0-9]+)*")


@pytest.fixture
def called(monkeypatch):
    def call(project, stack):
        monkeypatch.setattr(pulumi, "get_project", lambda: project)
        monkeypatch.setattr(pulumi, "get_stack", lambda: stack)
        return identifier("database", 1)

    return call


@pytest.mark.parametrize(
    ("project", "stack", "expected"),
    [
        ("vectordb", "dev", "vectordb-dev-database-1"),
        ("My_Project", "team.A", "my-project-team-a-database-872a7944-1"),
        ("9lives", "dev--2", "db-9lives-dev-2-database-f827798d-1"),
        ("v" * 40, "production", "v" * 40 + "-p-3be3c157-1"),
    ],
)
def test_names_are_made_of_project_stack_component_and_generation(called, project, stack, expected):
    assert called(project, stack) == expected


name = st.text(alphabet="abcXYZ019._-", min_size=1, max_size=100)


@given(name, name, st.integers(min_value=1, max_value=9999))
def test_every_identifier_is_legal_with_room_for_the_readers_and_keeps_its_generation(project, stack, generation):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pulumi, "get_project", lambda: project)
        patch.setattr(pulumi, "get_stack", lambda: stack)
        made = identifier("database", generation)
    assert LEGAL.fullmatch(f"{made}-reader-15")
    assert made.endswith(f"-{generation}")


def test_long_stacks_that_differ_at_the_end_have_different_identifiers(called):
    assert called("p" * 60, "a" * 30 + "1") != called("p" * 60, "a" * 30 + "2")


def test_what_exists_before_the_cluster_is_named_after_it():
    from components.database.aurora import AuroraDatabase

    built = build(
        lambda: AuroraDatabase("database", {**PLACE, "generation": 3, "readers": 1, "protect": True}) and None
    )
    assert built.only("Cluster").inputs["clusterIdentifier"] == "vectordb-dev-database-3"
    assert built.only("Cluster").inputs["finalSnapshotIdentifier"] == "vectordb-dev-database-3-final"
    assert [r.inputs["identifier"] for r in built.registrations if "ClusterInstance" in r.type] == [
        "vectordb-dev-database-3-writer",
        "vectordb-dev-database-3-reader-1",
    ]
    assert {r.inputs["name"] for r in built.registrations if "LogGroup" in r.type} == {
        "/aws/rds/cluster/vectordb-dev-database-3/postgresql",
        "/aws/rds/cluster/vectordb-dev-database-3/iam-db-auth-error",
        "/aws/rds/cluster/vectordb-dev-database-3/instance",
    }


def test_stacks_that_differ_in_what_aws_does_not_allow_have_different_identifiers(called):
    assert len({called("shop", stack) for stack in ("team.a", "team-a", "team_a", "Team-a")}) == 4
