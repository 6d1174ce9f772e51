"""Where policies stand: which property of which resource type holds an IAM policy document.

The types are those of pulumi-aws 7.51 whose inputs hold one. Not among them are documents of another grammar (ECR's
lifecycle policies, SQS's redrive policies, OpenSearch Serverless, Cedar policies of Verified Access and Permissions, SNS's
and CloudWatch Logs' data protection).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from isolation.reading.documents import NoDocumentError, statements
from isolation.reading.properties import Property
from isolation.rule import Resource, aws

Side = Literal["identity", "trust", "boundary", "endpoint", "resource"]
"""Of an identity: what it may do. Trust: who may become it. Boundary: what a session may do at most. Endpoint: who may do
what through a VPC endpoint. Resource: who may do what with the resource."""


@dataclass(frozen=True, slots=True)
class Place:
    """A property that holds a policy document, known or not."""

    side: Side
    document: Property


_POLICY: Final = (
    "acmpca/policy",
    "apigateway/domainName",
    "apigateway/restApi",
    "apigateway/restApiPolicy",
    "backup/vaultPolicy",
    "bedrock/agentcoreResourcePolicy",
    "cloudwatch/eventBusPolicy",
    "codebuild/resourcePolicy",
    "dsql/clusterPolicy",
    "dynamodb/resourcePolicy",
    "ecr/registryPolicy",
    "ecr/repositoryPolicy",
    "ecrpublic/repositoryPolicy",
    "efs/fileSystemPolicy",
    "glacier/vaultLock",
    "glue/resourcePolicy",
    "kinesis/resourcePolicy",
    "kms/externalKey",
    "kms/key",
    "kms/keyPolicy",
    "kms/replicaExternalKey",
    "kms/replicaKey",
    "lambda/resourcePolicy",
    "mediastore/containerPolicy",
    "msk/clusterPolicy",
    "networkfirewall/resourcePolicy",
    "oam/sinkPolicy",
    "opensearchingest/resourcePolicy",
    "pinpoint/smsvoicev2ResourcePolicy",
    "redshift/resourcePolicy",
    "redshiftserverless/resourcePolicy",
    "s3/accessPoint",
    "s3/bucket",
    "s3/bucketPolicy",
    "s3/bucketV2",
    "s3/filesFileSystemPolicy",
    "s3/vectorsVectorBucketPolicy",
    "s3control/accessGrantsInstanceResourcePolicy",
    "s3control/accessPointPolicy",
    "s3control/bucketPolicy",
    "s3control/objectLambdaAccessPointPolicy",
    "schemas/registryPolicy",
    "secretsmanager/secret",
    "secretsmanager/secretPolicy",
    "ses/identityPolicy",
    "sesv2/emailIdentityPolicy",
    "sns/topic",
    "sns/topicPolicy",
    "sqs/queue",
    "sqs/queuePolicy",
    "vpclattice/authPolicy",
    "vpclattice/resourcePolicy",
)
_OTHERWISE_NAMED: Final = {
    "amp/resourcePolicy": "policyDocument",
    "cloudsearch/domainServiceAccessPolicy": "accessPolicy",
    "cloudwatch/logDeliveryDestinationPolicy": "deliveryDestinationPolicy",
    "cloudwatch/logDestinationPolicy": "accessPolicy",
    "cloudwatch/logResourcePolicy": "policyDocument",
    "codeartifact/domainPermissions": "policyDocument",
    "codeartifact/repositoryPermissionsPolicy": "policyDocument",
    "ecr/repositoryCreationTemplate": "repositoryPolicy",
    "elasticsearch/domain": "accessPolicies",
    "elasticsearch/domainPolicy": "accessPolicies",
    "glacier/vault": "accessPolicy",
    "opensearch/domain": "accessPolicies",
    "opensearch/domainPolicy": "accessPolicies",
    "s3control/multiRegionAccessPointPolicy": "details.policy",
    "s3tables/tableBucketPolicy": "resourcePolicy",
    "s3tables/tablePolicy": "resourcePolicy",
    "sagemaker/modelPackageGroupPolicy": "resourcePolicy",
    "xray/resourcePolicy": "policyDocument",
}
_IDENTITY: Final = {
    "iam/groupPolicy": "policy",
    "iam/policy": "policy",
    "iam/role": "inlinePolicies[].policy",
    "iam/rolePolicy": "policy",
    "iam/userPolicy": "policy",
    "iot/policy": "policy",
    "ssoadmin/permissionSetInlinePolicy": "inlinePolicy",
}
_BOUNDARY: Final = {
    "eks/podIdentityAssociation": "policy",
    "rolesanywhere/profile": "sessionPolicy",
    "transfer/access": "policy",
    "transfer/user": "policy",
}
_ENDPOINT: Final = {"ec2/vpcEndpoint": "policy", "ec2/vpcEndpointPolicy": "policy"}


def _table() -> Mapping[str, tuple[tuple[Side, str], ...]]:
    found: dict[str, tuple[tuple[Side, str], ...]] = {aws(path): (("resource", "policy"),) for path in _POLICY}
    sides: tuple[tuple[Side, Mapping[str, str]], ...] = (
        ("resource", _OTHERWISE_NAMED),
        ("identity", _IDENTITY),
        ("boundary", _BOUNDARY),
        ("endpoint", _ENDPOINT),
    )
    for side, table in sides:
        found |= {aws(path): ((side, pattern),) for path, pattern in table.items()}
    found[aws("iam/role")] += (("trust", "assumeRolePolicy"),)
    return found


_PLACES: Final = _table()

RESOURCE_POLICIES: Final = frozenset(type_ for type_, found in _PLACES.items() if found[0][0] == "resource")
"""The types whose documents say who may use a resource."""
IDENTITY_POLICIES: Final = frozenset(type_ for type_, found in _PLACES.items() if found[0][0] == "identity")
"""The types whose documents say what an identity may do."""


def places(resource: Resource, *sides: Side) -> Iterator[Place]:
    """The policy documents of a resource, unknown ones too; of these sides only, if any are named."""
    for side, pattern in _PLACES.get(resource.type, ()):
        if not sides or side in sides:
            yield from (Place(side, found) for found in resource.select(pattern) if not found.absent)


def known_statements(resource: Resource, *sides: Side) -> Iterator[Property]:
    """The known statements of these documents; what is no document is skipped, `policy-is-readable` finds it."""
    for place in places(resource, *sides):
        if place.document.given:
            try:
                yield from list(statements(place.document))
            except NoDocumentError:
                continue
