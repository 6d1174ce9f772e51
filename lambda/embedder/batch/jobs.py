"""The functions embed.batch_*: what is known of jobs (sql/repeatable/57_embed_batch*.sql)."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

HOLD_SECONDS = 180
"""How long a job is ours without a word: longer than any step takes, and than Lambda lets a function live after its last."""
Rows = Callable[..., list[tuple[Any, ...]]]
_JOB = (
    "(j.job).id, (j.job).holder, (j.job).vectorizer_id, (j.job).generation, (j.job).name, (j.job).lease, (j.job).state, (j.job).records, "
    "(j.job).written, (j.job).bytes, (j.job).arn, (j.job).stop_asked, (j.job).output, (j.job).output_offset, (j.job).ends_at <= clock_timestamp()"
)


class Job(NamedTuple):
    """One, as its row in embed.batch_job was when it became ours."""

    id: int
    holder: int
    vectorizer: int
    generation: int
    name: str
    lease: int
    state: str
    records: int
    written: int
    bytes: int
    arn: str | None
    stop_asked: bool
    output: str | None
    output_offset: int
    over: bool
    """Its rows have gone the ordinary way."""

    @property
    def folder(self) -> str:
        """Its objects' prefix, without a slash at its end."""
        return f"jobs/{self.name}"


class Part(NamedTuple):
    """The records of one row."""

    first: int
    records: int
    key: str
    version: int
    digest: str


class Jobs:
    """Each method is one transaction. A job that another holds by now raises RefusedError."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def wanted(self, most: int) -> list[tuple[int, int, Mapping[str, Any]]]:
        """Vectorizer, generation and configuration of those that have rows for another job."""
        return [
            (row[0], row[1], row[2])
            for row in self._rows("SELECT vectorizer_id, generation, config FROM embed.batch_wanted(%s)", most)
        ]

    def off(self, vectorizer: int, generation: int) -> None:
        self._rows("SELECT embed.batch_off(%s, %s)", vectorizer, generation)

    def open(self, vectorizer: int, generation: int, most: int, hours: int) -> Job | None:
        found = self._rows(
            f"SELECT {_JOB} FROM (SELECT job FROM embed.batch_open(%s, %s, %s, %s, {HOLD_SECONDS}) AS job) AS j",  # noqa: S608 - constants
            vectorizer,
            generation,
            most,
            hours,
        )
        return Job(*found[0]) if found else None

    def due(self) -> tuple[Job, Mapping[str, Any] | None] | None:
        """A job that is to be looked at, and its generation's configuration; None for one that was dropped."""
        found = self._rows(f"SELECT {_JOB}, j.config FROM embed.batch_due({HOLD_SECONDS}) AS j")  # noqa: S608 - constants
        return (Job(*found[0][:-1]), found[0][-1]) if found else None

    def step(
        self,
        job: Job,
        state: str,
        wait: float = 0.0,
        *,
        arn: str | None = None,
        status: str | None = None,
        reason: str | None = None,
    ) -> None:
        """It is in this state now, and free for whoever looks at it so many seconds later."""
        self._rows(
            "SELECT embed.batch_step(%s, %s, %s, %s, %s, %s, %s)", job.id, job.holder, state, wait, arn, status, reason
        )

    def fill(self, job: Job, rows: int) -> bool:
        """Park rows for it; whether the backfill has others behind."""
        ((more,),) = self._rows("SELECT more FROM embed.batch_fill(%s, %s, %s)", job.id, job.holder, rows)
        return bool(more)

    def claim(self, job: Job, count: int) -> list[tuple[str, int]]:
        """Key and version of rows that are under its lease now."""
        rows = self._rows("SELECT key, version FROM embed.batch_claim(%s, %s, %s)", job.id, job.holder, count)
        return [(row[0], row[1]) for row in rows]

    def exported(self, job: Job, items: Sequence[Mapping[str, Any]]) -> int:
        """Say whose records come next; the number of the first."""
        ((first,),) = self._rows(
            f"SELECT embed.batch_exported(%s, %s, %s::jsonb, {HOLD_SECONDS})",
            job.id,
            job.holder,
            json.dumps(items),
        )
        return int(first)

    def written(self, job: Job, through: int, size: int, rows: int) -> None:
        self._rows(
            f"SELECT embed.batch_written(%s, %s, %s, %s, %s, {HOLD_SECONDS})",
            job.id,
            job.holder,
            through,
            size,
            rows,
        )

    def resume_export(self, job: Job) -> None:
        self._rows("SELECT embed.batch_resume_export(%s, %s)", job.id, job.holder)

    def parts(self, job: Job, first: int, last: int) -> list[Part]:
        """Whose the records from first to last are."""
        rows = self._rows(
            "SELECT first_record, records, key, version, digest FROM embed.batch_rows(%s, %s, %s)", job.id, first, last
        )
        return [Part(*row) for row in rows]

    def imported(self, job: Job, output: str, offset: int, rows: int) -> None:
        self._rows(
            f"SELECT embed.batch_imported(%s, %s, %s, %s, %s, {HOLD_SECONDS})",
            job.id,
            job.holder,
            output,
            offset,
            rows,
        )

    def give_back(self, job: Job, keys: Sequence[str], *, park: bool = False) -> int:
        """Rows that go the ordinary way now, or with `park` wait for the next job."""
        ((count,),) = self._rows(
            "SELECT embed.batch_return(%s, %s, %s::text[], %s)", job.id, job.holder, list(keys), park
        )
        return int(count)

    def give_back_all(self, job: Job) -> bool:
        """All that are left; whether none is under its lease any more."""
        while self._rows("SELECT embed.batch_return(%s, %s)", job.id, job.holder)[0][0]:
            pass
        return not self._rows("SELECT embed.batch_left(%s)", job.id)[0][0]

    def tidy(self) -> None:
        self._rows("SELECT embed.batch_tidy()")
