"""A version of a function as it is deployed: what moto knows about it, its package on disk, its environment."""

import os
import shutil
import tempfile
import threading
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from vectordb.local.emulator.functions import this_machine
from vectordb.local.emulator.functions.errors import invalid_runtime

_KEPT = 20
_UNFINISHED = "unpacking-"


@dataclass(frozen=True)
class Deployed:
    """One version; equal when the same worker can serve both."""

    region: str
    name: str
    version: str
    """A number or $LATEST."""
    handler: str
    runtime: str
    timeout: float
    """Seconds."""
    memory: int
    """Megabytes."""
    role: str
    variables: tuple[tuple[str, str], ...]
    log_group: str
    log_format: str
    """Text or JSON."""
    code_sha256: str
    """Hexadecimal."""
    code: bytes = field(compare=False, repr=False)
    reserved: int | None = field(compare=False, default=None)
    """Reserved concurrency."""
    dead_letters: str = field(compare=False, default="")
    """ARN of the queue or topic for events that failed."""

    @property
    def identity(self) -> tuple[str, str, str]:
        """Region, name and version, whatever the code."""
        return self.region, self.name, self.version


class Packages:
    """Unpacked packages, one folder for each content; the last ones are kept across restarts, with their byte-code."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        by_age = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
        for position, path in enumerate(by_age):
            if position >= _KEPT or path.name.startswith(_UNFINISHED):
                shutil.rmtree(path, ignore_errors=True)

    def unpack(self, deployed: Deployed) -> Path:
        """The folder with the version's files.

        Raises:
            ServiceError: the package is no zip file, or the runtime is not Python.
        """
        if not deployed.runtime.startswith("python"):
            raise invalid_runtime(
                f"Only Python runs here; the runtime of {deployed.name} is {deployed.runtime or 'none'}"
            )
        target = self._folder / deployed.code_sha256
        with self._lock:
            if target.exists():
                os.utime(target)
            else:
                # Elsewhere first: a folder of that name is always whole.
                unpacked = Path(tempfile.mkdtemp(dir=self._folder, prefix=_UNFINISHED))
                try:
                    with zipfile.ZipFile(BytesIO(deployed.code)) as archive:
                        archive.extractall(unpacked)
                    this_machine.adopt(unpacked)
                    unpacked.rename(target)
                except zipfile.BadZipFile as error:
                    shutil.rmtree(unpacked, ignore_errors=True)
                    raise invalid_runtime(f"The package of {deployed.name} is not a zip file: {error}") from error
        return target


def environment(
    deployed: Deployed, *, folder: Path, endpoint: str, credentials: Mapping[str, str], stream: str
) -> dict[str, str]:
    """A worker's whole environment (Lambda developer guide, defined runtime environment variables).

    The declared variables cannot replace Lambda's own, but they can AWS_ENDPOINT_URL, which is this emulator's.
    """
    return {
        "AWS_ENDPOINT_URL": endpoint,
        **dict(deployed.variables),
        "_HANDLER": deployed.handler,
        "AWS_REGION": deployed.region,
        "AWS_DEFAULT_REGION": deployed.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{deployed.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": deployed.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(deployed.memory),
        "AWS_LAMBDA_FUNCTION_VERSION": deployed.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": deployed.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_LOG_FORMAT": deployed.log_format,
        "LAMBDA_TASK_ROOT": str(folder),
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        **credentials,
    }


def log_stream(deployed: Deployed, day: str) -> str:
    """A new log stream's name; `day` as 2026/11/21."""
    return f"{day}/[{deployed.version}]{uuid.uuid4().hex}"
