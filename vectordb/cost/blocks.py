"""The parts of documents that a command writes: between two comments, everything else is left as it is."""

import re

from vectordb.errors import VectordbError

BEGIN = "<!-- {name}: written by `vectordb cost --write-docs` -->"
END = "<!-- end of {name} -->"


def replaced(text: str, name: str, content: str, where: str) -> str:
    """`text` with `content` between the comments of the block `name`.

    Raises:
        VectordbError: `text`, which is that of the file `where`, has no such block, or more than one.
    """
    begin, end = BEGIN.format(name=name), END.format(name=name)
    pattern = re.compile(re.escape(begin) + r"\n.*?" + re.escape(end), re.DOTALL)
    result, count = pattern.subn(lambda _: f"{begin}\n\n{content}\n\n{end}", text)
    if count != 1:
        raise VectordbError(
            f"{where} has {count} blocks named {name!r}.",
            remedy=f"Put these two lines where the block belongs, once:\n{begin}\n{end}",
        )
    return result
