"""From a job's files into the database: a part of a file a step, from where the last one ended.

A row is written when all its records are there, by embed.finish, under the version and the lease that it was exported with; and only
if its content still makes the chunks that were exported. So nothing is written over anything newer, and a part that is read twice
writes nothing the second time.
"""

import time
from typing import NamedTuple

from embedder import metadata
from embedder.batch import records
from embedder.batch.jobs import Job, Jobs, Part
from embedder.batch.records import Result
from embedder.batch.s3 import Bucket
from embedder.database import Database, Target
from embedder.errors import CallError, SettingsError
from embedder.finishing import MOST_ROWS, Finishing
from embedder.leases import Leases
from embedder.placing import Placing
from embedder.rows import Recipe, Row, UnfitError
from embedder.stats import Stats

READ_BYTES = 8_000_000
"""At a time; of Titan's answers of 1,024 numbers some 400."""
MOST_BYTES = 64_000_000
"""That are read before a row is given up whose records are not all there: the lines may come in any order, but memory ends."""
END = "~"
"""Behind every file's name: all are read."""
LEASE_SECONDS = 3600
"""How long a step may count on the job's lease, which has days."""
LOCKED_SECONDS, LOCKED_TRIES = 0.3, 5


class _Complete(NamedTuple):
    """A row whose records are all there; None where one has no vector."""

    part: Part
    results: list[Result]


class Importing:
    """One job's import."""

    def __init__(
        self, database: Database, jobs: Jobs, bucket: Bucket, job: Job, recipe: Recipe, target: Target
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._bucket = bucket
        self._job = job
        self._recipe = recipe
        self._target = target
        self.stats = Stats()
        self._leases = Leases(database, target, LEASE_SECONDS)
        placing = None
        if (target.config.get("destination") or {}).get("kind") == "s3_vectors":
            placing = Placing(database, target, self._leases, self.stats, self._fail)
        self._finishing = Finishing(database, target, self._leases, self.stats, self._fail, placing)

    def step(self) -> bool:
        """Read on; whether there is more.

        Raises:
            CallError: S3 did not answer, or the database or the index refuses the vectors.
            StalledError: the index takes nothing now.
            RefusedError: the job is another's by now, or its generation is gone.
        """
        at = self._job.output or ""
        found = sorted(each for each in self._bucket.listed(f"{self._job.folder}/out/") if _is_output(each.key))
        file = next((each for each in found if each.key >= at), None)
        if file is None:
            self._jobs.imported(self._job, END, 0, 0)
            return False
        start = self._job.output_offset if file.key == at else 0
        end = self._read(file.key, file.size, start)
        place, offset = (file.key, end) if end < file.size else (f"{file.key}{END}", 0)
        self._jobs.imported(self._job, place, offset, self.stats.rows)
        return True

    def _read(self, key: str, size: int, start: int) -> int:
        """Import from `start` on; where the next step begins."""
        content = b""
        seen = 0
        waiting: dict[int, tuple[Part, dict[int, Result]]] = {}
        while True:
            part = self._bucket.read(key, start + len(content), READ_BYTES)
            content += part
            last = not part or start + len(content) >= size
            through = records.whole(content, last=last)
            lines = list(records.results(content[seen:through], start + seen, last=True))
            seen = through
            self._take(self._sorted(lines, waiting))
            self._finish_locked()
            first = min((min(r.start for r in got.values()) for _, got in waiting.values()), default=start + through)
            if last or (first == start and len(content) >= MOST_BYTES):
                return start + through
            if first > start:
                return first

    def _sorted(self, lines: list[Result], waiting: dict[int, tuple[Part, dict[int, Result]]]) -> list[_Complete]:
        """The rows that are complete with these lines; the others wait."""
        if not lines:
            return []
        numbers = [line.number for line in lines]
        parts = self._jobs.parts(self._job, min(numbers), max(numbers))
        owner = {part.first + n: part for part in parts for n in range(part.records)}
        complete: list[_Complete] = []
        for line in lines:
            part = owner.get(line.number)
            if part is None:
                continue
            _, got = waiting.setdefault(part.first, (part, {}))
            got[line.number] = line
            if len(got) == part.records:
                complete.append(_Complete(part, [got[number] for number in sorted(got)]))
                del waiting[part.first]
        return complete

    def _take(self, complete: list[_Complete]) -> None:
        for start in range(0, len(complete), MOST_ROWS):
            self._finish(complete[start : start + MOST_ROWS])

    def _finish(self, group: list[_Complete]) -> None:
        job = self._job
        contents = self._database.content(job.vectorizer, job.generation, [each.part.key for each in group])
        since = time.monotonic()
        others: list[str] = []
        for part, results in group:
            row = Row(part.key, part.version, "u", job.lease, 0)
            found = contents.get(part.key)
            if found is not None:
                row.source_hash = found.source_hash
                row.metadata = metadata.storable(found.metadata)
                try:
                    row.pieces = self._recipe.pieces(row, found.content, found.fields)
                except (UnfitError, SettingsError):
                    row.pieces = []
            if row.pieces and records.digest(row.pieces) == part.digest and self._filled(row, results):
                self._leases.hold([row], since)
                self._finishing.add(row)
            else:
                others.append(part.key)
        if others:
            self._jobs.give_back(job, others)
        self._finishing.flush(now=True)

    def _finish_locked(self) -> None:
        """Try those again that a user's transaction was in the way of; what it holds longer goes the ordinary way in the end."""
        for _ in range(LOCKED_TRIES):
            if not self._finishing:
                return
            time.sleep(LOCKED_SECONDS)
            self._finishing.flush(now=True, locked=True)

    def _filled(self, row: Row, results: list[Result]) -> bool:
        """Give the row its vectors; whether it has them all."""
        for pieces, result in zip(records.calls(self._recipe.provider, row.pieces), results, strict=True):
            answer = records.answer(self._recipe.provider, result, len(pieces))
            if answer is None:
                return False
            self.stats.tokens += answer.tokens or 0
            for piece, vector in zip(pieces, self._recipe.vectors(answer), strict=True):
                piece.vector = vector
            self.stats.chunks_embedded += len(pieces)
        return True

    def _fail(self, rows: list[Row], _error: CallError) -> None:
        """The index refuses these vectors: the ordinary way finds out why."""
        self._jobs.give_back(self._job, [row.key for row in rows])
        self._leases.let_go(rows)


def _is_output(key: str) -> bool:
    return key.endswith(".jsonl.out")
