"""Several calls of the service at once: threads that the module keeps, results in the order of what was asked."""

import functools
import os
from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

VARIABLE = "VECTORDB_BATCH_CONCURRENCY"
CONCURRENCY = 32
_MOST = 64

T = TypeVar("T")
R = TypeVar("R")


def concurrency() -> int:
    """How many calls may run at once: VECTORDB_BATCH_CONCURRENCY, 1 to 64."""
    text = os.environ.get(VARIABLE, "")
    # isdecimal: int() takes spaces, signs and underscores, too.
    return min(max(int(text), 1), _MOST) if text.isdecimal() else CONCURRENCY


def ordered(function: Callable[[T], R], items: Sequence[T], width: Callable[[], int]) -> Generator[R]:
    """function(item) of each item, in the items' order, with up to width() of them under way.

    `width` is asked before each start; when it says 0 no further one is started, and the results end with those under way.
    Close the iterator when you stop early (contextlib.closing): it waits for what still runs, because work left behind
    would go on in the middle of the function's next request.

    Raises:
        what the function raises, for the first item in order that fails.
    """
    if len(items) == 1:
        yield function(items[0])
        return
    from concurrent.futures import wait  # not at import: a function's first request seldom needs it

    running: deque[Future[R]] = deque()
    position = 0
    try:
        while True:
            while position < len(items) and len(running) < width():
                running.append(_executor(concurrency()).submit(function, items[position]))
                position += 1
            if not running:
                return
            yield running.popleft().result()
    finally:
        for future in running:
            future.cancel()
        wait(running)


@functools.lru_cache(maxsize=1)
def _executor(workers: int) -> "ThreadPoolExecutor":
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(workers, thread_name_prefix="bridge")
