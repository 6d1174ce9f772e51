"""From the table into files: rows are put under the job's lease, cut into chunks as ever, and written as records, one file a step."""

import time
from typing import NamedTuple

from embedder import metadata
from embedder.batch import records
from embedder.batch.jobs import Job, Jobs
from embedder.batch.s3 import Bucket
from embedder.batch.settings import MOST_BYTES, Settings
from embedder.database import Database
from embedder.errors import SettingsError
from embedder.rows import Piece, Recipe, Row, UnfitError

CLAIM_ROWS = 250
"""Whose contents are in memory at once."""
FILE_BYTES = 16_000_000
FILE_RECORDS = 5000
STEP_SECONDS = 5.0
"""After which a file is written that could be longer."""


class _Ready(NamedTuple):
    """A row on its way into a file."""

    row: Row
    calls: list[list[Piece]]

    @property
    def size(self) -> int:
        """About its bytes: what the records have beside the texts is small."""
        return sum(len(piece.text.encode("utf-8", "replace")) + 100 for pieces in self.calls for piece in pieces)


class Exporting:
    """One job's export.

    Args:
        recipe: how the job's generation makes texts of a row.
    """

    def __init__(
        self, database: Database, jobs: Jobs, bucket: Bucket, job: Job, recipe: Recipe, settings: Settings
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._bucket = bucket
        self._job = job
        self._recipe = recipe
        self._settings = settings
        self.records = job.records
        """That are given to files."""
        self._bytes = job.bytes

    def resume(self) -> None:
        """Go on where another stopped: what it wrote and did not say is deleted, for its rows are parked again."""
        for listed in self._bucket.listed(f"{self._job.folder}/in/"):
            if int(listed.key.rpartition("-")[2].removesuffix(".jsonl")) >= self._job.written:
                self._bucket.delete(listed.key)
        self._jobs.resume_export(self._job)

    def step(self) -> bool:
        """Write one file; whether the job has room, and rows are left, for another.

        Raises:
            CallError: S3 did not take it. The rows are parked again by `resume`.
            RefusedError: the job is another's by now.
        """
        ready, left = self._gathered()
        if ready:
            self._write(ready)
        return left and self.records < self._settings.most and self._bytes < MOST_BYTES

    def _gathered(self) -> tuple[list[_Ready], bool]:
        """Rows for a file, and whether there are others."""
        until = time.monotonic() + STEP_SECONDS
        ready: list[_Ready] = []
        count = size = 0
        while count < FILE_RECORDS and size < FILE_BYTES and time.monotonic() < until:
            room = self._settings.most - self.records - count
            if room <= 0 or self._bytes + size >= MOST_BYTES:
                return ready, False
            more = self._jobs.fill(self._job, min(CLAIM_ROWS, room))
            claimed = self._jobs.claim(self._job, min(CLAIM_ROWS, room))
            if not claimed:
                # More, but none now: users hold them.
                return ready, more
            for each in self._cut(claimed):
                if count + len(each.calls) > self._settings.most - self.records:
                    # It would be one too many: for the next job, if it fits into any.
                    self._jobs.give_back(self._job, [each.row.key], park=len(each.calls) <= self._settings.most)
                    continue
                ready.append(each)
                count += len(each.calls)
                size += each.size
        return ready, True

    def _cut(self, claimed: list[tuple[str, int]]) -> list[_Ready]:
        """The rows with their chunks; those that have none, or that no call can embed, go the ordinary way, which says so."""
        job = self._job
        keys = [key for key, _ in claimed]
        contents = self._database.content(job.vectorizer, job.generation, keys) if keys else {}
        ready: list[_Ready] = []
        others: list[str] = []
        for key, version in claimed:
            found = contents.get(key)
            row = Row(key, version, "u", job.lease, 0)
            if found is not None:
                row.metadata = metadata.storable(found.metadata)
                try:
                    row.pieces = self._recipe.pieces(row, found.content, found.fields)
                except (UnfitError, SettingsError):
                    row.pieces = []
            if row.pieces:
                ready.append(_Ready(row, [list(part) for part in records.calls(self._recipe.provider, row.pieces)]))
            else:
                others.append(key)
        if others:
            self._jobs.give_back(job, others)
        return ready

    def _write(self, ready: list[_Ready]) -> None:
        first = self._jobs.exported(
            self._job,
            [
                {
                    "key": each.row.key,
                    "version": each.row.version,
                    "records": len(each.calls),
                    "digest": records.digest(each.row.pieces),
                }
                for each in ready
            ],
        )
        number = first
        lines: list[bytes] = []
        for each in ready:
            for pieces in each.calls:
                lines.append(records.line(self._recipe.provider, number, pieces))
                number += 1
        body = b"".join(lines)
        self._bucket.put(f"{self._job.folder}/in/part-{first:010d}.jsonl", body)
        self._jobs.written(self._job, number, len(body), len(ready))
        self.records = number
        self._bytes += len(body)
