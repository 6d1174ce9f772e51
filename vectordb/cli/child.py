"""Run somebody's program in this one's place: its terminal, its signals, its exit code."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType

from vectordb.errors import VectordbError
from vectordb.processes import dying_with_parent

NOT_EXECUTABLE = 126
NOT_FOUND = 127
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run `command` to its end; returns its exit code, as a shell would put it (128 + n for signal n).

    The child shares our process group and terminal, so that it is the one whom Ctrl-C interrupts; we only wait. A signal
    that was sent to us alone is handed on. The child is ended should we be killed (Linux).

    Raises:
        VectordbError: there is no such program, or it cannot be run; with a shell's exit codes.
    """
    early: list[int] = []
    # Handlers, not SIG_IGN: a child would inherit that, and be deaf to Ctrl-C.
    with _handled(lambda number, _: early.append(number)):
        child = _started(command, environment)
        with _handled(lambda number, _: _hand_on(child, number)):
            for number in early:
                _hand_on(child, number)
            status = child.wait()
    return status if status >= 0 else 128 - status


@contextlib.contextmanager
def ending_by_signals() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal end the block in good order, with a shell's exit code; a second one changes nothing."""

    def end(number: int, _: FrameType | None) -> None:
        for other in _SIGNALS:
            signal.signal(other, signal.SIG_IGN)
        raise SystemExit(128 + number)

    with _handled(end):
        yield


def wait_for_signal() -> None:
    """Wait until one of the signals ends the block of `ending_by_signals` that this is called in."""
    threading.Event().wait()


@contextlib.contextmanager
def _handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Signals that are ignored stay so: nohup, or a job in the background, has its reasons."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, found in before.items():
        if found is not signal.SIG_IGN:
            signal.signal(number, handler)
    try:
        yield
    finally:
        for number, found in before.items():
            signal.signal(number, found)


def _started(command: Sequence[str], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            list(command),
            env=dict(environment),
            preexec_fn=dying_with_parent(),  # noqa: PLW1509 - it calls one C function that was bound beforehand
        )
    except FileNotFoundError as error:
        raise VectordbError(
            f"{command[0]}: there is no such program", remedy="Check its name and PATH.", exit_code=NOT_FOUND
        ) from error
    except OSError as error:
        raise VectordbError(
            f"{command[0]} cannot be run: {error.strerror}",
            remedy="Check that it is a program and may be executed.",
            exit_code=NOT_EXECUTABLE,
        ) from error


def _hand_on(child: "subprocess.Popen[bytes]", number: int) -> None:
    if number in (signal.SIGINT, signal.SIGQUIT) and _in_foreground():
        return  # the terminal has sent it to the child as well
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(number)


def _in_foreground() -> bool:
    """Whether a terminal's Ctrl-C goes to our process group."""
    for stream in (sys.stdin, sys.stderr, sys.stdout):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            return os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    return False
