"""Databases stay current: their certificate authority, their minor version, the name of their master."""

import re
from collections.abc import Callable, Iterator

from pulumi_policy import Severity

from isolation.checks import on
from isolation.declared import strings
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, Setting


def _authority(key: str) -> Callable[[Resource], Iterator[Finding]]:
    def check(resource: Resource) -> Iterator[Finding]:
        authority = resource.at(key)
        # Left out, it is the account's default, which since January 2024 is one of those that are current.
        if authority.given and authority.text not in strings(resource.settings, "allowed"):
            yield Finding(authority.path, "names no current certificate authority")

    return check


CERTIFICATE_AUTHORITY = ResourceRule(
    id="database-certificate-authority-current",
    title="The certificates of databases come from a current authority.",
    severity=Severity.MEDIUM,
    remedy="Name one of the authorities that the rule's setting allows, such as rds-ca-rsa2048-g1.",
    why=(
        "The certificates of rds-ca-2019 expired in August 2024: clients that verify refuse them, and people then stop "
        "verifying. The current authorities are valid until 2061 or longer, and certificates of theirs rotate by themselves (Amazon "
        "RDS User Guide, using SSL/TLS to encrypt a connection, certificate authorities)."
    ),
    frameworks=Frameworks(checkov=("CKV_AWS_211",)),
    settings=(
        Setting(
            name="allowed",
            default=["rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"],
            schema={"type": "array", "items": {"type": "string"}},
            description="The certificate authorities that are current.",
        ),
    ),
    checks=on(
        {
            "rds/cluster": _authority("caCertificateIdentifier"),
            "rds/instance": _authority("caCertIdentifier"),
            "rds/clusterInstance": _authority("caCertIdentifier"),
            "docdb/clusterInstance": _authority("caCertIdentifier"),
        }
    ),
)

# PostgreSQL's versions have two numbers since 10; MySQL's, MariaDB's and older ones three.
_EXACT = re.compile(r"(?:1[0-9]|[2-9][0-9])\.[0-9]+|[0-9]+\.[0-9]+\.[0-9A-Za-z._]+")


def _minor_upgrades(resource: Resource) -> Iterator[Finding]:
    automatic = resource.at("autoMinorVersionUpgrade")
    version = resource.at("engineVersion")
    exact = version.text is not None and _EXACT.fullmatch(version.text) is not None
    if automatic.unknown or version.unknown:
        return
    if automatic.truth is False:
        if not exact:
            yield Finding(automatic.path, "is false, and no exact minor version is named")
    elif exact and "engineVersion" not in resource.ignored:
        yield Finding(version.path, "names an exact minor version beside automatic upgrades")


def _minor_upgrades_of_member(resource: Resource) -> Iterator[Finding]:
    # Without a version of its own an instance has its cluster's, and the cluster is judged by it.
    if not resource.at("engineVersion").absent:
        yield from _minor_upgrades(resource)


MINOR_UPGRADES = ResourceRule(
    id="database-minor-upgrades",
    title="Databases get minor versions by themselves, or name theirs exactly.",
    severity=Severity.MEDIUM,
    remedy=(
        "Name the major version and leave autoMinorVersionUpgrade true, or name an exact minor version and set it to false."
    ),
    why=(
        "Minor versions close security holes; without automatic upgrades, and without a version in the program that "
        "somebody raises, a database keeps its holes. An exact version beside automatic upgrades is worse than either: after "
        "the first upgrade the program asks for a downgrade, which RDS refuses (Amazon RDS User Guide, upgrading the "
        "PostgreSQL DB engine)."
    ),
    frameworks=Frameworks(fsbp=("RDS.13", "RDS.35"), checkov=("CKV_AWS_226",)),
    checks=on(
        {
            "rds/cluster": _minor_upgrades,
            "rds/instance": _minor_upgrades,
            "rds/clusterInstance": _minor_upgrades_of_member,
        }
    ),
)

# The defaults of the console, of AWS's examples and of the engines; they are what an attacker tries first.
_USUAL_NAMES = frozenset(
    {
        "admin",
        "administrator",
        "awsuser",
        "db",
        "dbadmin",
        "docdb",
        "master",
        "mysql",
        "postgres",
        "postgresql",
        "rdsadmin",
        "root",
        "sa",
        "superuser",
        "user",
    }
)


def _master(name: str, *inherited: str) -> Callable[[Resource], Iterator[Finding]]:
    """A check of the master's name; a database that is made of another has that one's master."""

    def check(resource: Resource) -> Iterator[Finding]:
        master = resource.at(name)
        if master.text is not None and master.text.casefold() in _USUAL_NAMES:
            yield Finding(master.path, "is a usual name of administrators")
        elif master.absent and all(resource.at(key).absent for key in inherited):
            yield Finding(master.path, "is absent")

    return check


MASTER_NAME = ResourceRule(
    id="database-master-name",
    title="The master of a database has a name of its own.",
    severity=Severity.LOW,
    remedy="Choose a name that is neither the engine's nor the console's default.",
    why=(
        "Half of what a login needs is known when the master is called postgres or admin (Security Hub, RDS.24 and RDS.25). "
        "The name cannot be changed later without a new database."
    ),
    frameworks=Frameworks(fsbp=("RDS.24", "RDS.25")),
    checks=on(
        {
            "rds/cluster": _master(
                "masterUsername",
                "replicationSourceIdentifier",
                "snapshotIdentifier",
                "restoreToPointInTime",
                "globalClusterIdentifier",
                "s3Import",
            ),
            "rds/instance": _master("username", "replicateSourceDb", "snapshotIdentifier", "restoreToPointInTime"),
            "docdb/cluster": _master(
                "masterUsername", "snapshotIdentifier", "restoreToPointInTime", "globalClusterIdentifier"
            ),
            "redshift/cluster": _master("masterUsername", "snapshotIdentifier", "snapshotArn"),
        }
    ),
)
