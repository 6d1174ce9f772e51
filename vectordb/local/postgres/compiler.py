"""Compile the C transport of aws_lambda against the headers that the PostgreSQL wheel carries."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

_SOURCES = Path(__file__).parent / "transport"
_WITHIN = 120.0  # seconds; a compiler takes half a second


class CompilerError(Exception):
    """No library came of it; the message says why in one line."""


def sources() -> list[Path]:
    """The transport's C files and headers."""
    return sorted(path for path in _SOURCES.iterdir() if path.suffix in {".c", ".h"})


def find() -> list[str]:
    """The compiler's command: $CC, else the first of cc, gcc and clang on PATH.

    Raises:
        CompilerError: there is none.
    """
    candidates = [shlex.split(os.environ["CC"])] if os.environ.get("CC") else []
    candidates += [["cc"], ["gcc"], ["clang"]]
    for command in candidates:
        if command and (path := shutil.which(command[0])):
            return [path, *command[1:]]
    raise CompilerError("no C compiler found (CC, cc, gcc, clang)")


def build(headers: Path, into: Path) -> Path:
    """Compile and link `aws_lambda` into a folder; returns the library.

    Args:
        headers: PostgreSQL's server headers.
        into: PostgreSQL's library folder.

    Raises:
        CompilerError: no compiler, or it failed.
    """
    command = find()
    apple = sys.platform == "darwin"
    library = into / ("aws_lambda.dylib" if apple else "aws_lambda.so")
    shared = ["-bundle", "-undefined", "dynamic_lookup"] if apple else ["-shared"]
    arguments = [
        "-std=gnu11",
        "-O2",
        "-fPIC",
        "-fvisibility=hidden",
        "-Wall",
        f"-I{headers}",
        *shared,
        "-o",
        str(library),
    ]
    files = [str(path) for path in sources() if path.suffix == ".c"]
    try:
        done = subprocess.run(
            [*command, *arguments, *files], capture_output=True, text=True, check=False, timeout=_WITHIN
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CompilerError(f"{command[0]} could not be run: {error}") from error
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        first = next((line for line in said if "error" in line), said[0])
        raise CompilerError(f"{command[0]} ended with status {done.returncode}: {first}")
    return library
