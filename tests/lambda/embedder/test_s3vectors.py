"""The worker with S3 Vectors: intents before puts, nothing put late, refusals by their kinds, garbage and listings."""

import itertools
import json
import time
from dataclasses import dataclass, field

import pytest

from embedder import metadata, placing, s3vectors, tidying
from embedder.database import Content, Listing, Target
from embedder.errors import CallError, Kind
from embedder.leases import Leases
from embedder.placing import Placing
from embedder.stats import Stats
from embedder.stopping import Stopping
from embedder.transport import asking
from embedder.worker import Worker
from tests.embed.index import ARN, Index, IndexServer
from tests.embed.model import Model, Server, vector
from tests.embed.queue_double import Queue

MODEL = "cohere.embed-v4:0"
SECRET = "secret words"


@dataclass
class S3Queue(Queue):
    """The database's side: intents, and what finish was told."""

    index: Index = None
    carried: dict = field(default_factory=dict)
    intents: list = field(default_factory=list)
    wasted: list = field(default_factory=list)
    deleted: list = field(default_factory=list)
    listings: list = field(default_factory=list)
    told: list = field(default_factory=list)
    before_intent: object = None

    def content(self, vectorizer, generation, keys):
        return {
            key: Content(self.source[key], {}, f"hash of {key}", self.carried.get(key))
            for key in keys
            if key in self.source
        }

    def intend(self, vectorizer, generation, items):
        if self.before_intent:
            self.before_intent()
        prefixes = {}
        for item in items:
            work = self.work.get(item["key"])
            if work and work.version == item["version"] and work.lease == item["lease"]:
                prefixes[item["key"]] = f"1.1/{item['key']}/{item['version']}.{item['lease']}/"
                self.intents += [f"{prefixes[item['key']]}{n}" for n in item["chunks"]]
        return prefixes

    def _finish(self, item):
        for chunk in item["chunks"]:
            assert "embedding" not in chunk
            key = chunk.pop("vector_key")
            assert key is None or (key in self.intents and key in self.index.vectors)
            chunk["embedding"] = key
        return super()._finish(item)

    def garbage(self, count):
        found, self.wasted = self.wasted[:count], self.wasted[count:]
        return [(ARN, found)] if found else []

    def collected(self, index_arn, keys):
        self.deleted += keys

    def listing(self):
        return self.listings.pop() if self.listings else None

    def listed(self, listing, keys, next_token):
        self.told += keys
        if next_token:
            self.listings.append(Listing(ARN, listing.started_at, next_token))


@pytest.fixture
def index():
    return Index()


@pytest.fixture
def model():
    return Model()


@pytest.fixture(autouse=True)
def servers(model, index, monkeypatch):
    monkeypatch.setattr(placing, "PAUSE_SECONDS", 0.01)
    with Server(model) as server, IndexServer(index) as vectors:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", server.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3VECTORS", vectors.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield


def queue(index, count=0, text="text {} " + SECRET, lease=30, **destination):
    config = {
        "name": "docs",
        "chunking": {"method": "none"},
        "template": None,
        "embedding": {"provider": "bedrock", "model": MODEL, "dimension": 256},
        "limits": {"batch_rows": 96, "lease_seconds": lease},
        "limiter": MODEL,
        "destination": {"kind": "s3_vectors", "arn": ARN, "metric": "cosine", "non_filterable": ["long"]} | destination,
    }
    made = S3Queue(config, index=index)
    for n in range(count):
        made.write(f"[{n}]", text.format(n))
    return made


def work(made):
    worker = Worker(made, asking("us-east-1", 5), Stopping())
    try:
        return worker.work()
    finally:
        worker.close()


def all_placed(made):
    assert made.work == {}
    assert made.saved.keys() == made.source.keys() - made.dead.keys()
    for key, (chunk,) in made.saved.items():
        found = made.index.vectors[chunk["embedding"]]
        assert found["data"]["float32"] == pytest.approx(vector(chunk["text"], 256), abs=1e-7)
        assert found.get("metadata", {}) == metadata.storable(made.carried.get(key))


def operations(index, name="PutVectors"):
    return [parameters for operation, parameters in index.calls if operation == name]


def test_vectors_are_put_before_the_database_is_told(index, model):
    made = queue(index, 200)
    report = work(made)
    all_placed(made)
    assert (report.stats.rows, report.stats.errors) == (200, 0)
    assert len(index.vectors) == 200
    assert max(len(put["vectors"]) for put in operations(index)) <= 64
    assert {put["indexArn"] for put in operations(index)} == {ARN}


def test_a_put_has_at_most_so_many_vectors_and_bytes(index, model, monkeypatch):
    monkeypatch.setattr(s3vectors, "MOST_VECTORS", 20)
    monkeypatch.setattr(s3vectors, "MOST_BYTES", 40_000)
    made = queue(index, 60)
    work(made)
    all_placed(made)
    sizes = [len(json.dumps(put, separators=(",", ":"))) for put in operations(index)]
    assert max(sizes) < 45_000
    assert len(sizes) > 3


def test_a_kept_chunk_is_not_put_again(index, model):
    made = queue(index, 3)
    work(made)
    before = dict(index.vectors)
    made.write("[1]", made.source["[1]"])
    work(made)
    assert index.vectors == before
    assert made.saved["[1]"][0]["embedding"] in {None, *before}
    assert len(model.texts) == 3


def test_metadata_goes_with_the_vectors_and_is_part_of_what_is_embedded(index, model):
    made = queue(index, 1)
    made.carried["[0]"] = {"lang": "de", "none": None, "tags": ["a", None], "empty": [], "year": 2020, "new": True}
    work(made)
    (found,) = index.vectors.values()
    assert found["metadata"] == {"lang": "de", "tags": ["a"], "year": 2020, "new": True}
    made.write("[0]", made.source["[0]"])
    made.carried["[0]"] = {"lang": "en"}
    work(made)
    all_placed(made)
    assert sorted(v["metadata"]["lang"] for v in index.vectors.values()) == ["de", "en"]


def test_metadata_that_is_too_large_is_the_row_s_fault(index, model):
    made = queue(index, 3)
    made.carried |= {"[0]": {"short": SECRET * 200}, "[1]": {"long": SECRET * 200}, "[2]": {"long": SECRET * 4000}}
    work(made)
    all_placed(made)
    assert made.dead == {
        "[0]": "Unfit: the row's metadata has 2412 bytes filterable, at most 2048 are allowed; the largest is 'short' with 2402",
        "[2]": "Unfit: the row's metadata has 48011 bytes in all, at most 40960 are allowed; the largest is 'long' with 48002",
    }


def test_a_refused_vector_is_found_by_halves_and_the_others_are_put(index, model):
    made = queue(index, 64)
    bad = made.work["[37]"].version

    def refuse(operation, parameters):
        wrong = any(f"/[37]/{bad}." in vector["key"] for vector in parameters["vectors"])
        return (400, "ValidationException") if wrong else None

    index.refuse = refuse
    work(made)
    all_placed(made)
    assert made.dead == {"[37]": "ValidationException: S3 Vectors: HTTP status 400"}
    assert len(operations(index)) <= 13


@pytest.mark.parametrize(
    ("status", "code"),
    [(429, "TooManyRequestsException"), (503, "ServiceUnavailableException"), (500, "InternalServerException")],
)
def test_what_passes_is_tried_again_and_no_attempt_is_counted(index, model, status, code):
    made = queue(index, 5)
    refusals = itertools.chain([1, 1, 1], itertools.repeat(0))
    index.refuse = lambda *_: (status, code) if next(refusals) else None
    work(made)
    all_placed(made)
    assert made.failures == []
    assert made.throttles == 0  # the model's limiter has nothing to do with it


def test_what_does_not_pass_gives_the_rows_back(index, model, monkeypatch):
    monkeypatch.setattr("embedder.worker.CALM_SECONDS", 0.01)
    made = queue(index, 5)
    index.refuse = lambda *_: (503, "ServiceUnavailableException")
    report = work(made)
    assert not report.complete
    assert (made.failures, made.saved, made.dead) == ([], {}, {})
    assert {each.lease for each in made.work.values()} == {None}
    index.refuse = None
    work(made)
    all_placed(made)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "AccessDeniedException"),
        (404, "NotFoundException"),
        (402, "ServiceQuotaExceededException"),
        (400, "KmsDisabledException"),
    ],
)
def test_what_is_not_set_up_opens_the_circuit(index, model, status, code):
    made = queue(index, 5)
    index.refuse = lambda *_: (status, code)
    work(made)
    assert made.circuit == f"{code}: S3 Vectors: refused: secret words"
    assert made.saved == {}


def test_no_put_is_begun_when_most_of_the_lease_is_used(index, model):
    """Whatever would come late is not sent at all."""
    made = queue(index, 4)
    target = Target(1, 1, 4, False, made.config)
    leases = Leases(made, target, 10)
    placing_ = Placing(made, target, leases, Stats(), lambda *_: None)
    rows = _rows(made)
    # Renewed leases last; these cannot be, so they are let go before anything is intended.
    leases.hold(rows, time.monotonic() - 9)
    for each in made.work.values():
        each.lease = None
    assert placing_.place(rows) == []
    assert (made.intents, index.calls) == ([], [])


def test_a_worker_that_was_stopped_before_its_put_sends_nothing(index, model):
    made = queue(index, 4, lease=1)
    target = Target(1, 1, 4, False, made.config)
    leases = Leases(made, target, 1)
    rows = _rows(made)
    leases.hold(rows, time.monotonic())
    made.before_intent = lambda: time.sleep(0.85)
    assert Placing(made, target, leases, Stats(), lambda *_: None).place(rows) == []
    assert len(made.intents) == 4
    assert index.calls == []
    assert sorted(made.released) == ["[0]", "[1]", "[2]", "[3]"]


def test_a_signature_is_made_before_the_time_is_looked_at(index, model, monkeypatch):
    """Or a process that is stopped in between would send what AWS takes, long after its lease."""
    signed = s3vectors.signing.request

    def slow(*arguments, **options):
        made = signed(*arguments, **options)
        time.sleep(0.05)
        return made

    monkeypatch.setattr(s3vectors.signing, "request", slow)
    with pytest.raises(s3vectors.LateError):
        s3vectors.put(ARN, [b"{}"], time.monotonic() + 0.02)
    assert index.calls == []


def test_an_old_signature_is_refused_and_passes(index, model):
    index.longest_age = -1
    with pytest.raises(CallError) as caught:
        s3vectors.put(ARN, [b'{"key":"a"}'], time.monotonic() + 5)
    assert (caught.value.kind, caught.value.code) == (Kind.TRANSIENT, "RequestTimeTooSkewed")


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (
            "InvalidSignatureException",
            "Signature expired: 20260101T000000Z is now earlier than 20260101T001500Z",
            Kind.TRANSIENT,
        ),
        ("InvalidSignatureException", "The request signature we calculated does not match", Kind.CONFIGURATION),
        (None, "no JSON of the service's", Kind.CONFIGURATION),
    ],
)
def test_refusals_of_the_service_s_entrance(code, message, kind):
    error = s3vectors.refusal(
        403, {"x-amzn-errortype": code} if code else {}, json.dumps({"message": message}).encode()
    )
    assert (error.kind, error.code) == (kind, code or "Http403")


def test_vectors_without_a_direction_are_not_put_where_the_metric_is_cosine(index, model, monkeypatch):
    made = queue(index, 2)
    monkeypatch.setattr(
        "embedder.rows.Recipe.vectors", lambda self, answer: [type(v)("f", [0.0] * len(v)) for v in answer.vectors]
    )
    work(made)
    assert set(made.dead.values()) == {"Unfit: the model's vector is all zeros, which an index by cosine cannot hold"}
    assert index.calls == []


def test_garbage_is_deleted_and_an_index_that_is_gone_holds_none(index):
    made = queue(index)
    index.vectors |= {f"old{n}": {} for n in range(1200)}
    index.vectors["live"] = {}
    made.wasted = [f"old{n}" for n in range(1200)]
    work(made)
    assert (set(index.vectors), len(made.deleted)) == ({"live"}, 1200)
    assert [len(call["keys"]) for call in operations(index, "DeleteVectors")] == [500, 500, 200]
    made.wasted = ["more"]
    index.refuse = lambda *_: (404, "NotFoundException")
    work(made)
    assert made.deleted[-1] == "more"


def test_garbage_that_cannot_be_deleted_stays(index, capsys):
    made = queue(index)
    made.wasted = ["old"]
    index.refuse = lambda *_: (403, "AccessDeniedException")
    assert tidying.Tidying(made, Stopping()).go(now=True) is False
    assert made.deleted == []
    assert '"message":"tidying"' in capsys.readouterr().out


def test_an_index_that_refuses_keeps_no_other_s_garbage(index, monkeypatch):
    made = queue(index)
    index.vectors |= {"theirs": {}, "ours": {}}
    monkeypatch.setattr(made, "garbage", lambda count: [(f"{ARN}-of-another", ["theirs"]), (ARN, ["ours"])])
    index.refuse = lambda _, call: (403, "AccessDeniedException") if call["indexArn"] != ARN else None
    tidying.Tidying(made, Stopping()).go(now=True)
    assert (made.deleted, set(index.vectors)) == (["ours"], {"theirs"})


def test_an_index_is_listed_page_by_page(index, monkeypatch):
    monkeypatch.setattr(s3vectors, "MOST_LISTED", 3)
    made = queue(index)
    index.vectors |= {f"key{n}": {} for n in range(7)}
    made.listings = [Listing(ARN, "then", None)]
    work(made)
    assert made.told == [f"key{n}" for n in range(7)]
    assert len(operations(index, "ListVectors")) == 3


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("eu-west-1", "https://s3vectors.eu-west-1.api.aws"),
        ("cn-north-1", "https://s3vectors.cn-north-1.api.amazonwebservices.com.cn"),
    ],
)
def test_the_service_s_address(monkeypatch, region, expected):
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3VECTORS")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert s3vectors.url(region) == expected


def _rows(made):
    """Claimed rows whose vectors are there."""
    from array import array

    from embedder.rows import Piece, Row

    rows = []
    for claimed in made.claim(1, 1, 10, 30):
        row = Row(*claimed)
        row.pieces = [Piece(row, "text", "text", "hash", array("f", [1.0, 2.0]))]
        rows.append(row)
    return rows
