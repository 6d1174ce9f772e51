"""Invoke: results, versions and aliases, the environment, errors and limits."""

import base64
import json
import time

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.local.emulator.packages import deploy, package, role
from tests.local.emulator.running import eventually

MODULE = """
import decimal, json, logging, os, sys, time

import inside.helper

print("loading")


def echo(event, context):
    print("called with", event)
    return event


def describe(event, context):
    return {
        "environment": dict(os.environ),
        "path": sys.path,
        "modules": sorted(sys.modules),
        "folder": os.getcwd(),
        "helper": inside.helper.NAME,
        "context": {
            "name": context.function_name,
            "version": context.function_version,
            "arn": context.invoked_function_arn,
            "memory": context.memory_limit_in_mb,
            "request": context.aws_request_id,
            "group": context.log_group_name,
            "stream": context.log_stream_name,
            "remaining": context.get_remaining_time_in_millis(),
            "client": context.client_context and context.client_context.custom,
        },
        "pid": os.getpid(),
        "price": decimal.Decimal("1.5"),
    }


def site_packages(event, context):
    found = {}
    for name in ("numpy", "boto3", "moto", "pip"):
        try:
            __import__(name)
            found[name] = True
        except ImportError:
            found[name] = False
    return found


def fail(event, context):
    raise ValueError("boom " + event["why"])


def logged(event, context):
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("mine").info("said %s", "something")
    print("to stderr", file=sys.stderr)


def leave(event, context):
    print("leaving")
    sys.exit(event["status"])


def die(event, context):
    os.kill(os.getpid(), 9)


def unserialisable(event, context):
    return {1, 2}


def sleep(event, context):
    print("sleeping")
    time.sleep(event["seconds"])
    return os.getpid()


def chatter(event, context):
    while True:
        print("x" * 1000)


def large(event, context):
    return "x" * event["size"]


def talkative(event, context):
    print("y" * 300_000)
    return "done"
"""
FILES = {"main.py": MODULE, "inside/__init__.py": "", "inside/helper.py": "NAME = 'helper'"}


@pytest.fixture
def client(emulator):
    return emulator.client("lambda", read_timeout=30)


@pytest.fixture
def function(emulator, name):
    """Deploy one handler of the module under the test's name."""

    def make(handler, **settings):
        deploy(emulator, name, FILES, f"main.{handler}", **settings)
        return name

    return make


def invoke(client, function, event=None, **options):
    """(payload, answer)."""
    answer = client.invoke(FunctionName=function, Payload=json.dumps({} if event is None else event), **options)
    return json.loads(answer["Payload"].read() or b"null"), answer


def tail(answer):
    return base64.b64decode(answer["LogResult"]).decode()


def test_the_handler_gets_the_event_and_the_caller_its_result(client, function):
    event = {"text": "é", "n": [1, 2.5, None]}
    name = function("echo")
    payload, answer = invoke(client, name, event, LogType="Tail")
    assert payload == event
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in answer
    lines = tail(answer).splitlines()
    assert lines[0].endswith("Version: $LATEST")
    assert lines[0].startswith("START RequestId: ")
    assert lines[1:3] == ["loading", f"called with {event}"]
    assert lines[3].startswith("END RequestId: ")
    assert "Memory Size: 128 MB" in lines[4]
    assert "Init Duration: " in lines[4]
    _, again = invoke(client, name, event, LogType="Tail")
    assert "loading" not in tail(again)
    assert "Init Duration" not in tail(again)


def test_no_payload_is_an_empty_event(client, function):
    assert json.loads(client.invoke(FunctionName=function("echo"))["Payload"].read()) == {}


def test_environment_and_context(emulator, client, function):
    name = function("describe", MemorySize=256, Timeout=7, Environment={"Variables": {"MINE": "1"}})
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
    context = base64.b64encode(json.dumps({"custom": {"user": "u"}}).encode()).decode()
    seen, answer = invoke(client, name, ClientContext=context)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    stream = seen["context"].pop("stream")
    remaining = seen["context"].pop("remaining")
    assert 5000 < remaining <= 7000
    assert len(seen["context"].pop("request")) == 36
    assert seen["context"] == {
        "name": name,
        "version": "$LATEST",
        "arn": arn,
        "memory": "256",
        "group": f"/aws/lambda/{name}",
        "client": {"user": "u"},
    }
    environment = seen["environment"]
    credentials = {
        key: environment.pop(key) for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    }
    environment.pop("LC_CTYPE", None)  # Python's own, where the locale is not installed
    folder = environment.pop("LAMBDA_TASK_ROOT")
    assert environment == {
        "MINE": "1",
        "AWS_ENDPOINT_URL": emulator.url,
        "_HANDLER": "main.describe",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_LOG_FORMAT": "Text",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
    }
    assert (seen["folder"], seen["path"][0], seen["helper"], seen["price"]) == (folder, folder, "helper", 1.5)
    assert not [entry for entry in seen["path"] if "site-packages" in entry]
    # The credentials are the role's.
    sts = boto3.client(
        "sts",
        endpoint_url=emulator.url,
        region_name="us-east-1",
        aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=credentials["AWS_SESSION_TOKEN"],
    )
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:sts::123456789012:assumed-role/functions/{name}"


def test_only_the_package_and_the_standard_library_can_be_imported(client, function):
    assert invoke(client, function("site_packages"))[0] == {"numpy": False, "boto3": False, "moto": False, "pip": False}


def test_versions_and_aliases(emulator, client, name):
    deploy(
        emulator,
        name,
        {"m.py": "def handle(e, c): return ['one', c.function_version, c.invoked_function_arn]"},
        "m.handle",
    )
    assert client.publish_version(FunctionName=name)["Version"] == "1"
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    two = package({"m.py": "def handle(e, c): return ['two', c.function_version, c.invoked_function_arn]"})
    client.update_function_code(FunctionName=name, ZipFile=two)
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
    expected = {
        name: ["two", "$LATEST", arn],
        f"{name}:$LATEST": ["two", "$LATEST", f"{arn}:$LATEST"],
        f"{name}:1": ["one", "1", f"{arn}:1"],
        f"{name}:live": ["one", "1", f"{arn}:live"],
        f"{arn}:live": ["one", "1", f"{arn}:live"],
        f"123456789012:function:{name}:1": ["one", "1", f"{arn}:1"],
    }
    for spelled, result in expected.items():
        payload, answer = invoke(client, spelled)
        assert (payload, answer["ExecutedVersion"]) == (result, result[1])
    assert invoke(client, arn, Qualifier="live")[0] == ["one", "1", f"{arn}:live"]
    client.publish_version(FunctionName=name)
    client.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    payload, answer = invoke(client, f"{name}:live")
    assert (payload, answer["ExecutedVersion"]) == (["two", "2", f"{arn}:live"], "2")


def test_changed_code_and_configuration_are_used_at_once(emulator, client, name):
    deploy(emulator, name, {"m.py": "import os\ndef handle(e, c): return [1, os.environ.get('A')]"}, "m.handle")
    assert invoke(client, name)[0] == [1, None]
    client.update_function_configuration(FunctionName=name, Environment={"Variables": {"A": "a"}})
    assert invoke(client, name)[0] == [1, "a"]
    client.update_function_code(
        FunctionName=name, ZipFile=package({"m.py": "import os\ndef handle(e, c): return [2, os.environ.get('A')]"})
    )
    assert invoke(client, name)[0] == [2, "a"]


def test_workers_are_kept_and_two_functions_have_their_own(emulator, client, name, function):
    first = invoke(client, function("describe"))[0]["pid"]
    assert [invoke(client, name)[0]["pid"] for _ in range(3)] == [first] * 3
    deploy(emulator, f"{name}-other", FILES, "main.describe")
    other = invoke(client, f"{name}-other")[0]
    assert other["context"]["name"] == f"{name}-other"
    assert other["pid"] != first


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
