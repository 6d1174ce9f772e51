"""Which indexes this function may touch.

The database registers indexes and the function's role names them; this list is the third lock on the same door. It comes
from the environment variable VECTORDB_INDEX_ARNS, a JSON list of index ARNs. Without it nothing is allowed.
"""

import functools
import json
import os
import re
from typing import Any, NamedTuple

from protocol import BridgeError

VARIABLE = "VECTORDB_INDEX_ARNS"
_NAME = "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_ARN = re.compile(
    rf"(?P<bucket_arn>arn:aws[a-z0-9-]*:s3vectors:(?P<region>[a-z0-9-]+):[0-9]{{12}}:bucket/(?P<bucket>{_NAME}))"
    rf"/index/(?P<name>{_NAME})"
)


class Index(NamedTuple):
    """An index of any partition; calls go to the region that its ARN names."""

    arn: str
    name: str
    region: str
    bucket: str
    """The vector bucket's name."""
    bucket_arn: str


def parse(arn: str) -> Index | None:
    """The index that an ARN names, or None when it is not an S3 Vectors index ARN."""
    match = _ARN.fullmatch(arn)
    return Index(arn=arn, **match.groupdict()) if match else None


def allowed() -> dict[str, Index]:
    """ARN → index, from the environment. Raises BridgeError BridgeMisconfigured when the variable is unusable."""
    return _allowed(os.environ.get(VARIABLE, ""))


@functools.lru_cache(maxsize=1)
def _allowed(text: str) -> dict[str, Index]:
    try:
        arns = json.loads(text)
    except ValueError:
        arns = None
    if not isinstance(arns, list):
        raise BridgeError("BridgeMisconfigured", f"the function's variable {VARIABLE} is not a JSON list of index ARNs")
    indexes = [parse(arn) if isinstance(arn, str) else None for arn in arns]
    if None in indexes:
        position = indexes.index(None)
        raise BridgeError(
            "BridgeMisconfigured", f"entry {position} of the function's variable {VARIABLE} is no index ARN"
        )
    return {index.arn: index for index in indexes if index is not None}


def requested(arguments: dict[str, Any]) -> Index:
    """The index that a request names. Raises BridgeError InvalidRequest or IndexNotAllowed."""
    arn = arguments.get("index_arn")
    if not isinstance(arn, str) or parse(arn) is None:
        raise BridgeError("InvalidRequest", "index_arn must be the ARN of an S3 Vectors index")
    index = allowed().get(arn)
    if index is None:
        raise BridgeError("IndexNotAllowed", f"the function may not use this index: it is not in {VARIABLE}")
    return index
