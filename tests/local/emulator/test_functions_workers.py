"""Concurrency, calls that nobody waits for, and workers started beforehand."""

import base64
import json
import threading
import time

from botocore.exceptions import ClientError

from tests.local.emulator.packages import deploy
from tests.local.emulator.running import eventually

NAP = "import os, time\ndef handle(event, context):\n    time.sleep(event['seconds'])\n    return os.getpid()"

# Fails as often as it is told, and notes each call in a file.
FLAKY = """
def handle(event, context):
    with open(event["file"], "a+") as file:
        file.write(context.aws_request_id + "\\n")
        file.seek(0)
        if len(file.readlines()) <= event["failures"]:
            raise RuntimeError("again")
"""


def at_once(client, function, count, seconds):
    """Results or error codes of calls that begin together."""
    results = []
    payload = json.dumps({"seconds": seconds})

    def call():
        try:
            results.append(json.loads(client.invoke(FunctionName=function, Payload=payload)["Payload"].read()))
        except ClientError as error:
            results.append(
                (
                    error.response["Error"]["Code"],
                    error.response["ResponseMetadata"]["HTTPStatusCode"],
                    error.response["Reason"],
                )
            )

    threads = [threading.Thread(target=call) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_calls_run_at_once_each_in_its_worker(emulator, client, name):
    deploy(emulator, name, {"nap.py": NAP}, "nap.handle", Timeout=20)
    at_once(client, name, 4, 0.5)  # cold
    begun = time.monotonic()
    results = at_once(client, name, 4, 0.5)
    assert time.monotonic() - begun < 1.5
    assert len(set(results)) == 4


def test_more_than_may_run_are_throttled(emulator, client, name):
    deploy(emulator, name, {"nap.py": NAP}, "nap.handle", Timeout=20)
    results = at_once(client, name, 8, 1)  # the emulator was started with --concurrency 6
    throttled = ("TooManyRequestsException", 429, "ConcurrentInvocationLimitExceeded")
    assert sorted(map(str, results)).count(str(throttled)) == 2
    assert len({result for result in results if result != throttled}) == 6
    assert at_once(client, name, 1, 0) != [throttled]


def test_reserved_concurrency(emulator, client, name):
    deploy(emulator, name, {"nap.py": NAP}, "nap.handle", Timeout=20)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    results = at_once(client, name, 2, 1)
    assert ("TooManyRequestsException", 429, "ReservedFunctionConcurrentInvocationLimitExceeded") in results
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert at_once(client, name, 1, 0)[0][1] == 429


def test_functions_may_call_functions(emulator, client, name):
    """Each holds a request open while it asks the next: they must not use up the server's threads."""
    code = """
import json, os, urllib.request
def handle(event, context):
    if event == 0:
        return 0
    url = os.environ["AWS_ENDPOINT_URL"] + "/2015-03-31/functions/" + context.function_name + "/invocations"
    with urllib.request.urlopen(url, json.dumps(event - 1).encode()) as reply:
        return json.load(reply) + 1
"""
    deploy(emulator, name, {"m.py": code}, "m.handle", Timeout=20)
    assert json.loads(client.invoke(FunctionName=name, Payload="4")["Payload"].read()) == 4


def test_an_event_is_taken_and_repeated_twice(emulator, client, name, tmp_path):
    deploy(emulator, name, {"flaky.py": FLAKY}, "flaky.handle")
    file = tmp_path / "calls"
    answer = client.invoke(
        FunctionName=name, InvocationType="Event", Payload=json.dumps({"file": str(file), "failures": 9})
    )
    assert (answer["StatusCode"], answer["Payload"].read()) == (202, b"")
    eventually(lambda: file.exists() and len(file.read_text().splitlines()) == 3)
    time.sleep(0.5)
    calls = file.read_text().splitlines()
    assert len(calls) == 3
    assert len(set(calls)) == 1


def test_an_event_that_succeeds_is_not_repeated(emulator, client, name, tmp_path):
    deploy(emulator, name, {"flaky.py": FLAKY}, "flaky.handle")
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    for failures, calls in ((0, 1), (9, 2)):
        file = tmp_path / str(failures)
        client.invoke(
            FunctionName=name, InvocationType="Event", Payload=json.dumps({"file": str(file), "failures": failures})
        )
        eventually(lambda file=file, calls=calls: file.exists() and len(file.read_text().splitlines()) == calls)
        time.sleep(0.4)
        assert len(file.read_text().splitlines()) == calls


def test_a_published_alias_is_warm(emulator, client, name, tmp_path):
    mark = tmp_path / "loaded"
    code = "import os, pathlib, time\ntime.sleep(0.3)\npathlib.Path(os.environ['MARK']).write_text(str(os.getpid()))\n"
    code += "def handle(event, context): return os.getpid()"
    deploy(emulator, name, {"m.py": code}, "m.handle", Environment={"Variables": {"MARK": str(mark)}}, Publish=True)
    time.sleep(0.2)
    assert not mark.exists()
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    eventually(lambda: mark.exists() and mark.read_text())
    answer = client.invoke(FunctionName=name, Qualifier="live", LogType="Tail")
    assert json.loads(answer["Payload"].read()) == int(mark.read_text())
    assert b"Init Duration" not in base64.b64decode(answer["LogResult"])


def test_a_call_waits_for_the_worker_that_is_being_started(emulator, client, name, tmp_path):
    code = "import os, time\nopen(os.environ['MARK'], 'a').write('x')\ntime.sleep(0.5)\ndef handle(event, context): return 1"
    mark = tmp_path / "loads"
    deploy(emulator, name, {"m.py": code}, "m.handle", Environment={"Variables": {"MARK": str(mark)}}, Publish=True)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    eventually(mark.exists)
    assert client.invoke(FunctionName=name, Qualifier="live")["StatusCode"] == 200
    assert mark.read_text() == "x"


def test_warming_can_be_switched_off(start, tmp_path):
    running = start("--no-warm")
    mark = tmp_path / "loaded"
    code = "import os, pathlib\npathlib.Path(os.environ['MARK']).touch()\ndef handle(event, context): return 1"
    deploy(running, "cold", {"m.py": code}, "m.handle", Environment={"Variables": {"MARK": str(mark)}}, Publish=True)
    running.client("lambda").create_alias(FunctionName="cold", Name="live", FunctionVersion="1")
    time.sleep(0.5)
    assert not mark.exists()
    running.client("lambda").invoke(FunctionName="cold", Qualifier="live")
    assert mark.exists()
