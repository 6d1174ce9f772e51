"""Who PostgreSQL runs as.

It refuses to run as root. An ordinary user runs it as himself; for root it runs as `nobody`, or, where the kernel or a container does
not allow that, in a user namespace. See launch.py for how; here it is decided, once, by trying.
"""

import concurrent.futures
import contextlib
import os
import pwd
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

from vectordb.errors import VectordbError
from vectordb.local.postgres import launch

# The signal that ends a child with its parent comes when the parent's *thread* ends (prctl(2), PR_SET_PDEATHSIG). The program's resources
# are made in short-lived threads, so one thread that lives as long as the process starts every server.
_spawner = concurrent.futures.ThreadPoolExecutor(max_workers=1, thread_name_prefix="postgres-parent")

# The compiler, PATH and locale of whoever calls must not change how the server behaves.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8", "TZ": "UTC"}


@dataclass(frozen=True)
class Identity:
    """How to run a program as the server's user; `uid` and `gid` are who owns its files, seen from here."""

    mode: str
    uid: int
    gid: int
    inner_uid: int
    inner_gid: int

    def command(self, *command: str) -> list[str]:
        """The command line that becomes this user, dies with this process (Linux), and runs `command`."""
        numbers = (str(os.getpid()), self.mode, str(self.inner_uid), str(self.inner_gid))
        return [sys.executable, "-I", "-S", launch.__file__, *numbers, *command]

    def spawn(self, *command: str, output: IO[bytes] | int) -> subprocess.Popen[bytes]:
        """Start `command` as this user, both its outputs going to `output`, in a process group of its own."""

        def start() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                self.command(*command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )

        return _spawner.submit(start).result()

    def run(self, *command: str) -> tuple[int, str]:
        """Run `command` to its end: its exit status and everything it wrote."""
        process = self.spawn(*command, output=subprocess.PIPE)
        written, _ = process.communicate()
        return process.returncode, written.decode(errors="replace").strip()

    def own(self, path: Path) -> None:
        """Hand a file or folder to this user."""
        if self.uid != os.geteuid():
            os.chown(path, self.uid, self.gid)

    def own_tree(self, folder: Path) -> None:
        """Hand a folder and everything in it to this user, when it is not his already (a run as another user made it).

        Raises:
            VectordbError: when this process may not.
        """
        if folder.stat().st_uid == self.uid:
            return
        try:
            os.chown(folder, self.uid, self.gid)
            for parent, folders, files in os.walk(folder):
                for name in (*folders, *files):
                    os.chown(Path(parent) / name, self.uid, self.gid, follow_symlinks=False)
        except PermissionError as error:
            raise VectordbError(
                f"{folder} belongs to user {folder.stat().st_uid}, and user {os.geteuid()} may not take it over.",
                remedy="Run as the user who made it, or remove that folder (its contents are made again).",
            ) from error


def _nobody() -> tuple[int, int]:
    with contextlib.suppress(KeyError):
        entry = pwd.getpwnam("nobody")
        if entry.pw_uid != 0:
            return entry.pw_uid, entry.pw_gid
    return 65534, 65534


def _candidates() -> list[Identity]:
    if os.geteuid() != 0:
        return [Identity("self", os.geteuid(), os.getegid(), os.geteuid(), os.getegid())]
    uid, gid = _nobody()
    return [
        Identity("user", uid, gid, uid, gid),
        Identity("namespace", os.geteuid(), os.getegid(), uid, gid),
    ]


@cache
def choose(programs: Path) -> Identity:
    """The first identity that can run PostgreSQL's programs in a folder.

    Raises:
        VectordbError: when none can, with what each attempt said.
    """
    said: list[str] = []
    for identity in _candidates():
        # It looks for `postgres` beside itself and runs it, as making a data directory does, and does nothing.
        status, written = identity.run(str(programs / "initdb"), "--show", "--pgdata=/nonexistent")
        if status == 0:
            return identity
        said.append(written or f"exit status {status}")
    remedy = (
        "Run as an ordinary user."
        if os.geteuid() == 0
        else "Check that the file can be executed by this user on this system."
    )
    raise VectordbError(f"PostgreSQL cannot be run here ({programs}): {'; '.join(said)}.", remedy=remedy)
