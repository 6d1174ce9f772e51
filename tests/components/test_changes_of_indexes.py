"""What a change of `vectordb:indexes` or `vectordb:bridge` does to a stack that is there: no index and no bucket is replaced."""

import json

import pytest

from tests.components.test_changes_of_settings import changes, told

WORDS = [{"key": "summary", "language": "en"}]
STDLIB = {
    "name": "stdlib",
    "dimension": 256,
    "metric": "cosine",
    "model": "amazon.titan-embed-text-v2:0",
    "fullTextKeys": WORDS,
}
SQL = "changed Command sql-apply environment"
TEXT_SEARCH = "changed Command text-search-apply environment"
FUNCTION = "changed Function bridge-function environment"


def stdlib(**keys):
    changed = STDLIB | keys
    return {"indexes": [{key: value for key, value in changed.items() if value is not None}]}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (stdlib(), []),
        (stdlib(tenantKey="customer"), [SQL]),
        (stdlib(fullTextKeys=[{"key": "summary", "language": "de"}]), [SQL, TEXT_SEARCH]),
        (stdlib(fullTextKeys=[]), [SQL, "removed Command text-search-apply"]),
        (stdlib(keep=[], nonFilterableKeys=[]), []),
        # Of the function's role: the plan does not know the ARNs in it.
        (stdlib(model=None), [FUNCTION, SQL]),
        ({"bridge": {"tracing": False}}, ["changed Function bridge-function tracingConfig"]),
        ({"bridge": {"cacheSeconds": 60}}, [FUNCTION]),
        ({"bridge": {"memory": 2048, "concurrency": 8}}, [f"{FUNCTION} memorySize"]),
        (
            {"bridge": {"vpc": True}},
            [
                "added SecurityGroup bridge-group",
                "added SecurityGroup network-bedrock-runtime",
                "added SecurityGroup network-s3vectors",
                "added SecurityGroupEgressRule bridge-to-bedrock-runtime-egress",
                "added SecurityGroupEgressRule bridge-to-s3vectors-egress",
                "added SecurityGroupIngressRule bridge-to-bedrock-runtime-ingress",
                "added SecurityGroupIngressRule bridge-to-s3vectors-ingress",
                "added VpcEndpoint network-bedrock-runtime",
                "added VpcEndpoint network-s3vectors",
                "added VpcEndpointPolicy network-bedrock-runtime",
                "added VpcEndpointPolicy network-s3vectors",
                "changed Dashboard observability-dashboard dashboardBody",
                "changed Function bridge-function vpcConfig",
            ],
        ),
    ],
    ids=json.dumps,
)  # fmt: skip
def test_one_setting(change, expected):
    assert sorted(told(changes(change))) == sorted(expected)


MANY = {
    "indexes": [
        STDLIB | {"generation": 2, "dimension": 1024, "keep": [{"dimension": 256}]},
        {"name": "x" * 63, "dimension": 1},
        *({"name": f"index-{n}", "dimension": 8, "fullTextKeys": [f"key-{n}"]} for n in range(12)),
    ],
    "bridge": {
        "vpc": True,
        "tracing": False,
        "cacheSeconds": 60,
        "cacheMegabytes": 64,
        "memory": 512,
        "concurrency": 1,
    },
}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_there_and_back_nothing_is_replaced_and_what_holds_vectors_stays(stack):
    there, back = changes(MANY, stack=stack), changes({}, stack=stack, before=[MANY])
    assert [line for line in told([*there, *back]) if line.startswith("replaced")] == []
    assert [line for line in told(there) if line.startswith("removed")] == []


def test_only_what_an_index_is_made_with_replaces_it():
    found = told(changes(stdlib(nonFilterableKeys=["body"], metric="euclidean")))
    assert [line for line in found if line.startswith("replaced")] == [
        "replaced VectorsIndex vectors-stdlib distanceMetric metadataConfiguration"
    ]
