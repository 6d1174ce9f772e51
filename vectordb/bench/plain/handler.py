"""The function of the plain bridge: `handler.handle`. Runs alone, with boto3 beside it."""

import logging
import math
import time
from typing import Any

import boto3

logger = logging.getLogger()
logger.setLevel(logging.INFO)

MOST_DIMENSIONS = 10_000
MOST_RESULTS = 1000
MOST_KEYS = 100
LONGEST_KEY = 1024


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """One request: {"operation", "index_arn", ...} → {"success", "result" or "error", "execution_time_ms", "request_id"}."""
    begun = time.time()
    request_id = context.aws_request_id
    try:
        logger.info("%s: %s", request_id, event.get("operation"))
        operation = {"query_vectors": query_vectors, "get_vectors": get_vectors}[event["operation"]]
        outcome: dict[str, Any] = {"success": True, "result": operation(event, request_id)}
    except Exception as error:
        logger.warning("%s failed", request_id, exc_info=True)
        outcome = {"success": False, "error": {"message": str(error), "type": type(error).__name__}}
    return outcome | {"execution_time_ms": int((time.time() - begun) * 1000), "request_id": request_id}


def query_vectors(event: dict[str, Any], request_id: str) -> list[dict[str, Any]]:
    """The nearest vectors of one query."""
    arn = _index_arn(event)
    vector, top_k = event["query_vector"], event.get("top_k", 10)
    if not isinstance(vector, list) or not 1 <= len(vector) <= MOST_DIMENSIONS:
        raise ValueError("query_vector must be a list of numbers")
    for position, number in enumerate(vector):
        if not isinstance(number, int | float):
            raise TypeError(f"query_vector[{position}] is no number")
        if isinstance(number, float):
            if math.isnan(number):
                raise ValueError(f"query_vector[{position}] is not a number")
            if math.isinf(number):
                raise ValueError(f"query_vector[{position}] is infinite")
    if not isinstance(top_k, int) or not 1 <= top_k <= MOST_RESULTS:
        raise ValueError(f"top_k must be from 1 to {MOST_RESULTS}")
    logger.info("%s: querying %s for %d", request_id, arn, top_k)
    parameters: dict[str, Any] = {
        "indexArn": arn,
        "queryVector": {"float32": vector},
        "topK": top_k,
        "returnDistance": True,
        "returnMetadata": event.get("return_metadata", True),
    }
    if event.get("metadata_filter") is not None:
        parameters["filter"] = event["metadata_filter"]
    answer = _client(arn).query_vectors(**parameters)
    found = [
        {
            "vector_id": vector["key"],
            "distance": vector["distance"],
            "similarity_score": 1.0 - vector["distance"],
            "metadata": vector.get("metadata", {}),
        }
        for vector in answer["vectors"]
    ]
    logger.info("%s: found %d", request_id, len(found))
    return found


def get_vectors(event: dict[str, Any], request_id: str) -> list[dict[str, Any]]:
    """Vectors by their keys, each key once, in the order given."""
    arn = _index_arn(event)
    keys = list(dict.fromkeys(event["vector_ids"]))
    if not 1 <= len(keys) <= MOST_KEYS:
        raise ValueError(f"vector_ids must hold 1 to {MOST_KEYS} keys")
    for position, key in enumerate(keys):
        if not isinstance(key, str) or not key.strip() or len(key) > LONGEST_KEY:
            raise ValueError(f"vector_ids[{position}] is no key")
    logger.info("%s: fetching %d of %s", request_id, len(keys), arn)
    answer = _client(arn).get_vectors(
        indexArn=arn,
        keys=keys,
        returnData=event.get("include_vector_data", True),
        returnMetadata=event.get("include_metadata", True),
    )
    found = {vector["key"]: vector for vector in answer["vectors"]}
    logger.info("%s: found %d", request_id, len(found))
    return [
        {
            "vector_id": key,
            "embedding": found.get(key, {}).get("data", {}).get("float32"),
            "metadata": found.get(key, {}).get("metadata", {}),
            "found": key in found,
        }
        for key in keys
    ]


def _client(arn: str) -> Any:
    """Made for each call: this is the sample's shape, and most of its cost."""
    return boto3.client("s3vectors", region_name=arn.split(":")[3])


def _index_arn(event: dict[str, Any]) -> str:
    arn = event["index_arn"]
    if not isinstance(arn, str) or not arn.strip().startswith("arn:"):
        raise ValueError("index_arn must be the ARN of an index")
    return arn.strip()
