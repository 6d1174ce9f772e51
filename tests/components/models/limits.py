"""What AWS's models leave open and AWS refuses all the same: a small table, each row with its source.

botocore's models of RDS, EC2 and SNS have hardly a pattern or a range. CFN is the CloudFormation schema of the resource
type, as published in October 2026; API the action's page in the service's API reference.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.components.models.shapes import Tally, is_unknown

IDENTIFIER = r"[a-z](-?[a-z0-9]){0,62}"
_WINDOW = r"([01]\d|2[0-3]):[0-5]\d"
_DAY = "(mon|tue|wed|thu|fri|sat|sun)"
_INSIGHTS_DAYS = (7, *range(31, 731, 31), 731)
_CERTIFICATES = ("rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1")
_DESCRIPTION = r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}"

Rule = str | tuple[Any, ...] | range | Callable[[Any], bool]
"""A pattern for the whole value, the values that there are, a range of numbers, or a question."""


def _halves(least: float, most: float) -> Callable[[Any], bool]:
    return lambda value: least <= value <= most and value * 2 == int(value * 2)


_BOTH: dict[str, Rule] = {
    "backupRetentionPeriod": range(1, 36),  # CFN DBCluster; at 0 RDS has no backups, and no point in time
    "databaseInsightsMode": ("standard", "advanced"),  # CFN
    "engineLifecycleSupport": (  # API CreateDBCluster
        "open-source-rds-extended-support",
        "open-source-rds-extended-support-disabled",
    ),
    "engineVersion": r"(16|17|18)(\.\d{1,2})?",
    "finalSnapshotIdentifier": r"(?=.{1,255}\Z)[a-zA-Z](-?[a-zA-Z0-9])*",  # API DeleteDBCluster
    "monitoringInterval": (0, 1, 5, 10, 15, 30, 60),  # API CreateDBCluster
    "networkType": ("IPV4", "DUAL"),  # API CreateDBCluster
    "performanceInsightsRetentionPeriod": _INSIGHTS_DAYS,  # CFN DBInstance
}
_PARAMETERS: dict[str, Rule] = {
    "parameters[].applyMethod": ("immediate", "pending-reboot"),  # API Parameter, ApplyMethod
    "parameters[].name": r"[a-z][a-z0-9_.]*",
    "description": r"[ -~]{1,255}",
}
_SECURITY_RULE: dict[str, Rule] = {
    "description": _DESCRIPTION,  # API EC2 IpRange, Description
    "fromPort": range(65536),
    "toPort": range(65536),
    "ipProtocol": ("tcp",),
}
_ACL: dict[str, Rule] = {
    "ruleNo": range(1, 32767),  # API CreateNetworkAclEntry
    "fromPort": range(65536),
    "toPort": range(65536),
    "protocol": ("tcp",),
}

LIMITS: Mapping[str, Mapping[str, Rule]] = {
    "aws:cloudwatch/dashboard:Dashboard": {"dashboardName": r"[A-Za-z0-9_-]{1,255}"},  # API PutDashboard
    "aws:ec2/flowLog:FlowLog": {"maxAggregationInterval": (60, 600)},  # API CreateFlowLogs
    "aws:ec2/networkAcl:NetworkAcl": {
        f"{way}[].{key}": rule for way in ("ingress", "egress") for key, rule in _ACL.items()
    },
    "aws:ec2/securityGroup:SecurityGroup": {"description": _DESCRIPTION},  # API CreateSecurityGroup
    "aws:ec2/vpcEndpoint:VpcEndpoint": {"serviceName": r"(cn\.)?com\.amazonaws\.[a-z]{2}(-[a-z]+)+-\d\.[a-z0-9-]+"},
    "aws:kms/key:Key": {"deletionWindowInDays": range(7, 31)},  # API ScheduleKeyDeletion
    "aws:lambda/function:Function": {"name": "[A-Za-z0-9_-]{1,64}", "timeout": range(1, 901)},  # API CreateFunction
    "aws:rds/cluster:Cluster": {
        **_BOTH,
        "clusterIdentifier": IDENTIFIER,  # CFN; RDS keeps it in lower case
        "databaseName": r"[a-zA-Z][a-zA-Z0-9_]{0,62}",  # API CreateDBCluster
        "enabledCloudwatchLogsExports[]": ("postgresql", "iam-db-auth-error", "instance"),  # API, Aurora PostgreSQL
        "engine": ("aurora-postgresql",),
        "masterUsername": r"[a-zA-Z][a-zA-Z0-9_]{0,15}",  # API CreateDBCluster: 1 to 16
        "preferredBackupWindow": rf"{_WINDOW}-{_WINDOW}",
        "preferredMaintenanceWindow": rf"{_DAY}:{_WINDOW}-{_DAY}:{_WINDOW}",
        "serverlessv2ScalingConfiguration.maxCapacity": _halves(1, 256),  # API ServerlessV2ScalingConfiguration
        "serverlessv2ScalingConfiguration.minCapacity": _halves(0, 256),
        "serverlessv2ScalingConfiguration.secondsUntilAutoPause": range(300, 86401),
        "storageType": ("aurora", "aurora-iopt1"),
    },
    "aws:rds/clusterInstance:ClusterInstance": {
        "caCertIdentifier": _CERTIFICATES,
        "identifier": IDENTIFIER,
        "instanceClass": r"db\.(serverless|[a-z]+\d[a-z-]*\.[a-z0-9]+)",
        "promotionTier": range(16),  # CFN DBInstance
    },
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": {**_PARAMETERS, "family": r"aurora-postgresql(16|17|18)"},
    "aws:rds/clusterRoleAssociation:ClusterRoleAssociation": {"featureName": ("Lambda", "Bedrock")},
    "aws:rds/eventSubscription:EventSubscription": {"sourceType": ("db-cluster", "db-instance")},
    "aws:rds/instance:Instance": {
        **_BOTH,
        "allocatedStorage": range(20, 65537),  # API CreateDBInstance, RDS for PostgreSQL, gp3
        "backupWindow": rf"{_WINDOW}-{_WINDOW}",
        "caCertIdentifier": _CERTIFICATES,
        "dbName": r"[a-zA-Z_][a-zA-Z0-9_]{0,62}",
        "enabledCloudwatchLogsExports[]": ("postgresql", "upgrade", "iam-db-auth-error"),  # API, RDS for PostgreSQL
        "engine": ("postgres",),
        "identifier": IDENTIFIER,
        "instanceClass": r"db\.[a-z]+\d[a-z-]*\.[a-z0-9]+",
        "maintenanceWindow": rf"{_DAY}:{_WINDOW}-{_DAY}:{_WINDOW}",
        "maxAllocatedStorage": range(22, 65537),
        "storageType": ("gp3", "gp2", "io1", "io2"),
        "username": r"[a-zA-Z][a-zA-Z0-9_]{0,62}",
    },
    "aws:rds/parameterGroup:ParameterGroup": {**_PARAMETERS, "family": r"postgres(16|17|18)"},
    "aws:rds/proxy:Proxy": {
        "idleClientTimeout": range(1, 28801),  # API CreateDBProxy
        "name": r"(?=.{1,63}\Z)[a-z](-?[a-z0-9])*",
    },
    "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup": {
        "connectionPoolConfig.connectionBorrowTimeout": range(301),  # API ConnectionPoolConfiguration
        "connectionPoolConfig.maxConnectionsPercent": range(1, 101),
    },
    "aws:rds/roleAssociation:RoleAssociation": {"featureName": ("Lambda",)},
    "aws:rds/subnetGroup:SubnetGroup": {"description": r"[ -~]{1,255}"},
    "aws:s3/vectorsIndex:VectorsIndex": {"indexName": r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"},  # API CreateIndex
    "aws:s3/vectorsVectorBucket:VectorsVectorBucket": {"vectorBucketName": r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"},
    "aws:sns/topic:Topic": {"displayName": r"[^\x00-\x1f]{0,100}"},  # API CreateTopic
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _SECURITY_RULE,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _SECURITY_RULE,
}


@dataclass(frozen=True)
class Together:
    """What several properties of one resource ask of one another."""

    kind: str
    sentence: str
    holds: Callable[[Mapping[str, Any]], bool]


def _insights(inputs: Mapping[str, Any]) -> bool:
    if inputs["databaseInsightsMode"] == "standard":
        return True
    return inputs["performanceInsightsEnabled"] and inputs["performanceInsightsRetentionPeriod"] == 465


_DATABASES = ("aws:rds/cluster:Cluster", "aws:rds/instance:Instance")
TOGETHER = (
    *(
        rule
        for kind in _DATABASES
        for rule in (
            Together(kind, "advanced insights keep 465 days (API CreateDBCluster, DatabaseInsightsMode)", _insights),
            Together(
                kind,
                "an interval of monitoring needs a role (API, MonitoringRoleArn)",
                lambda i: bool(i["monitoringInterval"]) == ("monitoringRoleArn" in i),
            ),
            Together(
                kind,
                "a final snapshot has a name, and no other has (API DeleteDBCluster)",
                lambda i: i["skipFinalSnapshot"] != ("finalSnapshotIdentifier" in i),
            ),
            Together(
                kind,
                "what is restored has no name and no master user of its own",
                lambda i: (
                    not i.keys() & {"snapshotIdentifier", "restoreToPointInTime"}
                    or not i.keys() & {"databaseName", "dbName", "masterUsername", "username", "enableHttpEndpoint"}
                ),
            ),
        )
    ),
    Together(
        "aws:rds/cluster:Cluster",
        "capacity at most is below capacity at least, or a pause is given without capacity 0",
        lambda i: _capacity(i.get("serverlessv2ScalingConfiguration")),
    ),
    Together(
        "aws:rds/instance:Instance",
        "io1 and io2 begin at 100 GiB and 1,000 operations (RDS User Guide, Provisioned IOPS SSD storage)",
        lambda i: (
            i["storageType"] not in ("io1", "io2")
            or (i["allocatedStorage"] >= 100 and 1000 <= i["iops"] <= 1000 * i["allocatedStorage"])
        ),
    ),
    Together(
        "aws:rds/instance:Instance",
        "the most storage is at least 10 % above the first (RDS User Guide, storage autoscaling)",
        lambda i: "maxAllocatedStorage" not in i or i["maxAllocatedStorage"] * 10 >= i["allocatedStorage"] * 11,
    ),
    Together(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "more data points than periods, a period that is none, or a span of more than seven days, a day below an hour (API PutMetricAlarm)",
        lambda i: (
            i["datapointsToAlarm"] <= i["evaluationPeriods"]
            and (i["period"] in (10, 20, 30) or i["period"] % 60 == 0)
            and i["period"] * i["evaluationPeriods"] <= (604800 if i["period"] >= 3600 else 86400)
        ),
    ),
    Together(
        "aws:ec2/networkAcl:NetworkAcl",
        "20 entries a direction, the default one among them (Amazon VPC quotas)",
        lambda i: all(is_unknown(i[way]) or len(i[way]) < 20 for way in ("ingress", "egress")),
    ),
)


def _capacity(scaling: Mapping[str, Any] | None) -> bool:
    if scaling is None:
        return True
    pauses = scaling["minCapacity"] == 0
    return scaling["minCapacity"] <= scaling["maxCapacity"] and pauses == ("secondsUntilAutoPause" in scaling)


def problems(kind: str, name: str, inputs: Mapping[str, Any], tally: Tally) -> Iterator[str]:
    """What AWS would refuse though its model says nothing of it."""
    for path, rule in LIMITS.get(kind, {}).items():
        for value in _at(inputs, path.split(".")):
            if is_unknown(value):
                tally.unknown += 1
                continue
            tally.known += 1
            tally.seen.add(f"{kind} {path}")
            if not _holds(rule, value):
                yield f"{name}: {path}: {value!r} is outside of {rule}"
    for together in TOGETHER:
        if together.kind == kind and not together.holds(inputs):
            yield f"{name}: {together.sentence}"
    for key, text in (inputs.get("tags") or {}).items():
        # AWS General Reference, tag restrictions.
        if not re.fullmatch(r"(?!aws:)[\w .:/=+\-@]{1,128}", key) or not re.fullmatch(r"[\w .:/=+\-@]{0,256}", text):
            yield f"{name}: {key!r}: {text!r} is no tag of AWS"


def _at(value: Any, path: list[str]) -> Iterator[Any]:
    if not path:
        yield value
    elif isinstance(value, Mapping):
        key, listed = path[0].removesuffix("[]"), path[0].endswith("[]")
        if key in value:
            if listed and isinstance(value[key], list):
                for item in value[key]:
                    yield from _at(item, path[1:])
            else:
                yield from _at(value[key], path[1:])
    elif is_unknown(value):
        yield value


def _holds(rule: Rule, value: Any) -> bool:
    if isinstance(rule, str):
        return re.fullmatch(rule, value) is not None
    return rule(value) if callable(rule) else value in rule
