"""Starting, ending, and what happens when somebody dies."""

import signal
import subprocess
import sys
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.local.emulator.packages import deploy
from tests.local.emulator.running import ROOT, eventually
from vectordb.processes import alive

# A handler that starts a child, says both ids by making files in a folder, and never returns.
BUSY = """
import os, pathlib, subprocess

def handle(event, context):
    child = subprocess.Popen(["sleep", "60"])
    for pid in (os.getpid(), child.pid):
        pathlib.Path(event["folder"], str(pid)).touch()
    while True:
        pass
"""


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "vectordb.local.emulator", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
    )


def test_it_is_ready_soon_and_says_where(start, tmp_path):
    running = start("--no-preload", "--port-file", str(tmp_path / "port"))
    assert running.ready_after < 3  # 0.2 s on an idle machine
    assert (tmp_path / "port").read_text() == f"{running.port}\n"
    status, _, health = running.request("GET", "/_vectordb/health")
    assert (status, health["status"]) == (200, "ready")


def test_a_taken_port_is_one_line_and_exit_1(start, tmp_path):
    running = start("--no-preload")
    second = run("--port", str(running.port), "--state", str(tmp_path / "other"))
    assert second.returncode == 1
    assert second.stdout == ""
    assert second.stderr.count("\n") == 1
    assert second.stderr.startswith(
        f"The AWS emulator cannot listen on 127.0.0.1:{running.port}: Address already in use."
    )


def test_a_state_directory_belongs_to_one_emulator(start):
    running = start("--no-preload")
    second = run("--port", "0", "--state", str(running.state))
    assert second.returncode == 1
    assert second.stderr.startswith(f"Another emulator (process {running.process.pid}) uses {running.state}.")


def test_it_ends_cleanly_when_asked(start):
    running = start()
    assert running.request("GET", "/_vectordb/health")[0] == 200
    running.end(signal.SIGTERM)
    assert running.process.returncode == 0
    assert running.errors.read_text() == ""


@pytest.mark.parametrize(
    "after", [0, pytest.param(0.05, marks=pytest.mark.long), 0.2, pytest.param(0.5, marks=pytest.mark.long), 1.0]
)
def test_asked_twice_it_ends_once(start, after):
    """The kernel's signal and the watch for the parent come a moment apart when the parent is killed."""
    running = start()
    time.sleep(after)  # while it loads what it needs, and after
    for _ in range(300):
        if running.process.poll() is not None:
            break
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.001)
    running.process.wait(10)
    assert running.process.returncode == 0
    assert running.errors.read_text() == ""


def test_it_ends_with_its_parent(tmp_path):
    program = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "vectordb.local.emulator", "--state", sys.argv[1]], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""
    arguments = [sys.executable, "-c", program, str(tmp_path / "state")]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        emulator = int(parent.stdout.readline())
        assert alive(emulator)
        parent.kill()
    eventually(lambda: not alive(emulator))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_functions_end_with_it_even_in_a_call(start, tmp_path, number):
    running = start()
    deploy(running, "busy", {"busy.py": BUSY}, "busy.handle", Timeout=60)
    failures = []

    def call():
        try:
            running.client("lambda").invoke(FunctionName="busy", Payload=f'{{"folder": "{tmp_path}"}}')
        except (BotoCoreError, ClientError) as error:
            failures.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    pids = eventually(lambda: found if len(found := [int(p.name) for p in tmp_path.glob("[0-9]*")]) == 2 else None)
    begun = time.monotonic()
    running.end(number)
    assert time.monotonic() - begun < 4
    caller.join(10)
    eventually(lambda: not any(alive(pid) for pid in pids))
