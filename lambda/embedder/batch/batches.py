"""What becomes of jobs, a step at a time: each step is short, so that fresh changes are never kept waiting.

    exporting → submitting → running → importing → cleaning → done

Rows that the job does not embed, for whatever reason, go the ordinary way; and all of them do when it is over (embed.batch_job.ends_at).
"""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from embedder import log, rows, settings
from embedder.batch import settings as batch_settings
from embedder.batch.exporting import Exporting
from embedder.batch.importing import Importing
from embedder.batch.jobs import Job, Jobs, Rows
from embedder.batch.s3 import Bucket
from embedder.batch.service import ENDED, Service
from embedder.database import Database, RefusedError, Target, UnavailableError
from embedder.errors import CallError, Kind, SettingsError
from embedder.placing import StalledError
from embedder.rows import Recipe
from embedder.stopping import Stopping
from embedder.worker import Report

LOOK_SECONDS = 60.0
"""Between two looks at a job that runs: it takes hours."""
LATER_SECONDS = 60.0
"""Before another try of what throttles or fails in passing."""
FULL_SECONDS = 600.0
"""Before a job is asked for again when there are too many."""
LOCKED_SECONDS, HELD_SECONDS = 30.0, 5.0
"""While users' transactions hold rows."""
NOT_OURS = "22023"
"""What embed.batch_held says of a job that another holds."""


class Batches:
    """All jobs, for one thread.

    Args:
        query: runs a statement of schema embed (Postgres.rows).
        region: of Bedrock and the bucket.
    """

    def __init__(self, database: Database, query: Rows, region: str, stopping: Stopping) -> None:
        self._database = database
        self._jobs = Jobs(query)
        self._region = region
        self._stopping = stopping
        self._settings = batch_settings.read()
        if self._settings:
            self._bucket = Bucket(self._settings.bucket, self._settings.owner, region)
            self._service = Service(region)

    def step(self) -> bool:
        """Look at one job, or begin one; whether there was any.

        Raises:
            UnavailableError: the database cannot be asked.
        """
        if self._stopping.asked():
            return False
        try:
            if self._settings is None:
                self._none()
                return False
            found = self._jobs.due() or self._begun(self._settings)
        except RefusedError as error:
            log.line("ERROR", "batch", sqlstate=str(error))
            return False
        if found is None:
            return False
        job, config = found
        # Another holds it by now.
        try:
            self._looked(job, config)
        except RefusedError as error:
            log.line("WARN", "batch", job=job.id, state=job.state, sqlstate=str(error))
        return True

    def _none(self) -> None:
        """This worker makes no jobs: what waits for one goes the ordinary way."""
        for vectorizer, generation, _ in self._jobs.wanted(1):
            log.line("WARN", "no batch inference is set up", vectorizer=vectorizer, generation=generation)
            self._jobs.off(vectorizer, generation)

    def _begun(self, chosen: batch_settings.Settings) -> tuple[Job, Mapping[str, Any] | None] | None:
        for vectorizer, generation, config in self._jobs.wanted(chosen.jobs):
            job = self._jobs.open(vectorizer, generation, chosen.jobs, chosen.hours)
            if job is not None:
                log.line("INFO", "batch", job=job.id, state=job.state, vectorizer=vectorizer, generation=generation)
                return job, config
        self._jobs.tidy()
        return None

    def _looked(self, job: Job, config: Mapping[str, Any] | None) -> None:
        try:
            if job.state == "cleaning":
                self._clean(job)
            elif job.over or (config is None and job.state in {"exporting", "importing"}):
                self._drop(job, "its rows went the ordinary way" if config else "its generation was dropped")
            else:
                steps: dict[str, Callable[[Job, Mapping[str, Any] | None], None]] = {
                    "exporting": self._export,
                    "submitting": self._submit,
                    "running": self._watch,
                    "importing": self._import,
                }
                steps[job.state](job, config)
        except (CallError, StalledError) as error:
            self._failed(job, error)
        except RefusedError as error:
            if str(error) == NOT_OURS:
                raise
            self._give_up(job, f"the database refuses it: {error}", off=config is not None)

    def _export(self, job: Job, config: Mapping[str, Any] | None) -> None:
        assert config is not None
        assert self._settings is not None
        recipe = self._recipe(config)
        if recipe is None or job.stop_asked:
            self._give_up(job, "stopped" if job.stop_asked else "the worker's settings do not fit", off=recipe is None)
            return
        export = Exporting(self._database, self._jobs, self._bucket, job, recipe, self._settings)
        # Also after a step that went well: it cannot be told whether it did.
        export.resume()
        if export.step():
            self._jobs.step(job, "exporting", 0.0 if export.records > job.records else HELD_SECONDS)
        elif export.records < self._settings.least:
            self._give_up(job, f"{export.records} records are fewer than a job takes")
        else:
            self._jobs.step(job, "submitting")

    def _submit(self, job: Job, config: Mapping[str, Any] | None) -> None:
        assert self._settings is not None
        # It may have been asked for by someone who died before saying so.
        arn = self._service.find(job.name)
        if arn is None:
            recipe = self._recipe(config) if config else None
            if recipe is None or job.stop_asked:
                self._give_up(job, "stopped before it was asked for")
                return
            folder = f"s3://{self._bucket.name}/{job.folder}"
            arn = self._service.create(job.name, recipe.provider.model, folder, self._settings)
        log.line("INFO", "batch", job=job.id, state="running", records=job.records)
        self._jobs.step(job, "running", LOOK_SECONDS, arn=arn)

    def _watch(self, job: Job, config: Mapping[str, Any] | None) -> None:
        assert job.arn is not None
        state = self._service.state(job.arn)
        if state.status not in ENDED:
            if (job.stop_asked or config is None) and state.status != "Stopping":
                self._service.stop(job.arn)
            self._jobs.step(job, "running", LOOK_SECONDS, status=state.status)
            return
        log.line("INFO", "batch", job=job.id, state="importing", status=state.status)
        if state.status == "Failed" and config is not None:
            # The next one would fail, too.
            self._jobs.off(job.vectorizer, job.generation)
        self._jobs.step(job, "importing", status=state.status, reason=state.reason)

    def _import(self, job: Job, config: Mapping[str, Any] | None) -> None:
        assert config is not None
        recipe = self._recipe(config)
        if recipe is None:
            self._give_up(job, "the worker's settings do not fit")
            return
        target = Target(job.vectorizer, job.generation, 0, False, config)
        part = Importing(self._database, self._jobs, self._bucket, job, recipe, target)
        more = part.step()
        with contextlib.suppress(UnavailableError, RefusedError):
            if recorded := part.stats.recorded():
                self._database.record(job.vectorizer, job.generation, recorded)
        if more:
            self._jobs.step(job, "importing")
        elif self._jobs.give_back_all(job):
            self._jobs.step(job, "cleaning")
        else:
            self._jobs.step(job, "importing", LOCKED_SECONDS)

    def _clean(self, job: Job) -> None:
        """Its files hold content: they go at once, not when the bucket's rule is due."""
        try:
            for each in self._bucket.listed(f"{job.folder}/"):
                self._bucket.delete(each.key)
        except CallError as error:
            if error.kind is not Kind.CONFIGURATION:
                raise
            log.line("ERROR", "the files of a batch job cannot be deleted", job=job.id, reason=error.code)
        self._jobs.step(job, "done")
        log.line("INFO", "batch", job=job.id, state="done")

    def _drop(self, job: Job, reason: str) -> None:
        """Nobody waits for it any more."""
        arn = self._service.find(job.name) if job.state == "submitting" else job.arn
        if arn is not None:
            self._service.stop(arn)
        self._jobs.step(job, "cleaning", reason=reason)

    def _give_up(self, job: Job, reason: str, *, off: bool = False) -> None:
        if off:
            self._jobs.off(job.vectorizer, job.generation)
        log.line("WARN", "batch given up", job=job.id, state=job.state, reason=reason)
        if self._jobs.give_back_all(job):
            self._jobs.step(job, "cleaning", reason=reason)
        else:
            self._jobs.step(job, job.state, LOCKED_SECONDS, reason=reason)

    def _failed(self, job: Job, error: CallError | StalledError) -> None:
        cause = error.error if isinstance(error, StalledError) else error
        log.line("WARN", "batch", job=job.id, state=job.state, reason=str(cause))
        if cause.kind in {Kind.THROTTLE, Kind.TRANSIENT} or isinstance(error, StalledError):
            full = job.state == "submitting" and cause.code == "ServiceQuotaExceededException"
            self._jobs.step(job, job.state, FULL_SECONDS if full else LATER_SECONDS, reason=str(cause))
        elif job.state == "running":
            # Its vectors are paid for: whoever mends the permission in time gets them.
            self._jobs.step(job, "running", FULL_SECONDS, reason=str(cause))
        else:
            self._give_up(job, str(cause), off=True)

    def _recipe(self, config: Mapping[str, Any]) -> Recipe | None:
        """How the generation makes texts; None where this worker cannot, or not in this region."""
        try:
            provider = settings.provider(config)
            settings.pace(config, provider)
            found = rows.recipe(provider, config)
        except SettingsError as error:
            log.line("ERROR", "misconfigured", reason=str(error))
            return None
        return found if provider.service != "http" and provider.region in {None, self._region} else None


def alternating(batches: Batches, work: Callable[[], Report], stopping: Stopping) -> Report:
    """Steps of jobs, and between any two of them whatever else there is to do."""
    total = Report()
    while True:
        failed = None
        try:
            more = batches.step()
        except UnavailableError as error:
            # A statement that took too long must not keep the rest from being done. If it is the database, the rest says so.
            more, failed = False, str(error)
        report = work()
        if failed:
            log.line("ERROR", "batch", reason=failed)
        total.stats.add(report.stats)
        total.complete = report.complete
        if not more or stopping.asked():
            return total
