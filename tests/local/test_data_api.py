"""A stack without a bastion: its SQL step goes through the Data API here as on AWS; and the way back from it."""

import json
import shutil

import pytest

from tests.local.project import ROOT, Project
from vectordb.local import connections
from vectordb.local.clients import Clients
from vectordb.local.state import Folder


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The example, as it is."""
    made = Project(tmp_path_factory.mktemp("data-api") / "project")
    shutil.copy(ROOT / "examples" / "data-api" / "Pulumi.dev.yaml", made.folder / "Pulumi.dev.yaml")
    with made.up():
        yield made


@pytest.fixture(scope="module")
def folder(project):
    return Folder.of(project.folder, "dev")


def rows(folder, query):
    with connections.connect(folder.running(), folder.credentials(), admin=True) as connection:
        return connection.execute(query).fetchall()


def test_the_step_used_the_data_api_and_nothing_else(project, folder):
    running = folder.running()
    assert running.outputs["transport"] == "data-api"
    calls = Clients(running.emulator, running.region, folder.credentials()).calls()
    operations = {call["operation"] for call in calls if call["service"] == "rds-data"}
    assert operations == {"BeginTransaction", "ExecuteStatement", "CommitTransaction"}
    assert {tuple(call["resources"]) for call in calls if call["service"] == "rds-data"} == {
        (running.outputs["clusterArn"],)
    }
    applied = json.loads(running.outputs["sqlApplied"])["applied"]
    files = len([*(ROOT / "sql").rglob("*.sql")])
    assert len(applied) == files
    assert rows(folder, "select count(*) from vectordb.migrations") == [(files,)]


def test_it_is_checked_over_the_data_api_too(project):
    checked = project.run("migrate", "check", "--local", "--json")
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["pending"] == []
    assert checked.stderr == "transport: data-api (VECTORDB_TRANSPORT says so)\n"


def test_from_a_folder_below_it_is_checked_with_the_same_files(project, monkeypatch):
    below = project.folder / "below"
    below.mkdir()
    monkeypatch.setattr(project, "folder", below)
    checked = project.run("migrate", "check", "--local", "--json")
    assert checked.returncode == 0, checked.stderr


def test_a_failure_is_told_with_its_place(project):
    file = project.folder / "sql" / "versioned" / "900_wrong.sql"
    file.write_text("select 1;\n  selec 2")
    failed = project.run("migrate", "apply", "--local")
    file.unlink()
    assert (failed.returncode, failed.stdout) == (2, "")
    assert '900_wrong.sql:2:3: ERROR 42601: syntax error at or near "selec"' in failed.stderr


@pytest.mark.long
def test_the_schema_is_removed_and_made_anew(project, folder):
    arn = "arn:aws:s3vectors:us-east-1:123456789012:bucket/a-bucket/index/mine"
    rows(folder, f"select s3vl.register_index('mine', '{arn}')")
    rows(folder, "select s3vl.revoke_index('mine', 'vectordb_reader')")
    refused = project.run("remove-schema", "--local")  # nobody answers
    assert refused.returncode == 1
    assert "schemas: embed, embeddings, s3vl, vectordb" in refused.stderr
    assert "revoked from the groups of the deployment: 1 (read on mine from vectordb_reader)" in refused.stderr
    assert "A later `vectordb migrate apply` opens the indexes that these keep closed" in refused.stderr
    assert rows(folder, "select to_regclass('vectordb.migrations')::text") == [("vectordb.migrations",)]
    removed = project.run("remove-schema", "--local", "--yes")
    assert removed.returncode == 0, removed.stderr
    assert "revoked from the groups of the deployment: 1" in removed.stderr
    assert json.loads(removed.stdout) == {
        "schemas": ["embed", "embeddings", "s3vl", "vectordb"],
        "roles": ["vectordb_app", "vectordb_worker", "vectordb_writer", "vectordb_reader", "vectordb_owner"],
        "settings": {"revoked": 1},
        "kept": {"tables": [], "roles": {}},
    }
    assert rows(folder, "select to_regclass('vectordb.migrations')") == [(None,)]
    nothing = project.run("remove-schema", "--local")
    assert (nothing.returncode, json.loads(nothing.stdout)["schemas"]) == (0, [])
    assert "there is nothing to remove" in nothing.stderr
    applied = project.run("migrate", "apply", "--local")
    assert applied.returncode == 0, applied.stderr
    assert len(json.loads(applied.stdout)["applied"]) == len([*(ROOT / "sql").rglob("*.sql")])
