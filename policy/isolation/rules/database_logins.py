"""People and programs log in to databases by IAM, and no master password is written down."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.checks import all_true, is_true
from isolation.rule import Check, Finding, Frameworks, Resource, ResourceRule, aws

_DATABASE = all_true("iamDatabaseAuthenticationEnabled")


def _proxy(resource: Resource) -> Iterator[Finding]:
    # The default scheme replaces the list of secrets; each secret has a setting of its own beside it.
    scheme, secrets = resource.at("defaultAuthScheme"), resource.at("auths")
    for secret in secrets.each():
        setting = secret.at("iamAuth")
        if not setting.unknown and setting.text != "REQUIRED":
            described = "absent, and DISABLED by default" if setting.absent else "not REQUIRED"
            yield Finding(setting.path, f"is {described}", "Set iamAuth to REQUIRED.")
    if not scheme.unknown and scheme.text != "IAM_AUTH" and not secrets.unknown and not list(secrets.elements()):
        described = "absent, and NONE by default" if scheme.absent else "not IAM_AUTH"
        yield Finding(scheme.path, f"is {described}", "Set defaultAuthScheme to IAM_AUTH.")


IAM_LOGINS = ResourceRule(
    id="database-iam-authentication",
    title="Databases and their proxies accept IAM logins.",
    severity=Severity.HIGH,
    remedy="Set iamDatabaseAuthenticationEnabled to true.",
    why=(
        "A password is copied, shared and never renewed, and nothing says who used it. An IAM token is valid for fifteen "
        "minutes, for one user of one database, and its use is on record (Amazon RDS User Guide, IAM database "
        "authentication)."
    ),
    frameworks=Frameworks(
        fsbp=("RDS.10", "RDS.12"), cdk_nag=("AwsSolutions-RDS6",), checkov=("CKV_AWS_161", "CKV_AWS_162")
    ),
    checks={
        aws("rds/cluster"): _DATABASE,
        aws("rds/instance"): _DATABASE,
        aws("rds/proxy"): _proxy,
        aws("neptune/cluster"): _DATABASE,
    },
    repairs={aws(path): {"iamDatabaseAuthenticationEnabled": True} for path in ("rds/cluster", "rds/instance")},
)


def _managed(passwords: tuple[str, ...], replica: str, managed: str = "manageMasterUserPassword") -> Check:
    """A check that none of `passwords` is given and that AWS keeps the password.

    `replica` is the property that makes the database a copy, whose master is its source's; `managed` the flag.
    """

    def check(resource: Resource) -> Iterator[Finding]:
        for password in passwords:
            if (found := resource.at(password)).given:
                yield Finding(
                    found.path,
                    "holds a master password",
                    f"Remove {password} and set {managed} to true.",
                )
        if resource.at(replica).absent:
            yield from is_true(resource.at(managed))

    return check


MANAGED_PASSWORDS = ResourceRule(
    id="database-managed-master-password",
    title="RDS keeps the master password in Secrets Manager; no program or state file holds it.",
    severity=Severity.CRITICAL,
    remedy="Set manageMasterUserPassword to true.",
    why=(
        "A master password in a program is in its repository, its state and its plans, and in whatever reads them. RDS and "
        "Redshift make one themselves, keep it in Secrets Manager under the stack's key and renew it (Amazon RDS User Guide, "
        "password management with RDS and Secrets Manager)."
    ),
    frameworks=Frameworks(cdk_nag=("AwsSolutions-SMG4",)),
    checks={
        aws("rds/cluster"): _managed(("masterPassword", "masterPasswordWo"), "replicationSourceIdentifier"),
        aws("rds/instance"): _managed(("password", "passwordWo"), "replicateSourceDb"),
        aws("docdb/cluster"): _managed(("masterPassword", "masterPasswordWo"), "globalClusterIdentifier"),
        aws("redshift/cluster"): _managed(
            ("masterPassword", "masterPasswordWo"), "snapshotIdentifier", "manageMasterPassword"
        ),
        aws("redshiftserverless/namespace"): _managed(
            ("adminUserPassword", "adminUserPasswordWo"), "snapshotIdentifier", "manageAdminPassword"
        ),
    },
)
