"""What the first request waits for: the package alone in a new interpreter, beside a handler that makes a client of the SDK."""

import compileall
import json
import py_compile
import shutil
import statistics
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from components import lambda_package

MOST = 2 / 3
"""Of the processor time that the client takes."""
FEWEST, MOST_PAIRS = 3, 9
"""Starts of both, one after the other: more only where the machine's other work blurs them."""
ARN = "arn:aws:s3vectors:us-east-1:123456789012:bucket/vectordb-dev/index/stdlib"
CLIENT = """
import boto3
client = boto3.client("s3vectors", region_name="us-east-1")


def handle(event, context):
    return client.query_vectors(**event)
"""
START = """
import sys, time
sys.path.insert(0, ".")
started = time.process_time()
import handler
print(time.process_time() - started)
print(*sorted({name.partition(".")[0] for name, module in sys.modules.items() if getattr(module, "__file__", None)}))
"""


def start(folder: Path, code: str = START, **variables: str) -> list[str]:
    """What a new interpreter prints that has nothing but the standard library and the folder.

    It writes no bytecode, as Lambda's, whose /var/task cannot be written.
    """
    environment = {
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "VECTORDB_INDEX_ARNS": json.dumps([ARN]),
    }
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", code],
        cwd=folder,
        env=environment | variables,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The package as it is on the functions' own Python: with bytecode."""
    folder = tmp_path_factory.mktemp("package")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(lambda_package, "RUNTIME", "python{}.{}".format(*sys.version_info))
        with zipfile.ZipFile(lambda_package.build("bridge")) as archive:
            archive.extractall("task")
    return folder / "task"


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """What the package is compared with: a client of the SDK at module scope, with its one service's data; compiled too."""
    folder = tmp_path_factory.mktemp("client")
    for library in ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3"):
        distribution = metadata.distribution(library)
        for file in distribution.files or ():
            name = file.as_posix()
            data = name.startswith("botocore/data/") and name.count("/") > 2 and "/s3vectors/" not in name
            if file.suffix in {".py", ".json", ".gz", ".pem"} and not name.startswith("..") and not data:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(distribution.locate_file(file)), folder / name)
    (folder / "handler.py").write_text(CLIENT)
    assert compileall.compile_dir(folder, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    return folder


def test_the_handler_starts_in_two_thirds_of_a_clients_time(package, client):
    ratios: list[float] = []
    while len(ratios) < FEWEST or (statistics.median(ratios) > MOST and len(ratios) < MOST_PAIRS):
        ratios.append(float(start(package)[0]) / float(start(client)[0]))
    assert statistics.median(ratios) <= MOST, ratios


def test_nothing_of_the_sdk_is_imported_but_the_signer(package):
    modules = set(start(package)[1].split())
    assert "botocore" in modules
    assert not modules & {"boto3", "s3transfer", "jmespath", "certifi", "unittest", "multiprocessing", "asyncio"}


def test_the_package_is_the_function_the_signer_and_two_files_of_data(package):
    data = {
        path.relative_to(package).as_posix() for path in package.rglob("*") if path.suffix not in {".py", ".pyc", ""}
    }
    assert data == {"botocore/cacert.pem", "botocore/data/partitions.json"}
    assert sum(path.stat().st_size for path in package.rglob("*")) < 6_000_000


ALONE = """
import json, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
sys.path.insert(0, ".")


class Container(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        keys = {"AccessKeyId": "fetched", "SecretAccessKey": "s", "Token": "t", "Expiration": "2999-01-01T00:00:00Z"}
        self.wfile.write(json.dumps(keys).encode())

    def log_message(self, *_):
        pass


import connections, handler, os, transport
container = HTTPServer(("127.0.0.1", 0), Container)
threading.Thread(target=container.serve_forever, daemon=True).start()
arguments = {"index_arn": json.loads(os.environ["VECTORDB_INDEX_ARNS"])[0]}
event = {"v": 2, "operation": "describe_index", "nonce": "n", "timeout_ms": 3000, "arguments": arguments}
print(handler.handle(event, None)["error"]["code"])
os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"http://127.0.0.1:{container.server_port}/"
print(transport._container().get_frozen_credentials().access_key)
print(len(connections.tls(None).get_ca_certs()) > 100)
"""


def test_the_package_alone_signs_a_call_and_fetches_credentials(package):
    """Nothing that is imported only at a call is missing."""
    printed = [line for line in start(package, ALONE) if not line.startswith("{")]  # but for the log's line
    assert printed == ["ServiceUnreachable", "fetched", "True"]


def test_an_unusable_endpoint_or_list_does_not_stop_the_import(package):
    for variables in (
        {"AWS_ENDPOINT_URL": "https://no.such.host.invalid"},
        {"AWS_ENDPOINT_URL": "nonsense"},
        {"VECTORDB_INDEX_ARNS": "nonsense"},
        {"AWS_CA_BUNDLE": "/no/such/file", "AWS_ENDPOINT_URL": "https://localhost:9"},
    ):
        assert start(package, "import sys; sys.path.insert(0, '.'); import handler; print('ok')", **variables) == ["ok"]
