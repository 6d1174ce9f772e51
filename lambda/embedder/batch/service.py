"""Batch inference of Amazon Bedrock: CreateModelInvocationJob, GetModelInvocationJob, ListModelInvocationJobs, StopModelInvocationJob."""

import json
from typing import Any, NamedTuple
from urllib.parse import quote

from embedder.batch.calls import call, origin
from embedder.batch.settings import Settings
from embedder.errors import CallError, Kind

ENDED = frozenset({"Completed", "PartiallyCompleted", "Failed", "Stopped", "Expired"})
"""Nothing more is written then (API reference, GetModelInvocationJob, status)."""
_NOT_THERE = frozenset({"ResourceNotFoundException", "Http404"})


class State(NamedTuple):
    """As Bedrock says it."""

    status: str
    reason: str | None


class Service:
    """Bedrock's control plane in a region."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._origin = origin("bedrock", region)

    def create(self, name: str, model: str, folder: str, settings: Settings) -> str:
        """Ask for a job over the files below folder/in; its ARN. Asked for again with the same name it is the same job.

        Raises:
            CallError: throttle when there are too many jobs.
        """
        place = {"s3BucketOwner": settings.owner}
        document = {
            "jobName": name,
            # The token takes no dash behind a dash, and a letter or digit at its end: a name is one.
            "clientRequestToken": name,
            "modelId": model,
            "roleArn": settings.role,
            "inputDataConfig": {"s3InputDataConfig": place | {"s3Uri": f"{folder}/in/", "s3InputFormat": "JSONL"}},
            "outputDataConfig": {
                "s3OutputDataConfig": place | {"s3Uri": f"{folder}/out/", "s3EncryptionKeyId": settings.key}
            },
            "timeoutDurationInHours": settings.hours,
        }
        return str(self._asked("POST", "/model-invocation-job", document)["jobArn"])

    def find(self, name: str) -> str | None:
        """The ARN of the job with that name, if there is one. Raises CallError."""
        path = f"/model-invocation-jobs?nameContains={quote(name, safe='')}"
        found = self._asked("GET", path).get("invocationJobSummaries") or []
        return next((str(job["jobArn"]) for job in found if job.get("jobName") == name), None)

    def state(self, arn: str) -> State:
        """How the job stands; one that is not there has failed. Raises CallError."""
        try:
            found = self._asked("GET", f"/model-invocation-job/{_id(arn)}")
        except CallError as error:
            if error.code not in _NOT_THERE:
                raise
            return State("Failed", "Bedrock does not know the job")
        return State(str(found.get("status")), found.get("message"))

    def stop(self, arn: str) -> None:
        """Ask for its end; a job that has ended or is not there stays so. Raises CallError."""
        try:
            self._asked("POST", f"/model-invocation-job/{_id(arn)}/stop")
        except CallError as error:
            if error.code not in _NOT_THERE | {"ConflictException", "ValidationException"}:
                raise

    def _asked(self, method: str, path: str, document: Any = None) -> dict[str, Any]:
        body = b"" if document is None else json.dumps(document).encode()
        reply = call("bedrock", self._region, method, self._origin + path, body)
        try:
            found = json.loads(reply.body or b"{}")
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise CallError(Kind.TRANSIENT, "BadAnswer", "Bedrock answered with something that is no JSON object")
        return found


def _id(arn: str) -> str:
    """The twelve characters at an ARN's end, which stand for it."""
    return arn.rpartition("/")[2]
