"""What a stack's policies, queues, buckets, secrets and functions lack, or say of others."""

from collections.abc import Iterator
from dataclasses import replace

from isolation.rule import aws
from tests.policy.mutations.changing import GONE, Change, Mutation, Variation, added, changed, stated, without
from tests.policy.mutations.plans import Plan

_STRANGER = "210987654321"
_ADMITTED = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{_STRANGER}:role/one"},
    "Action": "*",
    "Resource": "*",
}
_KEY = "arn:aws:kms:us-east-1:123456789012:key/1"

_ACCOUNTS = [
    *(
        Mutation("policy-names-known-accounts", f"{path} admits a stranger", stated(path, key, _ADMITTED))
        for path, key in (
            ("kms/key", "policy"),
            ("sns/topicPolicy", "policy"),
            ("sqs/queuePolicy", "policy"),
            ("s3/vectorsVectorBucketPolicy", "policy"),
            ("iam/role", "assumeRolePolicy"),
        )
    ),
    Mutation(
        "shared-with-declared-accounts",
        "a function is given to a stranger",
        added(
            "lambda/permission", {"action": "lambda:InvokeFunction", "principal": _STRANGER}, function="lambda/function"
        ),
    ),
    Mutation(
        "shared-with-declared-accounts",
        "a snapshot is given to a stranger",
        added("rds/clusterSnapshot", {"sharedAccounts": [_STRANGER]}, dbClusterIdentifier="rds/cluster"),
    ),
]
_STORES = [
    *(
        Mutation("store-has-transport-policy", f"no {path}", without(path))
        for path in ("sns/topicPolicy", "sqs/queuePolicy", "s3/vectorsVectorBucketPolicy")
    ),
    Mutation("store-has-transport-policy", "one more queue", added("sqs/queue", {"kmsMasterKeyId": _KEY})),
    Mutation("queue-dead-letters", "one more queue", added("sqs/queue", {"kmsMasterKeyId": _KEY})),
    Mutation("queue-dead-letters", "the queue's is gone", changed("sqs/queue", "tickets", redrivePolicy=GONE)),
    *(
        Mutation("bucket-complete", f"no {path}", without(path))
        for path in ("s3/bucketPublicAccessBlock", "s3/bucketPolicy", "s3/bucketServerSideEncryptionConfiguration")
    ),
    Mutation("bucket-complete", "a bucket", added("s3/bucket", {"bucket": "docs"})),
    Mutation("secret-rotated", "a secret", added("secretsmanager/secret", {"kmsKeyId": _KEY})),
]


def _unkept(change: Change) -> Change:
    """Only in plans where nothing keeps what failed."""

    def varied(plan: Plan) -> Iterator[Variation]:
        if not any(each.type == aws("lambda/functionEventInvokeConfig") for each in plan.resources):
            yield from change(plan)

    return varied


_FUNCTIONS = [
    Mutation("function-in-vpc", "the worker leaves the VPC", changed("lambda/function", "embedder", vpcConfig=GONE)),
    Mutation("function-in-vpc", "the worker has no subnets", changed("lambda/function", "embedder", vpcConfig__subnetIds=[])),
    *(
        Mutation("function-in-vpc", f"one that knows the database, {what}", added("lambda/function", network, environment=database))
        for database in ("rds/cluster", "rds/instance")
        for what, network in (("outside", {}), ("without subnets", {"vpcConfig": {"securityGroupIds": ["sg-1"]}}))
    ),
    *(
        Mutation("function-dead-letters", f"{path} invokes", _unkept(added(path, properties, **{key: "lambda/alias"})))
        for path, key, properties in (
            ("sns/topicSubscription", "endpoint", {"protocol": "lambda"}),
            ("cloudwatch/eventTarget", "arn", {}),
            ("lambda/permission", "function", {"principal": "s3.amazonaws.com", "sourceAccount": "123456789012"}),
        )
    ),
]  # fmt: skip


def _unprotected(plan: Plan) -> Iterator[Variation]:
    for number, each in enumerate(plan.resources):
        if each.protect and each.type in map(
            aws, ("kms/key", "rds/cluster", "s3/vectorsIndex", "s3/vectorsVectorBucket")
        ):
            bare = replace(each, protect=False)
            resources = (*plan.resources[:number], bare, *plan.resources[number + 1 :])
            yield Variation(f"{plan.name}: {each.name}", resources, (bare,))


_PROTECTION = [Mutation("data-protected", "protect is gone", _unprotected)]

MUTATIONS = [*_PROTECTION, *_ACCOUNTS, *_STORES, *_FUNCTIONS]
