"""Emulator processes for tests, and patience."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import boto3
from botocore.config import Config

ROOT = Path(__file__).parents[3]
REGION = "us-east-1"


class Running:
    """A started emulator; its clients can reach nothing else."""

    def __init__(self, state, *arguments, port=0, environment=None):
        self.state = state
        self.errors = state.with_name(f"{state.name}-{uuid.uuid4().hex[:6]}.log")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        begun = time.monotonic()
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "vectordb.local.emulator",
                    "--port",
                    str(port),
                    "--state",
                    str(state),
                    *arguments,
                ],
                cwd=ROOT,
                env={**inherited, **(environment or {})},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        line = self.process.stdout.readline()
        self.ready_after = time.monotonic() - begun
        assert line.startswith("ready "), self.errors.read_text()
        self.port = int(line.split()[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def client(self, service, region=REGION, **config):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id="AKIATESTTESTTEST",
            aws_secret_access_key="nothing",
            config=Config(retries={"max_attempts": 0}, max_pool_connections=32, **config),
        )

    def request(self, method, path, document=None, headers=None):
        """(status, headers, JSON) of a plain request."""
        data = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(  # noqa: S310 - the address is the emulator's
            self.url + path, data=data, method=method, headers=headers or {}
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as reply:  # noqa: S310 - as above
                return reply.status, reply.headers, json.loads(reply.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, json.loads(error.read() or b"null")

    def kill(self):
        self.end(signal.SIGKILL)

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(10)
        self.process.stdout.close()


def eventually(condition, within=10.0):
    """What the condition gives once it is true."""
    deadline = time.monotonic() + within
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return value
