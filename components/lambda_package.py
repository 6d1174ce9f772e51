"""Builds a function's package: its own files and the exact libraries that it pins, the same bytes on every machine.

The libraries are copied from the environment that runs the program; their versions have to be the ones that
`lambda/<function>/requirements.txt` pins. All are pure Python, so the package does not depend on the machine, but for this: when
the program runs on the functions' own version of Python, the package brings bytecode, and Lambda need not compile at each start.

The worker's are the exception: its driver is compiled, and `make install` lays the libraries for Lambda's processor into a folder of
the environment (docs/decisions/010-worker-package.md).
"""

import functools
import hashlib
import os
import py_compile
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pulumi

RUNTIME = "python3.13"
"""What the functions run on."""
DATA = {"bridge": frozenset({"partitions.json"}), "embedder": frozenset({"partitions.json"})}
"""Function → what it reads of botocore's data: files, and folders of the services whose clients it makes. All are 25 MB."""

COMPILED = frozenset({"embedder"})
"""Functions with a compiled library: a package in a folder of its own name, beside what is compiled for Lambda's processor."""

_ARM64 = Path(sys.prefix) / "lambda-arm64"
"""Of the environment that runs the program; scripts/install.sh fills it."""
_ROOTS = "rds-global-bundle.pem"
"""By which the database's certificate is verified; in the function's folder a link to the one of the command line."""
_LAMBDA = Path(__file__).parents[1] / "lambda"
"""Beside the components, wherever the program is that uses them."""
_BUILD = Path("build")
"""Of the program: relative, so that it is the same input on every machine."""
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can hold
_UNUSED = ("boto3/examples/", "botocore/docs/", "dateutil/zoneinfo/", "urllib3/contrib/emscripten/")
"""Folders that nothing imports on Lambda: documentation, a copy of the time zones, a browser."""
_SKIPPED_SUFFIXES = (".pyc", ".pyi", ".typed", ".so")


def build(function: str) -> str:
    """The path of the function's package, relative to the program's folder.

    Built when it is missing or its parts changed, in a temporary file that takes the place of the old one at once.

    Raises:
        pulumi.RunError: a library is missing or of another version than the function pins.
    """
    libraries = _arm64_files(function) if function in COMPILED else _library_files(function)
    parts = sorted(_function_files(function)) + sorted(libraries)
    compiled = "python{}.{}".format(*sys.version_info) == RUNTIME
    digest = hashlib.sha256(sys.implementation.cache_tag.encode() if compiled else b"")
    for name, source in parts:
        state = source.stat()
        digest.update(f"{name}\0".encode() + _digest(str(source), state.st_mtime_ns, state.st_size))
    package = _BUILD / "lambda" / f"{function}-{digest.hexdigest()[:16]}.zip"
    if not package.exists():
        package.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=package.parent, prefix=f".{function}-")
        with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, source in parts:
                _add(archive, name, source.read_bytes())
                if compiled and name.endswith(".py"):
                    _add(archive, *_bytecode(name, source))
        Path(temporary).chmod(0o644)
        Path(temporary).replace(package)
    return package.as_posix()


@functools.cache
def _digest(path: str, _modified: int, _size: int) -> bytes:
    """Of a file's content, once as long as it stays as it is: the libraries are some megabytes."""
    return hashlib.sha256(Path(path).read_bytes()).digest()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Stored, not deflated: implementations of deflate differ in their bytes."""
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)


def _bytecode(name: str, source: Path) -> tuple[str, bytes]:
    """The name in the package, and a module's bytecode, which Python takes without a look at the source."""
    folder, _, file = name.rpartition("/")
    with tempfile.TemporaryDirectory() as temporary:
        target = Path(temporary) / "compiled"
        py_compile.compile(
            str(source),
            str(target),
            name,
            doraise=True,
            optimize=0,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        content = target.read_bytes()
    cached = f"__pycache__/{file.removesuffix('.py')}.{sys.implementation.cache_tag}.pyc"
    return (f"{folder}/{cached}" if folder else cached), content


def pinned(function: str) -> dict[str, str]:
    """Library → version, as `lambda/<function>/requirements.txt` pins them."""
    lines = (_LAMBDA / function / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==", 1) for line in map(str.strip, lines) if line and not line.startswith("#"))


def _function_files(function: str) -> Iterator[tuple[str, Path]]:
    folder = _LAMBDA / function
    prefix = f"{function}/" if function in COMPILED else ""
    for path in folder.rglob("*.py"):
        yield prefix + path.relative_to(folder).as_posix(), path
    if function in COMPILED:
        yield f"{prefix}{_ROOTS}", folder / _ROOTS


def _library_files(function: str) -> Iterator[tuple[str, Path]]:
    for library, version in pinned(function).items():
        try:
            distribution = metadata.distribution(library)
        except metadata.PackageNotFoundError:
            raise _unusable(function, f"{library} is not installed") from None
        if distribution.version != version:
            raise _unusable(function, f"{library} is {distribution.version} here and {version} there")
        for file in distribution.files or ():
            name = file.as_posix()
            if not name.startswith("..") and ".dist-info/" not in name and _wanted(function, name):
                yield name, Path(str(distribution.locate_file(file)))


def _arm64_files(function: str) -> Iterator[tuple[str, Path]]:
    """What was installed for Lambda's processor, of the versions that the function pins."""
    there = {
        one.metadata["Name"].lower().replace("_", "-"): one.version
        for one in metadata.distributions(path=[str(_ARM64)])
    }
    for library, version in pinned(function).items():
        if library not in there:
            raise _unusable(function, f"{library} is not in {_ARM64}")
        if there[library] != version:
            raise _unusable(function, f"{library} is {there[library]} in {_ARM64} and {version} there")
    yield from _files_below(function, str(_ARM64))


def _files_below(function: str, folder: str, prefix: str = "") -> Iterator[tuple[str, Path]]:
    """What is wanted in a folder of libraries. Nine of ten files are in folders that are not: those are not looked into."""
    for entry in os.scandir(folder):
        name = prefix + entry.name
        if _apart(f"{name}/" if entry.is_dir() else name) or not _wanted(function, name):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files_below(function, entry.path, f"{name}/")
        elif entry.is_file():
            yield name, Path(entry.path)


def _apart(name: str) -> bool:
    """What installers leave beside the libraries: records, commands, locks."""
    first = name.partition("/")[0]
    return first.endswith(".dist-info") or first == "bin" or first.startswith(".") or "__pycache__/" in name


def _wanted(function: str, name: str) -> bool:
    if name.endswith(_SKIPPED_SUFFIXES) and not (function in COMPILED and name.endswith(".so")):
        return False
    for data in ("botocore/data/", "boto3/data/"):
        if name.startswith(data):
            return name.removeprefix(data).partition("/")[0] in DATA[function]
    return not name.startswith(_UNUSED)


def _unusable(function: str, reason: str) -> pulumi.RunError:
    return pulumi.RunError(
        f"The package of the function {function!r} cannot be built: {reason} "
        f"(lambda/{function}/requirements.txt). Run `make install`, and the program with .venv's Python."
    )
