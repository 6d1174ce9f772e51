"""Processor time of other processes, in nanoseconds: /proc counts in hundredths of a second."""

import ctypes
import os
import sys
import time
from pathlib import Path

from vectordb.errors import VectordbError

_CHILDREN = slice(13, 15)
"""cutime and cstime in /proc/<pid>/stat, counted from the state on (proc(5))."""

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class ProcessClock:
    """The processor time of a process, of all its threads, those that have ended too (clock_getcpuclockid(3)).

    Raises:
        VectordbError: the process is not there, or this is not Linux.
    """

    def __init__(self, pid: int) -> None:
        if _libc is None:
            raise VectordbError(
                f"The processor time of another process cannot be read on {sys.platform}.",
                remedy="Run the benchmark on Linux, in a container for instance.",
            )
        identifier = ctypes.c_int()
        failure = _libc.clock_getcpuclockid(pid, ctypes.byref(identifier))
        if failure:
            raise VectordbError(f"The clock of process {pid} cannot be read: {os.strerror(failure)}.")
        self._identifier = identifier.value

    def milliseconds(self) -> float:
        """So far."""
        return time.clock_gettime_ns(self._identifier) / 1e6


def of_ended_children(pid: int) -> float:
    """Milliseconds of processor time of a process's children that have ended, to hundredths of a second; 0 where there is no /proc."""
    try:
        ticks = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[_CHILDREN]
    except OSError:
        return 0.0
    return 1000 * sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
