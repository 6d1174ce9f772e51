"""Metrics of a request, for CloudWatch: members of the request's line in the log that CloudWatch Logs turns into metrics.

That is the embedded metric format: no call, no permission, no agent. Numbers and names only, never data. One dimension,
because each combination of dimensions is a metric of its own, and billed; the operation, the index and the codes of errors
are members of the same line, for CloudWatch Logs Insights.
"""

import os
import time
from typing import Any

from service import Session

NAMESPACE = "VectorDB/Bridge"
_COUNT = "Count"
_UNITS = {
    "Calls": _COUNT,
    "ServiceCalls": _COUNT,
    "ServiceMilliseconds": "Milliseconds",
    "Pages": _COUNT,
    "Retries": _COUNT,
    "Errors": _COUNT,
    "CacheHits": _COUNT,
}
_ALWAYS = frozenset({"Calls", "ServiceCalls", "ServiceMilliseconds"})
"""The others are there when they are not zero: a metric costs for the hours in which it is written."""


def members(session: Session | None, *, failed: bool) -> dict[str, Any]:
    """What is added to the line, or nothing outside Lambda.

    Args:
        session: the request's calls, if it came so far.
        failed: whether the request was refused, or cut short.
    """
    function = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
    if not function:
        return {}
    values: dict[str, float] = {
        "Calls": 1,
        "ServiceCalls": session.calls if session else 0,
        "ServiceMilliseconds": round(session.seconds * 1000, 1) if session else 0,
        "Pages": session.pages if session else 0,
        "Retries": session.retries if session else 0,
        "Errors": int(failed),
        "CacheHits": session.cache_hits if session else 0,
    }
    written = {name: value for name, value in values.items() if value or name in _ALWAYS}
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["FunctionName"]],
        "Metrics": [{"Name": name, "Unit": _UNITS[name]} for name in written],
    }
    head = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    return {"_aws": head, "FunctionName": function, **written}
