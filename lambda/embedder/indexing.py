"""The index of vectors in PostgreSQL: built by a worker that has nothing else to do, where it is soon done."""

from embedder import log
from embedder.database import Database, RefusedError, UnavailableError
from embedder.stopping import Stopping

MOST_SECONDS = 45.0
"""Of building, as the database guesses it; a statement of the worker's role may take a minute."""


def build(database: Database, stopping: Stopping) -> bool:
    """Build one, if one is wanted and there is time; whether one was built. What takes longer is for `vectordb embed index`."""
    seconds = min(MOST_SECONDS, stopping.left() / 2)
    try:
        wanted = database.begin_index(seconds) if seconds > 1 else None
        built = wanted is not None and database.build_index(*wanted)
    except UnavailableError as error:
        # It took longer than was guessed, and the guess is twice as long from now on.
        log.line("WARN", "an index was not built", reason=str(error))
        return False
    except RefusedError as error:
        log.line("ERROR", "an index was not built", sqlstate=str(error))
        return False
    if built and wanted:
        log.line("INFO", "an index was built", vectorizer=wanted[0], generation=wanted[1])
    return built
