"""Who there is: roles with policies of the stack's own, and nobody with credentials that last."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.checks import on, presence
from isolation.declared import identifiers, strings
from isolation.reading.properties import Property
from isolation.rule import Check, Finding, Frameworks, Resource, ResourceRule

_MANAGED = ":aws:policy/"
# Managed policies that allow nearly everything, or to read everything, although their names do not end in FullAccess.
_BROAD = frozenset(
    {
        "AdministratorAccess",
        "AdministratorAccess-Amplify",
        "AdministratorAccess-AWSElasticBeanstalk",
        "PowerUserAccess",
        "ReadOnlyAccess",
        "SystemAdministrator",
        "DatabaseAdministrator",
        "NetworkAdministrator",
        "DataScientist",
        "SupportUser",
        "AmazonEC2RoleforSSM",
    }
)


def _managed_policy(policy: Property, resource: Resource) -> Iterator[Finding]:
    text = policy.text or ""
    name = text.rpartition("/")[2]
    broad = name in _BROAD or name.endswith(("FullAccess", "FullAccessV2"))
    if broad and _MANAGED in text and text not in strings(resource.settings, "policies"):
        yield Finding(policy.path, "names a policy of AWS's that allows whole services")


def _attached(pattern: str) -> Check:
    def check(resource: Resource) -> Iterator[Finding]:
        for found in resource.select(pattern):
            for policy in found.each():
                yield from _managed_policy(policy, resource)

    return check


BROAD_POLICIES = ResourceRule(
    id="identity-no-broad-managed-policy",
    title="No identity has a policy of AWS's that allows whole services.",
    severity=Severity.HIGH,
    remedy="Write a policy that names the actions and resources that are needed.",
    why=(
        "AdministratorAccess, PowerUserAccess, ReadOnlyAccess and the policies called …FullAccess act on everything in the "
        "account, and AWS adds actions to them (IAM User Guide, AWS managed policies). AmazonEC2RoleforSSM reads and writes "
        "every bucket. A stack may declare a policy that it does need in the setting `policies`."
    ),
    frameworks=Frameworks(
        fsbp=("IAM.1",), cis=("1.16",), cdk_nag=("AwsSolutions-IAM4",), checkov=("CKV_AWS_274", "CKV2_AWS_56")
    ),
    settings=(identifiers("policies", "ARNs of managed policies that may be attached although they are broad."),),
    checks=on(
        {
            "iam/role": _attached("managedPolicyArns"),
            "iam/rolePolicyAttachment": _attached("policyArn"),
            "iam/rolePolicyAttachmentsExclusive": _attached("policyArns"),
            "iam/userPolicyAttachment": _attached("policyArn"),
            "iam/groupPolicyAttachment": _attached("policyArn"),
            "iam/policyAttachment": _attached("policyArn"),
            "ssoadmin/managedPolicyAttachment": _attached("managedPolicyArn"),
        }
    ),
)

LASTING_CREDENTIALS = ResourceRule(
    id="identity-no-lasting-credentials",
    title="Nobody has credentials that last: people and programs assume roles.",
    severity=Severity.HIGH,
    remedy="Use a role: of the service, of IAM Identity Center, or through an OIDC provider for a CI system.",
    why=(
        "Access keys, passwords and keys of users are valid until somebody takes them back, and they are what is found in "
        "repositories and on lost laptops; in a program they stand in its state as well. Roles give credentials for hours "
        "(IAM User Guide, security best practices: require workloads to use temporary credentials)."
    ),
    frameworks=Frameworks(fsbp=("IAM.3", "IAM.8"), cis=("1.14",), checkov=("CKV_AWS_273",)),
    checks=on(
        {
            "iam/user": presence("is a user of IAM's own"),
            "iam/accessKey": presence("is an access key that lasts"),
            "iam/userLoginProfile": presence("is a password for the console"),
            "iam/sshKey": presence("is an SSH key of a user"),
            "iam/serviceSpecificCredential": presence("is a password for one service"),
            "iam/signingCertificate": presence("is a certificate of a user"),
        }
    ),
)
