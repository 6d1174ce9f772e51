"""Compiled libraries of a package, which are made for Lambda's processor: here this machine's own take their place."""

import importlib.util
import shutil
from pathlib import Path

_BACKPORTS = "typing_extensions"
_LIBRARIES = ".libs"
"""Where wheels for Linux keep what their extension modules link to: beside the package, under its name."""


def adopt(folder: Path) -> None:
    """Replace each top-level package that has compiled files by this environment's of that name, where there is one.

    Args:
        folder: an unpacked package.
    """
    compiled = {path.relative_to(folder).parts[0] for path in folder.rglob("*") if ".so" in path.suffixes}
    for name in sorted(compiled):
        here = _installed(name)
        place = folder / name
        if here is None or not place.is_dir():
            continue
        shutil.rmtree(place)
        if here.is_dir():
            place.symlink_to(here)
            _add_backports(folder)


def _add_backports(folder: Path) -> None:
    """What libraries take from Python itself on Lambda, and on an older one from here."""
    found = importlib.util.find_spec(_BACKPORTS)
    if found is not None and found.origin and not (folder / f"{_BACKPORTS}.py").exists():
        (folder / f"{_BACKPORTS}.py").symlink_to(found.origin)


def _installed(name: str) -> Path | None:
    """The folder of that name beside the package it belongs to; on a Mac there is none for libraries."""
    package = name.removesuffix(_LIBRARIES)
    found = importlib.util.find_spec(package) if package.isidentifier() else None
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]).with_name(name)
