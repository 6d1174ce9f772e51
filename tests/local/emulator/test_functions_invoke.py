"""Invoke: results, the environment, versions and aliases."""

import base64
import json

import boto3

from tests.local.emulator.handlers import FILES, invoke, tail
from tests.local.emulator.packages import deploy, package


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
