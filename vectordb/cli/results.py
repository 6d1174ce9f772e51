"""Files that a command writes: all of them when everything is known, or none; `-` is standard output."""

import errno
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import typer

from vectordb.errors import VectordbError

STANDARD_OUTPUT = Path("-")


def only_one_prints(options: Mapping[str, Path | None]) -> bool:
    """Whether one of the options' files is standard output.

    Args:
        options: option → its file.

    Raises:
        VectordbError: more than one is.
    """
    printed = [option for option, file in options.items() if file == STANDARD_OUTPUT]
    if len(printed) > 1:
        raise VectordbError(f"{' and '.join(printed)} cannot both write to standard output: name a file for one.")
    return bool(printed)


def write(results: Mapping[Path, str]) -> None:
    """Write each text; a file is as it was until its new content is complete beside it.

    Raises:
        VectordbError: a file cannot be written; no other has been touched.
    """
    waiting: list[tuple[Path, Path]] = []
    try:
        for file, text in results.items():
            if file.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
            if file != STANDARD_OUTPUT:
                waiting.append((_beside(file, text), file))
        for temporary, file in waiting:
            temporary.replace(file)
    except OSError as error:
        for temporary, _ in waiting:
            temporary.unlink(missing_ok=True)
        raise VectordbError(f"{error.filename}: it cannot be written: {error.strerror}.") from None
    if STANDARD_OUTPUT in results:
        typer.echo(results[STANDARD_OUTPUT], nl=False)


def _beside(file: Path, text: str) -> Path:
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(file)) from None
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
    mask = os.umask(0)
    os.umask(mask)
    Path(name).chmod(0o666 & ~mask)  # what the file would have had without the detour
    return Path(name)
