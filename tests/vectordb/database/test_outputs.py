"""From a stack's outputs to settings, and where the outputs come from."""

import json
import os
import sys

import pytest

from vectordb.database import outputs
from vectordb.database.outputs import User
from vectordb.errors import VectordbError

AURORA = {
    "endpoint": "vectordb-dev-database-1.cluster-c0ffee.us-east-1.rds.amazonaws.com",
    "port": 5432,
    "resourceId": "cluster-ABC",
    "arn": "arn:aws:rds:us-east-1:123456789012:cluster:vectordb-dev-database-1",
    "secretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!cluster-1",
    "sessionDocument": "bastion-forward-1a2b3c4",
    "proxyEndpoint": None,
}
RDS = {
    **AURORA,
    "endpoint": "vectordb-dev-rds-1.c0ffee.us-east-1.rds.amazonaws.com",
    "resourceId": "db-XYZ",
    "sessionDocument": "bastion-forward-rds-5d6e7f8",
    "proxyEndpoint": "vectordb-dev-rds-proxy-1.proxy-c0ffee.us-east-1.rds.amazonaws.com",
}
INDEX = {
    "name": "stdlib",
    "arn": "arn:aws:s3vectors:us-east-1:123456789012:bucket/b/index/stdlib",
    "dimension": 256,
    "metric": "cosine",
}
STACK = {
    "region": "us-east-1",
    "endpoint": AURORA["endpoint"],
    "port": 5432,
    "database": "vectordb",
    "transport": "ssm",
    "bastionId": "i-0123456789abcdef0",
    "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:vectordb-dev-bridge:live",
    "indexes": [INDEX],
    "users": [{"name": "vectordb_app", "access": "writer"}, {"name": "report", "access": "reader"}],
    "databases": {"rds": RDS, "database": AURORA},
}


def test_the_primary_is_the_one_that_endpoint_names():
    found = outputs.settings(STACK)
    assert outputs.names(STACK) == ["database", "rds"]
    assert (found.host, found.port, found.database, found.region) == (
        AURORA["endpoint"], 5432, "vectordb", "us-east-1",
    )  # fmt: skip
    assert (found.transport, found.bastion_id, found.session_document) == (
        "ssm", "i-0123456789abcdef0", "bastion-forward-1a2b3c4",
    )  # fmt: skip
    assert (found.secret_arn, found.cluster_resource_id, found.cluster_arn) == (
        AURORA["secretArn"], "cluster-ABC", AURORA["arn"],
    )  # fmt: skip
    assert (found.hostaddr, found.hostaddr_port, found.ca_bundle) == ("", 5432, None)
    assert json.loads(found.indexes) == [INDEX]
    assert found.users == '[{"access":"writer","name":"vectordb_app"},{"access":"reader","name":"report"}]'
    assert outputs.users(STACK) == [User("vectordb_app", "writer"), User("report", "reader")]


def test_another_database_has_its_own_document_and_identity():
    found = outputs.settings(STACK, database="rds")
    assert (found.host, found.session_document, found.cluster_resource_id) == (
        RDS["endpoint"], "bastion-forward-rds-5d6e7f8", "db-XYZ",
    )  # fmt: skip
    assert outputs.settings(STACK, database="rds", proxy=True).host == RDS["proxyEndpoint"]
    with pytest.raises(VectordbError, match="the database database has no proxy"):
        outputs.settings(STACK, proxy=True)
    with pytest.raises(VectordbError, match="no database 'other'") as caught:
        outputs.settings(STACK, database="other")
    assert caught.value.remedy == "Give one of: database, rds."


def test_a_stack_of_the_time_of_one_database():
    flat = {
        "region": "us-east-1", "endpoint": AURORA["endpoint"], "port": 5432, "clusterResourceId": "cluster-ABC",
        "secretArn": AURORA["secretArn"], "bastionId": "i-0123456789abcdef0", "sessionDocument": "forward",
    }  # fmt: skip
    found = outputs.settings(flat)
    assert (found.host, found.session_document, found.transport, found.database) == (
        AURORA["endpoint"], "forward", "ssm", "vectordb",
    )  # fmt: skip
    assert outputs.settings({**flat, "bastionId": None}).transport == "direct"


def test_outputs_of_another_program():
    with pytest.raises(VectordbError, match="lack region and endpoint"):
        outputs.settings({"bucket": "x"})


@pytest.fixture
def cli(tmp_path, monkeypatch):
    """A `pulumi` on PATH that does what a Python text says."""
    monkeypatch.delenv(outputs.OUTPUTS, raising=False)

    def make(program):
        script = tmp_path / "bin" / "pulumi"
        script.parent.mkdir(exist_ok=True)
        script.write_text(f"#!{sys.executable}\nimport json, os, sys\n{program}\n")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
        return tmp_path

    return make


def test_the_cli_is_asked_in_the_projects_folder(cli):
    folder = cli("print(json.dumps({'argv': sys.argv[1:], 'cwd': os.getcwd()}))")
    asked = ["stack", "output", "--json", "--non-interactive"]
    assert outputs.read(folder, "") == {"argv": asked, "cwd": str(folder)}
    assert outputs.read(folder, "acme/prod") == {"argv": [*asked, "--stack", "acme/prod"], "cwd": str(folder)}


@pytest.mark.parametrize(
    ("program", "message", "remedy"),
    [
        ("sys.exit(\"error: no stack named 'dev' found\")", "failed: no stack named 'dev' found", "pulumi stack ls"),
        ("print('{}')", "the stack dev has no outputs: it is not deployed yet", "pulumi up"),
        ("print('updating is available')", "is not a JSON object", "pulumi stack output --json"),
    ],
)
def test_what_the_cli_can_answer(cli, program, message, remedy):
    folder = cli(program)
    with pytest.raises(VectordbError, match=message) as caught:
        outputs.read(folder, "dev")
    assert remedy in caught.value.remedy


def test_without_the_cli_a_file_does(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(outputs.OUTPUTS, raising=False)
    with pytest.raises(
        VectordbError, match="the Pulumi CLI, which knows the stack's outputs, is not on PATH"
    ) as caught:
        outputs.read(tmp_path, "dev")
    assert "VECTORDB_OUTPUTS" in caught.value.remedy
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(STACK))
    monkeypatch.setenv(outputs.OUTPUTS, str(file))
    assert outputs.read(tmp_path, "dev") == STACK
    file.unlink()
    with pytest.raises(VectordbError, match="cannot be read"):
        outputs.read(tmp_path, "dev")
