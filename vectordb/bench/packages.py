"""What the two functions are made of, laid out as Lambda would find it."""

import importlib.metadata
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vectordb.bench import plain
from vectordb.errors import VectordbError
from vectordb.plan.recording import UNKNOWN

_RUNTIME = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")
"""What Lambda's Python runtime brings along: the sample's own package holds one file."""

_DESCRIPTIONS = ("botocore", "data")
"""Of all services, as the runtime has them: a client looks through their names. 3,000 files, so they are linked as one."""
_SAMPLE_MEMORY = 128
"""Megabytes that the sample declares."""


@dataclass(frozen=True)
class Package:
    """A folder with a handler in it."""

    folder: Path
    handler: str
    memory: int
    """Megabytes that the function is declared with."""
    size: int
    """Bytes of what is deployed."""
    variables: Mapping[str, str]
    """The declared environment, as far as it is known before anything is deployed."""
    renew: Callable[[], None]
    """Lays the folder anew without byte-code; libraries that the runtime brings keep theirs."""


def project(directory: Path, stack: str, folder: Path) -> Package:
    """The bridge's package as the program in `directory` declares and builds it, unpacked into `folder`.

    Raises:
        VectordbError: the program failed, or declares no bridge.
    """
    from vectordb.plan import plan, stack_configuration

    recording = plan.record(stack_configuration.read(directory, stack))
    found = [
        resource
        for resource in recording.resources
        if resource.type == "aws:lambda/function:Function" and ":LambdaBridge$" in resource.urn
    ]
    if not found:
        raise VectordbError(
            f"The stack {stack!r} declares no bridge to S3 Vectors.",
            remedy="Choose a stack with `indexes` (--stack dev).",
        )
    inputs = found[0].inputs
    archive = directory / inputs["code"]["path"]

    def lay() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(folder, [name for name in opened.namelist() if "__pycache__/" not in name])

    lay()
    declared = (inputs.get("environment") or {}).get("variables") or {}
    known = {name: value for name, value in declared.items() if isinstance(value, str) and value != UNKNOWN}
    return Package(folder, inputs["handler"], int(inputs["memorySize"]), archive.stat().st_size, known, lay)


def plain_one(folder: Path) -> Package:
    """The plain bridge's handler with the libraries of Lambda's runtime beside it."""
    folder.mkdir(parents=True)
    handler = Path(plain.__file__).with_name("handler.py")
    shutil.copy(handler, folder)
    for library in _RUNTIME:
        distribution = importlib.metadata.distribution(library)
        for file in distribution.files or ():
            if file.parts[:2] == _DESCRIPTIONS:
                continue
            if ".." not in file.parts and file.suffix != ".pyc":
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                _link(Path(str(distribution.locate_file(file))), target)

    descriptions = Path(*_DESCRIPTIONS)
    (folder / descriptions).symlink_to(Path(str(importlib.metadata.distribution("botocore").locate_file(descriptions))))

    def forget() -> None:
        # What Lambda's runtime brings is byte-compiled there, we assume: the other side is to have the benefit of the doubt.
        shutil.rmtree(folder / "__pycache__", ignore_errors=True)

    return Package(folder, "handler.handle", _SAMPLE_MEMORY, handler.stat().st_size, {}, forget)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
