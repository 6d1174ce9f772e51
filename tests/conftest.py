"""What holds for every test: no test can reach AWS, or anything but this machine."""

import ipaddress
import os
import signal
import socket

import pytest
from hypothesis import HealthCheck, settings

import vectordb  # noqa: F401 - before gRPC: it sets what children of this process need

# Before any test module imports boto3: no profile, no credentials file, no instance metadata, and an endpoint that refuses.
for name in [name for name in os.environ if name.startswith(("AWS_", "PULUMI_", "VECTORDB_"))]:
    del os.environ[name]
os.environ |= {
    "AWS_ACCESS_KEY_ID": "LKIATESTS",
    "AWS_SECRET_ACCESS_KEY": "no-secret",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_DEFAULT_REGION": "us-east-1",
}

# Children inherit what is ignored: under nohup they would not end with a terminal that hangs up, which tests ask of them.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# The machine is shared: how long an example takes says nothing about the code.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


class ReachedOutsideError(AssertionError):
    """A test tried to connect to another machine."""


_connect = socket.socket.connect


def _guarded(self: socket.socket, address):
    if self.family in (socket.AF_INET, socket.AF_INET6):
        try:
            inside = ipaddress.ip_address(address[0]).is_loopback
        except ValueError:
            inside = address[0] == "localhost"
        if not inside:
            raise ReachedOutsideError(f"a test tried to connect to {address}")
    return _connect(self, address)


@pytest.fixture(autouse=True, scope="session")
def loopback_only():
    socket.socket.connect = _guarded
    yield
    socket.socket.connect = _connect
