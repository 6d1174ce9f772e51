"""Sessions that search all the time, and remember each answer that was wrong and each error."""

import threading
from collections.abc import Callable
from typing import Any, Self

import psycopg

from tests.local.embedding_cases import BREAD, CAT, MOUNTAIN, QUESTIONS

KEYS = {BREAD: [11], CAT: [47], MOUNTAIN: [33]}


class Searches:
    """`with Searches(connect, name) as searches` runs them; afterwards `problems` has to be empty and `answers` large.

    Args:
        connect: opens a session of somebody who may read.
        name: the vectorizer, of the documents of `embedding_cases`.
        sessions: how many search at once.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]], name: str, sessions: int = 3) -> None:
        self._connect, self._name = connect, name
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._search, daemon=True) for _ in range(sessions)]
        self.answers = 0
        self.problems: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(30)

    def _search(self) -> None:
        with self._connect() as connection:
            while not self._over.is_set():
                for document, key in KEYS.items():
                    try:
                        found = connection.execute(
                            "SELECT key, chunk FROM embed.search_text(%s, %s, 3)", [self._name, QUESTIONS[document]]
                        ).fetchall()
                    except psycopg.Error as error:
                        self.problems.append(f"{type(error).__name__}: {error}")
                        continue
                    if [row[0] for row in found[:1]] != [key] or found[0][1] != document or len(found) != 3:
                        self.problems.append(f"{QUESTIONS[document]}: {found}")
                    self.answers += 1
