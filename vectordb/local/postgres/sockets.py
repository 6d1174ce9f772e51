"""The folder of the server's unix socket, whose path must fit the system's limit."""

import os
import shutil
import tempfile
from pathlib import Path

PORT = 5432
# sun_path holds 104 bytes on macOS and 108 on Linux, with the terminating zero.
_LONGEST = 103
_PREFIX = "vectordb-"


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= _LONGEST


def _note(data: Path) -> Path:
    return data.parent / f"{data.name}.socket-directory"


def make(data: Path) -> Path:
    """A private folder (0700) for the socket: `run` beside the data directory, or a temporary one when that path is too long."""
    folder = data.parent / "run"
    if _fits(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        return folder
    folder = Path(tempfile.gettempdir())
    root = folder if _fits(folder / f"{_PREFIX}12345678") else Path("/tmp")  # noqa: S108 - mkdtemp makes it private
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
    _note(data).write_text(str(folder), encoding="utf-8")
    return folder


def remove(data: Path) -> None:
    """Remove the temporary folder of this or an earlier run, and an empty `run`."""
    note = _note(data)
    if note.exists():
        folder = Path(note.read_text(encoding="utf-8"))
        if folder.name.startswith(_PREFIX):
            shutil.rmtree(folder, ignore_errors=True)
        note.unlink(missing_ok=True)
    shutil.rmtree(data.parent / "run", ignore_errors=True)
