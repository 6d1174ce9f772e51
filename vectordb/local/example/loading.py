"""Loads the corpus into both stores, once: into the database by COPY, into S3 Vectors in batches of 500."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any

import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from vectordb.errors import VectordbError
from vectordb.local import connections
from vectordb.local.clients import Clients
from vectordb.local.example import corpus
from vectordb.local.example.corpus import Entry
from vectordb.local.example.embedding import as_text, embed_all
from vectordb.local.state import Credentials, Running

INDEX = "stdlib"
_BATCH = 500  # PutVectors takes no more
_METADATA = "id, module, name, kind, characters, summary"
"""What each vector has in S3 Vectors; other metadata are another load."""
_LOADED = "INSERT INTO stdlib.loaded VALUES (%s, %s) ON CONFLICT (store) DO UPDATE SET corpus = excluded.corpus"


def load(running: Running, credentials: Credentials, console: Console) -> int:
    """Make sure that both stores hold the corpus of this interpreter; returns the number of documents.

    A load that was cut short is done again by the next call: each store is marked when it holds everything.
    """
    index_arn = (running.outputs.get("indexArns") or {}).get(INDEX)
    if index_arn is None:
        raise VectordbError(
            f"The stack has no S3 Vectors index named {INDEX!r}.",
            remedy="Add {name: stdlib, dimension: 256, metric: cosine} to vectordb:indexes.",
        )
    _as_admin(running, credentials, "schema.sql")
    clients = Clients(running.emulator, running.region, credentials)
    with connections.connect(running, credentials) as connection:
        identity = corpus.identity()
        marks = {"pgvector": identity, "s3vectors": f"{identity} {_METADATA}"}
        rows = connection.execute("SELECT store, corpus FROM stdlib.loaded").fetchall()
        held = {store for store, corpus_of_it in rows if marks.get(store) == corpus_of_it}
        if "s3vectors" in held and not _holds(clients("s3vectors"), index_arn, _count(connection)):
            held.discard("s3vectors")  # the index was replaced since
        if len(held) < 2:  # noqa: PLR2004 - there are two stores
            documents = corpus.collect()
            with _progress(console) as progress:
                vectors = _vectors(connection, held, documents, clients, progress)
                if "pgvector" not in held:
                    _into_database(connection, identity, documents, vectors, progress)
                _into_index(clients("s3vectors"), index_arn, documents, vectors, progress)
            connection.execute(_LOADED, ["s3vectors", marks["s3vectors"]])
        count = _count(connection)
    _as_admin(running, credentials, "index.sql")
    return count


def _as_admin(running: Running, credentials: Credentials, file: str) -> None:
    with connections.connect(running, credentials, admin=True) as connection:
        connection.execute(resources.files(__package__).joinpath(file).read_bytes())


def _count(connection: "psycopg.Connection[tuple[Any, ...]]") -> int:
    row = connection.execute("SELECT count(*) FROM stdlib.entries").fetchone()
    return int(row[0]) if row else 0


@contextmanager
def _progress(console: Console) -> Iterator[Progress]:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        yield progress


def _vectors(
    connection: "psycopg.Connection[tuple[Any, ...]]",
    held: set[str],
    documents: list[Entry],
    clients: Clients,
    progress: Progress,
) -> list[list[float]]:
    """From the database when it holds them already; embedded otherwise."""
    if "pgvector" in held:
        rows = connection.execute("SELECT embedding::real[] FROM stdlib.entries ORDER BY id").fetchall()
        return [row[0] for row in rows]
    task = progress.add_task("Embedding the standard library's documentation", total=len(documents))
    return embed_all(clients("bedrock-runtime"), [d.text for d in documents], lambda done: progress.advance(task, done))


def _into_database(
    connection: "psycopg.Connection[tuple[Any, ...]]",
    identity: str,
    documents: list[Entry],
    vectors: list[list[float]],
    progress: Progress,
) -> None:
    task = progress.add_task("Writing PostgreSQL", total=len(documents))
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE stdlib.entries")
        with cursor.copy("COPY stdlib.entries (id, module, name, kind, signature, doc, embedding) FROM STDIN") as copy:
            for entry, vector in zip(documents, vectors, strict=True):
                row = (entry.id, entry.module, entry.name, entry.kind, entry.signature, entry.doc, as_text(vector))
                copy.write_row(row)
                progress.advance(task)
        cursor.execute(_LOADED, ["pgvector", identity])


def _into_index(
    s3vectors: Any, index_arn: str, documents: list[Entry], vectors: list[list[float]], progress: Progress
) -> None:
    task: TaskID = progress.add_task("Writing S3 Vectors", total=len(documents))
    pairs = list(zip(documents, vectors, strict=True))
    for start in range(0, len(pairs), _BATCH):
        batch = [
            {
                "key": str(entry.id),
                "data": {"float32": vector},
                "metadata": {
                    "id": entry.id,
                    "module": entry.module,
                    "name": entry.name,
                    "kind": entry.kind,
                    "characters": len(entry.doc),
                    "summary": entry.summary,
                },
            }
            for entry, vector in pairs[start : start + _BATCH]
        ]
        s3vectors.put_vectors(indexArn=index_arn, vectors=batch)
        progress.advance(task, len(batch))
    _remove_others(s3vectors, index_arn, {str(entry.id) for entry in documents})


def _remove_others(s3vectors: Any, index_arn: str, wanted: set[str]) -> None:
    """Keys of an earlier, larger corpus."""
    pages = s3vectors.get_paginator("list_vectors").paginate(indexArn=index_arn)
    others = [vector["key"] for page in pages for vector in page["vectors"] if vector["key"] not in wanted]
    for start in range(0, len(others), _BATCH):
        s3vectors.delete_vectors(indexArn=index_arn, keys=others[start : start + _BATCH])


def _holds(s3vectors: Any, index_arn: str, count: int) -> bool:
    """Whether the first and the last of `count` documents are there: an index is replaced whole or not at all."""
    keys = ["1", str(max(count, 2))]
    return len(s3vectors.get_vectors(indexArn=index_arn, keys=keys)["vectors"]) == len(keys)
