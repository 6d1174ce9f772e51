"""A run of the program in which AWS's answers are invented, so that every policy is known though nothing is made."""

import hashlib
from typing import Any

from vectordb.plan import lookups
from vectordb.plan.recording import Registration

# Type → output → its text. Of the braces: partition, region, account, name (the input, else an automatic one), hash,
# and any input of the resource by its key.
_ARN = "arn:{partition}:%s:{region}:{account}:"
_OUTPUTS: dict[str, dict[str, str]] = {
    "aws:iam/role:Role": {"arn": "arn:{partition}:iam::{account}:role/{name}"},
    "aws:ec2/instance:Instance": {"arn": _ARN % "ec2" + "instance/{name}"},
    "aws:iam/policy:Policy": {"arn": "arn:{partition}:iam::{account}:policy/{name}"},
    "aws:kms/key:Key": {"arn": _ARN % "kms" + "key/{hash:.32}", "keyId": "{hash:.32}"},
    "aws:cloudwatch/logGroup:LogGroup": {"arn": _ARN % "logs" + "log-group:{name}"},
    "aws:sqs/queue:Queue": {"arn": _ARN % "sqs" + "{name}"},
    "aws:scheduler/scheduleGroup:ScheduleGroup": {"arn": _ARN % "scheduler" + "schedule-group/{name}"},
    "aws:ssm/document:Document": {"arn": _ARN % "ssm" + "document/{name}"},
    "aws:sns/topic:Topic": {"arn": _ARN % "sns" + "{name}"},
    "aws:secretsmanager/secret:Secret": {"arn": _ARN % "secretsmanager" + "secret:{name}-{hash:.6}"},
    "aws:lambda/function:Function": {"arn": _ARN % "lambda" + "function:{name}", "version": "1"},
    "aws:lambda/alias:Alias": {"arn": _ARN % "lambda" + "function:{functionName}:{name}"},
    "aws:s3/bucket:Bucket": {"arn": "arn:{partition}:s3:::{name}", "bucket": "{name}"},
    "aws:s3/vectorsVectorBucket:VectorsVectorBucket": {
        "vectorBucketArn": _ARN % "s3vectors" + "bucket/{vectorBucketName}"
    },
    "aws:s3/vectorsIndex:VectorsIndex": {
        "indexArn": _ARN % "s3vectors" + "bucket/{vectorBucketName}/index/{indexName}"
    },
    "aws:rds/cluster:Cluster": {
        "arn": _ARN % "rds" + "cluster:{clusterIdentifier}",
        "clusterResourceId": "cluster-{hash:.26}",
        "endpoint": "{clusterIdentifier}.cluster-{hash:.12}.{region}.rds.amazonaws.com",
        "readerEndpoint": "{clusterIdentifier}.cluster-ro-{hash:.12}.{region}.rds.amazonaws.com",
        "secret": _ARN % "secretsmanager" + "secret:rds!cluster-{hash:.32}-{hash:.6}",
    },
    "aws:rds/instance:Instance": {
        "arn": _ARN % "rds" + "db:{identifier}",
        "address": "{identifier}.{hash:.12}.{region}.rds.amazonaws.com",
        "resourceId": "db-{hash:.26}",
        "secret": _ARN % "secretsmanager" + "secret:rds!db-{hash:.32}-{hash:.6}",
    },
}


def _general(token: str) -> dict[str, str]:
    """An ARN for a resource of AWS whose own form is not here: of its service, its type and its name."""
    provider, _, path = token.partition(":")
    service, _, kind = path.partition(":")[0].partition("/")
    return {"arn": _ARN % service + kind + "/{name}"} if provider == "aws" and kind else {}


_FEWEST_DIGITS = 6
"""Of the hash, in what is made up."""


class Invented:
    """A backend like a preview's, but with ids, names and ARNs in AWS's shapes. What is not invented stays unknown.

    Args:
        region: the stack's region.
    """

    preview = True

    def __init__(self, region: str) -> None:
        self._region = region
        self._lookups = lookups.Lookups(region)
        self.identifiers: dict[str, str] = {}
        """What only AWS can make, by what was made up for it → `name.output` of its resource."""

    def create(self, resource: Registration, inputs: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
        """An id, a name and what else policies are made of."""
        digits = hashlib.sha256(resource.urn.encode()).hexdigest()
        name = str(inputs.get("name") or f"{resource.name}-{digits[:7]}")
        known = {
            "clusterIdentifier": name,
            "identifier": name,
            **{key: value for key, value in inputs.items() if isinstance(value, str)},
            "name": name,
            "hash": digits,
            "partition": lookups.partition_of(self._region),
            "region": self._region,
            "account": lookups.ACCOUNT,
        }
        made: dict[str, Any] = {
            output: text.format_map(known)
            for output, text in _OUTPUTS.get(resource.type, _general(resource.type)).items()
        }
        self._note(resource.name, digits, {"id": name, **made})
        if "secret" in made:
            made["masterUserSecrets"] = [{"secretArn": made.pop("secret"), "secretStatus": "active"}]
        return name, {**inputs, "name": name, **made}

    def _note(self, resource: str, digits: str, made: dict[str, str]) -> None:
        for output, value in made.items():
            if digits[:_FEWEST_DIGITS] in value:
                shown = "masterUserSecrets[0].secretArn" if output == "secret" else output
                self.identifiers.setdefault(value, f"{resource}.{shown}")

    def look_up(self, token: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Example values; there is no account to ask."""
        return self._lookups.answer(token, arguments)
