"""The loop over all generations that have work: a turn at each, live ones first, until there is none."""

import contextlib
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field

from embedder import indexing, log, rows, settings
from embedder.database import Database, LockedError, RefusedError, Target, UnavailableError
from embedder.errors import Kind, SettingsError
from embedder.run import Ended, Run
from embedder.stats import Stats
from embedder.stopping import Stopping
from embedder.tidying import Tidying
from embedder.transport import Ask

TURN_SECONDS = 20.0
"""A generation's turn, when others wait for theirs."""
CALM_SECONDS = 1.0
"""The first pause when all that is left is throttled, or its model answers nobody; each further one is twice as long."""
MOST_CALMS = 6
"""Pauses in a row, together a minute; then the work is left to the next bell."""


@dataclass(slots=True)
class Report:
    """What was done."""

    stats: Stats = field(default_factory=Stats)
    complete: bool = False
    """Whether nothing was left that could be claimed; what waits for a delay does not count."""


class Worker:
    """A worker; it holds threads for calls, and the one connection that its Database is."""

    def __init__(self, database: Database, ask: Ask, stopping: Stopping) -> None:
        self._database = database
        self._ask = ask
        self._stopping = stopping
        self._tidying = Tidying(database, stopping)
        self._left: set[tuple[int, int]] = set()
        """Generations that are left to other workers."""
        self._executor = ThreadPoolExecutor(settings.MOST_CONCURRENCY, thread_name_prefix="embedder")

    def close(self) -> None:
        """End the threads; a call that is under way is left to its timeout."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def work(self, only: Collection[int] | None = None) -> Report:
        """Until nothing can be claimed, or it is time to stop.

        Args:
            only: ids of vectorizers; None for all.

        Raises:
            UnavailableError: the database cannot be asked. What was claimed is free again when its lease ends.
        """
        report = Report()
        self._make_declared(only)
        calm: set[tuple[int, int]] = set()
        calms = 0
        while True:
            if self._stopping.asked():
                return report
            targets = self._targets(only) or self._since_indexing(only)
            report.complete = not targets
            self._tidying.go(now=not targets)
            if not targets:
                return report
            worked = False
            for target in targets:
                if self._stopping.asked():
                    break
                worked |= self._turn(target, report, calm, alone=len(targets) == 1)
            if not worked:
                if not calm:
                    report.complete = True
                    return report
                if calms == MOST_CALMS:
                    return report
                self._stopping.sleep(CALM_SECONDS * 2**calms)
                calms += 1
                calm.clear()
            elif not calm:
                calms = 0

    def _make_declared(self, only: Collection[int] | None) -> None:
        """Of a sweep: vectorizers of the deployment's configuration whose table was missing when it declared them."""
        if only is not None:
            return
        try:
            if made := self._database.apply_waiting():
                log.line("INFO", "declared vectorizers were made", count=made)
        except RefusedError as error:
            log.line("ERROR", "declared vectorizers cannot be made", sqlstate=str(error))

    def _since_indexing(self, only: Collection[int] | None) -> list[Target]:
        """What came while an index was built, if one was."""
        return self._targets(only) if indexing.build(self._database, self._stopping) else []

    def _targets(self, only: Collection[int] | None) -> list[Target]:
        found = [
            target
            for target in self._database.available()
            if (target.pending or target.slices) and target[:2] not in self._left
        ]
        return found if only is None else [target for target in found if target.vectorizer in only]

    def _turn(self, target: Target, report: Report, calm: set[tuple[int, int]], *, alone: bool) -> bool:
        """One generation's turn; whether anything was done, so that looking again is worth while."""
        if target[:2] in calm:
            return False
        worked = False
        if target.pending:
            ended, stats = self._run(target, seconds=3600.0 if alone else TURN_SECONDS)
            report.stats.add(stats)
            worked = stats.held() and ended is not Ended.OUTAGE
            if ended is Ended.CIRCUIT and settings.helps():
                self._left.add(target[:2])
            if ended in {Ended.THROTTLED, Ended.OUTAGE}:
                calm.add(target[:2])
        elif target.slices:
            # Only when nothing else is pending: the newest change goes before what is older.
            with contextlib.suppress(RefusedError, LockedError):
                worked = self._database.advance(target.vectorizer, target.generation)
        return worked

    def _run(self, target: Target, *, seconds: float) -> tuple[Ended, Stats]:
        try:
            provider = settings.provider(target.config)
            run = Run(
                self._database,
                target,
                rows.recipe(provider, target.config),
                self._ask,
                self._executor,
                self._stopping,
                settings.pace(target.config, provider),
            )
        except SettingsError as error:
            self._misconfigured(target, error)
            return Ended.CIRCUIT, Stats(errors=1)
        ended = Ended.OUTAGE
        try:
            ended = run.go(seconds)
        except LockedError:
            # Its rows are free again. The other generations do not wait for who alters its table.
            log.line("WARN", "locked", vectorizer=target.vectorizer, generation=target.generation)
        except RefusedError as error:
            # The generation was dropped meanwhile, or the database's functions are not this worker's.
            log.line(
                "ERROR", "refused", vectorizer=target.vectorizer, generation=target.generation, sqlstate=str(error)
            )
        finally:
            self._tell(target, ended, run)
        return ended, run.stats

    def _misconfigured(self, target: Target, error: SettingsError) -> None:
        """Say so in the database, through a row: a circuit is opened by a failure."""
        claimed = []
        if not settings.helps():
            claimed = self._database.claim(target.vectorizer, target.generation, 1, settings.LEASE_SECONDS)
        if claimed:
            self._database.fail(
                target.vectorizer,
                target.generation,
                [claimed[0].key],
                [claimed[0].lease],
                Kind.CONFIGURATION,
                f"Settings: {error}",
                None,
            )
        log.line(
            "ERROR", "misconfigured", vectorizer=target.vectorizer, generation=target.generation, reason=str(error)
        )

    def _tell(self, target: Target, ended: Ended, run: Run) -> None:
        stats = run.stats
        with contextlib.suppress(UnavailableError, RefusedError):
            run.tell()
        if stats.calls or stats.rows or stats.changed or stats.dead:
            level = "WARN" if ended is Ended.CIRCUIT or stats.dead else "INFO"
            log.line(
                level,
                "worked",
                vectorizer=target.vectorizer,
                generation=target.generation,
                ended=ended.value,
                **asdict(stats),
            )
