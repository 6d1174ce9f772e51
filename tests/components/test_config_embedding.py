"""`vectordb:embedding`: what it becomes for SQL, and what is refused in which words."""

import pytest

from components.config import load
from components.config.embedding import WORKER_MODELS
from tests.components.configured import refused, wire

TITAN = "amazon.titan-embed-text-v2:0"
ALLOWED = ", ".join(WORKER_MODELS)
DOCS = {"name": "docs", "source": "public.docs", "content": "body", "embedding": {"model": TITAN}}


def loaded(**keys):
    return load(wire(**keys))


def docs(**keys):
    return {"vectorizers": [DOCS | keys]}


def test_without_it_there_is_none_and_no_sweep():
    assert (loaded().embedding, loaded().sweep_minutes) == (None, 0)


@pytest.mark.parametrize(
    ("database", "given", "minutes"),
    [
        ({}, {}, 60),
        ({"minCapacity": 0.5}, {}, 1),
        ({}, {"sweepMinutes": 5}, 5),
        ({"engine": "rds"}, {"sweepMinutes": 0}, 0),
    ],
)
def test_a_cluster_that_pauses_is_woken_seldom(database, given, minutes):
    assert loaded(database=database, embedding={"models": [TITAN]} | given).sweep_minutes == minutes


def test_a_vectorizer_is_told_as_sql_takes_it():
    config = loaded(
        embedding=docs(
            embedding={"model": TITAN, "dimension": 512},
            chunking={"method": "markdown", "overlap": 100},
            template="$title: $chunk",
            destination={
                "type": "halfvec",
                "view": "public.docs_vectors",
                "index": "hnsw",
                "m": 24,
                "efConstruction": 100,
            },
            delivery={"mode": "sync_lambda", "onFailure": "abort"},
            limits={"requestsPerMinute": 600, "leaseSeconds": 60},
            backfill="none",
        )
    ).embedding
    [made] = config.vectorizers
    assert made.declared(sweep_minutes=1, max_concurrency=8) == {
        "name": "docs",
        "source": "public.docs",
        "content": "body",
        "chunking": {"method": "markdown", "size": 1200, "overlap": 100, "unit": "characters"},
        "template": "$title: $chunk",
        "embedding": {"provider": "bedrock", "model": TITAN, "normalize": True, "dimension": 512},
        "destination": {
            "kind": "table",
            "type": "halfvec",
            "distance": "cosine",
            "view": "public.docs_vectors",
            "index": "hnsw",
            "m": 24,
            "ef_construction": 100,
        },
        "delivery": {"mode": "sync_lambda", "on_failure": "abort", "row_limit": 96},
        "limits": {"batch_rows": 96, "max_attempts": 8, "lease_seconds": 60, "requests_per_minute": 600},
        "backfill": "none",
    }
    assert (config.invoked_models, config.written_indexes) == ((TITAN,), ())


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ("scheduled", {"mode": "scheduled", "every_seconds": 300}),
        ("queue", {"mode": "queue", "maximum_concurrency": 4}),
        ("event", {"mode": "event"}),
    ],
)
def test_the_pipeline_s_numbers_are_every_vectorizer_s(mode, told):
    [made] = loaded(embedding=docs(delivery={"mode": mode})).embedding.vectorizers
    assert made.delivery.declared(sweep_minutes=5, max_concurrency=4) == told


SERVER = {"origin": "https://models.internal:8443", "securityGroupId": "sg-0123456789abcdef0"}


def test_an_index_and_its_vectorizer_agree_on_dimension_tenant_and_ownership():
    to_index = DOCS | {"destination": {"kind": "s3_vectors", "index": "docs"}}
    index = {"name": "docs", "dimension": 512, "tenantKey": "customer"}
    said = "\n".join(refused(embedding={"vectorizers": [to_index, to_index | {"name": "more"}]}, indexes=[index]))
    assert "whose tenantKey is 'customer'; name a column of that name in destination.metadata" in said
    assert "vectorizer 'more' writes to the index 'docs', which is another's; give each its own" in said
    other = to_index | {"embedding": {"model": TITAN}}  # the most that it gives
    assert "has the dimension 1024, and the index 'docs' has 512" in "\n".join(
        refused(embedding={"vectorizers": [other]}, indexes=[index])
    )


def test_a_schedule_cannot_carry_an_empty_tag():
    said = "\n".join(refused(embedding={"models": [TITAN]}, tags={"Team": ""}))
    assert "tags: 'Team' is empty, which a schedule cannot carry; give it a value" in said
    assert loaded(embedding={"models": [TITAN], "sweepMinutes": 0}, tags={"Team": ""}).tags == {"Team": ""}


def test_a_model_behind_an_endpoint_is_declared_as_sql_takes_it():
    asked = {"model": "house", "dimension": 768, "url": "https://models.internal:8443/v1/embeddings"}
    house = docs(embedding=asked | {"queryPrefix": "query: "})
    config = loaded(embedding=house | {"endpoints": [SERVER]}).embedding
    assert config.vectorizers[0].embedding.declared() == {
        "provider": "http",
        "url": "https://models.internal:8443/v1/embeddings",
        "prefixes": {"query": "query: "},
        "model": "house",
        "normalize": False,
        "dimension": 768,
    }
    assert config.invoked_models == ()
    assert (config.endpoints[0].port, config.endpoints[0].origin) == (8443, "https://models.internal:8443")


REFUSED = [
    (
        {},
        ("vectordb:embedding: models is empty, and no vectorizer names one: the worker could ask none. "
        f"Name one of {ALLOWED}"),
    ),
    (
        {"models": ["amazon.titan-embed-text-v2"]},
        ("vectordb:embedding.models: 'amazon.titan-embed-text-v2' is no embedding model that the worker knows; "
        f"did you mean '{TITAN}'? Allowed: {ALLOWED}"),
    ),
    (
        {"models": ["us.cohere.embed-v4:0"]},
        "'us.cohere.embed-v4:0' is an inference profile, which carries texts to other regions; write 'cohere.embed-v4:0'",
    ),
    ({"models": [TITAN], "maxConcurrency": 1}, "vectordb:embedding.maxConcurrency"),
    (
        {"models": [TITAN], "queue": False, "maxConcurrency": 4},
        "maxConcurrency belongs to the queue, and queue is false; leave it out, or set queue to true",
    ),
    ({"models": [TITAN], "calls": False, "sweepMinutes": 0}, "queue has nobody who writes to it"),
    (docs(delivery={"mode": "queue"}) | {"queue": False}, "has delivery.mode queue, and queue is false; set it to true"),
    (docs(delivery={"mode": "event"}) | {"calls": False}, "in which SQL calls the worker, and calls is false"),
    (docs() | {"sweepMinutes": 0}, "has delivery.mode scheduled, and sweepMinutes is 0, which is never"),
    (docs(name="Docs"), "must be 1 to 40 lower-case letters, digits and underscores, a letter first"),
    ({"vectorizers": [DOCS, DOCS]}, "'docs' more than once; each name can be used once"),
    (docs(embedding={"model": TITAN, "dimension": 300}), "gives 256, 512, 1024 numbers, and dimension is 300; the nearest is 256"),
    (docs(chunking={"size": 100}), "size: belongs to a method that cuts; set method to recursive, or leave it out"),
    (docs(chunking={"method": "fixed", "size": 100, "overlap": 60}), "overlap 60 is more than half of size 100; lower it to 50"),
    (docs(destination={"kind": "column"}), "the kind column needs column"),
    (docs(destination={"column": "v"}), "column: the kind table has view, type, distance, index, m, efConstruction; leave out the others, or give kind: column"),
    (docs(destination={"index": "docs"}), "index docs is none of auto, hnsw, none; of S3 Vectors it is the kind s3_vectors"),
    (docs(destination={"kind": "s3_vectors", "index": "docs", "m": 8}), "m: the kind s3_vectors has index, metadata; leave out the others, or give kind: table"),
    (docs(destination={"m": 40}), "efConstruction 64 is below 80, twice m, which pgvector refuses"),
    (docs(destination={"efConstruction": 3000}), "efConstruction"),
    (docs(destination={"kind": "s3_vectors", "index": "other"}), "writes to the index 'other', and indexes has none; add it there"),
    (docs(delivery={"mode": "event", "rowLimit": 5}), "onFailure and rowLimit belong to the modes sync_lambda and in_transaction"),
    (
        docs(delivery={"mode": "in_transaction"}, destination={"kind": "column", "column": "v"}),
        f"in which the database itself asks {TITAN}; add that to database.bedrockModels",
    ),
    (docs(delivery={"mode": "in_transaction"}), "needs destination.kind column"),
    (
        docs(delivery={"mode": "sync_lambda"}, destination={"kind": "s3_vectors", "index": "docs"}),
        "sync_lambda writes in the transaction, in which S3 Vectors takes no part",
    ),
    (
        docs(delivery={"mode": "in_transaction"}, destination={"kind": "column", "column": "v"}, template="$title: $chunk"),
        "in_transaction takes no template; put it into content",
    ),
    (docs(source="public.docs; DROP"), "'public.docs; DROP' names no table; write it as in SQL, with its schema: public.docs"),
    (docs(delivery={"mode": "scheduled"}) | {"sweepMinutes": 60, "oldestMinutes": 30}, "with oldestMinutes 30 an alarm rings before"),
    ({"models": [TITAN], "indexes": ["docs"]}, "embedding.indexes names 'docs', and indexes has none; add it there"),
    ({"endpoints": [SERVER | {"origin": "http://models.internal"}]}, "'http://models.internal' is no origin; write scheme, host and port"),
    ({"endpoints": [SERVER | {"token": "s3cret"}]}, "is the ARN of a secret of AWS Secrets Manager, not the token itself"),
    ({"endpoints": [SERVER | {"tokenKey": "arn:aws:kms:us-east-1:123456789012:key/k"}]}, "there is no token; name one, or leave it out"),
    ({"endpoints": [SERVER, SERVER]}, "https://models.internal:8443 more than once; each origin can be used once"),
    ({"endpoints": [SERVER | {"caCertificate": "MII"}]}, "is a certificate in PEM"),
    ({"endpoints": [SERVER | {"caCertificate": "-----BEGIN CERTIFICATE-----" + "A" * 2600}]}, "a function's variables hold 4 KB"),
    (
        docs(embedding={"model": "house", "dimension": 768, "url": "https://two.internal/v1/embeddings"}),
        "vectorizer 'docs' asks https://two.internal, and endpoints has no such origin; add it there",
    ),
    (docs(embedding={"model": "house", "url": "https://models.internal:8443/e"}), "dimension is missing: how many numbers 'house' gives"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "said"), REFUSED, ids=[said[-40:] for _, said in REFUSED])
def test_what_is_refused_is_told_with_what_to_write_instead(given, said):
    assert said in "\n".join(refused(embedding=given))
