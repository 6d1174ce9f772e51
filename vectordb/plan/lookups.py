"""Answers to the look-ups that a program makes of an account, for runs that have none.

They are example values in the shape that AWS returns; the plan says which were used.
"""

from typing import Any

from vectordb.errors import VectordbError

ACCOUNT = "123456789012"


def partition_of(region: str) -> str:
    """The partition that a region belongs to (botocore's partitions.json)."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def answer(token: str, arguments: dict[str, Any], region: str) -> dict[str, Any]:
    """The result of the provider function `token`.

    Raises:
        VectordbError: the program asks for something that has no answer here.
    """
    match token.rpartition(":")[2]:
        case "getCallerIdentity":
            return {
                "accountId": ACCOUNT,
                "arn": f"arn:{partition_of(region)}:sts::{ACCOUNT}:assumed-role/deployer/plan",
                "id": ACCOUNT,
                "userId": "AROAEXAMPLE:plan",
            }
        case "getPartition":
            partition = partition_of(region)
            suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
            return {"partition": partition, "dnsSuffix": suffix, "id": partition, "reverseDnsPrefix": "com.amazonaws"}
        case "getRegion":
            return {"region": region, "name": region, "id": region, "description": region, "endpoint": ""}
        case "getAvailabilityZones":
            names = [f"{region}{letter}" for letter in "abc"]
            return {
                "names": names,
                "zoneIds": [f"{region}-az{n}" for n in (1, 2, 3)],
                "groupNames": [region],
                "id": region,
            }
        case "getParameter":
            return {
                "name": arguments.get("name"),
                "insecureValue": "ami-0123456789abcdef0",
                "type": "String",
                "id": "ami",
            }
    raise VectordbError(
        f"The program looks up {token}, and a run without an account has no answer to it.",
        remedy="Add one to vectordb/plan/lookups.py.",
    )
