"""No credential stands anywhere in a plan, whatever it is part of."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from isolation.checks import on
from isolation.reading.credentials import holds_credential
from isolation.reading.texts import texts_within
from isolation.rule import Check, Finding, Resource, ResourceRule, StackRule, aws
from isolation.stack import Stack

# Where rules of their own look, and know more of what they see.
_ELSEWHERE: Final = {
    aws(path): heads
    for path, heads in {
        "batch/jobDefinition": ("containerProperties",),
        "codebuild/project": ("environment",),
        "dms/endpoint": ("password",),
        "ec2/instance": ("userData", "userDataBase64"),
        "ec2/launchConfiguration": ("userData", "userDataBase64"),
        "ec2/launchTemplate": ("userData",),
        "ec2/spotInstanceRequest": ("userData", "userDataBase64"),
        "ecs/taskDefinition": ("containerDefinitions",),
        "glue/connection": ("connectionProperties",),
        "glue/job": ("defaultArguments",),
        "lambda/function": ("environment",),
        "ssm/parameter": ("value", "insecureValue"),
    }.items()
}
# Objects whose keys are names that somebody chose, so that a name tells what its value is.
_NAMED: Final = ("tags", "environment")


def _stray(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    for resource in stack.resources:
        elsewhere = _ELSEWHERE.get(resource.type, ())
        # Every key of a provider is the provider's own word: secretKey, token, password.
        every_name = resource.type.startswith("pulumi:providers:")
        for text in texts_within(resource.root):
            head, _, name = text.path.partition(".")
            named = name if head in _NAMED else head if every_name else ""
            if head.partition("[")[0] not in elsewhere and holds_credential(named, text):
                yield resource, Finding(text.path, "holds a credential")


STRAY_CREDENTIALS = StackRule(
    id="no-stray-credentials",
    title="No credential stands in a plan.",
    severity=Severity.CRITICAL,
    remedy="Take it out, consider it known and renew it; name a secret of Secrets Manager in its place.",
    why=(
        "Tags, descriptions, inputs of functions, environments of commands and the configuration of providers are printed "
        "in previews, kept in the state and shown by every console (Tagging AWS Resources User Guide: do not put sensitive "
        "information in tags). A credential is known by its form, such as AKIA…, a private key or a URL with a password, or "
        "by the name that somebody gave it; the value is never repeated."
    ),
    check=_stray,
    reads_everything=True,
)


def _written_down(*keys: str) -> Check:
    def check(resource: Resource) -> Iterator[Finding]:
        for key in keys:
            value = resource.at(key)
            if value.given:
                yield Finding(value.path, "keeps what is secret in the stack's state")

    return check


WRITTEN_SECRETS = ResourceRule(
    id="secret-value-not-in-state",
    title="The values of secrets are not in the stack's state.",
    severity=Severity.HIGH,
    remedy="Let the service make the secret, set it by hand, or use the write-only secretStringWo.",
    why=(
        "The engine keeps every input in its state: whoever reads the state, or its backups, has the secret, and nobody "
        "finds that in CloudTrail. Write-only arguments are sent and not kept (provider documentation, SecretVersion "
        "secretStringWo; aws.kms.Ciphertext keeps its plaintext the same way)."
    ),
    checks=on(
        {
            "secretsmanager/secretVersion": _written_down("secretString", "secretBinary"),
            "kms/ciphertext": _written_down("plaintext"),
        }
    ),
)
