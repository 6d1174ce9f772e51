"""`vectordb cost`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from vectordb.cli.context import StackOption, chosen_stack, data, project_directory, talk
from vectordb.errors import VectordbError

BLOCKS = {"README.md": ("cost",), "docs/cost.md": ("profiles", "bills", "assumptions", "prices")}
"""File → the blocks in it that `--write-docs` writes."""


def cost(
    stack: StackOption = "",
    *,
    active_hours: Annotated[
        float, typer.Option("--active-hours", help="Hours a month in which somebody uses the database.")
    ] = 40,
    average_capacity: Annotated[
        float, typer.Option("--average-capacity", help="ACU of a serverless instance in those hours.")
    ] = 1,
    storage_gb: Annotated[float, typer.Option("--storage-gb", help="Data in an Aurora cluster.")] = 10,
    vectors: Annotated[float, typer.Option("--vectors", help="Vectors in each S3 Vectors index.")] = 1_000_000,
    queries: Annotated[float, typer.Option("--queries", help="Queries a month of each index.")] = 10_000,
    logs_gb: Annotated[float, typer.Option("--logs-gb", help="Log events a month, of the whole stack.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="For a pull request or a page.")] = False,
    write_docs: Annotated[
        bool, typer.Option("--write-docs", help="Write the cost tables of README.md and docs/cost.md anew.")
    ] = False,
) -> None:
    """Show what a stack costs a month, before anything is made: list prices, a line for each thing paid for.

    The program runs as in `vectordb plan`; nothing is asked of AWS. What depends on use is an assumption that an option
    changes; what has no price here is listed, not left out.

    \b
    Exit codes: 0, 2 the program or its configuration failed.

    \b
    vectordb cost
    vectordb cost --stack prod --active-hours 730 --average-capacity 4
    vectordb cost --json | jq .total
    """
    from vectordb.cost import markdown, report
    from vectordb.cost.usage import Usage
    from vectordb.plan import cost as planned
    from vectordb.plan import plan, stack_configuration

    directory = project_directory()
    if write_docs:
        for file in written(directory):
            talk().print(f"The cost tables in {file} are current.")
        return
    usage = Usage(
        active_hours=active_hours,
        average_capacity=average_capacity,
        storage_gb=storage_gb,
        vectors=vectors,
        queries=queries,
        logs_gb=logs_gb,
    )
    configuration = stack_configuration.read(directory, chosen_stack(stack, directory))
    estimate = planned.of(plan.record(configuration), configuration.region, usage)
    if as_json:
        typer.echo(json.dumps(estimate.as_json(), indent=2, ensure_ascii=False))
    elif as_markdown:
        typer.echo(markdown.bill(estimate))
        typer.echo("\n" + markdown.assumptions(estimate))
    else:
        report.show(estimate, f"{configuration.project} / {configuration.stack}, a month", data())


def written(directory: Path) -> list[str]:
    """Write every block; the files that have them, relative to `directory`."""
    for file, text in documents(directory).items():
        (directory / file).write_text(text, encoding="utf-8")
    return list(BLOCKS)


def documents(directory: Path) -> dict[str, str]:
    """File → its text with every block as it ought to be."""
    from vectordb.cost import blocks

    texts = {file: _read(directory / file) for file in BLOCKS}
    contents = _contents(directory)
    for file, names in BLOCKS.items():
        for name in names:
            texts[file] = blocks.replaced(texts[file], name, contents[name], file)
    return texts


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise VectordbError(f"{file} does not exist.", remedy="Run this in vectordb's own repository.") from None


def _contents(directory: Path) -> dict[str, str]:
    """Block → content."""
    from vectordb.cost import markdown, prices
    from vectordb.plan import profiles

    found = profiles.estimates(directory)
    first_title, first = found[0][0].title, found[0][1]
    rows = [(profile.title, estimate) for profile, estimate in found]
    usual = [estimate for _, estimate in rows if estimate.usage == first.usage]
    assumed = f"{len(usual)} of {len(rows)} rows share" if len(usual) < len(rows) else "All rows share"
    return {
        "cost": f"{markdown.comparison(rows)}\n\n{first_title}, part by part:\n\n{markdown.by_part(first)}",
        "profiles": markdown.comparison(rows),
        "bills": "\n\n".join(f"### {title}\n\n{markdown.bill(estimate)}" for title, estimate in rows),
        "assumptions": f"{assumed} these assumptions:\n\n{markdown.assumptions(first)}",
        "prices": f"Of {prices.current().region}, {prices.current().date}.\n\n{markdown.price_list(prices.current())}",
    }
