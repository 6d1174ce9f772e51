"""Bad settings are told all at once, each by the name of its variable."""

import pytest

from vectordb.database import settings
from vectordb.database.settings import Settings
from vectordb.errors import VectordbError

from .conftest import GOOD


def test_defaults():
    found = Settings.from_environment(GOOD)
    assert (found.port, found.database, found.transport, found.indexes, found.users) == (
        5432,
        "vectordb",
        "ssm",
        "[]",
        "[]",
    )
    assert (found.hostaddr, found.hostaddr_port, found.ca_bundle, found.session_document) == ("", 5432, None, "")


def test_json_becomes_canonical_so_that_spaces_are_no_change():
    found = Settings.from_environment(GOOD | {
        "VECTORDB_USERS": '[ {"name": "vectordb_app", "access": "writer"} ]',
        "VECTORDB_INDEXES": '[{"metric":"cosine","dimension":256,"arn":"arn:aws:s3vectors:x","name":"é"}]',
    })  # fmt: skip
    assert found.users == '[{"access":"writer","name":"vectordb_app"}]'
    assert found.indexes == '[{"arn":"arn:aws:s3vectors:x","dimension":256,"metric":"cosine","name":"é"}]'


def test_an_address_needs_no_bastion():
    found = Settings.from_environment({name: value for name, value in GOOD.items() if name != "VECTORDB_BASTION_ID"} | {
        "VECTORDB_HOSTADDR": "127.0.0.1", "VECTORDB_HOSTADDR_PORT": "15432",
    })  # fmt: skip
    assert (found.hostaddr, found.hostaddr_port, found.port) == ("127.0.0.1", 15432, 5432)


def test_every_problem_is_told_at_once():
    with pytest.raises(VectordbError) as caught:
        Settings.from_environment({"VECTORDB_PORT": "0", "VECTORDB_TRANSPORT": "smm", "VECTORDB_REGION": " "})
    assert caught.value.message.splitlines() == [
        "VECTORDB_TRANSPORT is 'smm', allowed: ssm, data-api, direct; did you mean ssm?",
        "VECTORDB_PORT is '0', allowed: a port number from 1 to 65535",
        "VECTORDB_HOST is not set: the database's endpoint, the name in its certificate",
        "VECTORDB_REGION is not set: the AWS region of the database",
        "VECTORDB_SECRET_ARN is not set: ARN of the master's secret",
        "VECTORDB_BASTION_ID is not set: instance id of the bastion, for ssm",
    ]
    assert "vectordb migrate --help" in caught.value.remedy


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("VECTORDB_USERS", "{", "VECTORDB_USERS is not JSON"),
        ("VECTORDB_USERS", '{"name": "a"}', "VECTORDB_USERS is not a JSON list of objects"),
        ("VECTORDB_USERS", '[{"name": "a", "access": "root"}]', r"VECTORDB_USERS\[0\]: access is 'root', allowed: reader, writer, admin"),
        ("VECTORDB_USERS", '[{"name": "a", "access": "reader"}, {"name": "a", "access": "reader"}]', r"VECTORDB_USERS\[1\]: the name 'a' is there twice"),
        ("VECTORDB_INDEXES", '[{"name": "", "arn": "arn:x"}]', r"VECTORDB_INDEXES\[0\]: name is ''"),
        ("VECTORDB_INDEXES", '[{"name": "a", "arn": "arn:x", "dimension": 0, "metric": "cosine"}]', "dimension is 0"),
        ("VECTORDB_INDEXES", '[{"name": "a", "arn": "arn:x", "dimension": true, "metric": "cosine"}]', "dimension is True"),
        ("VECTORDB_INDEXES", '[{"name": "a", "arn": "arn:x", "dimension": 2, "metric": "dot"}]', "metric is 'dot', allowed: cosine, euclidean"),
        ("VECTORDB_HOSTADDR", "localhost", "VECTORDB_HOSTADDR is 'localhost', allowed: an IP address"),
        ("VECTORDB_CA_BUNDLE", "/nowhere/ca.pem", "VECTORDB_CA_BUNDLE is '/nowhere/ca.pem', and there is no such file"),
        ("VECTORDB_PORT", "5432x", "VECTORDB_PORT is '5432x'"),
    ],
)  # fmt: skip
def test_each_problem_names_its_variable(name, value, problem):
    with pytest.raises(VectordbError, match=problem):
        Settings.from_environment(GOOD | {name: value})


def test_every_variable_is_documented():
    constants = {
        value for name, value in vars(settings).items() if name.isupper() and str(value).startswith("VECTORDB_")
    }
    assert set(settings.NAMES) == constants


def test_the_data_api_needs_the_cluster():
    with pytest.raises(VectordbError) as caught:
        Settings.from_environment(GOOD | {"VECTORDB_TRANSPORT": "data-api"})
    assert caught.value.message == "VECTORDB_CLUSTER_ARN is not set: ARN of the cluster, for data-api"
