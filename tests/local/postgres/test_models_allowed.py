"""SQL → aws_bedrock → the emulator's Bedrock, judged by the policies of the role that the database has for the feature."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.local.emulator.running import Running
from vectordb.local.postgres import PostgresServer, bootstrap
from vectordb.local.postgres.spool import SpoolWorker

from .conftest import DATABASE, MASTER, PASSWORD

OPERATOR = "AKIATESTTESTTEST"  # whom `Running.client` calls as
KEY = "LKDB0123456789ABCDEF"
TITAN = "amazon.titan-embed-text-v2:0"
EMBED = "SELECT aws_bedrock.invoke_model_get_embeddings(%s, 'application/json', 'embedding', %s)"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "rds.amazonaws.com"}}],
}


@dataclass
class Models:
    emulator: Running
    connection: "psycopg.Connection[Any]"

    def embed(self, text: str, model: str = TITAN) -> list[float]:
        row = self.connection.execute(
            EMBED.encode(), (model, json.dumps({"inputText": text, "dimensions": 256}))
        ).fetchone()
        assert row is not None
        found: list[float] = row[0]
        return found

    def refused(self, text: str = "x", model: str = TITAN) -> str:
        with pytest.raises(psycopg.Error) as raised:
            self.embed(text, model)
        assert raised.value.diag.message_primary == "invoke API failed"
        return str(raised.value.diag.message_detail).removeprefix("AWS Bedrock client returned '").removesuffix("'.")

    def own(self, page: str, document: dict[str, Any]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.emulator.port, timeout=10)
        connection.request("POST", f"/_vectordb/{page}", json.dumps(document))
        assert connection.getresponse().status == 200
        connection.close()


@pytest.fixture(scope="module", params=["auto", "spool"])
def models(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, runtimes: Path
) -> Iterator[Models]:
    folder = tmp_path_factory.mktemp("allowed")
    emulator = Running(folder / "state", "--no-preload", "--operator", OPERATOR)
    server = PostgresServer(
        folder / "data", transport=request.param, endpoint=emulator.url, bedrock_access_key=KEY, runtimes=runtimes
    )
    worker = SpoolWorker(server.spool_folder, emulator.url, bedrock_access_key=KEY)
    with server, worker:
        bootstrap(server, database=DATABASE, master=MASTER, password=PASSWORD)
        with psycopg.connect(
            host=str(server.socket_directory), user=MASTER, password=PASSWORD, dbname=DATABASE, autocommit=True
        ) as connection:
            connection.execute("CREATE EXTENSION aws_ml CASCADE")
            yield Models(emulator, connection)
    emulator.end()


def test_a_database_without_a_role_one_whose_role_may_and_what_the_role_may_not(models: Models) -> None:
    assert models.refused() == "Missing Authentication Token"

    iam = models.emulator.client("iam")
    role = iam.create_role(RoleName="models", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    models.own("principals", {"accessKey": KEY, "role": role, "session": "shop"})
    arn = f"arn:aws:bedrock:us-east-1::foundation-model/{TITAN}"
    sentence = (
        "User: arn:aws:sts::123456789012:assumed-role/models/shop is not authorized to perform: bedrock:InvokeModel"
        " on resource: {} because no identity-based policy allows the bedrock:InvokeModel action"
    )
    assert models.refused() == sentence.format(arn)

    statement = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="models", PolicyName="models", PolicyDocument=policy)
    embedding = models.embed("how do I compress a file")
    assert len(embedding) == 256
    assert sum(number * number for number in embedding) == pytest.approx(1, abs=1e-5)
    runtime = models.emulator.client("bedrock-runtime")
    body = json.dumps({"inputText": "how do I compress a file", "dimensions": 256})
    assert json.loads(runtime.invoke_model(modelId=TITAN, body=body)["body"].read())["embedding"] == embedding

    other = "cohere.embed-english-v3"
    assert models.refused(model=other) == sentence.format(arn.replace(TITAN, other))

    said = "Too many requests, please wait before trying again."
    fault = {"service": "bedrock", "code": "ThrottlingException", "status": 429, "message": said}
    models.own("faults", fault)
    assert models.refused() == said
    assert models.refused(text="") == (
        "Malformed input request: #/inputText: expected minLength: 1, actual: 0, please reformat your input and try again."
    )
    assert models.embed("again") != embedding
