"""`vectordb bench`."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vectordb.cli.context import StackOption, chosen_stack, data, project_directory, talk
from vectordb.errors import VectordbError

if TYPE_CHECKING:
    from vectordb.bench.result import Result

app = typer.Typer(help="Measurements, on this machine and without an account.", no_args_is_help=True)

JsonOption = Annotated[Path | None, typer.Option("--json", help="Write the rows to this file, machine-readable.")]
MarkdownOption = Annotated[bool, typer.Option("--markdown", help="Print Markdown instead of a table.")]
WriteDocsOption = Annotated[
    bool, typer.Option("--write-docs", help="Write the table of docs/performance.md and its picture anew.")
]


@app.command()
def bridge(
    *,
    stack: StackOption = "",
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer repetitions: 20 seconds instead of two minutes.")
    ] = False,
    service_ms: Annotated[
        float, typer.Option("--service-ms", min=0, max=2000, help="What a request takes in S3 Vectors, by the clock.")
    ] = 64,
    as_json: JsonOption = None,
    as_markdown: MarkdownOption = False,
    png: Annotated[Path | None, typer.Option("--png", help="Draw the bars into this file.")] = None,
    write_docs: WriteDocsOption = False,
) -> None:
    """Measure the SQL bridge to S3 Vectors beside one in the shape of AWS's sample.

    Both run side by side, in turns: one PostgreSQL, each function in a process of its own, S3 Vectors behind HTTPS with the full bundle
    of authorities and the same service time for both. Only ratios mean something elsewhere.

    \b
    Exit codes: 0 every demand is met, 1 one is not, 2 it could not be measured.

    \b
    vectordb bench bridge --quick
    vectordb bench bridge --json bridge.json --png bridge.png
    vectordb bench bridge --write-docs
    """
    from vectordb.bench import bridge as benchmark
    from vectordb.bench import documents, markdown, picture, shares

    directory = project_directory()
    _writable(as_json)
    if png or write_docs:
        picture.available()
    with _progress(benchmark.STEPS) as say:
        result = benchmark.run(
            directory, stack=chosen_stack(stack, directory), quick=quick, service_milliseconds=service_ms, say=say
        )
    _tell(result, as_json, as_markdown=as_markdown)
    title = "One PostgreSQL, two bridges to S3 Vectors"
    if png:
        picture.draw(result, png, title)
    if write_docs:
        picture.draw(result, directory / documents.PICTURES / "bridge.png", title)
        documents.write(directory, "bridge", markdown.whole(result))
        page = documents.write(directory, "shares", shares.table(result), command="bridge")
        talk().print(f"The tables and the picture of {page} are current.")
    raise typer.Exit(0 if result.met else 1)


@app.command()
def embed(
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Shorter, and fewer repetitions: two minutes instead of five.")
    ] = False,
    model_ms: Annotated[
        float, typer.Option("--model-ms", min=1, max=5000, help="What a request takes in the model.")
    ] = 300,
    as_json: JsonOption = None,
    as_markdown: MarkdownOption = False,
    png: Annotated[Path | None, typer.Option("--png", help="Draw the picture into this file.")] = None,
    write_docs: WriteDocsOption = False,
) -> None:
    """Measure the embedding of rows as they change, beside the shape of AWS's sample.

    Both embed at once, each with the same quota of requests to the same model: rows a second, what is lost under throttling, what a
    refused text and an edited paragraph cost, and what statements and writers pay. Only ratios mean something elsewhere.

    \b
    Exit codes: 0 every demand is met, 1 one is not, 2 it could not be measured.

    \b
    vectordb bench embed --quick
    vectordb bench embed --json embed.json --png embed.png
    vectordb bench embed --write-docs
    """
    from vectordb.bench import documents, markdown, picture
    from vectordb.bench import embed as benchmark
    from vectordb.bench.embedding import picture as drawing

    directory = project_directory()
    _writable(as_json)
    if png or write_docs:
        picture.available()
    with _progress(benchmark.STEPS) as say:
        result = benchmark.run(directory, quick=quick, model_milliseconds=model_ms, say=say)
    _tell(result, as_json, as_markdown=as_markdown)
    if png:
        drawing.draw(result, png)
    if write_docs:
        drawing.draw(result, directory / documents.PICTURES / "embed.png")
        page = documents.write(directory, "embed", markdown.whole(result))
        talk().print(f"The table and the picture of {page} are current.")
    raise typer.Exit(0 if result.met else 1)


@app.command()
def combined(
    *,
    stack: StackOption = "",
    quick: Annotated[bool, typer.Option("--quick", help="Fewer questions and repetitions.")] = False,
    as_json: JsonOption = None,
    write_docs: Annotated[
        bool, typer.Option("--write-docs", help="Write the tables of docs/combined-search.md anew.")
    ] = False,
) -> None:
    """Measure the ways to search S3 Vectors under a condition that the database knows: recall, and what each costs.

    Real questions over the standard library's documentation; the truth is an exact search in pgvector. Prints Markdown.

    \b
    Exit codes: 0, 2 it could not be measured.

    \b
    vectordb bench combined --quick
    vectordb bench combined --json combined.json
    vectordb bench combined --write-docs
    """
    from vectordb.bench import combined as benchmark
    from vectordb.bench import documents

    directory = project_directory()
    _writable(as_json)
    with _progress(None) as say:
        result = benchmark.run(directory, stack=chosen_stack(stack, directory), quick=quick, say=say)
    text = benchmark.markdown(result)
    typer.echo(text)
    if as_json:
        as_json.write_text(json.dumps(result.as_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if write_docs:
        page = documents.write(directory, "combined", text, page=documents.COMBINED)
        talk().print(f"The tables of {page} are current.")


@app.command()
def policies(
    *,
    stack: StackOption = "",
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds.")] = False,
    as_json: JsonOption = None,
    as_markdown: MarkdownOption = False,
) -> None:
    """Measure the policy pack: its start, and how long it takes to judge a stack of a thousand resources.

    \b
    Exit codes: 0 every demand is met, 1 one is not, 2 it could not be measured.

    \b
    vectordb bench policies --quick
    vectordb bench policies --stack prod --json policies.json
    """
    from vectordb.bench import policies as benchmark
    from vectordb.plan import stack_configuration

    directory = project_directory()
    _writable(as_json)
    configuration = stack_configuration.read(directory, chosen_stack(stack, directory))
    with _progress(benchmark.STEPS) as say:
        result = benchmark.run(configuration, quick=quick, say=say)
    _tell(result, as_json, as_markdown=as_markdown)
    raise typer.Exit(0 if result.met else 1)


def _tell(result: "Result", as_json: Path | None, *, as_markdown: bool) -> None:
    """Print it, and write it where that is asked for."""
    from vectordb.bench import markdown, table

    if as_json:
        as_json.write_text(json.dumps(result.as_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if as_markdown:
        typer.echo(markdown.whole(result))
    else:
        table.show(result, data())


def _writable(file: Path | None) -> None:
    """Said before minutes of measuring, not after."""
    if file and not file.parent.is_dir():
        raise VectordbError(f"There is no folder {file.parent} for {file.name}.", remedy=f"mkdir -p {file.parent}")


@contextmanager
def _progress(steps: int | None) -> Iterator[Callable[[str], None]]:
    """A function that shows what is being done: a bar on a terminal, lines elsewhere; on standard error.

    `steps` is how often it will be called, where that is known.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = talk()
    if not console.is_terminal:
        yield lambda what: console.print(what, soft_wrap=True)
        return
    columns = (BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=steps)

        def say(what: str) -> None:
            progress.update(task, description=what, advance=1)

        yield say
