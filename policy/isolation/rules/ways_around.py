"""Ways in for people and machines of elsewhere, and ways out for data, that no route and no security group shows."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from isolation.checks import none_true, on
from isolation.declared import identifiers, presence_unless, strings
from isolation.rule import Finding, Resource, ResourceRule, Setting

_NAMES: Final = identifiers("names", "The names of resources that somebody has read.")

WAYS_FOR_IDENTITIES = ResourceRule(
    id="identities-of-elsewhere-declared",
    title="Nobody of elsewhere becomes an identity of the account unless somebody read how.",
    severity=Severity.HIGH,
    remedy="Take it out, or name the resource in the setting names after reading whom it admits.",
    why=(
        "An identity provider decides who is who: whoever runs it, or may register an application with it, can have the "
        "roles that trust it. An assignment gives people of a directory a permission set in the account, an activation "
        "makes any machine that has its code a managed instance, and an identity pool for guests gives AWS credentials to "
        "everybody (IAM User Guide, identity providers and federation; Systems Manager User Guide, hybrid activations; "
        "Amazon Cognito Developer Guide, identity pools)."
    ),
    settings=(_NAMES,),
    checks=on(
        {
            "cognito/identityPool": presence_unless("gives credentials of AWS to users of its own", "names"),
            "eks/podIdentityAssociation": presence_unless("gives pods a role", "names"),
            "iam/openIdConnectProvider": presence_unless("is an identity provider that roles may trust", "names"),
            "iam/samlProvider": presence_unless("is an identity provider that roles may trust", "names"),
            "ssm/activation": presence_unless("makes machines of elsewhere managed instances", "names"),
            "ssoadmin/accountAssignment": presence_unless("gives people of a directory a permission set", "names"),
        }
    ),
)

WAYS_FOR_DATA = ResourceRule(
    id="ways-out-declared",
    title="Nothing sends data to, runs commands of, or asks for names somebody outside unless somebody read it.",
    severity=Severity.HIGH,
    remedy="Take it out, or name the resource in the setting names after reading where it leads.",
    why=(
        "An API destination posts events to any address in the internet with no network of the stack's in between; an "
        "association, a task or a Command document runs scripts as root on the bastion, which reaches the database; a "
        "resolver rule has names of the VPC answered elsewhere, so that clients connect to somebody else (EventBridge "
        "User Guide, API destinations; Systems Manager User Guide, State Manager; Route 53 Developer Guide, forwarding "
        "outbound DNS queries)."
    ),
    settings=(_NAMES,),
    checks=on(
        {
            "cloudwatch/eventApiDestination": presence_unless("sends events to an address in the internet", "names"),
            "route53/resolverRule": presence_unless("has names answered elsewhere", "names"),
            "ssm/association": presence_unless("runs commands on instances", "names"),
            "ssm/maintenanceWindowTask": presence_unless("runs commands on instances", "names"),
        }
    ),
)

SHARES_WITHIN = ResourceRule(
    id="shares-within-organisation",
    title="Resource shares stay within the organisation.",
    severity=Severity.HIGH,
    remedy="Leave allowExternalPrincipals out.",
    why=(
        "With it a share admits any account of AWS, and whoever may change the share can add one (AWS RAM User Guide, "
        "sharing resources outside of your organization)."
    ),
    checks=on({"ram/resourceShare": none_true("allowExternalPrincipals")}),
)


def _feature(resource: Resource) -> Iterator[Finding]:
    feature = resource.at("featureName")
    if feature.given and feature.text not in strings(resource.settings, "features"):
        yield Finding(feature.path, "is a feature that nobody declared")


DATABASE_FEATURES = ResourceRule(
    id="database-features-declared",
    title="A database has roles for declared features only.",
    severity=Severity.MEDIUM,
    remedy="Remove the association, or name the feature in the setting features.",
    why=(
        "With a role for s3Export or SageMaker any session that may call the extension sends tables there, past every "
        "security group: RDS sends them from its own network (Amazon Aurora User Guide, exporting data from an Aurora "
        "PostgreSQL DB cluster to Amazon S3)."
    ),
    settings=(
        Setting(
            name="features",
            default=["Lambda", "Bedrock"],
            schema={"type": "array", "items": {"type": "string"}},
            description="The features for which databases may have roles.",
        ),
    ),
    checks=on({"rds/clusterRoleAssociation": _feature, "rds/roleAssociation": _feature}),
)
