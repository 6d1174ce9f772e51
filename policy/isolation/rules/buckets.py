"""Buckets of Amazon S3 are closed in every way that they can be opened."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.checks import customer_key, every, is_not_false, is_true, on, presence
from isolation.declared import identifiers, strings
from isolation.reading.properties import Property
from isolation.rule import Check, Finding, Frameworks, Resource, ResourceRule, StackRule
from isolation.stack import Stack

BUCKETS = ("s3/bucket", "s3/bucketV2")
_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def _all_blocked(resource: Resource) -> Iterator[Finding]:
    for key in _BLOCKS:
        yield from is_true(resource.at(key))


def _none_unblocked(block: str) -> Check:
    # What is left out is true there (Amazon S3 API, CreateAccessPoint and CreateMultiRegionAccessPoint).
    return every(is_not_false, *(f"{block}.{key}" for key in _BLOCKS))


BLOCKED = ResourceRule(
    id="bucket-public-access-blocked",
    title="Public access to buckets is blocked in all four ways.",
    severity=Severity.CRITICAL,
    remedy="Set blockPublicAcls, blockPublicPolicy, ignorePublicAcls and restrictPublicBuckets to true.",
    why=(
        "The block holds whatever an ACL or a policy says later: it is the one setting that a mistake elsewhere cannot undo. "
        "Each of the four closes another way; one that is left out is off (S3 User Guide, blocking public access)."
    ),
    frameworks=Frameworks(
        fsbp=("S3.1", "S3.8", "S3.19", "S3.24"),
        cis=("2.1.4",),
        cdk_nag=("AwsSolutions-S2",),
        checkov=("CKV_AWS_53", "CKV_AWS_54", "CKV_AWS_55", "CKV_AWS_56"),
    ),
    checks=on(
        {
            "s3/bucketPublicAccessBlock": _all_blocked,
            "s3/accountPublicAccessBlock": _all_blocked,
            "s3/accessPoint": _none_unblocked("publicAccessBlockConfiguration"),
            "s3control/multiRegionAccessPoint": _none_unblocked("details.publicAccessBlock"),
        }
    ),
)

_PUBLIC_ACLS = frozenset({"public-read", "public-read-write", "authenticated-read"})
_PUBLIC_GROUPS = ("/groups/global/AllUsers", "/groups/global/AuthenticatedUsers")


def _acl(*patterns: str) -> Check:
    def judge(acl: Property) -> Iterator[Finding]:
        if acl.text in _PUBLIC_ACLS:
            yield Finding(acl.path, "admits everybody", f"Remove {acl.path}.")

    return every(judge, *patterns)


def _grants(pattern: str) -> Check:
    def judge(group: Property) -> Iterator[Finding]:
        if (group.text or "").endswith(_PUBLIC_GROUPS):
            yield Finding(group.path, "admits everybody")

    return every(judge, pattern)


def _bucket_acl(resource: Resource) -> Iterator[Finding]:
    yield from _acl("acl")(resource)
    yield from _grants("grants[].uri")(resource)


def _separate_acl(resource: Resource) -> Iterator[Finding]:
    yield from _acl("acl")(resource)
    yield from _grants("accessControlPolicy.grants[].grantee.uri")(resource)


ACLS = ResourceRule(
    id="bucket-acl-private",
    title="No ACL of a bucket or an object admits everybody.",
    severity=Severity.CRITICAL,
    remedy="Leave ACLs out; let the bucket's policy say who may read.",
    why=(
        "public-read and its relatives, and grants to the groups AllUsers and AuthenticatedUsers, open a bucket to the "
        "internet; authenticated means any AWS account (S3 User Guide, access control list overview)."
    ),
    frameworks=Frameworks(fsbp=("S3.2", "S3.3"), checkov=("CKV_AWS_20", "CKV_AWS_57")),
    checks=on(
        {
            "s3/bucket": _bucket_acl,
            "s3/bucketV2": _bucket_acl,
            "s3/bucketAcl": _separate_acl,
            "s3/bucketAclV2": _separate_acl,
            "s3/bucketObject": _acl("acl"),
            "s3/bucketObjectv2": _acl("acl"),
            "s3/objectCopy": _bucket_acl,
        }
    ),
)


def _ownership(resource: Resource) -> Iterator[Finding]:
    ownership = resource.at("rule", "objectOwnership")
    if not ownership.unknown and ownership.text != "BucketOwnerEnforced":
        yield Finding(ownership.path, f"is {ownership.described}, not BucketOwnerEnforced")


OWNERSHIP = ResourceRule(
    id="bucket-acls-disabled",
    title="Buckets own what is written into them, and heed no ACL.",
    severity=Severity.MEDIUM,
    remedy="Set rule.objectOwnership to BucketOwnerEnforced.",
    why=(
        "With any other ownership an ACL counts, and whoever may write an object may open it, or keep it from the bucket's "
        "owner (S3 User Guide, controlling ownership of objects and disabling ACLs). BucketOwnerEnforced is what a new "
        "bucket has."
    ),
    frameworks=Frameworks(fsbp=("S3.12",), checkov=("CKV2_AWS_65",)),
    checks=on({"s3/bucketOwnershipControls": _ownership}),
)


def _inline_website(resource: Resource) -> Iterator[Finding]:
    for website in (resource.at("website"), resource.at("websites")):
        if list(website.elements()):
            yield Finding(website.path, "makes it a website")


WEBSITES = ResourceRule(
    id="bucket-no-website",
    title="No bucket is a website.",
    severity=Severity.HIGH,
    remedy="Remove the website configuration.",
    why=(
        "A website endpoint serves a bucket over clear text, to everybody, and only works if the bucket is public (S3 User "
        "Guide, website endpoints)."
    ),
    frameworks=Frameworks(cdk_nag=("AwsSolutions-S5",)),
    checks=on(
        {
            "s3/bucket": _inline_website,
            "s3/bucketV2": _inline_website,
            "s3/bucketWebsiteConfiguration": presence("makes a bucket a website"),
            "s3/bucketWebsiteConfigurationV2": presence("makes a bucket a website"),
        }
    ),
)


def _by_default(encryption: Property) -> Iterator[Finding]:
    algorithm = encryption.at("sseAlgorithm")
    if algorithm.text in ("aws:kms", "aws:kms:dsse"):
        yield from customer_key(encryption.at("kmsMasterKeyId"))
    elif not algorithm.unknown:
        described = "AES256" if algorithm.text == "AES256" else algorithm.described
        yield Finding(algorithm.path, f"is {described}, not aws:kms")


def _encryption(pattern: str) -> Check:
    """A check of one default encryption, or of a list of them."""

    def judge(found: Property) -> Iterator[Finding]:
        for encryption in [found] if found.absent else found.each():
            yield from _by_default(encryption)

    return every(judge, pattern)


_SEPARATE = _encryption("rules[].applyServerSideEncryptionByDefault")


def _inline_encryption(resource: Resource) -> Iterator[Finding]:
    if not resource.at("serverSideEncryptionConfiguration").absent:
        yield from _encryption("serverSideEncryptionConfiguration.rule.applyServerSideEncryptionByDefault")(resource)


_INLINE_V2 = _encryption("serverSideEncryptionConfigurations[].rules[].applyServerSideEncryptionByDefaults")

BUCKET_KEY = ResourceRule(
    id="bucket-customer-key",
    title="Buckets encrypt under a customer key.",
    severity=Severity.MEDIUM,
    remedy="Set sseAlgorithm to aws:kms and kmsMasterKeyId to a customer managed key.",
    why=(
        "S3 encrypts every object, by default with a key of its own: who may read the bucket then reads the objects. Under a "
        "customer key a reader needs the key as well, and each use of it is on record (S3 User Guide, SSE-KMS)."
    ),
    frameworks=Frameworks(cdk_nag=("AwsSolutions-S1",), checkov=("CKV_AWS_145",)),
    checks=on(
        {
            "s3/bucketServerSideEncryptionConfiguration": _SEPARATE,
            "s3/bucketServerSideEncryptionConfigurationV2": _SEPARATE,
            "s3/bucket": _inline_encryption,
            "s3/bucketV2": _INLINE_V2,
        }
    ),
)


def _replicated(resource: Resource) -> Iterator[Finding]:
    for rule in resource.at("rules").each():
        bucket, account = rule.at("destination", "bucket"), rule.at("destination", "account")
        declared = strings(resource.settings, "destinations")
        if account.given and account.text not in declared:
            yield Finding(account.path, "names another account that is not declared")
        elif bucket.text is not None and bucket.text not in declared:
            yield Finding(bucket.path, "names a bucket that is not declared")


REPLICATION = ResourceRule(
    id="bucket-replicated-to-known",
    title="Buckets are copied only to where the stack says.",
    severity=Severity.HIGH,
    remedy="Name the bucket through the resource that makes it, or declare its ARN in the setting `destinations`.",
    why=(
        "Replication copies every object that is ever written, to another account if it is told so, and nobody who reads "
        "the source sees it. An ARN that is written out is one of which the stack knows nothing (S3 User Guide, replicating "
        "objects)."
    ),
    settings=(identifiers("destinations", "ARNs of buckets, and accounts, to which objects may be copied."),),
    checks=on({"s3/bucketReplicationConfig": _replicated}),
)


# ---- what has to be there for each bucket


def _covering(stack: Stack, inline: str, *paths: str) -> Iterator[Resource]:
    """The buckets for which none of the types `paths` is declared, and which do not say it themselves."""
    covered = {bucket.urn for resource in stack.of(*paths) for bucket in _buckets_of(stack, resource)}
    for bucket in stack.of(*BUCKETS):
        said = inline and any(not bucket.at(key).absent for key in (inline, f"{inline}s"))
        if bucket.urn not in covered and not said:
            yield bucket


def _buckets_of(stack: Stack, resource: Resource) -> Iterator[Resource]:
    yield from stack.referenced(resource, "bucket", *BUCKETS)
    named = resource.at("bucket").text
    if named is not None:
        yield from (bucket for bucket in stack.of(*BUCKETS) if bucket.at("bucket").text == named)


_DEMANDED = (
    ("", ("s3/bucketPublicAccessBlock",), "has no BucketPublicAccessBlock"),
    ("policy", ("s3/bucketPolicy",), "has no policy that refuses clear text"),
    (
        "serverSideEncryptionConfiguration",
        ("s3/bucketServerSideEncryptionConfiguration", "s3/bucketServerSideEncryptionConfigurationV2"),
        "is encrypted with a key of S3's own: it has no BucketServerSideEncryptionConfiguration",
    ),
)


def _incomplete(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    for inline, paths, problem in _DEMANDED:
        for bucket in _covering(stack, inline, *paths):
            yield bucket, Finding("", problem)


COMPLETE_BUCKETS = StackRule(
    id="bucket-complete",
    title="Every bucket has its public access block, its policy and its encryption.",
    severity=Severity.HIGH,
    remedy="Declare the missing resource for the bucket, in the same stack.",
    why=(
        "What makes a bucket safe is said by other resources than the bucket: the rules that look at them find nothing where "
        "there is none. A new bucket accepts requests over clear text and has a key of S3's own."
    ),
    frameworks=Frameworks(
        fsbp=("S3.5", "S3.8"),
        cis=("2.1.1", "2.1.4"),
        cdk_nag=("AwsSolutions-S2", "AwsSolutions-S10"),
        checkov=("CKV2_AWS_6",),
    ),
    check=_incomplete,
)
