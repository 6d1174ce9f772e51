"""Become the operating-system user that PostgreSQL runs as, tie this process to its parent, then run a program in its place.

Run as a file, `python -I -S launch.py PARENT MODE UID GID PROGRAM [ARGUMENT...]`, so that what happens between a fork and an exec happens
in a process with one thread and nothing else loaded. It imports the standard library only and exits with 71 (EX_OSERR) when it fails.

MODE is

- `self`: stay who we are (an ordinary user),
- `user`: from root to UID and GID, keeping one capability, CAP_DAC_OVERRIDE, so that parent folders of mode 0700, as root's home is, can be
  entered without changing the mode of any,
- `namespace`: root here, UID in a user namespace of its own (where a container withholds setuid or ambient capabilities).
"""

import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

FAILED = 71

# linux/prctl.h, linux/securebits.h, linux/capability.h, linux/sched.h
_PR_SET_PDEATHSIG = 1
_PR_SET_SECUREBITS = 28
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522
_CLONE_NEWUSER = 0x10000000


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _become_user(libc: ctypes.CDLL, uid: int, gid: int) -> None:
    """Give up root but for CAP_DAC_OVERRIDE, which an ambient set carries over exec (capabilities(7)).

    Without the secure bit the kernel would clear the capability where PostgreSQL looks for its own programs with access(2).
    """
    os.setgroups([])
    _check(libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0), "set secure bits")
    os.setgid(gid)
    os.setuid(uid)
    bit = 1 << _CAP_DAC_OVERRIDE
    header = _Header(_CAPABILITY_VERSION_3, 0)
    data = (_Data * 2)(_Data(bit, bit, bit), _Data(0, 0, 0))
    _check(libc.capset(ctypes.byref(header), ctypes.byref(data)), "set capabilities")
    _check(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0), "raise an ambient capability")


def _become_user_in_namespace(libc: ctypes.CDLL, uid: int, gid: int) -> None:
    """Map UID in a new user namespace to who we are outside (user_namespaces(7)): no file changes its owner."""
    outside = (os.geteuid(), os.getegid())
    _check(libc.unshare(_CLONE_NEWUSER), "unshare a user namespace")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{uid} {outside[0]} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{gid} {outside[1]} 1", encoding="ascii")


def main(parent: int, mode: str, uid: int, gid: int, *command: str) -> NoReturn:
    libc = ctypes.CDLL(None, use_errno=True)
    if mode == "user":
        _become_user(libc, uid, gid)
    elif mode == "namespace":
        _become_user_in_namespace(libc, uid, gid)
    if sys.platform == "linux":
        # After the change of user, which clears the request (prctl(2)). SIGINT is PostgreSQL's fast shutdown.
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
        if os.getppid() != parent:  # it went before the request was made
            sys.exit(FAILED)
    os.execv(command[0], command)  # noqa: S606 - the purpose of this file


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:])
    except (OSError, OverflowError) as error:
        sys.stderr.write(f"{sys.argv[2]}: {error}\n")
        sys.exit(FAILED)
