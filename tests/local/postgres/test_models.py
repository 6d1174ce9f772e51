"""aws_bedrock of the extension aws_ml, on both versions and over both transports."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors

from vectordb.local.postgres import PostgresServer, bootstrap, runtime
from vectordb.local.postgres.spool import SpoolWorker

from .conftest import DATABASE, MASTER, PASSWORD, LambdaDouble, Stack, http

CALL = "invoke HTTP"  # what the double takes for the function's name in `POST /model/ID/invoke HTTP/1.1`
TITAN = "amazon.titan-embed-text-v2:0"
INVOKE = "SELECT aws_bedrock.invoke_model(%s, 'application/json', 'application/json', %s)"
EMBED = "SELECT aws_bedrock.invoke_model_get_embeddings(%s, 'application/json', %s, %s)"


@pytest.fixture
def models(stack: Stack) -> Iterator[Stack]:
    stack.execute("CREATE EXTENSION IF NOT EXISTS aws_ml CASCADE; CREATE EXTENSION IF NOT EXISTS vector")
    stack.service.on(CALL, http("200 OK", b'{"embedding":[0.25,-1e-3,3],"inputTextTokenCount":3}'))
    yield stack
    stack.service.behaviours.pop(CALL, None)
    stack.execute("DROP EXTENSION aws_ml, vector")
    with stack.server.superuser_connection() as superuser:
        superuser.execute("DROP ROLE aws_ml")


def refused(models: Stack, query: str, *parameters: Any) -> tuple[str, str, str | None]:
    with pytest.raises(psycopg.Error) as raised:
        models.execute(query, *parameters)
    diagnosis = raised.value.diag
    return str(diagnosis.sqlstate), str(diagnosis.message_primary), diagnosis.message_detail


def test_names_types_and_order(models: Stack) -> None:
    rows = models.execute(
        "SELECT proname, pg_get_function_arguments(oid), provolatile FROM pg_proc"
        " WHERE pronamespace = 'aws_bedrock'::regnamespace ORDER BY proname"
    )
    assert rows == [
        (
            "invoke_model",
            "model_id character varying, content_type text, accept_type text, model_input text, OUT model_output character varying",
            "v",
        ),
        (
            "invoke_model_get_embeddings",
            "model_id character varying, content_type text, json_key text, model_input text, OUT model_output double precision[]",
            "v",
        ),
    ]
    assert models.execute("SELECT extname, extversion FROM pg_extension WHERE extname LIKE 'aws_%' ORDER BY 1") == [
        ("aws_commons", "1.2"),
        ("aws_lambda", "1.0"),
        ("aws_ml", "2.0"),
    ]


def test_what_is_sent_and_what_comes_back(models: Stack) -> None:
    text = json.dumps({"inputText": "back\\slash \" quote\nline ümläut 漢字 '; --"}, ensure_ascii=False)
    [(output,)] = models.execute(INVOKE, TITAN, text)
    assert output == '{"embedding":[0.25,-1e-3,3],"inputTextTokenCount":3}'
    request = models.service.requests[-1]
    assert request.line == "POST /model/amazon.titan-embed-text-v2%3A0/invoke HTTP/1.1"
    assert request.body.decode() == text
    assert (request.headers["content-type"], request.headers["accept"]) == ("application/json", "application/json")
    assert request.headers["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=local/20260101/eu-west-3/bedrock/aws4_request, SignedHeaders=host, Signature=0"
    )


def test_embeddings_are_the_numbers_under_the_key(models: Stack) -> None:
    query = (
        "SELECT * FROM aws_bedrock.invoke_model_get_embeddings(model_id := 'amazon.titan-embed-text-v1',"
        " content_type := 'application/json', json_key := 'embedding', model_input := '{ \"inputText\": \"x\"}')"
    )
    assert models.execute(query) == [([0.25, -0.001, 3.0],)]
    assert models.execute("SELECT model_output::vector(3)::text FROM (" + query + ") AS _") == [("[0.25,-0.001,3]",)]


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b'{"embedding":[1]}', "embeddings"),
        (b'{"embeddings":[[1,2]]}', "embeddings"),
        (b'{"embedding":3}', "embedding"),
    ],
)
def test_anything_else_under_the_key_is_an_error(models: Stack, body: bytes, key: str) -> None:
    models.service.on(CALL, http("200 OK", body))
    said = f'the model\'s output has no array of numbers under the key "{key}"'
    assert refused(models, EMBED, TITAN, key, "{}") == ("38000", said, None)


def test_output_that_is_no_json(models: Stack) -> None:
    models.service.on(CALL, http("200 OK", b"words"))
    assert models.execute(INVOKE, TITAN, "{}") == [("words",)]
    assert refused(models, EMBED, TITAN, "embedding", "{}") == ("38000", "the model's output is not JSON", None)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("429 Too Many Requests", "Too many requests, please wait before trying again."),
        ("403 Forbidden", "You don't have access to the model with the specified model ID."),
        ("400 Bad Request", "The provided model identifier is invalid."),
        ("503 Service Unavailable", "Bedrock is unable to process your request."),
    ],
)
def test_refusals_are_the_services_words(models: Stack, status: str, message: str) -> None:
    models.service.on(CALL, http(status, json.dumps({"message": message}).encode(), "x-amzn-ErrorType: SomeException"))
    expected = ("39000", "invoke API failed", f"AWS Bedrock client returned '{message}'.")
    assert refused(models, INVOKE, TITAN, "{}") == expected
    assert refused(models, EMBED, TITAN, "embedding", "{}") == expected


def test_broken_replies_and_no_service_at_all(models: Stack) -> None:
    for reply, said in (
        (http("200 OK", b""), "curlCode: 52, Server returned nothing (no headers, no data)"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 25000001\r\n\r\n{}", "curlCode: 63, Maximum file size exceeded"),
    ):
        models.service.on(CALL, reply)
        assert refused(models, INVOKE, TITAN, "{}") == (
            "08006",
            "invoke API failed",
            f"AWS Bedrock client returned '{said}'.",
        )
    with models.service.down():
        said = "AWS Bedrock client returned 'Unable to connect to endpoint'."
        assert refused(models, INVOKE, TITAN, "{}") == ("08006", "invoke API failed", said)


def test_arguments_that_are_none(models: Stack) -> None:
    assert refused(models, INVOKE, None, "{}")[:2] == ("22004", "model_id must not be null")
    assert refused(models, INVOKE, TITAN, None)[:2] == ("22004", "model_input must not be null")
    assert refused(models, EMBED, TITAN, None, "{}")[:2] == ("22004", "json_key must not be null")
    for given in ("a b", "a\r\nX: y", ""):
        assert refused(models, INVOKE, given, "{}")[:2] == ("22023", f'invalid model_id: "{given}"')


def test_a_large_reply_is_whole(models: Stack) -> None:
    numbers = [index / 8 for index in range(1_000_000)]  # 8 MB: more than a function may return
    models.service.on(CALL, http("200 OK", json.dumps({"embedding": numbers}).encode()))
    [(length,)] = models.execute("SELECT length(aws_bedrock.invoke_model(%s, 'a/b', 'a/b', '{}'))", TITAN)
    assert length == len(json.dumps({"embedding": numbers}))


def test_a_statement_that_is_cancelled_returns_at_once(models: Stack) -> None:
    def dawdle(_: LambdaDouble, connection: Any, __: Any) -> None:
        time.sleep(2)
        connection.close()

    models.service.on(CALL, dawdle)
    with models.connect() as connection:
        begun = time.monotonic()
        with pytest.raises(errors.QueryCanceled):
            connection.execute("SET statement_timeout = 200; " + INVOKE.replace("%s", "'m'"))
        assert time.monotonic() - begun < 0.7
        connection.execute("SET statement_timeout = 0")
        cancelled = time.monotonic() + 0.2
        threading.Timer(0.2, connection.cancel_safe).start()
        with pytest.raises(errors.QueryCanceled):
            connection.execute(EMBED.encode(), (TITAN, "embedding", "{}"))
        assert time.monotonic() - cancelled < 0.5


def test_execute_on_one_function_is_enough_and_public_has_none(models: Stack) -> None:
    models.execute("CREATE ROLE embedder LOGIN PASSWORD 'e'; GRANT USAGE ON SCHEMA aws_bedrock TO embedder")
    try:
        with models.connect("embedder", "e") as connection:
            for query in (INVOKE.replace("%s", "'m'"), EMBED.replace("%s", "'embedding'")):
                with pytest.raises(errors.InsufficientPrivilege, match="permission denied for function invoke_model"):
                    connection.execute(query)
            models.execute("GRANT EXECUTE ON FUNCTION aws_bedrock.invoke_model_get_embeddings TO embedder")
            row = connection.execute(EMBED.encode(), (TITAN, "embedding", "{}")).fetchone()
            assert row == ([0.25, -0.001, 3.0],)
    finally:
        models.execute(
            "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA aws_bedrock FROM embedder; REVOKE ALL ON SCHEMA aws_bedrock FROM embedder; DROP ROLE embedder"
        )
    assert models.execute("SELECT pg_has_role('rds_superuser', 'aws_ml', 'MEMBER')") == [(True,)]


@pytest.mark.parametrize("version", [16, 18])
def test_rds_has_no_such_extension(tmp_path: Path, runtimes: Path, version: int) -> None:
    here = runtime.prepare(version, "spool", runtimes, "RDS").folder / "share" / "postgresql" / "extension"
    there = runtime.prepare(version, "spool", runtimes, "Aurora").folder / "share" / "postgresql" / "extension"
    assert {path.name for path in there.iterdir()} - {path.name for path in here.iterdir()} == {
        "aws_ml.control",
        "aws_ml--2.0.sql",
    }
    if version == 18:
        with PostgresServer(tmp_path / "data", transport="spool", engine="RDS", runtimes=runtimes) as server:
            bootstrap(server, database=DATABASE, master=MASTER, password=PASSWORD)
            with server.superuser_connection(DATABASE) as connection:
                connection.execute("CREATE EXTENSION aws_lambda CASCADE")
                with pytest.raises(errors.FeatureNotSupported, match='extension "aws_ml" is not available'):
                    connection.execute("CREATE EXTENSION aws_ml CASCADE")


def test_a_database_made_over_one_transport_goes_on_over_the_other(tmp_path: Path, runtimes: Path) -> None:
    service = LambdaDouble()
    service.on(CALL, http("200 OK", b"[]"))
    for transport in ("spool", "c"):
        server = PostgresServer(
            tmp_path / "data",
            transport=transport,
            endpoint=service.endpoint,
            runtimes=runtimes,  # type: ignore[arg-type]  # of two words
        )
        with server, SpoolWorker(server.spool_folder, service.endpoint), server.superuser_connection() as connection:
            connection.execute("DO $$ BEGIN CREATE ROLE rds_superuser; EXCEPTION WHEN duplicate_object THEN END $$")
            connection.execute("CREATE EXTENSION IF NOT EXISTS aws_ml CASCADE")
            row = connection.execute(
                "SELECT aws_bedrock.invoke_model('m', 'a/b', 'a/b', 'x'), prosecdef, proconfig FROM pg_proc WHERE proname = 'invoke_model'"
            ).fetchone()
            spooled = transport == "spool"
            assert row == ("[]", spooled, ["search_path=pg_catalog, pg_temp"] if spooled else None)
