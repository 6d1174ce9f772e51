"""What S3 Vectors holds and nobody sees: deleted key by key as the database names them, and found by listing when that is asked for."""

import time

from embedder import log, s3vectors
from embedder.database import Database, RefusedError
from embedder.errors import CallError
from embedder.stopping import Stopping

EVERY_SECONDS = 5.0
MOST_CALLS = 20
"""In one go; then the rows have their turn again."""
DELETE_SECONDS = 60.0
"""In which a delete is begun. The keys are ours for five minutes."""
GONE = "NotFoundException"
"""Of an index that is not there: what was in it is not there either."""


class Tidying:
    """Of all vectorizers' indexes."""

    def __init__(self, database: Database, stopping: Stopping) -> None:
        self._database = database
        self._stopping = stopping
        self._next = 0.0

    def go(self, *, now: bool = False) -> bool:
        """Do a little of it, when it is time or there is nothing else to do; whether anything was done.

        Raises:
            UnavailableError: the database cannot be asked.
        """
        if not now and time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + EVERY_SECONDS
        done = False
        try:
            for _ in range(MOST_CALLS):
                if self._stopping.asked() or not (self._collected() or self._listed()):
                    break
                done = True
        except (CallError, s3vectors.LateError) as error:
            # Later, by this worker or another: nothing waits for it.
            log.line("WARN", "tidying", reason=str(error))
        except RefusedError as error:
            log.line("ERROR", "tidying", sqlstate=str(error))
        return done

    def _collected(self) -> bool:
        found = self._database.garbage(s3vectors.MOST_VECTORS)
        refused: CallError | None = None
        for arn, keys in found:
            try:
                s3vectors.delete(arn, keys, time.monotonic() + DELETE_SECONDS)
            except CallError as error:
                if error.code != GONE:
                    refused = error  # the other indexes' garbage does not wait for this one's permissions
                    continue
            self._database.collected(arn, keys)
        if refused is not None:
            raise refused
        return bool(found)

    def _listed(self) -> bool:
        listing = self._database.listing()
        if listing is None:
            return False
        page = s3vectors.listed(listing.index_arn, listing.next_token, time.monotonic() + s3vectors.CALL_SECONDS)
        self._database.listed(listing, page.keys, page.next_token)
        return True
