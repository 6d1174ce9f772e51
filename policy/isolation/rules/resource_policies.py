"""Policies of resources admit known callers: nobody from outside, no service on somebody else's behalf."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.access.grants import GRANTS, grants
from isolation.access.places import RESOURCE_POLICIES, known_statements, places
from isolation.checks import presence
from isolation.reading.conditions import names_source
from isolation.reading.documents import NoDocumentError, allows, is_public, principals, statements
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, aws


def _public(resource: Resource) -> Iterator[Finding]:
    for statement in known_statements(resource, "resource"):
        if is_public(statement):
            yield Finding(statement.path, "admits everybody")


PUBLIC_POLICIES = ResourceRule(
    id="policy-not-public",
    title="No policy of a resource admits everybody.",
    severity=Severity.CRITICAL,
    remedy="Name the principals, or add a condition with fixed values, such as aws:PrincipalOrgID or aws:SourceVpce.",
    why=(
        "A statement that allows something to * without a condition that only known callers meet is open to every AWS "
        "account, and often to callers without one (S3 User Guide, the meaning of public). It does not need a network path: "
        "queues, keys, secrets and vectors answer at public endpoints."
    ),
    frameworks=Frameworks(
        fsbp=("S3.2", "S3.3", "SQS.3", "SNS.4", "KMS.5"),
        cdk_nag=("AwsSolutions-S5",),
        checkov=("CKV_AWS_32", "CKV_AWS_33", "CKV_AWS_70", "CKV_AWS_168", "CKV_AWS_169"),
    ),
    checks=dict.fromkeys(sorted(RESOURCE_POLICIES), _public),
)


def _public_grants(resource: Resource) -> Iterator[Finding]:
    for statement in grants(resource):
        if is_public(statement):
            yield Finding(statement.path, "admits everybody")


# Endpoint services are a way into the network: another rule looks at them.
_ELSEWHERE = ("ec2/vpcEndpointService", "ec2/vpcEndpointServiceAllowedPrinciple")
_SHARED = sorted(GRANTS - set(map(aws, _ELSEWHERE)))

PUBLIC_GRANTS = ResourceRule(
    id="shared-with-nobody-unknown",
    title="Functions, layers, snapshots, images, documents and keys are shared with nobody unknown.",
    severity=Severity.CRITICAL,
    remedy="Name the accounts; all, All and * are everybody.",
    why=(
        "A public snapshot or image is copied by anybody within minutes, with everything in the database or on the disk; a "
        "function whose permission names * is called by any account; a public document may hold hosts and commands (Amazon "
        "RDS User Guide, sharing a DB snapshot; Systems Manager User Guide, best practices for shared documents; Lambda "
        "Developer Guide, resource-based policies)."
    ),
    frameworks=Frameworks(
        fsbp=("RDS.1", "EC2.1", "SSM.4", "Lambda.1"),
        checkov=("CKV_AWS_301", "CKV_AWS_302", "CKV_AWS_303", "CKV_AWS_364"),
    ),
    checks={
        **dict.fromkeys(_SHARED, _public_grants),
        aws("ecrpublic/repository"): presence("is a repository for everybody"),
    },
)

# EventBridge sends no source where SNS or SQS use a key for it (SNS Developer Guide, managing encryption keys; SQS
# Developer Guide, key management: "some services do not support …").
_WITHOUT_SOURCE = frozenset({"events.amazonaws.com", "cloudfront.amazonaws.com", "delivery.logs.amazonaws.com"})
_KEYS = frozenset(map(aws, ("kms/key", "kms/keyPolicy", "kms/externalKey", "kms/replicaKey", "kms/replicaExternalKey")))


def _unsourced(resource: Resource) -> Iterator[Finding]:
    for statement in known_statements(resource, "resource"):
        if not allows(statement) or names_source(statement) is not False:
            continue
        for principal in principals(statement):
            excused = resource.type in _KEYS and principal.name in _WITHOUT_SOURCE
            if principal.kind == "service" and not excused:
                yield Finding(principal.place.path, "names a service without saying on whose behalf")


def _unsourced_grants(resource: Resource) -> Iterator[Finding]:
    for statement in grants(resource):
        services = any(principal.kind == "service" for principal in principals(statement))
        if services and names_source(statement) is False:
            yield Finding(statement.path, "names a service without saying on whose behalf")


UNSOURCED_SERVICES = ResourceRule(
    id="policy-names-source",
    title="Policies of resources admit services on behalf of this account only.",
    severity=Severity.MEDIUM,
    remedy="Add StringEquals aws:SourceAccount, or ArnLike aws:SourceArn with the ARN of what the service acts for.",
    why=(
        "SNS, EventBridge, CloudWatch and S3 act for every customer: a queue, topic, key or bucket that admits the service "
        "as such takes what any other account has it deliver (IAM User Guide, the confused deputy problem). Keys of "
        "encrypted topics cannot ask EventBridge for it; that case is excused."
    ),
    frameworks=Frameworks(checkov=("CKV_AWS_364",)),
    checks={
        **dict.fromkeys(sorted(RESOURCE_POLICIES), _unsourced),
        aws("lambda/permission"): _unsourced_grants,
    },
)


def _unreadable(resource: Resource) -> Iterator[Finding]:
    for place in places(resource):
        if place.document.given:
            try:
                list(statements(place.document))
            except NoDocumentError:
                yield Finding(place.document.path, f"is {place.document.described} that is no policy document")


_READABLE = (
    *sorted(RESOURCE_POLICIES),
    *map(aws, ("iam/policy", "iam/role", "iam/rolePolicy", "iam/userPolicy", "iam/groupPolicy")),
    *map(aws, ("ec2/vpcEndpoint", "ec2/vpcEndpointPolicy")),
)

READABLE_POLICIES = ResourceRule(
    id="policy-is-readable",
    title="Policies are documents that can be read.",
    severity=Severity.HIGH,
    remedy="Give the policy as JSON: an object with Version and Statement.",
    why=(
        "A policy that is no JSON object is judged by no other rule here, and by AWS only when it is put in place: what it "
        "was meant to refuse would then be found out too late."
    ),
    checks=dict.fromkeys(_READABLE, _unreadable),
)
