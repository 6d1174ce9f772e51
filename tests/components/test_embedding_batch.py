"""Batch inference in the program: off without its key, and with it a private bucket, Bedrock's role on it, and no more than both need."""

import json

import pytest

from tests.components.configured import refused
from tests.components.models.known import Known
from tests.components.recorded import all_of, only, record
from tests.components.test_embedding import DOCS, TITAN, built, configuration
from vectordb.local.permissions import needs, truth
from vectordb.local.permissions.roles import roles_of
from vectordb.plan import plan, program
from vectordb.plan.invented import Invented

ON = {"embedding": {"models": [TITAN], "batch": True}}
BUCKET = "embedding-batch-files"


@pytest.fixture(scope="module")
def made():
    return program.run(configuration(ON), Known("us-east-1"))


@built
def test_what_is_made_beside_the_rest():
    before = {r.urn for r in record(embedding={"models": [TITAN]}).resources}
    added = [r for r in record(**ON).resources if r.custom and r.urn not in before]
    assert sorted((r.type.rpartition(":")[2], r.name) for r in added) == [
        ("Bucket", BUCKET),
        ("BucketLifecycleConfiguration", "embedding-batch-expiry"),
        ("BucketOwnershipControls", "embedding-batch-owner"),
        ("BucketPolicy", "embedding-batch-tls"),
        ("BucketPublicAccessBlock", "embedding-batch-private"),
        ("BucketServerSideEncryptionConfiguration", "embedding-batch-encryption"),
        ("Role", "embedding-batch-role"),
        ("RolePolicy", "embedding-batch-files-of-jobs"),
        ("SecurityGroup", "network-bedrock"),
        ("SecurityGroupEgressRule", "embedder-to-bedrock-egress"),
        ("SecurityGroupEgressRule", "embedder-to-s3"),
        ("SecurityGroupIngressRule", "embedder-to-bedrock-ingress"),
        ("VpcEndpoint", "network-bedrock"),
        ("VpcEndpointPolicy", "network-bedrock"),
    ]


@built
def test_the_roles_may_what_they_need_and_nothing_else():
    wanted = configuration(ON)
    roles = roles_of(program.run(wanted, Invented(wanted.region)))
    known = needs.all_known()
    assert [str(one) for one in truth.missing(roles, (), known)] == []
    assert [str(one) for one in truth.unneeded(roles, (), known)] == []


@built
@pytest.mark.usefixtures("one_pack")
def test_the_policy_pack_passes():
    assert plan.make(configuration(ON)).violations == ()


@built
def test_the_bucket_is_private_encrypted_and_empties_itself(made):
    block = only(made, "BucketPublicAccessBlock").inputs
    assert {key for key, value in block.items() if value is True} == {
        "blockPublicAcls",
        "blockPublicPolicy",
        "ignorePublicAcls",
        "restrictPublicBuckets",
    }
    [rule] = only(made, "BucketServerSideEncryptionConfiguration").inputs["rules"]
    function = only(made, "Function", "embedder-function").inputs
    chosen = rule["applyServerSideEncryptionByDefault"]
    assert (chosen["sseAlgorithm"], chosen["kmsMasterKeyId"]) == ("aws:kms", function["kmsKeyArn"])
    [rule] = only(made, "BucketLifecycleConfiguration").inputs["rules"]
    assert (rule["status"], rule["expiration"]["days"]) == ("Enabled", 4)
    [denied] = json.loads(only(made, "BucketPolicy").inputs["policy"])["Statement"]
    assert (denied["Effect"], denied["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert only(made, "Bucket", BUCKET).inputs["forceDestroy"] is True


@built
def test_bedrock_assumes_the_role_for_jobs_of_this_account_only(made):
    [trusted] = json.loads(only(made, "Role", "embedding-batch-role").inputs["assumeRolePolicy"])["Statement"]
    assert trusted["Principal"] == {"Service": "bedrock.amazonaws.com"}
    jobs = "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/*"
    assert trusted["Condition"] == {
        "ArnLike": {"aws:SourceArn": jobs},
        "StringEquals": {"aws:SourceAccount": "123456789012"},
    }


@built
def test_the_worker_and_sql_are_told(made):
    variables = only(made, "Function", "embedder-function").inputs["environment"]["variables"]
    told = json.loads(variables["VECTORDB_EMBED_BATCH"])
    assert set(told) == {"bucket", "roleArn", "keyArn", "account", "hours"}
    assert (told["account"], told["hours"]) == ("123456789012", 24)
    statements = json.loads(only(made, "RolePolicy", "embedder-work").inputs["policy"])["Statement"]
    [passed] = [one for one in statements if one["Action"] == "iam:PassRole"]
    assert passed["Condition"] == {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}}
    assert passed["Resource"] == told["roleArn"]
    sql = json.loads(only(made, "Command", "sql-apply").inputs["environment"]["VECTORDB_EMBEDDING"])
    assert sql["batch"] is True
    through = json.loads(only(made, "VpcEndpointPolicy", "network-bedrock").inputs["policy"])["Statement"]
    assert {
        action for one in through for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
    } == {
        "bedrock:CreateModelInvocationJob",
        "bedrock:GetModelInvocationJob",
        "bedrock:ListModelInvocationJobs",
        "bedrock:StopModelInvocationJob",
    }
    assert not [n for n in all_of(made, "VpcEndpointPolicy") if n == "network-s3"]


@built
@pytest.mark.parametrize("bastion", [True, False])
def test_the_gateway_of_s3_lets_the_worker_to_its_files_and_has_one_policy(bastion):
    transport = {} if bastion else {"transport": "data-api"}
    recording = program.run(configuration(ON | {"bastion": bastion} | transport), Known("us-east-1"))
    gateway = {
        name: json.loads(found.inputs["policy"])["Statement"]
        for name, found in all_of(recording, "VpcEndpointPolicy").items()
        if name.endswith("-s3")
    }
    [(name, statements)] = gateway.items()
    assert name == ("bastion-s3" if bastion else "network-s3")
    work = json.loads(only(recording, "RolePolicy", "embedder-work").inputs["policy"])["Statement"]
    files = [one for one in work if "s3:" in json.dumps(one["Action"])]
    through = [one for one in statements if one.get("Condition")]
    resources = [one["Resource"] if isinstance(one["Resource"], list) else [one["Resource"]] for one in through]
    assert [one["Action"] for one in through] == [one["Action"] for one in files]
    assert resources == [[one["Resource"]] for one in files]
    assert len(files) == 3
    assert len(statements) == len(files) + bastion
    # The same caller as at the endpoint of the jobs.
    control = json.loads(only(recording, "VpcEndpointPolicy", "network-bedrock").inputs["policy"])["Statement"]
    assert {json.dumps(one["Condition"]) for one in through} == {json.dumps(control[0]["Condition"])}


COHERE = "cohere.embed-v4:0"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"models": [COHERE], "batch": True}, "models names none of them; add one, or leave batch out"),
        ({"models": [TITAN], "batch": True, "sweepMinutes": 0}, "batch needs sweeps"),
        ({"vectorizers": [DOCS | {"backfill": "batch"}]}, "'docs' has backfill batch, and batch is false; set it to true"),
        (
            {"models": [TITAN], "batch": True, "vectorizers": [DOCS | {"backfill": "batch", "embedding": {"model": COHERE}}]},
            f"'docs' has backfill batch, which {COHERE} does not take",
        ),
    ],
)  # fmt: skip
def test_what_could_not_be_done_is_refused(given, said):
    [line] = refused(embedding=given)
    assert said in line
