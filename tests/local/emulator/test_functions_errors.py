"""Invoke: errors of the function and of the call, logs, limits."""

import base64
import json
import time

import pytest
from botocore.exceptions import ClientError

from tests.local.emulator.handlers import invoke, tail
from tests.local.emulator.packages import deploy, package, role
from tests.local.emulator.running import eventually


@pytest.mark.parametrize(
    ("handler", "event", "kind", "message", "log"),
    [
        (
            "fail",
            {"why": "now"},
            "ValueError",
            "boom now",
            "[ERROR] ValueError: boom now\nTraceback (most recent call last):\n",
        ),
        ("fail", {}, "KeyError", "'why'", "[ERROR] KeyError: 'why'"),
        (
            "unserialisable",
            {},
            "Runtime.MarshalError",
            "Unable to marshal response: Object of type set is not JSON serializable",
            "[ERROR] Runtime.MarshalError: ",
        ),
        (
            "missing",
            {},
            "Runtime.HandlerNotFound",
            "Handler 'missing' missing on module 'main'",
            "[ERROR] Runtime.HandlerNotFound",
        ),
        ("leave", {"status": 3}, "Runtime.ExitError", "Error: Runtime exited with error: exit status 3", "leaving\n"),
        ("leave", {"status": 0}, "Runtime.ExitError", "Error: Runtime exited without providing a reason", "leaving\n"),
        ("die", {}, "Runtime.ExitError", "Error: Runtime exited with error: signal: killed", "Runtime.ExitError\n"),
        ("sleep", {"seconds": 30}, "Sandbox.Timedout", "Error: Task timed out after 1.00 seconds", "sleeping\n"),
        (
            "chatter",
            {},
            "Sandbox.Timedout",
            "Error: Task timed out after 1.00 seconds",
            "Task timed out after 1.00 seconds\n",
        ),
        (
            "large",
            {"size": 6_291_556 - 1},
            "Function.ResponseSizeTooLarge",
            "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
            "END RequestId",
        ),
    ],
)
def test_errors_of_the_function(client, function, handler, event, kind, message, log):
    begun = time.monotonic()
    payload, answer = invoke(
        client, function(handler, Timeout=1 if kind == "Sandbox.Timedout" else 10), event, LogType="Tail"
    )
    assert (answer["StatusCode"], answer["FunctionError"], answer["ExecutedVersion"]) == (200, "Unhandled", "$LATEST")
    assert payload["errorType"] == kind
    assert payload["errorMessage"].endswith(message)
    assert log in tail(answer)
    assert time.monotonic() - begun < 8


def test_an_exception_has_a_trace_of_the_handler_only(client, function):
    payload, _ = invoke(client, function("fail"), {"why": "x"})
    assert set(payload) == {"errorMessage", "errorType", "requestId", "stackTrace"}
    [frame] = payload["stackTrace"]
    assert frame.endswith('in fail\n    raise ValueError("boom " + event["why"])\n')
    assert len(payload["requestId"]) == 36


@pytest.mark.parametrize(
    ("files", "handler", "kind", "message"),
    [
        (
            {"m.py": "import nowhere"},
            "m.f",
            "Runtime.ImportModuleError",
            "Unable to import module 'm': No module named 'nowhere'",
        ),
        (
            {"m.py": ""},
            "other.f",
            "Runtime.ImportModuleError",
            "Unable to import module 'other': No module named 'other'",
        ),
        (
            {"m.py": "def f(:"},
            "m.f",
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'm': invalid syntax (m.py, line 1)",
        ),
        ({"m.py": "1/0"}, "m.f", "ZeroDivisionError", "division by zero"),
        (
            {"m.py": ""},
            "m",
            "Runtime.MalformedHandlerName",
            "Bad handler 'm': not enough values to unpack (expected 2, got 1)",
        ),
        (
            {"m.py": "import sys; sys.exit(4)"},
            "m.f",
            "Runtime.ExitError",
            "Error: Runtime exited with error: exit status 4",
        ),
    ],
)
def test_errors_of_loading(emulator, client, name, files, handler, kind, message):
    deploy(emulator, name, files, handler)
    for _ in range(2):
        payload, answer = invoke(client, name)
        assert (answer["FunctionError"], payload["errorType"]) == ("Unhandled", kind)
        assert payload["errorMessage"].endswith(message)


def test_a_function_in_a_folder(emulator, client, name):
    deploy(emulator, name, {"source/app.py": "def handle(e, c): return 'found'"}, "source/app.handle")
    assert invoke(client, name)[0] == "found"


def test_a_new_worker_follows_a_lost_one(client, function):
    name = function("sleep", Timeout=1)
    before = invoke(client, name, {"seconds": 0})[0]
    assert invoke(client, name, {"seconds": 5})[1]["FunctionError"] == "Unhandled"
    after = invoke(client, name, {"seconds": 0})[0]
    assert isinstance(after, int)
    assert after != before


def test_logging_and_where_logs_go(emulator, client, function):
    name = function("logged")
    _, answer = invoke(client, name, LogType="Tail")
    request = answer["ResponseMetadata"]["RequestId"]
    assert request
    line = next(line for line in tail(answer).splitlines() if "said something" in line)
    level, moment, request_id, message = line.split("\t")
    assert (level, message, len(request_id)) == ("[INFO]", "said something", 36)
    assert moment.endswith("Z")
    assert "to stderr" in tail(answer)
    file = emulator.state / "logs" / f"{name}.log"
    eventually(lambda: file.exists() and "said something" in file.read_text())
    logs = emulator.client("logs")

    def messages():
        try:
            return [event["message"] for event in logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]]
        except logs.exceptions.ResourceNotFoundException:
            return []

    assert line in eventually(messages)


def test_the_declared_log_group_and_format(emulator, client, name, function):
    function("logged", LoggingConfig={"LogGroup": f"/own/{name}", "LogFormat": "JSON"})
    shown = client.get_function_configuration(FunctionName=name)["LoggingConfig"]
    assert shown == {"LogGroup": f"/own/{name}", "LogFormat": "JSON"}
    _, answer = invoke(client, name, LogType="Tail")
    documents = [json.loads(line) for line in tail(answer).splitlines() if line.startswith("{")]
    assert [document.get("type") or document["message"] for document in documents] == [
        "platform.start",
        "said something",
        "platform.report",
    ]
    assert documents[1]["requestId"] == documents[0]["record"]["requestId"]
    groups = emulator.client("logs")
    eventually(lambda: groups.describe_log_groups(logGroupNamePrefix=f"/own/{name}")["logGroups"])


def test_much_output_does_not_stop_a_call(client, function):
    payload, answer = invoke(client, function("talkative"), LogType="Tail")
    assert payload == "done"
    assert len(base64.b64decode(answer["LogResult"])) == 4096


def refusal(client, function, payload=b"{}", **options):
    with pytest.raises(ClientError) as caught:
        client.invoke(FunctionName=function, Payload=payload, **options)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


def test_what_does_not_exist(client, name, function):
    arn = "arn:aws:lambda:us-east-1:123456789012:function"
    assert refusal(client, "nobody") == ("ResourceNotFoundException", 404, f"Function not found: {arn}:nobody")
    function("echo")
    for qualifier in ("7", "stable"):
        expected = ("ResourceNotFoundException", 404, f"Function not found: {arn}:{name}:{qualifier}")
        assert refusal(client, name, Qualifier=qualifier) == expected
        assert refusal(client, f"{name}:{qualifier}", InvocationType="DryRun") == expected


def test_qualifiers_that_differ(client, name, function):
    function("echo")
    assert refusal(client, f"{name}:1", Qualifier="2")[:2] == ("InvalidParameterValueException", 400)


def test_dry_run_runs_nothing(client, function):
    answer = client.invoke(FunctionName=function("fail"), InvocationType="DryRun")
    assert (answer["StatusCode"], answer["Payload"].read()) == (204, b"")


def test_payloads_that_are_no_json(client, function):
    name = function("echo")
    for kind in ("RequestResponse", "Event"):
        code, status, message = refusal(client, name, b"{not json", InvocationType=kind)
        assert (code, status) == ("InvalidRequestContentException", 400)
        assert message.startswith("Could not parse request body into json: ")
    assert refusal(client, name, ClientContext="%")[0] == "InvalidRequestContentException"
    # The worker is fit for the next call.
    assert invoke(client, name, 5)[0] == 5


def test_limits_of_size(client, function):
    name = function("echo")
    most = 6 * 1024 * 1024
    largest = b'"' + b"x" * (most - 2) + b'"'
    assert client.invoke(FunctionName=name, Payload=largest)["Payload"].read() == largest
    message = "Request must be smaller than {} bytes for the InvokeFunction operation"
    assert refusal(client, name, largest + b" ") == ("RequestTooLargeException", 413, message.format(most))
    one_mb = b'"' + b"x" * (1 << 20) + b'"'
    expected = ("RequestTooLargeException", 413, message.format(1 << 20))
    assert refusal(client, name, one_mb, InvocationType="Event") == expected


def test_other_runtimes_are_refused(emulator, client, name):
    client.create_function(
        FunctionName=name,
        Role=role(emulator),
        Runtime="nodejs22.x",
        Handler="a.b",
        Code={"ZipFile": package({"a.js": ""})},
    )
    code, status, message = refusal(client, name)
    assert (code, status) == ("InvalidRuntimeException", 502)
    assert message == f"Only Python runs here; the runtime of {name} is nodejs22.x"


def test_lambdas_own_variables_cannot_be_declared(client, function):
    with pytest.raises(ClientError, match="Reserved keys used in this request: AWS_REGION, _HANDLER"):
        function("echo", Environment={"Variables": {"AWS_REGION": "x", "_HANDLER": "y", "FINE": "z"}})


def test_an_unsigned_request_and_an_encoded_arn(emulator, function):
    name = function("echo")
    arn = f"arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3A{name}"
    status, headers, payload = emulator.request("POST", f"/2015-03-31/functions/{arn}/invocations", {"a": 1})
    assert (status, payload, headers["X-Amz-Executed-Version"]) == (200, {"a": 1}, "$LATEST")
