"""The work on one generation: claim, read, cut, ask, write, as one loop with several calls under way.

All state of a row is the database's; a worker that dies here loses its leases and nothing else. Only this thread speaks with the
database, and it never waits for the model while a transaction is open.
"""

import contextlib
import itertools
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from enum import Enum

from embedder import log, metadata, settings
from embedder.calls import Call, Calls
from embedder.database import Content, Database, RefusedError, Target, UnavailableError
from embedder.errors import CallError, Kind, SettingsError
from embedder.finishing import Finishing
from embedder.leases import Leases
from embedder.packing import Packer
from embedder.permits import Permits
from embedder.placing import Placing, StalledError
from embedder.providers.provider import Answer
from embedder.rows import Piece, Recipe, Row, UnfitError
from embedder.search import Search
from embedder.settings import Pace
from embedder.stats import Stats
from embedder.stopping import Stopping
from embedder.transport import Ask

MOST_REFUSALS = 6
"""By throttling in a row; then the rows are given back and the generation is left alone for a while."""
FIRST_PORTION = 16
"""Rows whose content is read at first; then as many as make up PORTION_CHARACTERS."""
PORTION_CHARACTERS, MOST_CHARACTERS = 4_000_000, 8_000_000
"""Read at once, and in memory at once, about."""
LARGE_ROW = 512
"""Chunks. A row of more may take longer than a run has."""
TURN_SECONDS = 0.25
"""The longest wait without a look at leases and the end."""
FIRST_CLAIM = 16
CLAIM_SECONDS = 1.0
"""What one claim is to last: the newest change waits behind what is claimed, however slow the quota is."""
TELL_SECONDS = 5.0
"""How often the figures of a run that goes on are written down."""


class Ended(Enum):
    """Why a run ended."""

    EMPTY = "empty"
    """Nothing could be claimed."""
    TIME = "time"
    """Its time was up, or the worker's."""
    THROTTLED = "throttled"
    OUTAGE = "outage"
    """The model answers nobody, or the index takes nothing."""
    CIRCUIT = "circuit"
    """The configuration is at fault."""


class Run:
    """One turn of a worker at one generation."""

    def __init__(
        self,
        database: Database,
        target: Target,
        recipe: Recipe,
        ask: Ask,
        executor: ThreadPoolExecutor,
        stopping: Stopping,
        pace: Pace,
    ) -> None:
        self._database = database
        self._target = target
        self._recipe = recipe
        self._stopping = stopping
        self._pace = pace
        self.stats = Stats()
        self._packer = Packer(recipe.provider.limits)
        self._leases = Leases(database, target, pace.lease_seconds)
        self._permits = Permits(database, pace.limiter)
        self._calls = Calls(ask, recipe.provider, executor, pace.concurrency)
        placing = None
        if (target.config.get("destination") or {}).get("kind") == "s3_vectors":
            placing = Placing(database, target, self._leases, self.stats, self._fail)
        self._finishing = Finishing(database, target, self._leases, self.stats, self._fail, placing)
        self._first: deque[Call] = deque()
        """Calls that go before all others: of searches, and the probe."""
        self._accused: list[tuple[Piece, CallError]] = []
        """Texts whose calls failed while it was not known that the model takes any. A probe decides whose fault it was."""
        self._portion = min(FIRST_PORTION, pace.batch_rows)
        self._claims = min(max(FIRST_CLAIM, recipe.provider.limits.texts), pace.batch_rows)
        """Rows to claim next."""
        self._claimed_at = 0.0
        self._told = Stats()
        self._tell_at = 0.0
        self._trusted = False
        """Whether the model has taken a text, and nothing failed since."""
        self._empty = False
        self._ended: Ended | None = None

    def go(self, seconds: float) -> Ended:
        """Work for so many seconds, or until there is nothing to claim. Everything claimed is then done or given back."""
        started = time.monotonic()
        self._tell_at = started + TELL_SECONDS
        try:
            while self._turn(started + seconds):
                if time.monotonic() >= self._tell_at:
                    self.stats.seconds = time.monotonic() - started
                    self.tell()
            self._give_back()
            self._permits.give_back()
        except CallError as error:
            self._open_circuit(error)
            self._permits.give_back()
        except StalledError as error:
            log.line("WARN", "stalled", vectorizer=self._target.vectorizer, reason=str(error))
            self._ended = Ended.OUTAGE
            self.stats.errors += 1
            self._give_back()
            self._permits.give_back()
        except (UnavailableError, RefusedError):
            # Perhaps this goes well; if not, the leases end by themselves.
            with contextlib.suppress(UnavailableError, RefusedError):
                self._give_back()
            raise
        finally:
            self.stats.seconds = time.monotonic() - started
        return self._ended or Ended.EMPTY

    def tell(self) -> None:
        """Write down what was done since the last time."""
        self._tell_at = time.monotonic() + TELL_SECONDS
        if new := self.stats.since(self._told).recorded():
            self._told = replace(self.stats)
            self._database.record(self._target.vectorizer, self._target.generation, new)

    def _turn(self, until: float) -> bool:
        """One turn of the loop; whether there is another."""
        over = self._ended is not None or self._stopping.asked()
        claiming = not over and time.monotonic() < until
        if over:
            self._ended = self._ended or Ended.TIME
        elif claiming and self._hungry():
            self._claim()
        self._leases.renew()
        if not over:
            self._dispatch()
        under_way = self._calls or (not over and (self._packer or self._first))
        self._finishing.flush(now=not under_way, locked=over and not under_way)
        idle = not (self._calls or self._packer or self._first or self._finishing)
        if idle and (over or self._empty or not claiming):
            if not self._empty and not over:
                self._ended = Ended.TIME
            return False
        if over and not self._calls:
            return False
        for call, began, outcome in self._wait(hurried=claiming and self._hungry()):
            self._judge(call, began, outcome)
        return True

    def _hungry(self) -> bool:
        """Whether there is less than another round of calls in hand."""
        return not self._empty and len(self._packer) < self._recipe.provider.limits.texts * self._calls.most

    def _claim(self) -> None:
        since = time.monotonic()
        if self._claimed_at:
            lasting = self._claims * CLAIM_SECONDS / max(since - self._claimed_at, 0.001)
            self._claims = max(1, min(int(lasting), 2 * self._claims, self._pace.batch_rows))
        self._claimed_at = since
        vectorizer, generation = self._target[:2]
        claimed = self._database.claim(vectorizer, generation, self._claims, self._leases.seconds)
        self._empty = len(claimed) < self._claims
        if not claimed:
            return
        rows = [Row(*row) for row in claimed]
        self._leases.hold(rows, since)
        live = [row for row in rows if row.operation == "u"]
        contents = self._contents(live)
        stored = self._database.stored(vectorizer, generation, list(contents)) if contents else {}
        for row in rows:
            if row.gone:
                continue
            found, held = contents.get(row.key), stored.get(row.key, [])
            if row.operation == "u" and found is not None:
                row.source_hash = found.source_hash
                row.metadata = metadata.storable(found.metadata)
                try:
                    row.pieces = self._recipe.pieces(row, found.content, found.fields, held)
                except UnfitError as unfit:
                    self._fail([row], CallError(Kind.POISON, "Unfit", str(unfit)))
                    continue
                except SettingsError as error:
                    raise CallError(Kind.CONFIGURATION, "Settings", str(error)) from None
                except Exception as error:  # noqa: BLE001 - one row that nobody reckoned with must not stop all others
                    self._fail(
                        [row],
                        CallError(Kind.TRANSIENT, type(error).__name__, f"the row cannot be cut ({log.place(error)})"),
                    )
                    continue
            known = {chunk.hash for chunk in held}
            wanted = [piece for piece in row.pieces if piece.hash not in known]
            row.missing = len(wanted)
            if wanted:
                self._packer.add(wanted)
            else:
                self._finishing.add(row)

    def _contents(self, rows: list[Row]) -> dict[str, Content]:
        """What the rows are to be embedded by. Of rows that are too large to be in memory together, the last are given back."""
        found: dict[str, Content] = {}
        place = size = 0
        while place < len(rows) and size < MOST_CHARACTERS:
            part = rows[place : place + self._portion]
            contents = self._database.content(
                self._target.vectorizer, self._target.generation, [row.key for row in part]
            )
            found |= contents
            own = sum(len(each.content or "") for each in contents.values())
            self._portion = max(1, min(PORTION_CHARACTERS * len(part) // max(own, 1), self._pace.batch_rows))
            place += len(part)
            size += own
        self._release(rows[place:])
        return found

    def _dispatch(self) -> None:
        while len(self._calls) < self._calls.most and (self._first or self._ready()):
            if not self._permits.take(self._wanted()):
                return
            if self._first:
                call = self._first.popleft()
            else:
                call = Call(self._packer.take())
                if not call.pieces:
                    continue
            self.stats.calls += 1
            self._calls.begin(call)

    def _ready(self) -> bool:
        """Whether the next call is full, or nothing is coming that would fill it."""
        return len(self._packer) >= self._recipe.provider.limits.texts or (len(self._packer) > 0 and self._empty)

    def _wanted(self) -> int:
        texts = self._recipe.provider.limits.texts
        waiting = len(self._first) + -(-len(self._packer) // texts)
        return max(1, min(waiting, self._calls.most))

    def _wait(self, *, hurried: bool) -> Iterable[tuple[Call, float, Answer | CallError]]:
        if hurried:
            return self._calls.ended(0) if self._calls else []
        seconds = min(TURN_SECONDS, self._finishing.due())
        if len(self._calls) < self._calls.most and (self._packer or self._first):
            seconds = min(seconds, self._permits.wait_seconds())
        if self._calls:
            return self._calls.ended(max(seconds, 0.001))
        time.sleep(max(seconds, 0.005))
        return []

    def _judge(self, call: Call, began: float, outcome: Answer | CallError) -> None:
        if isinstance(outcome, Answer):
            self._answered(call, outcome)
        elif outcome.kind is Kind.THROTTLE:
            self._throttled(call, began, outcome)
        elif outcome.kind is Kind.CONFIGURATION or (outcome.kind is Kind.POISON and not call.pieces):
            raise CallError(Kind.CONFIGURATION, outcome.code, str(outcome).partition(": ")[2])
        elif outcome.kind is Kind.POISON:
            self._refused(call, outcome)
        else:
            self._failed(call, outcome)

    def _answered(self, call: Call, answer: Answer) -> None:
        self._permits.accepted()
        self._trusted = True
        self.stats.tokens += answer.tokens or 0
        self.stats.chunks_embedded += len(call.pieces)
        for piece, vector in zip(call.pieces, self._recipe.vectors(answer), strict=bool(call.pieces)):
            if not piece.row.gone and piece.row.take(piece, vector):
                self._finishing.add(piece.row)
        if call.search is not None:
            call.search.answered()
            self._go_on(call.search)
        if self._accused:  # the model is in order, so they are at fault, and no probe is needed
            self._first = deque(each for each in self._first if each.pieces)
            accused, self._accused = self._accused, []
            for error, group in itertools.groupby(accused, key=lambda each: each[1]):
                self._fail(_rows(piece for piece, _ in group), error)

    def _throttled(self, call: Call, began: float, error: CallError) -> None:
        self.stats.throttles += 1
        self._permits.refused(began, error.delay)
        self._first.appendleft(call)
        if self._permits.refusals >= MOST_REFUSALS:
            self._ended = Ended.THROTTLED

    def _refused(self, call: Call, error: CallError) -> None:
        """Some text of a call was refused: look for it, or set its row aside when it was alone."""
        self.stats.errors += 1
        search = call.search
        if search is not None:
            search.refused()
        if len(call.pieces) > 1:
            if search is None:
                search = Search(call.pieces)
            self._go_on(search)
            return
        self._blame(call.pieces, error)
        if search is not None:
            self._go_on(search)

    def _failed(self, call: Call, error: CallError) -> None:
        """A call that may go well another time. When the probe fails, too, no row is at fault, and none pays with an attempt."""
        self.stats.errors += 1
        if not call.pieces:
            self._ended = Ended.OUTAGE
            return
        self._blame(call.pieces, error)
        self._trusted = False
        self._abandon(call)

    def _blame(self, pieces: list[Piece], error: CallError) -> None:
        if self._trusted:
            self._fail(_rows(pieces), error)
            return
        if not self._accused:
            self._first.append(Call([]))
        self._accused += [(piece, error) for piece in pieces]

    def _go_on(self, search: "Search[Piece]") -> None:
        pieces = search.next()
        if pieces and any(not piece.row.gone for piece in pieces):
            self._first.append(Call(list(pieces), search))
        else:
            self._abandon(Call([], search))

    def _abandon(self, call: Call) -> None:
        """What a search has put aside goes into one call."""
        if call.search is not None:
            rest = [piece for piece in call.search.rest() if not piece.row.gone and piece not in call.pieces]
            if rest:
                self._first.append(Call(rest))

    def _fail(self, rows: list[Row], error: CallError) -> None:
        rows = [row for row in rows if not row.gone]
        if not rows:
            return
        self._database.fail(
            self._target.vectorizer,
            self._target.generation,
            [row.key for row in rows],
            [row.lease for row in rows],
            error.kind,
            str(error),
            error.delay,
        )
        self.stats.dead += len(rows) if error.kind is Kind.POISON else 0
        self._leases.let_go(rows)

    def _open_circuit(self, error: CallError) -> None:
        """The configuration is at fault: no row is, and none is held."""
        self._ended = Ended.CIRCUIT
        self.stats.errors += 1
        if settings.helps():
            self._give_back()
            log.line("WARN", "left to others", vectorizer=self._target.vectorizer, reason=str(error))
            return
        self._fail(self._leases.rows(), error)

    def _give_back(self) -> None:
        """Rows that are not done, as if they had never been claimed; but those that a run is too short for would be begun for ever."""
        rows = self._leases.rows()
        endless = [row for row in rows if len(row.pieces) >= LARGE_ROW and 0 < row.missing < len(row.pieces)]
        if self._ended is Ended.TIME and endless:
            said = f"the run ended before a row of {max(len(row.pieces) for row in endless)} chunks was embedded"
            self._fail(endless, CallError(Kind.TRANSIENT, "Unfinished", said))
        self._release([row for row in rows if not row.gone])

    def _release(self, rows: list[Row]) -> None:
        if rows:
            self._database.release(
                self._target.vectorizer, self._target.generation, [row.key for row in rows], [row.lease for row in rows]
            )
            self._leases.let_go(rows)


def _rows(pieces: Iterable[Piece]) -> list[Row]:
    return list(dict.fromkeys(piece.row for piece in pieces))
