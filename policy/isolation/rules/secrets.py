"""Secrets and parameters: under a customer key, renewed, recoverable, and not in clear text."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.checks import customer_key, is_true, on
from isolation.reading.credentials import holds_credential, is_credential
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, StackRule
from isolation.stack import Stack


def _secret(resource: Resource) -> Iterator[Finding]:
    yield from customer_key(resource.at("kmsKeyId"))
    for replica in resource.at("replicas").each():
        yield from customer_key(replica.at("kmsKeyId"))


def _master_secret(resource: Resource) -> Iterator[Finding]:
    if resource.at("manageMasterUserPassword").truth is True:
        yield from customer_key(resource.at("masterUserSecretKmsKeyId"))


def _secure_string(resource: Resource) -> Iterator[Finding]:
    if resource.at("type").text == "SecureString":
        yield from customer_key(resource.at("keyId"))


SECRET_KEYS = ResourceRule(
    id="secret-customer-key",
    title="Secrets are encrypted under a customer key.",
    severity=Severity.MEDIUM,
    remedy="Name a customer managed key.",
    why=(
        "Under aws/secretsmanager every identity of the account that may read secrets may also decrypt them; a customer "
        "key's policy is a second lock, and its use is on record (Secrets Manager User Guide, secret encryption and "
        "decryption). This holds for the master secret that RDS makes, for each copy in another region, and for parameters "
        "of type SecureString."
    ),
    frameworks=Frameworks(checkov=("CKV_AWS_149", "CKV_AWS_337")),
    checks=on(
        {
            "secretsmanager/secret": _secret,
            "rds/cluster": _master_secret,
            "rds/instance": _master_secret,
            "ssm/parameter": _secure_string,
        }
    ),
)


def _parameter(resource: Resource) -> Iterator[Finding]:
    kind = resource.at("type")
    name = (resource.at("name").text or resource.name).rpartition("/")[2]
    for key in ("value", "insecureValue"):
        value = resource.at(key)
        clear = key == "insecureValue" or (kind.given and kind.text != "SecureString")
        if clear and (holds_credential(name, value) or (value.text is not None and is_credential(value.text))):
            yield Finding(value.path, "holds a credential in clear text")


CLEAR_PARAMETERS = ResourceRule(
    id="parameter-secure",
    title="No parameter holds a credential in clear text.",
    severity=Severity.CRITICAL,
    remedy="Set type to SecureString with a customer key, or keep it in Secrets Manager.",
    why=(
        "A parameter of type String is read by everybody who may call ssm:GetParameter, and its value stands in the stack's "
        "state and in CloudTrail (Systems Manager User Guide, SecureString parameters). A credential is known by its form or "
        "by the parameter's name; the value is never repeated."
    ),
    frameworks=Frameworks(checkov=("CKV2_AWS_34",)),
    checks=on({"ssm/parameter": _parameter}),
)


def _recoverable(resource: Resource) -> Iterator[Finding]:
    window = resource.at("recoveryWindowInDays")
    if window.number == 0:
        yield Finding(window.path, "is 0: a deleted secret is gone at once")


RECOVERABLE = ResourceRule(
    id="secret-recoverable",
    title="A deleted secret can be brought back.",
    severity=Severity.LOW,
    remedy="Leave recoveryWindowInDays out, which is 30 days.",
    why=(
        "Without a recovery window one mistaken deletion takes the only copy of a credential away (Secrets Manager User "
        "Guide, deleting a secret)."
    ),
    checks=on({"secretsmanager/secret": _recoverable}),
)


def _checked_policy(resource: Resource) -> Iterator[Finding]:
    yield from is_true(resource.at("blockPublicPolicy"))


CHECKED_POLICIES = ResourceRule(
    id="secret-policy-checked",
    title="Secrets Manager refuses a policy that would open a secret.",
    severity=Severity.MEDIUM,
    remedy="Set blockPublicPolicy to true.",
    why=(
        "With it AWS proves, before it takes a policy, that it admits nobody unknown; without it a broad one is taken "
        "(Secrets Manager API, PutResourcePolicy, BlockPublicPolicy)."
    ),
    checks=on({"secretsmanager/secretPolicy": _checked_policy}),
)


def _unrotated(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    rotations = list(stack.of("secretsmanager/secretRotation"))
    rotated = {
        secret.urn
        for rotation in rotations
        for secret in stack.referenced(rotation, "secretId", "secretsmanager/secret")
    }
    for secret in stack.of("secretsmanager/secret"):
        # Secrets that a service makes for itself carry its name, and it renews them.
        if secret.urn not in rotated and "!" not in (secret.at("name").text or ""):
            yield secret, Finding("", "is never renewed: it has no SecretRotation")


ROTATED_SECRETS = StackRule(
    id="secret-rotated",
    title="Secrets are renewed by themselves.",
    severity=Severity.MEDIUM,
    remedy="Declare an aws.secretsmanager.SecretRotation, or let the service manage its secret.",
    why=(
        "A credential that is never renewed stays good for whoever copied it once (Secrets Manager User Guide, rotate AWS "
        "Secrets Manager secrets). Secrets that RDS manages are renewed every seven days without a resource for it."
    ),
    frameworks=Frameworks(
        fsbp=("SecretsManager.1", "SecretsManager.4"),
        cdk_nag=("AwsSolutions-SMG4",),
        checkov=("CKV2_AWS_57", "CKV_AWS_304"),
    ),
    check=_unrotated,
)
