"""Where a service is: its URL in a region, by the rules that botocore ships for it.

Amazon S3 Vectors has names under the partition's dual-stack suffix only (`s3vectors.us-east-1.api.aws`), Bedrock's runtime
under the ordinary one (`bedrock-runtime.us-east-1.amazonaws.com`). The partitions and their suffixes are botocore's data.
"""

import functools
import json
import os
import pkgutil
import re
from typing import Any, NamedTuple


class Service(NamedTuple):
    """What botocore's description of a service says about its address and its signatures."""

    suffix: str
    """The output of the partition that ends its names (endpoint-rule-set-1)."""
    signing_name: str
    """Its name in a signature's scope (signingName)."""
    variable: str
    """The environment variable that takes the address's place (AWS_ENDPOINT_URL_ and the serviceId)."""


SERVICES = {
    "s3vectors": Service(suffix="dualStackDnsSuffix", signing_name="s3vectors", variable="AWS_ENDPOINT_URL_S3VECTORS"),
    "bedrock-runtime": Service(suffix="dnsSuffix", signing_name="bedrock", variable="AWS_ENDPOINT_URL_BEDROCK_RUNTIME"),
}


def url(service: str, region: str) -> str:
    """The service's address, without a slash at its end.

    Each service's variable or AWS_ENDPOINT_URL takes its place, and AWS_USE_FIPS_ENDPOINT chooses the FIPS name, as in
    AWS's SDKs.
    """
    for variable in (SERVICES[service].variable, "AWS_ENDPOINT_URL"):
        if given := os.environ.get(variable):
            return given.rstrip("/")
    return _by_rule(service, region, fips=os.environ.get("AWS_USE_FIPS_ENDPOINT", "").lower() == "true")


@functools.cache
def _by_rule(service: str, region: str, *, fips: bool) -> str:
    suffix = _outputs(region)[SERVICES[service].suffix]
    return f"https://{service}{'-fips' if fips else ''}.{region}.{suffix}"


def _outputs(region: str) -> dict[str, Any]:
    """What the region's partition says of its names: the first that lists the region or whose pattern fits, else `aws`."""
    partitions: list[dict[str, Any]] = json.loads(pkgutil.get_data("botocore", "data/partitions.json") or b"")[
        "partitions"
    ]
    for partition in partitions:
        if region in partition["regions"] or re.match(partition["regionRegex"], region):
            outputs: dict[str, Any] = partition["outputs"]
            return outputs
    return dict(partitions[0]["outputs"])
