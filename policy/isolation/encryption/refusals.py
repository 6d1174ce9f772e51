"""What a resource's own policy proves: that it refuses requests over clear text.

Facts: S3, S3 Vectors, SQS and SNS have the condition key aws:SecureTransport, and all but S3 Vectors are documented to
take HTTP as well as HTTPS (Amazon S3 User Guide, "Protecting data in transit"; AWS General Reference, endpoints of SQS
and SNS).
"""

from isolation.encryption.proof import PROVEN, UNKNOWN, UNPROVEN, Plan, Proof, best
from isolation.reading.documents import NoDocumentError, refuses_clear_text, statements
from isolation.reading.properties import Property
from isolation.rule import Resource

# Type of a store → (service, whether it holds others, [(type of its policy, the property that names the store)])
_POLICIES: dict[str, tuple[str, bool, tuple[tuple[str, str], ...]]] = {
    "s3/bucket": ("s3", True, (("s3/bucketPolicy", "bucket"),)),
    "s3/bucketV2": ("s3", True, (("s3/bucketPolicy", "bucket"),)),
    "s3/vectorsVectorBucket": ("s3vectors", True, (("s3/vectorsVectorBucketPolicy", "vectorBucketArn"),)),
    "sqs/queue": ("sqs", False, (("sqs/queuePolicy", "queueUrl"),)),
    "sns/topic": ("sns", False, (("sns/topicPolicy", "arn"),)),
    "efs/fileSystem": ("elasticfilesystem", False, (("efs/fileSystemPolicy", "fileSystemId"),)),
}


def refusal(plan: Plan, resource: Resource, path: str) -> Proof:
    """The proof by policy of a store: its own property `policy`, or a resource of its own."""
    service, contains, attached = _POLICIES[path]
    documents = [(resource.name, resource.at("policy"))]
    for policy_type, key in attached:
        for policy in plan.stack.of(policy_type):
            named = plan.names.one(policy, key, path)
            if resource.urn in named.names or _unclear(policy, key, named.names):
                documents.append((policy.name, policy.at("policy")))
    proofs = [
        _document(name, document, service, contains=contains) for name, document in documents if not document.absent
    ]
    nothing = Proof(UNPROVEN, f"no policy refuses clear text; deny {service} under Bool aws:SecureTransport false")
    return best(proofs, nothing)


def _unclear(policy: Resource, key: str, names: frozenset[str]) -> bool:
    return policy.at(key).unknown and not names


def _document(name: str, document: Property, service: str, *, contains: bool) -> Proof:
    if document.unknown:
        return Proof(UNKNOWN, f"the policy {name} is only known after the deployment")
    try:
        refused = any(refuses_clear_text(each, service, contains=contains) for each in statements(document))
    except NoDocumentError:
        return Proof(UNPROVEN, f"the policy {name} is no policy document")
    if refused:
        return Proof(PROVEN, f"{name} refuses requests without TLS")
    if not document.whole:
        return Proof(UNKNOWN, f"parts of the policy {name} are only known after the deployment")
    return Proof(UNPROVEN, f"the policy {name} does not refuse requests without TLS")
