"""The corpus: every public function, class and method of the running interpreter's standard library."""

import hashlib
import importlib
import inspect
import json
import os
import pkgutil
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from types import ModuleType

# They open windows or browsers, print when imported, are tests, data or installers, or implement what `os` offers.
_SKIPPED = {
    "antigravity", "distutils", "encodings", "ensurepip", "idlelib", "lib2to3", "nt", "posix", "pydoc_data", "test", "this", "tkinter",
    "turtle", "turtledemo",
}  # fmt: skip
_PARAGRAPH = "\n\n"
_EMBEDDED_CHARACTERS = 300
"""Of a docstring's first paragraph, which says what the thing is for; the rest is details that blur the meaning."""


@dataclass(frozen=True)
class Entry:
    """One document. `id` is its number in the order of module and name, from 1."""

    id: int
    module: str
    name: str
    kind: str
    signature: str
    doc: str

    @property
    def text(self) -> str:
        """What is embedded."""
        words = f"{self.module} {self.name}".replace(".", " ").replace("_", " ")
        return f"{words}: {self.summary}"

    @property
    def summary(self) -> str:
        """The beginning of the docstring's first paragraph."""
        return self.doc.partition(_PARAGRAPH)[0][:_EMBEDDED_CHARACTERS]


def collect() -> list[Entry]:
    """All documents, in a fixed order; some thousands, in about a second.

    In an interpreter of its own: what else a process has imported changes some modules' contents.
    """
    done = subprocess.run(
        [sys.executable, "-I", "-m", __name__], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True, text=True
    )
    return [Entry(*row) for row in json.loads(done.stdout)]


def identity() -> str:
    """Names the corpus without collecting it: it follows from the interpreter and from this file."""
    parts = (sys.version, sys.platform, Path(__file__).read_text(encoding="utf-8"))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _entries() -> list[Entry]:
    """Each thing once, under its shortest module: `asyncio.gather`, not `asyncio.tasks.gather`."""
    seen: set[int] = set()
    found = {
        (module.__name__, name): (kind, signature, doc)
        for module in _modules()
        for name, kind, signature, doc in _documented(module, seen)
    }
    return [
        Entry(number, module, name, *rest) for number, ((module, name), rest) in enumerate(sorted(found.items()), 1)
    ]


def _modules() -> list[ModuleType]:
    """The public modules that can be imported here, built-ins first, then those with the shortest path."""
    names = {name for name in sys.stdlib_module_names if not name.startswith("_") and name not in _SKIPPED}
    imported: dict[str, ModuleType] = {}
    for name in sorted(names):
        if (module := _imported(name)) is not None:
            imported[name] = module
            for found in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{name}.", onerror=lambda _: None):
                private = any(part.startswith("_") or part in ("test", "tests") for part in found.name.split("."))
                if not private and (inner := _imported(found.name)) is not None:
                    imported[found.name] = inner
    order = sorted(imported, key=lambda name: (name != "builtins", name.count("."), name))
    return [imported[name] for name in order]


def _imported(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit):  # noqa: BLE001 - modules for other systems, or left out of this build, fail in their own ways
        return None


def _documented(module: ModuleType, seen: set[int]) -> Iterator[tuple[str, str, str, str]]:
    for name, item in _public(module):
        is_class = inspect.isclass(item)
        if not (is_class or inspect.isroutine(item)) or not _belongs(name, item, module) or id(item) in seen:
            continue
        seen.add(id(item))
        if doc := inspect.getdoc(item):
            yield name, "class" if is_class else "function", _signature(item), doc.replace("\0", "")
        if is_class:
            for method, value in _public(item):
                if method in vars(item) and inspect.isroutine(value) and (doc := inspect.getdoc(value)):
                    yield f"{name}.{method}", "method", _signature(value), doc.replace("\0", "")


def _public(namespace: object) -> Iterator[tuple[str, object]]:
    return ((name, item) for name, item in inspect.getmembers(namespace) if not name.startswith("_"))


def _belongs(name: str, item: object, module: ModuleType) -> bool:
    """Whether `module` declares `item` public, or made it, or the C module behind it did: not what it merely imports."""
    if name in getattr(module, "__all__", ()):
        return True
    return getattr(item, "__module__", module.__name__) in (module.__name__, None, f"_{module.__name__}")


def _signature(item: object) -> str:
    try:
        text = str(inspect.signature(item))  # type: ignore[arg-type]  # what has no signature says so by an exception
    except Exception:  # noqa: BLE001 - signatures of C functions are parsed from text, and fail in many ways
        return ""
    return re.sub(r" at 0x[0-9a-f]+", "", text)  # an address would differ at every run


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # importing a deprecated module warns
    printed = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a module prints when it is imported is not part of the corpus
    json.dump([astuple(entry) for entry in _entries()], printed)
