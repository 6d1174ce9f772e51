"""The parts of pages that the benchmarks write, between two comments."""

import re
from pathlib import Path

from vectordb.errors import VectordbError

PERFORMANCE = "docs/performance.md"
COMBINED = "docs/combined-search.md"
PICTURES = "docs/images"


def write(directory: Path, name: str, content: str, *, command: str = "", page: str = PERFORMANCE) -> Path:
    """Put `content` into the block `name` of the page; everything else stays. Returns the page's path.

    Args:
        directory: the project.
        name: of the block.
        content: Markdown.
        command: the benchmark that writes it, when it is called otherwise.
        page: in the project.

    Raises:
        VectordbError: there is no such page, or it has no such block, or several.
    """
    file = directory / page
    written_by = f"written by `vectordb bench {command or name} --write-docs`"
    begin, end = f"<!-- {name}: {written_by} -->", f"<!-- end of {name} -->"
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise VectordbError(f"{file} does not exist.", remedy="Run this in vectordb's own repository.") from None
    pattern = re.compile(re.escape(begin) + r"\n.*?" + re.escape(end), re.DOTALL)
    replaced, count = pattern.subn(lambda _: f"{begin}\n\n{content}\n\n{end}", text)
    if count != 1:
        raise VectordbError(
            f"{page} has {count} blocks named {name!r}.",
            remedy=f"Put these two lines where the block belongs, once:\n{begin}\n{end}",
        )
    file.write_text(replaced, encoding="utf-8")
    return file
