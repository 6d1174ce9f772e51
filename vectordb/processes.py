"""Child processes that never outlive their parent, and how to end the ones that a crash left."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
# Bound before any fork: between fork and exec nothing may import or take a lock.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def dying_with_parent(number: int = signal.SIGTERM) -> Callable[[], None]:
    """For Popen's `preexec_fn`: the kernel signals the child when the thread that started it ends (Linux; elsewhere nothing).

    So start children from a thread that lives as long as the process (prctl(2), PR_SET_PDEATHSIG).
    """
    parent = os.getpid()

    def ask() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, number)
            if os.getppid() != parent:  # it went before the request was made
                os._exit(1)

    return ask


def python(
    module: str, *arguments: str, log: IO[bytes], environment: dict[str, str], cwd: Path | None = None
) -> subprocess.Popen[str]:
    """Start `python -m module` as a child in its own process group that dies with this process; stdout is a text pipe."""
    return subprocess.Popen(
        [sys.executable, "-u", "-m", module, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        env=environment,
        cwd=cwd,
        text=True,
        start_new_session=True,
        preexec_fn=dying_with_parent(),  # noqa: PLW1509 - it calls one C function that was bound beforehand
    )


def end(
    process: subprocess.Popen[str] | subprocess.Popen[bytes], *, number: int = signal.SIGTERM, within: float = 5
) -> None:
    """Signal the process's group, and kill it when it is still there after `within` seconds."""
    if process.poll() is None:
        _signal_group(process.pid, number)
        try:
            process.wait(within)
        except subprocess.TimeoutExpired:
            _signal_group(process.pid, signal.SIGKILL)
            process.wait(within)


def _signal_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def alive(pid: int) -> bool:
    """Whether a process of that id runs (a zombie does not)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    status = Path(f"/proc/{pid}/stat")
    with contextlib.suppress(OSError):
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def end_by_id(pid: int, *, within: float = 10) -> None:
    """End a process that is not this one's child: SIGTERM, then SIGKILL after `within` seconds."""
    for number, patience in ((signal.SIGTERM, within), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + patience
        while alive(pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        if not alive(pid):
            return


def arguments_of(pid: int) -> Sequence[str]:
    """The command line of a running process, empty when it is gone or cannot be read."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:
        pass
    listed = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listed.stdout.split()
