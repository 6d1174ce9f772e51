"""What a job does: it validates its files, runs the model on each record, and writes one output for each input and a manifest.

Bedrock User Guide, "Format and upload your batch inference data", "View the results of a batch inference job"; Service Quotas, Amazon
Bedrock: records per job and per file, sizes of files and jobs.
"""

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

from vectordb.local.emulator.bedrock.batch.job import Job
from vectordb.local.emulator.bedrock.batch.objects import InaccessibleError, Objects
from vectordb.local.emulator.wire import Response, ServiceError

LEAST_RECORDS, MOST_RECORDS = 100, 50_000
MOST_FILE_BYTES, MOST_JOB_BYTES = 1 << 30, 5 << 30

Run = Callable[[str, Mapping[str, Any]], Response]


class InvalidError(Exception):
    """The job fails; the message says why."""


def validate(job: Job, objects: Objects) -> None:
    """Read the job's files. Raises InvalidError."""
    bucket, prefix = job.place("input")
    try:
        found = objects.listed(bucket, prefix)
        # AWS says of a role that may not write only when it writes; here it fails as early as what is wrong with the input.
        objects.put(*_at(job, "manifest.json.out"), b"")
    except InaccessibleError as error:
        raise InvalidError(str(error)) from error
    job.files = {key: body for key, body in found.items() if key.endswith(".jsonl")}
    if not job.files:
        raise InvalidError("The input location has no file that ends in .jsonl.")
    if any(len(body) > MOST_FILE_BYTES for body in job.files.values()):
        raise InvalidError(f"A file is larger than {MOST_FILE_BYTES} bytes.")
    if sum(map(len, job.files.values())) > MOST_JOB_BYTES:
        raise InvalidError(f"The files are larger than {MOST_JOB_BYTES} bytes.")
    count = 0
    for key, body in job.files.items():
        for number, line in enumerate(body.splitlines(), 1):
            _check_record(key, number, line)
            count += 1
    if not LEAST_RECORDS <= count <= MOST_RECORDS:
        raise InvalidError(f"A job takes from {LEAST_RECORDS} to {MOST_RECORDS} records. These are {count}.")
    job.counts = {"totalRecordCount": count, "processedRecordCount": 0, "successRecordCount": 0, "errorRecordCount": 0}


def finish(job: Job, objects: Objects, run: Run) -> None:
    """Run the model and write the outputs. Raises InvalidError."""
    done = failed = tokens = 0
    ending = job.ending
    for key, body in job.files.items():
        lines = []
        for line in body.splitlines():
            if ending.only is not None and done == ending.only:
                break
            answered, counted = _answered(job, json.loads(line), run, refused=done in ending.errors)
            lines.append(answered)
            tokens += counted
            failed += "error" in answered
            done += 1
        if ending.shuffle:
            random.Random(len(lines)).shuffle(lines)  # noqa: S311 - the same each time
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        _put(job, objects, f"{key.rpartition('/')[2]}.out", text.encode())
    job.counts |= {"processedRecordCount": done, "successRecordCount": done - failed, "errorRecordCount": failed}
    manifest = {**job.counts, "inputTokenCount": tokens, "outputTokenCount": 0}
    _put(job, objects, "manifest.json.out", json.dumps(manifest).encode())


def _put(job: Job, objects: Objects, name: str, body: bytes) -> None:
    try:
        objects.put(*_at(job, name), body)
    except InaccessibleError as error:
        raise InvalidError(str(error)) from error


def _at(job: Job, name: str) -> tuple[str, str]:
    """Bucket and key of an output: in a folder with the job's id."""
    bucket, prefix = job.place("output")
    folder = prefix if not prefix or prefix.endswith("/") else prefix + "/"
    return bucket, f"{folder}{job.arn.rpartition('/')[2]}/{name}"


def _check_record(key: str, number: int, line: bytes) -> None:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    # "validation doesn't check if the modelInput value matches the request body for the model"
    if not isinstance(record, dict) or not isinstance(record.get("modelInput"), dict):
        raise InvalidError(f"Line {number} of {key} is no record with a modelInput.")


def _answered(job: Job, record: dict[str, Any], run: Run, *, refused: bool) -> tuple[dict[str, Any], int]:
    told = {
        "recordId": record.get("recordId") or f"REC{random.getrandbits(40):08d}"[:11],
        "modelInput": record["modelInput"],
    }
    if refused:
        return told | {"error": {"errorCode": 500, "errorMessage": "Internal error"}}, 0
    try:
        output = json.loads(run(str(job.asked["modelId"]), record["modelInput"]).body)
    except ServiceError as error:
        return told | {"error": {"errorCode": error.status, "errorMessage": error.message}}, 0
    return told | {"modelOutput": output}, int(output.get("inputTextTokenCount") or 0)
