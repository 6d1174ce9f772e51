"""What a local stack is made from: when none of it changed, a running stack is current."""

import hashlib
from pathlib import Path

import vectordb
from vectordb.plan import stack_configuration

_FOLDERS = ("components", "lambda", "policy", "sql")
_SUFFIXES = {".py", ".sql", ".toml", ".txt", ".yaml", ".c", ".control"}


def digest(project: Path) -> str:
    """SHA-256 over the program, its components, policies, functions, SQL and configuration, and this package."""
    whole = hashlib.sha256()
    program = stack_configuration.program(project)
    roots = [*(program / name for name in _FOLDERS), Path(vectordb.__file__).parent]
    files = [file for root in roots for file in root.rglob("*") if file.suffix in _SUFFIXES]
    files += [*project.glob("Pulumi*.yaml"), program / "__main__.py"]
    for file in sorted(files):
        whole.update(f"{file}\0".encode() + file.read_bytes() + b"\0")
    return whole.hexdigest()
