"""Changes that no rule may mind."""

from dataclasses import dataclass
from typing import Any

from tests.policy.mutations.changing import GONE, Change, added, changed, edited, listed, stated, statement

_DENY = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}  # fmt: skip
_TAGGED = (
    "ec2/vpc",
    "ec2/subnet",
    "ec2/securityGroup",
    "ec2/instance",
    "ec2/vpcEndpoint",
    "rds/cluster",
    "rds/instance",
    "rds/clusterParameterGroup",
    "kms/key",
    "iam/role",
    "lambda/function",
    "s3/vectorsVectorBucket",
    "sns/topic",
    "cloudwatch/logGroup",
    "cloudwatch/metricAlarm",
)


@dataclass(frozen=True)
class Harmless:
    what: str
    change: Change

    def __str__(self) -> str:
        return self.what


def _reordered(properties: dict[str, Any]) -> bool | None:
    if len(properties["parameters"]) < 2:
        return False
    properties["parameters"].reverse()
    return None


def _forced(properties: dict[str, Any], value: str) -> None:
    for parameter in properties["parameters"]:
        if parameter["name"] == "rds.force_ssl":
            parameter |= {"name": "RDS.FORCE_SSL", "value": value}


def _listed_action(each: dict[str, Any]) -> bool | None:
    if not isinstance(each["Action"], str):
        return False
    each["Action"] = [each["Action"]]
    return None


HARMLESS = [
    *(Harmless(f"tags of {path}", changed(path, tags={"Team": "search"})) for path in _TAGGED),
    *(Harmless(f"no tags of {path}", changed(path, tags=GONE)) for path in ("ec2/vpc", "ec2/subnet", "rds/cluster", "kms/key")),
    Harmless("nulls where nothing is", changed("ec2/securityGroup", ingress=None, egress=None)),
    Harmless("empty lists where nothing is", changed("ec2/securityGroup", ingress=[], egress=[])),
    Harmless("an empty default group, said twice", changed("ec2/defaultSecurityGroup", ingress=[], egress=[])),
    Harmless("an empty default ACL, said twice", changed("ec2/defaultNetworkAcl", ingress=[], egress=[])),
    Harmless("an ACL that denies everybody", listed("ec2/networkAcl", "ingress", {"protocol": "-1", "fromPort": 0, "toPort": 0, "ruleNo": 32000, "action": "deny", "cidrBlock": "0.0.0.0/0"})),
    Harmless("a flag spelt out", changed("ec2/subnet", mapPublicIpOnLaunch=False, assignIpv6AddressOnCreation=False)),
    Harmless("a flag in words", changed("rds/cluster", storageEncrypted="true")),
    Harmless("more days of backups", changed("rds/cluster", backupRetentionPeriod=35)),
    Harmless("more days of backups of RDS", changed("rds/instance", backupRetentionPeriod=35)),
    Harmless("a bigger disk", changed("rds/instance", allocatedStorage=500)),
    Harmless("another instance class", changed("rds/instance", instanceClass="db.r7g.large")),
    Harmless("parameters in another order", edited("rds/clusterParameterGroup", _reordered)),
    Harmless("TLS by another name", edited("rds/clusterParameterGroup", lambda properties: _forced(properties, "1"))),
    Harmless("a parameter more", listed("rds/clusterParameterGroup", "parameters", {"name": "work_mem", "value": "65536"})),
    Harmless("a larger function", changed("lambda/function", memorySize=2048)),
    Harmless("a longer function", changed("lambda/function", timeout=29)),
    Harmless("an alarm that waits longer", changed("cloudwatch/metricAlarm", evaluationPeriods=7)),
    Harmless("another threshold", changed("cloudwatch/metricAlarm", threshold=42)),
    Harmless("a log for longer", changed("cloudwatch/logGroup", retentionInDays=3653)),
    Harmless("a bigger bastion", changed("ec2/instance", instanceType="t4g.small")),
    Harmless("a bigger root disk", changed("ec2/instance", rootBlockDevice__volumeSize=20)),
    *(Harmless(f"{path} refuses clear text too", stated(path, "policy", _DENY)) for path in ("sns/topicPolicy", "kms/key")),
    Harmless("identities refused more", stated("iam/rolePolicy", "policy", {"Effect": "Deny", "Action": "*", "Resource": "*"})),
    Harmless("an action in a list", statement("iam/rolePolicy", "policy", _listed_action)),
    Harmless("one more alarm", added("cloudwatch/dashboard", {"dashboardName": "other", "dashboardBody": "{}"})),
    Harmless("one more role", added("iam/role", {"description": "Nothing yet.", "assumeRolePolicy": '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}]}'})),
    Harmless("one more empty group", added("ec2/securityGroup", {"description": "For later."}, vpcId="ec2/vpc")),
]  # fmt: skip
