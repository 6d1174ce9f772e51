"""What the worker is told of batch inference: one variable, a JSON object; without it there is none."""

import json
import os
from typing import Any, NamedTuple

from embedder.errors import SettingsError

BATCH = "VECTORDB_EMBED_BATCH"
LEAST_RECORDS, MOST_RECORDS = 100, 50_000
"""In a job, unless the account's quotas are others (Service Quotas, Amazon Bedrock: minimum number of records, records per job)."""
HOURS = 24
"""CreateModelInvocationJob's timeoutDurationInHours is from 24 to 168."""
MOST_BYTES = 1_000_000_000
"""Of a job's files. Bedrock's quotas are 1 GB for a file and 5 GB for a job."""


class Settings(NamedTuple):
    """Of all jobs."""

    bucket: str
    role: str
    """ARN of the role by which Bedrock reads and writes the bucket."""
    key: str
    """ARN of the key that encrypts what Bedrock writes."""
    owner: str
    """Account that the bucket belongs to."""
    least: int
    most: int
    hours: int
    jobs: int
    """Of one generation at once, beyond the one that is being written."""


def read() -> Settings | None:
    """By the environment; None without the variable. Raises SettingsError."""
    text = os.environ.get(BATCH, "")
    if not text:
        return None
    try:
        given: dict[str, Any] = json.loads(text)
        return Settings(
            bucket=str(given["bucket"]),
            role=str(given["roleArn"]),
            key=str(given["keyArn"]),
            owner=str(given["account"]),
            least=int(given.get("leastRecords", LEAST_RECORDS)),
            most=int(given.get("mostRecords", MOST_RECORDS)),
            hours=int(given.get("hours", HOURS)),
            jobs=int(given.get("jobs", 2)),
        )
    except (ValueError, KeyError, TypeError):
        raise SettingsError(
            f"{BATCH} must be a JSON object with bucket, roleArn, keyArn and account, and numbers for the rest"
        ) from None
