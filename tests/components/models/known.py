"""A backend in which every output has a value of the form that AWS gives it, so that every argument can be checked."""

import hashlib
from typing import Any

from tests.components.models.requests import SUFFIX, UNIQUE
from vectordb.plan import lookups

ACCOUNT = lookups.ACCOUNT
_IDS = {
    "DefaultNetworkAcl": "acl",
    "DefaultRouteTable": "rtb",
    "DefaultSecurityGroup": "sg",
    "FlowLog": "fl",
    "NetworkAcl": "acl",
    "RouteTable": "rtb",
    "RouteTableAssociation": "rtbassoc",
    "SecurityGroup": "sg",
    "SecurityGroupEgressRule": "sgr",
    "SecurityGroupIngressRule": "sgr",
    "Subnet": "subnet",
    "Vpc": "vpc",
    "VpcEndpoint": "vpce",
}
_ARNS = {
    "aws:budgets/budget:Budget": "budgets::{account}:budget/{name}",
    "aws:cloudwatch/logGroup:LogGroup": "logs:{region}:{account}:log-group:{name}",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "cloudwatch:{region}:{account}:alarm:{name}",
    "aws:ec2/instance:Instance": "ec2:{region}:{account}:instance/{id}",
    "aws:iam/policy:Policy": "iam::{account}:policy/{name}",
    "aws:iam/role:Role": "iam::{account}:role/{name}",
    "aws:kms/key:Key": "kms:{region}:{account}:key/{id}",
    "aws:lambda/alias:Alias": "lambda:{region}:{account}:function:{functionName}:{name}",
    "aws:lambda/function:Function": "lambda:{region}:{account}:function:{name}",
    "aws:rds/cluster:Cluster": "rds:{region}:{account}:cluster:{clusterIdentifier}",
    "aws:rds/instance:Instance": "rds:{region}:{account}:db:{identifier}",
    "aws:rds/proxy:Proxy": "rds:{region}:{account}:db-proxy:prx-{hex}",
    "aws:scheduler/schedule:Schedule": "scheduler:{region}:{account}:schedule/{groupName}/{name}",
    "aws:scheduler/scheduleGroup:ScheduleGroup": "scheduler:{region}:{account}:schedule-group/{name}",
    "aws:sns/topic:Topic": "sns:{region}:{account}:{name}",
    "aws:sqs/queue:Queue": "sqs:{region}:{account}:{name}",
    "aws:ssm/document:Document": "ssm:{region}:{account}:document/{name}",
}


class Known:
    """Outputs as AWS would give them in a region."""

    preview = False

    def __init__(self, region: str) -> None:
        self._region = region
        self._partition = lookups.partition_of(region)
        self._lookups = lookups.Lookups(region)

    def look_up(self, token: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return self._lookups.answer(token, arguments)

    def create(self, resource: Any, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        kind = resource.type.rpartition(":")[2]
        digits = hashlib.sha256(resource.urn.encode()).hexdigest()
        automatic = f"{inputs['namePrefix']}{UNIQUE}" if "namePrefix" in inputs else f"{resource.name}{SUFFIX}"
        name = inputs.get("name", automatic)
        identifier = f"{_IDS[kind]}-{digits[:17]}" if kind in _IDS else name
        if kind == "Key":
            identifier = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))
        if resource.type == "aws:ec2/instance:Instance":
            identifier = f"i-{digits[:17]}"
        if kind == "Document" and "name" not in inputs:
            # The provider's Pulumi bridge lower-cases nothing here; the name is the automatic one.
            name = identifier = automatic
        facts = {
            "region": self._region,
            "account": ACCOUNT,
            "id": identifier,
            "hex": digits[:17],
            **inputs,
            "name": name,
        }
        arn = _ARNS.get(resource.type, "").format_map(facts)
        outputs = {**inputs, "name": name, **({"arn": f"arn:{self._partition}:{arn}"} if arn else {})}
        return identifier, outputs | self._special(resource.type, facts)

    def _special(self, kind: str, facts: dict[str, Any]) -> dict[str, Any]:
        suffix = "amazonaws.com.cn" if self._partition == "aws-cn" else "amazonaws.com"
        vectors = f"arn:{self._partition}:s3vectors:{self._region}:{ACCOUNT}:bucket/{facts.get('vectorBucketName')}"
        secret = (
            f"arn:{self._partition}:secretsmanager:{self._region}:{ACCOUNT}:secret:rds!cluster-{facts['hex']}-AbCdEf"
        )
        database = {"port": 5432, "masterUserSecrets": [{"secretArn": secret, "secretStatus": "active"}]}
        special: dict[str, dict[str, Any]] = {
            "aws:ec2/vpc:Vpc": {
                "defaultNetworkAclId": f"acl-{facts['hex']}",
                "defaultRouteTableId": f"rtb-{facts['hex']}",
                "ipv6CidrBlock": "2600:1f16:abc:de00::/56",
            },
            "aws:ec2/vpcEndpoint:VpcEndpoint": {"prefixListId": f"pl-{facts['hex']}"},
            "aws:kms/key:Key": {"keyId": facts["id"]},
            "aws:lambda/function:Function": {"version": "1"},
            "aws:rds/cluster:Cluster": {
                **database,
                "endpoint": f"{facts.get('clusterIdentifier')}.cluster-abcdefghijkl.{self._region}.rds.{suffix}",
                "readerEndpoint": f"{facts.get('clusterIdentifier')}.cluster-ro-abcdefghijkl.{self._region}.rds.{suffix}",
                "clusterResourceId": "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            },
            "aws:rds/instance:Instance": {
                **database,
                "address": f"{facts.get('identifier')}.abcdefghijkl.{self._region}.rds.{suffix}",
                "endpoint": f"{facts.get('identifier')}.abcdefghijkl.{self._region}.rds.{suffix}:5432",
                "resourceId": "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            },
            "aws:rds/proxy:Proxy": {"endpoint": f"{facts['name']}.proxy-abcdefghijkl.{self._region}.rds.{suffix}"},
            "aws:s3/vectorsVectorBucket:VectorsVectorBucket": {"vectorBucketArn": vectors},
            "aws:s3/vectorsIndex:VectorsIndex": {"indexArn": f"{vectors}/index/{facts.get('indexName')}"},
            "aws:sqs/queue:Queue": {"url": f"https://sqs.{self._region}.{suffix}/{ACCOUNT}/{facts['name']}"},
            "command:local:Command": {"stdout": "{}"},
        }
        return special.get(kind, {})
