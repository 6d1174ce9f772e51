"""The four operations, and what becomes of jobs while time passes."""

import re
import threading
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from vectordb.local.emulator import ACCOUNT, partition_of
from vectordb.local.emulator.authorization.acting import Acting
from vectordb.local.emulator.bedrock.batch import job as states
from vectordb.local.emulator.bedrock.batch import work
from vectordb.local.emulator.bedrock.batch.job import Ending, Job
from vectordb.local.emulator.bedrock.batch.objects import SERVICE, Objects
from vectordb.local.emulator.clock import Clock
from vectordb.local.emulator.wire import Request, Response, ServiceError, answer

MODELS = frozenset({"amazon.titan-embed-text-v2:0"})
"""Of those here, the ones that AWS lists (Bedrock User Guide, "Supported Regions and models for batch inference")."""
_NAME = re.compile(r"[a-zA-Z0-9]{1,63}(-*[a-zA-Z0-9+\-.]){0,63}")
_TOKEN = re.compile(r"[a-zA-Z0-9]{1,256}(-*[a-zA-Z0-9]){0,256}")
_ROLE = re.compile(r"arn:aws(-[^:]+)?:iam::([0-9]{12})?:role/.+")
_LEAST_HOURS, _MOST_HOURS = 24, 168
_MOST_NAME = 63


class Batches:
    """All jobs. Thread-safe.

    Args:
        run: a model on a request's body.
    """

    def __init__(self, run: work.Run, clock: Clock, acting: Acting) -> None:
        self._run = run
        self._clock = clock
        self._acting = acting
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._next = Ending()

    def handle(self, operation: str, request: Request) -> Response:
        """Run an operation. Raises ServiceError."""
        with self._lock:
            if operation == "CreateModelInvocationJob":
                return answer({"jobArn": self._create(request.parameters(), request.region).arn})
            if operation == "ListModelInvocationJobs":
                return self._list(request)
            found = self._found(request)
            if operation == "StopModelInvocationJob":
                self._stop(found)
                return answer({})
            return answer(found.document())

    def prepare(self, document: Mapping[str, Any]) -> None:
        """Take what POST /_vectordb/batch says. Raises ServiceError."""
        given = document.get("next")
        if set(document) != {"next"} or not isinstance(given, dict):
            raise ServiceError("ValidationException", "The next job's ending is given as next, an object")
        try:
            self._next = Ending(**{**given, "errors": frozenset(given.get("errors", ()))})
        except TypeError as error:
            raise ServiceError("ValidationException", "An ending has status, errors, only and shuffle") from error

    def _create(self, asked: Mapping[str, Any], region: str) -> Job:
        _check(asked)
        token = asked.get("clientRequestToken")
        for each in self._jobs.values():
            if token is not None and each.asked.get("clientRequestToken") == token:
                return each
            if each.name == asked["jobName"]:
                raise ServiceError("ConflictException", f"The job name {each.name} is in use.", 409)
        arn = f"arn:{partition_of(region)}:bedrock:{region}:{ACCOUNT}:model-invocation-job/{uuid.uuid4().hex[:12]}"
        if not self._acting.trusted(SERVICE, str(asked["roleArn"]), region, arn):
            raise ServiceError("ValidationException", f"Bedrock cannot assume the role {asked['roleArn']}.")
        job = Job(arn, dict(asked), self._clock.now(), self._next)
        self._next = Ending()
        self._jobs[arn] = job
        return job

    def _list(self, request: Request) -> Response:
        wanted = next(iter(request.query("nameContains")), "")
        status = next(iter(request.query("statusEquals")), "")
        most = int(next(iter(request.query("maxResults")), "1000"))
        found = []
        for job in self._jobs.values():
            self._pass_time(job)
            if wanted in job.name and status in {"", job.status}:
                found.append(job.document())
        return answer({"invocationJobSummaries": found[::-1][:most]})

    def _found(self, request: Request) -> Job:
        named = unquote(request.path).removeprefix("/model-invocation-job/").removesuffix("/stop")
        job = next((job for arn, job in self._jobs.items() if arn == named or arn.endswith(f"/{named}")), None)
        if job is None:
            raise ServiceError("ResourceNotFoundException", f"There is no job {named}.", 404)
        self._pass_time(job)
        return job

    def _stop(self, job: Job) -> None:
        if job.status in states.ENDED:
            raise ServiceError("ConflictException", f"The job has ended: {job.status}.", 409)
        job.status = "Stopping"
        job.stop_at = self._clock.now() + states.STOPPING_SECONDS

    def _pass_time(self, job: Job) -> None:
        now = self._clock.now()
        if job.status in states.ENDED:
            return
        if job.stop_at is not None:
            if now >= job.stop_at:
                self._end(job, "Stopped")
            return
        elapsed = now - job.submitted
        if elapsed < states.PHASES[0][1]:
            return
        objects = Objects(self._acting, str(job.asked["roleArn"]), job.arn.split(":")[3])
        try:
            if not job.files:
                work.validate(job, objects)
            self._go_on(job, elapsed, objects)
        except work.InvalidError as error:
            self._end(job, "Failed", str(error))

    def _go_on(self, job: Job, elapsed: float, objects: Objects) -> None:
        phase = next((name for name, until in states.PHASES if elapsed < until), None)
        wanted = job.ending.status
        if wanted == "Expired" and phase in {"InProgress", None}:
            # Its turn does not come.
            if self._clock.now() >= job.expires:
                self._end(job, "Expired")
            else:
                job.status = "Scheduled"
        elif phase is not None or wanted == "InProgress":
            job.status = phase or "InProgress"
        elif wanted == "Failed":
            self._end(job, "Failed", "The job failed for a reason of its own.")
        else:
            work.finish(job, objects, self._run)
            self._end(job, wanted or ("Completed" if job.ending.only is None else "PartiallyCompleted"))

    def _end(self, job: Job, status: str, message: str | None = None) -> None:
        job.status, job.message, job.ended = status, message, self._clock.now()
        job.files = {}


def _check(asked: Mapping[str, Any]) -> None:
    """As the API's model describes the members. Raises ServiceError."""
    missing = [
        name for name in ("jobName", "roleArn", "modelId", "inputDataConfig", "outputDataConfig") if not asked.get(name)
    ]
    hours = asked.get("timeoutDurationInHours", _LEAST_HOURS)
    token = asked.get("clientRequestToken")
    problem = None
    if missing:
        problem = f"{missing[0]} must not be null"
    elif not _NAME.fullmatch(str(asked["jobName"])) or len(asked["jobName"]) > _MOST_NAME:
        problem = "jobName is not of its form"
    elif token is not None and not _TOKEN.fullmatch(str(token)):
        problem = "clientRequestToken is not of its form"
    elif not _ROLE.fullmatch(str(asked["roleArn"])):
        problem = "roleArn is not of its form"
    elif asked["modelId"] not in MODELS:
        problem = f"The model {asked['modelId']} takes no batch inference here."
    elif not states.is_place((asked["inputDataConfig"].get("s3InputDataConfig") or {}).get("s3Uri")):
        problem = "inputDataConfig.s3InputDataConfig.s3Uri is not of its form"
    elif not states.is_place((asked["outputDataConfig"].get("s3OutputDataConfig") or {}).get("s3Uri")):
        problem = "outputDataConfig.s3OutputDataConfig.s3Uri is not of its form"
    elif not isinstance(hours, int) or not _LEAST_HOURS <= hours <= _MOST_HOURS:
        problem = f"timeoutDurationInHours is not from {_LEAST_HOURS} to {_MOST_HOURS}"
    if problem:
        raise ServiceError("ValidationException", problem)
