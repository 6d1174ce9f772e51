"""A database's calls carry its own access key, over both transports (over C: tests/local/test_permissions.py)."""

from vectordb.local.databases import Declared
from vectordb.local.emulator.authorization.principals import DATABASE_KEY
from vectordb.local.emulator.wire import scope
from vectordb.local.postgres.invocation import Invocation, request


def test_over_files_the_key_is_in_the_signature_s_scope():
    invocation = Invocation("f", "{}", None, None, None, None, None, 1000, 1000)
    _, _, headers = request(invocation, "eu-west-1", "LKDB0123")
    assert scope(headers["Authorization"]) == ("LKDB0123", "eu-west-1", "lambda")


def test_the_emulator_knows_such_keys():
    declared = Declared(
        name="database", urn="urn", engine="Aurora", identifier="i", names=("n",), port=5432, version="18", settings={},
        database="d", master="m",
    )  # fmt: skip
    assert declared.access_key.startswith(DATABASE_KEY)
    assert len(declared.access_key) == 20
    # A database has a role for each feature, and an access key for each role.
    assert declared.feature_access_keys == {"Lambda": declared.access_key, "Bedrock": declared.bedrock_access_key}
    assert declared.bedrock_access_key.startswith(DATABASE_KEY)
    assert declared.bedrock_access_key != declared.access_key
