"""An emulator process for the folder's tests, and a way to start others. Everything talks to 127.0.0.1."""

import uuid

import pytest
from botocore.exceptions import ClientError

from tests.local.emulator.handlers import FILES
from tests.local.emulator.packages import deploy
from tests.local.emulator.running import Running


@pytest.fixture
def start(tmp_path):
    """Start emulators that end with the test."""
    started = []

    def begin(*arguments, state=None, **options):
        running = Running(state or tmp_path / "state", *arguments, **options)
        started.append(running)
        return running

    yield begin
    for running in started:
        running.end()


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    """One for all tests that leave it as they found it, or use names of their own."""
    running = Running(
        tmp_path_factory.mktemp("emulator") / "a state",
        *("--concurrency", "6", "--retry-delay", "0.1"),
        environment={"SECRET_OF_THE_PARENT": "1", "PYTHONPATH": "/nowhere"},
    )
    yield running
    running.end()
    assert "Traceback" not in running.errors.read_text(), running.errors.read_text()


@pytest.fixture
def name():
    """A name that no other test uses."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture
def s3vectors(emulator):
    return emulator.client("s3vectors")


@pytest.fixture
def make_index(s3vectors, name):
    """Make an index in a bucket of the test's own; gives the keywords that name it."""
    s3vectors.create_vector_bucket(vectorBucketName=name)

    def make(dimension=2, metric="cosine", index="index", non_filterable=(), searchable=()):
        metadata = {}
        if non_filterable:
            metadata["nonFilterableMetadataKeys"] = list(non_filterable)
        if searchable:  # metadata keys, or keys and their languages
            languages = searchable if isinstance(searchable, dict) else dict.fromkeys(searchable)
            metadata["textSearchConfigurations"] = [
                {"metadataKey": key, **({"language": language} if language else {})}
                for key, language in languages.items()
            ]
        optional = {"metadataConfiguration": metadata} if metadata else {}
        s3vectors.create_index(
            vectorBucketName=name,
            indexName=index,
            dataType="float32",
            dimension=dimension,
            distanceMetric=metric,
            **optional,
        )
        return {"vectorBucketName": name, "indexName": index}

    return make


@pytest.fixture
def refused(s3vectors):
    """Call an operation that must fail: (code, HTTP status, message, path of the first field)."""

    def call(operation, **parameters):
        with pytest.raises(ClientError) as caught:
            getattr(s3vectors, operation)(**parameters)
        response = caught.value.response
        fields = response.get("fieldList") or [{}]
        status = response["ResponseMetadata"]["HTTPStatusCode"]
        return response["Error"]["Code"], status, response["Error"]["Message"], fields[0].get("path")

    return call


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
