"""What `make up` ends with: one question answered three ways, and what to try next."""

import os
import sys

from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from vectordb.local import connections
from vectordb.local.clients import Clients
from vectordb.local.example import answers, loading
from vectordb.local.example.answers import Answer
from vectordb.local.example.embedding import as_text, embed
from vectordb.local.state import Credentials, Running

QUESTION = "how do I compress a file"

_WAYS = (
    ("pgvector, in the database", answers.PGVECTOR),
    ("Amazon S3 Vectors, through s3vl.query_vectors", answers.S3_VECTORS),
    ("Both: vectors from S3 Vectors, joined and filtered in SQL (functions only)", answers.COMBINED),
)


def show(running: Running, credentials: Credentials, out: Console, talk: Console) -> None:
    """Load the corpus where it is missing, then print the three answers with their times."""
    count = loading.load(running, credentials, talk)
    vector = as_text(embed(Clients(running.emulator, running.region, credentials)("bedrock-runtime"), QUESTION))
    out.print(f'\n[bold]"{QUESTION}"[/] in {count:,} entries of the standard library\'s documentation:', soft_wrap=True)
    with connections.connect(running, credentials) as connection:
        for title, statement in _WAYS:
            show_answer(out, title, answers.ask(connection, statement, vector))
    statement = answers.COMBINED.strip().replace("%(vector)s", "$1").replace("%(top)s", "5")
    out.print("\nThe last statement, $1 being the question's vector:")
    out.print(Syntax(statement, "sql", background_color="default"), soft_wrap=True)
    _next(out)


def show_answer(out: Console, title: str, answer: Answer) -> None:
    """The hits under a title with the time, a line each, cut to the terminal's width."""
    out.print(f"\n[bold]{title}: {answer.milliseconds:.1f} ms[/]", soft_wrap=True)
    width = max((len(hit.entry) for hit in answer.hits), default=0)
    for hit in answer.hits:
        line = (
            Text(f"  {hit.distance:.3f}  ")
            + Text(hit.entry.ljust(width), "bold")
            + Text(f"  {hit.kind:<8}  {hit.summary}", "dim")
        )
        out.print(line, no_wrap=True, overflow="ellipsis", crop=True)


def _next(out: Console) -> None:
    vectordb = os.path.relpath(sys.argv[0]) if sys.argv[0].endswith("vectordb") else ".venv/bin/vectordb"
    out.print("\n[bold]Next[/]")
    out.print(f'  {vectordb} search --local "your own question"')
    count = 'psql -c "select count(*) from stdlib.entries"'
    out.print(f'  eval "$({vectordb} local env)" && {count}', soft_wrap=True)
    out.print(
        f"  {vectordb} connect --local                    psql; docs/search-in-sql.md has what to ask", soft_wrap=True
    )
    out.print(f"  {vectordb} local status        make down        make plan")
