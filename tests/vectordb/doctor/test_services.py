"""The database as RDS sees it, roles, indexes, queues, models: AWS's answers, broken in every way that is told apart."""

import json

import psycopg
import pytest

from tests.vectordb.doctor.subjects import SETTINGS
from vectordb.doctor.checks import services
from vectordb.doctor.context import Subject
from vectordb.doctor.findings import DeniedError
from vectordb.errors import VectordbError

IDENTIFIER = "vectordb-dev-database-1"
ROLE = "arn:aws:iam::123456789012:role/database-invoke"
INDEX = "arn:aws:s3vectors:us-east-1:123456789012:bucket/vectors/index/stdlib"
QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/embeddings"


def cluster(amazon, **described):
    amazon.answers(
        "rds",
        "describe_db_clusters",
        {"DBClusters": [{"Status": "available", "EngineVersion": "18.6"} | described]},
        {"DBClusterIdentifier": IDENTIFIER},
    )


@pytest.mark.parametrize(
    ("described", "state", "detail"),
    [
        ({}, "ok", f"{IDENTIFIER} is available, PostgreSQL 18.6"),
        ({"Status": "stopped"}, "failed", f"{IDENTIFIER} is stopped"),
        ({"Status": "inaccessible-encryption-credentials"}, "failed", f"{IDENTIFIER} is inaccessible-encryption-credentials"),
        ({"Status": "upgrading"}, "warning", f"{IDENTIFIER} is upgrading"),
        (
            {"DBClusterMembers": [
                {"DBInstanceIdentifier": "writer", "DBClusterParameterGroupStatus": "pending-reboot"},
                {"DBInstanceIdentifier": "reader-1", "DBClusterParameterGroupStatus": "in-sync"},
            ]},
            "warning", f"{IDENTIFIER} is available; parameters wait for a restart of writer",
        ),
    ],
)  # fmt: skip
def test_a_cluster_s_state(amazon, make_context, described, state, detail):
    cluster(amazon, **described)
    found = services.database_state(make_context())
    assert (found.state.value, found.detail) == (state, detail)


def test_a_stopped_cluster_s_remedy_is_a_command(amazon, make_context):
    cluster(amazon, Status="stopped")
    assert services.database_state(make_context()).remedy == (
        f"Start it: aws rds start-db-cluster --db-cluster-identifier {IDENTIFIER} --region us-east-1"
    )


def test_an_instance_s_state(amazon, make_context):
    amazon.answers(
        "rds",
        "describe_db_instances",
        {
            "DBInstances": [
                {
                    "DBInstanceStatus": "available",
                    "EngineVersion": "17.11",
                    "DBParameterGroups": [{"DBParameterGroupName": "shop", "ParameterApplyStatus": "pending-reboot"}],
                }
            ]
        },
        {"DBInstanceIdentifier": "shop-rds-1"},
    )
    found = services.database_state(
        make_context(host="shop-rds-1.c0ffee.us-east-1.rds.amazonaws.com", cluster_resource_id="db-ABC")
    )
    assert (found.state.value, found.detail, found.remedy) == (
        "warning",
        "shop-rds-1 is available; parameters wait for a restart of shop",
        "aws rds reboot-db-instance --db-instance-identifier shop-rds-1",
    )


def role(status="ACTIVE", feature="Lambda"):
    return {"FeatureName": feature, "RoleArn": ROLE, "Status": status}


@pytest.mark.parametrize(
    ("roles", "outputs", "state", "detail"),
    [
        ([role()], {}, "ok", f"Lambda: {ROLE}"),
        ([], {}, "failed", f"no role for Lambda at {IDENTIFIER}"),
        ([role()], {"bedrockModels": ["amazon.titan-embed-text-v2:0"]}, "failed", f"no role for Bedrock at {IDENTIFIER}"),
        (
            [role(), role(feature="Bedrock")], {"bedrockModels": ["amazon.titan-embed-text-v2:0"]}, "ok",
            f"Lambda: {ROLE}, Bedrock: {ROLE}",
        ),
        ([role("PENDING")], {}, "warning", f"Lambda: {ROLE}: PENDING"),
        ([role("INVALID")], {}, "failed", f"the database cannot assume the role for Lambda (Lambda: {ROLE})"),
    ],
)  # fmt: skip
def test_a_role_for_each_feature(amazon, make_context, roles, outputs, state, detail):
    cluster(amazon, AssociatedRoles=roles)
    found = services.role_associations(make_context(outputs=outputs))
    assert (found.state.value, found.detail) == (state, detail)


def test_rds_is_asked_once(amazon, make_context):
    cluster(amazon, AssociatedRoles=[role()])
    context = make_context()
    assert services.database_state(context).state.value == "ok"
    assert services.role_associations(context).state.value == "ok"


def index(amazon, **found):
    amazon.answers(
        "s3vectors",
        "get_index",
        {
            "index": {
                "vectorBucketName": "vectors", "indexName": "stdlib", "indexArn": INDEX, "creationTime": 1, "dataType": "float32",
                "dimension": 256, "distanceMetric": "cosine",
            }
            | found
        },
        {"indexArn": INDEX},
    )  # fmt: skip


def test_an_index_as_sql_knows_it(amazon, make_context):
    index(amazon)
    found = services.vector_indexes(make_context())
    assert (found.state.value, found.detail) == ("ok", "stdlib (256, cosine)")


def test_an_index_of_another_shape(amazon, make_context):
    index(amazon, dimension=1024, distanceMetric="euclidean")
    found = services.vector_indexes(make_context())
    assert (found.state.value, found.detail) == (
        "failed",
        "stdlib has dimension 1024 instead of 256 and metric euclidean instead of cosine",
    )


def test_an_index_that_is_gone(amazon, make_context):
    amazon.refuses("s3vectors", "get_index", "NotFoundException", "The specified index could not be found")
    found = services.vector_indexes(make_context())
    assert (found.state.value, found.detail) == ("failed", f"stdlib is gone ({INDEX})")


@pytest.mark.parametrize(
    ("configured", "state", "detail"),
    [
        ([{"metadataKey": "body", "language": "en", "status": "ACTIVE"}], "ok", "stdlib (256, cosine, by words: body)"),
        ([], "warning", "stdlib (256, cosine); stdlib does not search body by words"),
        (
            [{"metadataKey": "body", "language": "de"}], "warning",
            "stdlib (256, cosine); stdlib searches body in another language than declared",
        ),
        (
            [{"metadataKey": "body", "language": "en", "status": "BUILDING"}], "warning",
            "stdlib (256, cosine); stdlib is still building body",
        ),
    ],
)  # fmt: skip
def test_keys_that_are_searched_by_words(amazon, make_context, configured, state, detail):
    index(amazon, metadataConfiguration={"textSearchConfigurations": configured})
    row = {"name": "stdlib", "arn": INDEX, "dimension": 256, "metric": "cosine"}
    declared = [row | {"fullTextKeys": [{"key": "body", "language": "en"}]}]
    found = services.vector_indexes(make_context(indexes=json.dumps(declared)))
    assert (found.state.value, found.detail) == (state, detail)
    if state == "warning":
        assert found.remedy == "`vectordb indexes apply --stack …` configures it, and waits."


def test_indexes_that_may_not_be_seen_or_do_not_answer(amazon, make_context):
    amazon.refuses("s3vectors", "get_index", "AccessDeniedException")
    with pytest.raises(DeniedError):
        services.vector_indexes(make_context())
    amazon.refuses("s3vectors", "get_index", "ServiceUnavailableException")
    with pytest.raises(VectordbError, match="look at the index stdlib"):
        services.vector_indexes(make_context())


class Sql:
    """A connection on which some statements are refused: the beginning of each → the error."""

    def __init__(self, **refused):
        self.refused, self.asked = refused, []

    def execute(self, statement, values):
        name = "get_vectors" if "get_vectors" in statement else "describe_index"
        self.asked.append((name, *values))
        if name in self.refused:
            raise self.refused[name]


@pytest.mark.parametrize(
    ("tenants", "refused", "state", "detail"),
    [
        ({}, {}, "ok", "reached through SQL: stdlib"),
        ({}, {"get_vectors": psycopg.errors.InsufficientPrivilege("no")}, "failed", "stdlib: no "),
        (
            {"tenantKey": "customer"}, {"get_vectors": psycopg.errors.InsufficientPrivilege("bound to none")}, "ok",
            "reached through SQL: stdlib (described: its vectors are those of other tenants)",
        ),
        (
            {"tenantKey": "customer"},
            {name: psycopg.errors.InsufficientPrivilege(name) for name in ("get_vectors", "describe_index")},
            "failed", "stdlib: describe_index ",
        ),
        ({"tenantKey": "customer"}, {"get_vectors": psycopg.errors.ExternalRoutineException("no")}, "failed", "stdlib: no "),
        (
            {}, {"get_vectors": psycopg.errors.WrongObjectType("belongs to the vectorizer 'docs'")}, "ok",
            "reached through SQL: stdlib (known: a vectorizer's, and searched through it)",
        ),
    ],
)  # fmt: skip
def test_indexes_that_are_reached_through_sql(make_context, monkeypatch, tenants, refused, state, detail):
    rows = [{"name": "stdlib", "arn": INDEX, "dimension": 256, "metric": "cosine"} | tenants]
    context = make_context(indexes=json.dumps(rows))
    monkeypatch.setattr(context, "sql", lambda: Sql(**refused))
    found = services.s3_vectors(context)
    assert (found.state.value, found.detail) == (state, detail)


def messages(amazon, url, waiting, under_way):
    amazon.answers(
        "sqs",
        "get_queue_attributes",
        {"Attributes": {"ApproximateNumberOfMessages": waiting, "ApproximateNumberOfMessagesNotVisible": under_way}},
        {"QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]},
    )


@pytest.mark.parametrize(
    ("queue", "dead", "state", "detail"),
    [
        (("0", "0"), ("0", "0"), "ok", "0 waiting, 0 under way, 0 dead"),
        (("900", "16"), ("0", "0"), "ok", "900 waiting, 16 under way, 0 dead"),
        (("3", "0"), ("0", "0"), "warning", "3 waiting, 0 under way, 0 dead"),
        (("0", "0"), ("2", "1"), "failed", "0 waiting, 0 under way, 3 dead"),
    ],
)
def test_a_queue_and_its_dead_letters(amazon, make_context, queue, dead, state, detail):
    messages(amazon, QUEUE, *queue)
    messages(amazon, f"{QUEUE}-dead", *dead)
    found = services.queue(make_context(outputs={"queueUrl": QUEUE, "deadLetterQueueUrl": f"{QUEUE}-dead"}))
    assert (found.state.value, found.detail) == (state, detail)


def model(amazon, model_id, *, agreement="AVAILABLE", authorised="AUTHORIZED", entitled="AVAILABLE", here="AVAILABLE"):
    amazon.answers(
        "bedrock",
        "get_foundation_model_availability",
        {
            "modelId": model_id,
            "agreementAvailability": {"status": agreement},
            "authorizationStatus": authorised,
            "entitlementAvailability": entitled,
            "regionAvailability": here,
        },
        {"modelId": model_id},
    )


def test_models_that_may_be_used(amazon, make_context):
    model(amazon, "amazon.titan-embed-text-v2:0")
    model(amazon, "cohere.embed-v4:0")
    # An inference profile is named after its model, with a geography before it.
    found = services.bedrock_models(
        make_context(outputs={"bedrockModels": ["amazon.titan-embed-text-v2:0", "eu.cohere.embed-v4:0"]})
    )
    assert (found.state.value, found.detail) == ("ok", "usable: amazon.titan-embed-text-v2:0, eu.cohere.embed-v4:0")


def test_models_of_indexes_are_asked_about_too(amazon, make_context):
    model(amazon, "amazon.titan-embed-text-v1")
    model(amazon, "cohere.embed-v4:0")
    rows = [{"name": n, "arn": INDEX, "dimension": 256, "metric": "cosine", "model": "cohere.embed-v4:0"} for n in "ab"]
    found = services.bedrock_models(
        make_context(outputs={"bedrockModels": ["amazon.titan-embed-text-v1"]}, indexes=json.dumps(rows))
    )
    assert (found.state.value, found.detail) == ("ok", "usable: amazon.titan-embed-text-v1, cohere.embed-v4:0")


def test_a_model_that_nobody_has_agreed_to(amazon, make_context):
    model(amazon, "cohere.embed-multilingual-v3", agreement="NOT_AVAILABLE", authorised="NOT_AUTHORIZED")
    found = services.bedrock_models(make_context(outputs={"bedrockModels": ["cohere.embed-multilingual-v3"]}))
    assert (found.state.value, found.detail) == (
        "failed",
        "cohere.embed-multilingual-v3 is not agreed to, not authorised",
    )
    assert "aws-marketplace:Subscribe" in found.remedy


def test_a_model_that_the_region_does_not_offer(amazon, make_context):
    model(amazon, "cohere.embed-v4:0", entitled="NOT_AVAILABLE", here="NOT_AVAILABLE")
    found = services.bedrock_models(make_context(outputs={"bedrockModels": ["cohere.embed-v4:0"]}))
    assert found.detail == "cohere.embed-v4:0 is not entitled, not in us-east-1"


def test_a_check_is_declared_by_what_the_stack_has(tmp_path):
    bare = {"function_arn": "", "indexes": "[]"}

    def subject(outputs, **changes):
        from dataclasses import replace

        return Subject(settings=replace(SETTINGS, **changes), outputs=outputs, sql=tmp_path)

    declared = (
        services.has_bridge, services.has_indexes, services.has_models, services.has_queue, services.wants_roles,
    )  # fmt: skip
    assert [test(subject({}, **bare)) for test in declared] == [False] * 5
    assert [test(subject({})) for test in declared] == [True, True, False, False, True]
    full = {"queueUrl": QUEUE, "bedrockModels": ["amazon.titan-embed-text-v2:0"]}
    assert [test(subject(full, **bare)) for test in declared] == [False, False, True, True, True]
