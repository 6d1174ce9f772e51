"""Customer keys: they turn, they stay in their region, and they do not vanish."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.checks import at_least, is_not_true, is_true, on, presence
from isolation.declared import number
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, Setting, aws


def _rotation(resource: Resource) -> Iterator[Finding]:
    spec, usage = resource.at("customerMasterKeySpec"), resource.at("keyUsage")
    # Only symmetric keys for encryption with material of KMS's own turn by themselves.
    symmetric = spec.absent or spec.text == "SYMMETRIC_DEFAULT"
    encrypts = usage.absent or usage.text == "ENCRYPT_DECRYPT"
    if not symmetric or not encrypts or resource.at("customKeyStoreId").given:
        return
    yield from is_true(resource.at("enableKeyRotation"))
    period, longest = resource.at("rotationPeriodInDays"), number(resource.settings, "days")
    if period.number is not None and period.number > longest:
        yield Finding(
            period.path, f"is above {longest} days", f"Set {period.path} to at most {longest}, or leave it out."
        )


ROTATED = ResourceRule(
    id="key-rotated",
    title="Customer keys rotate by themselves.",
    severity=Severity.MEDIUM,
    remedy="Set enableKeyRotation to true.",
    why=(
        "Rotation limits how much is encrypted under one piece of key material, and costs no change anywhere: old material "
        "stays for what it encrypted. It is off by default (AWS KMS Developer Guide, rotating AWS KMS keys). Asymmetric and "
        "HMAC keys and those of custom key stores cannot rotate by themselves."
    ),
    frameworks=Frameworks(cis=("3.6",), cdk_nag=("AwsSolutions-KMS5",), checkov=("CKV_AWS_7",)),
    settings=(
        Setting(
            name="days",
            default=365,
            schema={"type": "integer", "minimum": 90, "maximum": 2560},
            description="The longest time between two rotations.",
        ),
    ),
    checks=on({"kms/key": _rotation}),
    repairs={aws("kms/key"): {"enableKeyRotation": True}},
)


def _window(resource: Resource) -> Iterator[Finding]:
    window = resource.at("deletionWindowInDays")
    if not window.absent:
        yield from at_least(number(resource.settings, "days"), window, "days")


DELETION_WINDOW = ResourceRule(
    id="key-deletion-window",
    title="Keys wait long enough before they are deleted.",
    severity=Severity.MEDIUM,
    remedy="Leave deletionWindowInDays out, which is 30 days.",
    why=(
        "What a deleted key encrypted is lost: the database, its backups, the vectors. Only in the waiting time can the "
        "deletion be taken back, and somebody has to notice (AWS KMS Developer Guide, deleting AWS KMS keys)."
    ),
    frameworks=Frameworks(fsbp=("KMS.3",)),
    settings=(
        Setting(
            name="days",
            default=30,
            schema={"type": "integer", "minimum": 7, "maximum": 30},
            description="The fewest days that a key waits.",
        ),
    ),
    checks=on(
        {
            "kms/key": _window,
            "kms/externalKey": _window,
            "kms/replicaKey": _window,
            "kms/replicaExternalKey": _window,
        }
    ),
)


def _region(resource: Resource) -> Iterator[Finding]:
    if not resource.settings["allowed"]:
        yield from is_not_true(resource.at("multiRegion"))


def _replica(resource: Resource) -> Iterator[Finding]:
    if not resource.settings["allowed"]:
        yield from presence("is a copy of a key in another region")(resource)


SINGLE_REGION = ResourceRule(
    id="key-single-region",
    title="Keys stay in their region.",
    severity=Severity.MEDIUM,
    remedy="Remove multiRegion, or allow it in the rule's setting.",
    why=(
        "A multi-Region key can be copied to any region, with a policy of its own there: who may replicate it decides who "
        "decrypts (AWS KMS Developer Guide, security considerations for multi-Region keys). A stack that replicates its "
        "data declares it in the setting `allowed`."
    ),
    settings=(
        Setting(
            name="allowed",
            default=False,
            schema={"type": "boolean"},
            description="Whether keys may be in several regions.",
        ),
    ),
    checks=on(
        {
            "kms/key": _region,
            "kms/externalKey": _region,
            "kms/replicaKey": _replica,
            "kms/replicaExternalKey": _replica,
        }
    ),
)


def _lockout(resource: Resource) -> Iterator[Finding]:
    yield from is_not_true(resource.at("bypassPolicyLockoutSafetyCheck"))


LOCKOUT = ResourceRule(
    id="key-policy-keeps-a-holder",
    title="No key policy may lock everybody out.",
    severity=Severity.MEDIUM,
    remedy="Leave bypassPolicyLockoutSafetyCheck out.",
    why=(
        "The check refuses a policy under which nobody could change the policy again; past it a key can become one that "
        "nobody manages, and what it encrypts with it (AWS KMS API, CreateKey, BypassPolicyLockoutSafetyCheck)."
    ),
    checks=on(
        {
            "kms/key": _lockout,
            "kms/keyPolicy": _lockout,
            "kms/externalKey": _lockout,
            "kms/replicaKey": _lockout,
            "kms/replicaExternalKey": _lockout,
        }
    ),
)
