"""Databases can be brought back: from deletion, from a mistake, from their last snapshot."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.checks import all_true, at_least, is_false, is_not_true, is_true, on
from isolation.declared import number, required
from isolation.rule import Check, Finding, Frameworks, Resource, ResourceRule, Setting, aws

_REQUIRED = required("Whether it is demanded: not of databases whose content can be made again.")


def _if_required(check: Check) -> Check:
    def checked(resource: Resource) -> Iterator[Finding]:
        if resource.settings["required"]:
            yield from check(resource)

    return checked


_protected = _if_required(all_true("deletionProtection"))
_protected_by_flag = _if_required(all_true("deletionProtectionEnabled"))

DELETION_PROTECTED = ResourceRule(
    id="database-deletion-protected",
    title="Databases refuse to be deleted.",
    severity=Severity.MEDIUM,
    remedy="Set deletionProtection to true.",
    why=(
        "Without deletion protection one call, or one `pulumi up` that replaces the database, removes it with everything "
        "in it. With it, AWS refuses the deletion until somebody has switched the protection off (Amazon RDS User Guide, "
        "deleting a DB instance; Amazon Aurora User Guide, deletion protection). A stack that is made to be thrown away "
        "may relax the rule by its setting."
    ),
    frameworks=Frameworks(
        fsbp=("RDS.7", "RDS.8", "DocumentDB.5", "Neptune.4", "DynamoDB.6"),
        cdk_nag=("AwsSolutions-RDS10",),
        checkov=("CKV_AWS_139", "CKV_AWS_293"),
    ),
    settings=(_REQUIRED,),
    checks=on(
        {
            "rds/cluster": _protected,
            "rds/instance": _protected,
            "rds/globalCluster": _protected,
            "docdb/cluster": _protected,
            "neptune/cluster": _protected,
            "dsql/cluster": _protected_by_flag,
            "dynamodb/table": _protected_by_flag,
        }
    ),
)


def _backups(key: str, *, default: int, replica: str = "") -> Check:
    """A check of the days for which automatic backups are kept; those of a replica are its source's."""

    def check(resource: Resource) -> Iterator[Finding]:
        if not replica or resource.at(replica).absent:
            yield from at_least(number(resource.settings, "days"), resource.at(key), "days", str(default))

    return check


BACKED_UP = ResourceRule(
    id="database-backed-up",
    title="Databases keep automatic backups long enough.",
    severity=Severity.MEDIUM,
    remedy="Set the time for which backups are kept to the days that the rule demands.",
    why=(
        "A wrong DELETE or a damaged index is often found after days; a database that keeps its backups for one day, or "
        "for none, cannot go back before it. The defaults are one day for clusters and none for instances (Amazon RDS API, "
        "CreateDBCluster and CreateDBInstance, BackupRetentionPeriod). Security Hub demands seven days."
    ),
    frameworks=Frameworks(
        fsbp=("RDS.11", "DocumentDB.2", "Neptune.5", "Redshift.3", "DynamoDB.2"),
        cdk_nag=("AwsSolutions-RDS13",),
        checkov=("CKV_AWS_133", "CKV_AWS_28"),
    ),
    settings=(
        Setting(
            name="days",
            default=7,
            schema={"type": "integer", "minimum": 1, "maximum": 35},
            description="The fewest days for which automatic backups are kept.",
        ),
    ),
    checks=on(
        {
            "rds/cluster": _backups("backupRetentionPeriod", default=1),
            "rds/instance": _backups("backupRetentionPeriod", default=0, replica="replicateSourceDb"),
            "docdb/cluster": _backups("backupRetentionPeriod", default=1),
            "neptune/cluster": _backups("backupRetentionPeriod", default=1),
            "redshift/cluster": _backups("automatedSnapshotRetentionPeriod", default=1),
            "memorydb/cluster": _backups("snapshotRetentionLimit", default=0),
            "dynamodb/table": all_true("pointInTimeRecovery.enabled"),
        }
    ),
)


def _final_snapshot(resource: Resource) -> Iterator[Finding]:
    if resource.settings["required"]:
        yield from is_not_true(resource.at("skipFinalSnapshot"))


def _final_snapshot_of_instance(resource: Resource) -> Iterator[Finding]:
    # Of a replica no final snapshot can be made (Amazon RDS API, DeleteDBInstance, SkipFinalSnapshot).
    if resource.at("replicateSourceDb").absent:
        yield from _final_snapshot(resource)


FINAL_SNAPSHOT = ResourceRule(
    id="database-final-snapshot",
    title="Databases leave a last snapshot when they are deleted.",
    severity=Severity.MEDIUM,
    remedy="Set skipFinalSnapshot to false and name the snapshot in finalSnapshotIdentifier.",
    why=(
        "A destroyed or replaced database is gone with its automatic backups unless a snapshot is taken first; "
        "skipFinalSnapshot says that none is (Amazon RDS API, DeleteDBCluster). A stack that is made to be thrown away may "
        "relax the rule by its setting."
    ),
    settings=(_REQUIRED,),
    checks=on(
        {
            "rds/cluster": _final_snapshot,
            "rds/instance": _final_snapshot_of_instance,
            "docdb/cluster": _final_snapshot,
            "neptune/cluster": _final_snapshot,
            "redshift/cluster": _final_snapshot,
        }
    ),
)


def _kept_backups(resource: Resource) -> Iterator[Finding]:
    if resource.settings["required"]:
        yield from is_false(resource.at("deleteAutomatedBackups"))


KEPT_BACKUPS = ResourceRule(
    id="database-backups-outlive-it",
    title="Automatic backups stay when their database is deleted.",
    severity=Severity.LOW,
    remedy="Set deleteAutomatedBackups to false.",
    why=(
        "By default RDS deletes the automatic backups together with the database: whoever deletes the one deletes the "
        "other (Amazon RDS User Guide, retaining automated backups). Kept backups can still be restored to any moment of "
        "their time. A stack that is made to be thrown away may relax the rule by its setting."
    ),
    settings=(_REQUIRED,),
    checks=on({"rds/cluster": _kept_backups, "rds/instance": _kept_backups}),
)


def _copied_tags(resource: Resource) -> Iterator[Finding]:
    yield from is_true(resource.at("copyTagsToSnapshot"))


TAGGED_SNAPSHOTS = ResourceRule(
    id="database-snapshots-tagged",
    title="Snapshots carry their database's tags.",
    severity=Severity.LOW,
    remedy="Set copyTagsToSnapshot to true.",
    why=(
        "Who owns a snapshot, what it holds and who may read it is said by tags; IAM policies and inventories that go by "
        "tags miss a snapshot that has none (Security Hub, RDS.16 and RDS.17)."
    ),
    frameworks=Frameworks(fsbp=("RDS.16", "RDS.17", "Neptune.8"), checkov=("CKV_AWS_313", "CKV2_AWS_60")),
    checks=on({"rds/cluster": _copied_tags, "rds/instance": _copied_tags, "neptune/cluster": _copied_tags}),
    repairs={aws(path): {"copyTagsToSnapshot": True} for path in ("rds/cluster", "rds/instance", "neptune/cluster")},
)
