"""Databases, vectors and keys cannot be destroyed by one command."""

from tests.policy.cases.case import TRUE, Case
from tests.policy.support import UNKNOWN

_FORCE_RULE = "store-not-force-destroyed"
_FORCED = {
    "backup/vault": "forceDestroy",
    "dsql/cluster": "forceDestroy",
    "ecr/repository": "forceDelete",
    "rds/globalCluster": "forceDestroy",
    "s3/vectorsVectorBucket": "forceDestroy",
    "s3tables/tableBucket": "forceDestroy",
}
_PROTECT_RULE = "data-protected"
_KEPT = (
    "docdb/cluster",
    "dynamodb/table",
    "efs/fileSystem",
    "kms/key",
    "rds/cluster",
    "rds/instance",
    "s3/vectorsIndex",
    "s3/vectorsVectorBucket",
)

CASES = [
    *(Case(_FORCE_RULE, path, {flag: True}, ((flag, TRUE),)) for path, flag in _FORCED.items()),
    Case(_FORCE_RULE, "backup/vault", {"forceDestroy": "yes"}, (("forceDestroy", "is a string, not false"),)),
    Case(_FORCE_RULE, "backup/vault", {"forceDestroy": False}),
    Case(_FORCE_RULE, "s3/vectorsVectorBucket", {"forceDestroy": UNKNOWN}),
    Case(_FORCE_RULE, "ecr/repository", {}),
    *(Case(_PROTECT_RULE, path, {}, (("", "is not protected: Pulumi would delete or replace it"),), alone=True) for path in _KEPT),
    *(Case(_PROTECT_RULE, path, {}, settings={"required": False}) for path in _KEPT),
]  # fmt: skip
