"""aws_lambda.invoke, on both versions and over both transports."""

import base64
import json
import time

import pytest
from psycopg import errors

from .conftest import Stack, http, invoke, network, refused

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:bridge"


class TestSurface:
    @pytest.mark.parametrize("kind", ["json", "jsonb"])
    def test_a_name_and_every_argument_in_order(self, stack: Stack, kind: str) -> None:
        query = f"SELECT * FROM aws_lambda.invoke('echo', '{{\"a\": 1}}'::{kind}, 'eu-west-1', 'RequestResponse', 'Tail', '{{\"k\":1}}'::{kind}, 'live')"
        assert stack.execute(query) == [(200, {"a": 1}, "$LATEST", "bG9n")]
        request = stack.service.requests[-1]
        assert request.line == "POST /2015-03-31/functions/echo/invocations?Qualifier=live HTTP/1.1"
        assert json.loads(request.body) == {"a": 1}
        assert json.loads(base64.b64decode(request.headers["x-amz-client-context"])) == {"k": 1}
        assert request.headers["x-amz-log-type"] == "Tail"
        assert request.headers["authorization"] == (
            "AWS4-HMAC-SHA256 Credential=local/20260101/eu-west-1/lambda/aws4_request, SignedHeaders=host, Signature=0"
        )

    @pytest.mark.parametrize("kind", ["json", "jsonb"])
    def test_an_arn_of_aws_commons_has_no_region_argument(self, stack: Stack, kind: str) -> None:
        query = (
            "SELECT status_code, payload FROM aws_lambda.invoke("
            f"aws_commons.create_lambda_function_arn('echo', 'eu-west-2'), '[1]'::{kind}, 'Event', 'None', NULL, 'live')"
        )
        assert stack.execute(query) == [(202, None)]
        request = stack.service.requests[-1]
        assert request.headers["x-amz-invocation-type"] == "Event"
        assert "/eu-west-2/lambda/" in request.headers["authorization"]

    def test_names_and_defaults_of_the_four_forms(self, stack: Stack) -> None:
        rows = stack.execute(
            "SELECT pg_get_function_arguments(p.oid), l.lanname, p.provolatile FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang"
            " WHERE p.pronamespace = 'aws_lambda'::regnamespace AND p.proname = 'invoke' ORDER BY 1"
        )
        expected = []
        for name, region in (
            ("function_name aws_commons._lambda_function_arn_1", ""),
            ("function_name text", " region text DEFAULT NULL::text,"),
        ):
            for kind in ("json", "jsonb"):
                arguments = (
                    f"{name}, payload {kind},{region} invocation_type text DEFAULT 'RequestResponse'::text, log_type text DEFAULT 'None'::text,"
                    f" context {kind} DEFAULT NULL::{kind}, qualifier character varying DEFAULT NULL::character varying,"
                    f" OUT status_code integer, OUT payload {kind}, OUT executed_version text, OUT log_result text"
                )
                expected.append((arguments, "sql", "v"))
        assert rows == expected

    def test_dry_run_has_no_payload(self, stack: Stack) -> None:
        assert invoke(stack, "echo", {}, invocation_type="DryRun") == (204, None, None, None)

    def test_the_region_is_the_arns_else_the_databases(self, stack: Stack) -> None:
        invoke(stack, ARN)
        assert "/eu-west-1/lambda/" in stack.service.requests[-1].headers["authorization"]
        assert stack.service.requests[-1].line.split("/")[3] == ARN.replace(":", "%3A")
        invoke(stack, "echo")
        assert "/eu-west-3/lambda/" in stack.service.requests[-1].headers["authorization"]

    def test_text_of_every_kind_comes_back(self, stack: Stack) -> None:
        payload = {"text": "back\\slash \" quote\nline\ttab ümläut 漢字 😀 '; DROP TABLE x; --", "empty": ""}
        assert invoke(stack, "echo", payload)[1] == payload

    def test_a_client_of_another_encoding(self, stack: Stack) -> None:
        with stack.connect(client_encoding="latin1") as connection:
            row = connection.execute(
                "SELECT payload ->> 'a' FROM aws_lambda.invoke('echo', '{\"a\": \"é\"}'::jsonb)"
            ).fetchone()
        assert row == ("é",)
        assert json.loads(stack.service.requests[-1].body) == {"a": "é"}

    def test_null_and_false_are_payloads(self, stack: Stack) -> None:
        assert invoke(stack, "echo", None)[1] is None
        assert stack.execute("SELECT payload::text FROM aws_lambda.invoke('echo', 'null'::jsonb)") == [("null",)]
        assert stack.execute("SELECT payload::text FROM aws_lambda.invoke('echo', NULL::jsonb)") == [("null",)]

    @pytest.mark.parametrize(
        "isolation", ["READ ONLY", "ISOLATION LEVEL REPEATABLE READ", "ISOLATION LEVEL SERIALIZABLE"]
    )
    def test_any_transaction(self, stack: Stack, isolation: str) -> None:
        with stack.connect() as connection:
            connection.execute(f"BEGIN TRANSACTION {isolation}".encode())
            row = connection.execute("SELECT status_code FROM aws_lambda.invoke('echo', '{}'::json)").fetchone()
        assert row == (200,)

    def test_the_versions_of_the_extensions(self, stack: Stack) -> None:
        rows = stack.execute("SELECT extname, extversion FROM pg_extension WHERE extname ^@ 'aws' ORDER BY 1")
        assert rows == [("aws_commons", "1.2"), ("aws_lambda", "1.0")]


class TestGrants:
    def test_a_role_needs_the_schema_then_the_functions(self, stack: Stack) -> None:
        stack.execute("CREATE ROLE caller LOGIN PASSWORD 'caller'")
        query = b"SELECT status_code FROM aws_lambda.invoke('echo', '{}'::json)"
        try:
            with stack.connect("caller", "caller") as connection:
                with pytest.raises(errors.InsufficientPrivilege, match="permission denied for schema aws_lambda"):
                    connection.execute(query)
                stack.execute("GRANT USAGE ON SCHEMA aws_lambda TO caller")
                with pytest.raises(errors.InsufficientPrivilege, match="permission denied for function invoke"):
                    connection.execute(query)
                stack.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA aws_lambda TO caller")
                assert connection.execute(query).fetchone() == (200,)
        finally:
            stack.execute(
                "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA aws_lambda FROM caller; REVOKE USAGE ON SCHEMA aws_lambda FROM caller"
            )
            stack.execute("DROP ROLE caller")

    def test_rdsadmin_owns_schemas_and_functions(self, stack: Stack) -> None:
        rows = stack.execute(
            "SELECT DISTINCT n.nspname::text, n.nspowner::regrole::text, p.proowner::regrole::text FROM pg_namespace n"
            " JOIN pg_proc p ON p.pronamespace = n.oid WHERE n.nspname ^@ 'aws_' ORDER BY 1"
        )
        assert rows == [("aws_commons", "rdsadmin", "rdsadmin"), ("aws_lambda", "rdsadmin", "rdsadmin")]


class TestArguments:
    @pytest.mark.parametrize(
        ("named", "message"),
        [
            ({"region": "us-east-1"}, f'region "us-east-1" conflicts with "{ARN}:live"'),
            ({"qualifier": "7"}, f'qualifier "7" conflicts with "{ARN}:live"'),
            ({"invocation_type": "requestresponse"}, 'invalid invocation_type: "requestresponse"'),
            ({"invocation_type": ""}, 'invalid invocation_type: ""'),
            ({"log_type": "tail"}, 'invalid log_type: "tail"'),
            ({"region": "x\r\nEvil: 1"}, 'invalid region: "x\r\nEvil: 1"'),
            ({"qualifier": "a b"}, 'invalid qualifier: "a b"'),
        ],
    )
    def test_what_is_refused(self, stack: Stack, named: dict[str, str], message: str) -> None:
        before = len(stack.service.requests)
        assert refused(stack, f"{ARN}:live", errors.InvalidParameterValue, **named) == (message, None)
        assert len(stack.service.requests) == before

    def test_what_agrees_is_sent(self, stack: Stack) -> None:
        assert invoke(stack, f"{ARN}:live", {}, region="eu-west-1", qualifier="live")[0] == 200

    @pytest.mark.parametrize(
        "name",
        ["", "a/b", "a b", "x?y", "a:b:c", "arn:aws:s3:::bucket", "arn:aws:lambda:eu-west-1:1:function:", "n" * 171],
    )
    def test_names_that_are_none(self, stack: Stack, name: str) -> None:
        assert refused(stack, name, errors.InvalidParameterValue) == (f'invalid function name: "{name}"', None)

    @pytest.mark.parametrize(
        "name", ["f", "f:live", "f:$LATEST", "123456789012:function:f", "123456789012:function:f:7", f"{ARN}:$LATEST"]
    )
    def test_names_of_every_form(self, stack: Stack, name: str) -> None:
        assert invoke(stack, name, 1)[1] == 1

    def test_no_name(self, stack: Stack) -> None:
        with pytest.raises(errors.NullValueNotAllowed, match="function_name must not be null"):
            stack.execute("SELECT * FROM aws_lambda.invoke(NULL::text, '{}'::json)")

    def test_a_context_that_no_header_holds(self, stack: Stack) -> None:
        message, _ = refused(stack, "echo", errors.InvalidParameterValue, context=json.dumps({"k": "x" * 3000}))
        assert message == "context is too long: 4012 bytes in base64, at most 3583"

    @pytest.mark.parametrize(("kind", "largest"), [("RequestResponse", 6291456), ("Event", 1048576)])
    def test_the_largest_payload_and_one_byte_more(self, stack: Stack, kind: str, largest: int) -> None:
        largest_payload = "x" * (largest - 2)
        status, payload, _, _ = invoke(stack, "echo", largest_payload, invocation_type=kind)
        assert (status, payload) == ((200, largest_payload) if kind == "RequestResponse" else (202, None))
        assert len(stack.service.requests[-1].body) == largest
        assert refused(
            stack, "echo", errors.ExternalRoutineInvocationException, largest_payload + "x", invocation_type=kind
        ) == network(f"Request must be smaller than {largest} bytes for the InvokeFunction operation")


class TestErrors:
    def test_the_function_failed(self, stack: Stack) -> None:
        stack.service.on(
            "raises",
            http("200 OK", b'{"errorMessage":"boom","errorType":"ValueError"}', "X-Amz-Function-Error: Unhandled"),
        )
        with pytest.raises(errors.ExternalRoutineException) as raised:
            invoke(stack, "raises")
        diagnosis = raised.value.diag
        assert diagnosis.message_primary == "lambda invocation failed"
        assert diagnosis.message_detail == (
            '"raises" returned error "Unhandled", details: "{"errorMessage":"boom","errorType":"ValueError"}".'
        )
        assert (diagnosis.context or "").endswith('SQL function "invoke" statement 1')
        if stack.server.transport == "c":
            assert diagnosis.context == 'SQL function "invoke" statement 1'

    @pytest.mark.parametrize(
        ("status", "body", "said"),
        [
            ("404 Not Found", b'{"Type":"User","Message":"Function not found: f"}', "Function not found: f"),
            (
                "403 Forbidden",
                b'{"message":"not authorized to perform: lambda:InvokeFunction"}',
                "not authorized to perform: lambda:InvokeFunction",
            ),
            ("429 Too Many Requests", b'{"Reason":"x","message":"Rate Exceeded."}', "Rate Exceeded."),
            ("500 Oops", b"<html>bad</html>", "<html>bad</html>"),
            ("500 Oops", b'["a"]', '["a"]'),
            ("503 Gone", b"", "HTTP status 503"),
            ("301 Moved", b"", "HTTP status 301"),
        ],
    )
    def test_the_service_refused(self, stack: Stack, status: str, body: bytes, said: str) -> None:
        stack.service.on("refused", http(status, body))
        assert refused(stack, "refused", errors.ExternalRoutineInvocationException) == network(said)

    def test_nothing_listens(self, stack: Stack) -> None:
        with stack.service.down():
            begun = time.monotonic()
            assert refused(stack, "echo", errors.ConnectionFailure) == network("Unable to connect to endpoint")
            assert time.monotonic() - begun < 0.5
        assert invoke(stack, "echo", 1)[0] == 200

    def test_what_listens_never_accepts(self, stack: Stack) -> None:
        with stack.service.down(backlog=0), stack.connect() as connection:
            connection.execute("SET aws_lambda.connect_timeout_ms = 300")
            begun = time.monotonic()
            with pytest.raises(errors.ConnectionFailure) as raised:
                connection.execute("SELECT * FROM aws_lambda.invoke('echo', '{}'::json)")
            taken = time.monotonic() - begun
        assert raised.value.diag.message_detail == "AWS Lambda client returned 'Unable to connect to endpoint'."
        assert 0.28 < taken < 0.6
