"""Processor time of other processes, in nanoseconds: /proc counts in hundredths of a second."""

import ctypes
import os
import sys
import time

from vectordb.errors import VectordbError

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
