"""What holds for every test: no test can reach AWS, or anything but this machine."""

import ipaddress
import os
import signal
import socket
from pathlib import Path

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


# A file stays with one worker, so the longest begin first: one that came last would run alone. Longest first, by the seconds that
# `pytest -n0 --durations=0` gives for each; xdist would put those of many tests first, hence --no-loadscope-reorder in the Makefile.
LONGEST = (
    # Where the Pulumi CLI is on PATH; elsewhere they are skipped at once.
    "tests/engine/test_stack.py",
    "tests/engine/test_preview.py",
    "tests/local/test_embedding.py",
    "tests/local/test_lifecycle.py",
    "tests/components/family/test_family.py",
    "tests/local/test_stack.py",
    "tests/local/test_databases.py",
    "tests/embed/test_chaos.py",
    "tests/embed/test_chaos_s3.py",
    "tests/vectordb/database/test_data_api.py",
    "tests/local/test_data_api.py",
    "tests/local/test_connect.py",
    "tests/local/test_doctor.py",
    "tests/local/postgres/test_cron.py",
    "tests/lambda/embedder/test_worker.py",
    "tests/components/test_changes_of_settings.py",
    "tests/vectordb/database/test_connect.py",
    "tests/sql/test_embed_delivery_bells.py",
    "tests/embed/test_rates.py",
    "tests/sql/test_embed_delivery_scheduled.py",
    "tests/local/test_permissions.py",
    "tests/components/test_embedding.py",
    "tests/components/models/test_stacks.py",
    "tests/policy/test_mutations.py",
    "tests/vectordb/database/test_removal.py",
    "tests/vectordb/plan/test_plan_command.py",
    "tests/vectordb/plan/test_changes.py",
    "tests/vectordb/database/test_migrate.py",
    "tests/vectordb/database/test_visit.py",
    "tests/vectordb/database/test_cli.py",
    "tests/local/postgres/test_server.py",
    "tests/local/postgres/test_invoke.py",
    "tests/local/emulator/test_event_sources.py",
    "tests/local/postgres/test_models.py",
    "tests/local/test_pipeline.py",
    # Long ones alone, which `make test` leaves out.
    "tests/local/test_embedding_trouble.py",
    "tests/local/test_embedding_batch.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.location[0], len(LONGEST)))


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


@pytest.fixture(scope="session")
def runtimes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PostgreSQL's installations, shared by all workers: whoever needs one first builds it (and compiles) for all."""
    folder = tmp_path_factory.getbasetemp()
    return (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "runtimes of all"
