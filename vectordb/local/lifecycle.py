"""Starting, stopping and forgetting a local stack, from the command's side."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from vectordb import processes
from vectordb.errors import VectordbError
from vectordb.local import inputs
from vectordb.local.events import Event
from vectordb.local.state import Folder, Running

_STOP_WITHIN = 20.0


def up(project: Path, stack: str, listen: Callable[[Event], None]) -> tuple[Running, bool]:
    """Bring the stack up, or leave it when it is up and nothing changed.

    Args:
        project: the project's folder.
        stack: the stack to execute.
        listen: told of each resource that is made.

    Returns:
        Where it listens, and whether it was started by this call.

    Raises:
        VectordbError: it did not start, with the reason.
    """
    folder = Folder.of(project, stack)
    folder.make()
    if folder.is_running():
        running = folder.last()
        if running is None:
            # It is written when the stack is up: until then another command is at it, and is not to be ended by this one.
            raise VectordbError(
                "Another command is starting this stack.",
                remedy="Wait for it, then run this again; or end it with: vectordb local down",
            )
        if running.digest == inputs.digest(project):
            return running, False
        down(folder)
    else:
        _end_leftovers(folder)
    with folder.log.open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-u", "-m", "vectordb.local.supervisor", "--project", str(project), "--stack", stack],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=project,
            text=True,
            start_new_session=True,  # Ctrl-C is for this command; it ends the supervisor in an orderly way
        )
    # SIGTERM ends this command as Ctrl-C does: what it started must not go on without it.
    previous = signal.signal(signal.SIGTERM, _terminated)
    try:
        _follow(child, folder, listen)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(signal.SIGTERM)
        child.wait(_STOP_WITHIN)
        raise
    finally:
        signal.signal(signal.SIGTERM, previous)
    return folder.running(), True


def _terminated(number: int, _: object) -> None:
    raise SystemExit(128 + number)


def _follow(child: "subprocess.Popen[str]", folder: Folder, listen: Callable[[Event], None]) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        event = Event.parse(line)
        if event is None:
            continue
        if event.kind == "ready":
            return
        if event.kind == "failed":
            child.wait(_STOP_WITHIN)
            raise VectordbError(event.text, remedy=event.detail, exit_code=event.exit_code or 2)
        listen(event)
    status = child.wait()
    raise VectordbError(f"The local stack ended while it started (status {status}).", remedy=f"See {folder.log}.")


def down(folder: Folder) -> bool:
    """End the stack and all its processes; returns whether it ran. The data stays.

    Raises:
        VectordbError: it would not end.
    """
    running = folder.last()
    if folder.is_running():
        pid = running.supervisor if running else _holder(folder)
        if pid:
            processes.end_by_id(pid, within=_STOP_WITHIN)
        deadline = time.monotonic() + _STOP_WITHIN
        while folder.is_running() and time.monotonic() < deadline:
            time.sleep(0.05)
        if folder.is_running():
            raise VectordbError(
                f"The local stack in {folder.root} would not end.",
                remedy="Another command may be starting it; wait for that, then try again.",
                exit_code=1,
            )
        _end_leftovers(folder)
        folder.forget()
        return True
    _end_leftovers(folder)
    return False


def reset(folder: Folder) -> None:
    """End the stack and remove all its data."""
    down(folder)
    shutil.rmtree(folder.root, ignore_errors=True)


def _holder(folder: Folder) -> int:
    """The supervisor's process id while it starts and has published nothing yet."""
    with contextlib.suppress(OSError, ValueError):
        return int((folder.root / "supervisor.pid").read_text())
    return 0


def _end_leftovers(folder: Folder) -> None:
    """End what a killed supervisor left where the kernel does not do it (macOS), and PostgreSQL's socket folder."""
    running = folder.last()
    if running is None:
        return  # it ended in an orderly way, or never got far; a start looks after PostgreSQL itself
    from vectordb.local.databases import data_directories
    from vectordb.local.postgres import end_earlier_run

    for pid in running.processes.values():
        if pid != os.getpid() and any("vectordb.local" in argument for argument in processes.arguments_of(pid)):
            processes.end_by_id(pid)
    for data in data_directories(folder.root):
        end_earlier_run(data)
