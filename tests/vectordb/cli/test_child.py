"""Somebody's program in our place: exit codes, signals, a terminal."""

import os
import pty
import select
import signal
import subprocess
import sys
import time

import pytest

from vectordb import processes
from vectordb.cli import child
from vectordb.errors import VectordbError

PARENT = """
import os, sys
from vectordb.cli import child
from vectordb.errors import VectordbError
with child.ending_by_signals():
    status = child.run([sys.executable, "-c", sys.argv[1]], os.environ)
print("cleaned up", flush=True)
sys.exit(status)
"""


def start(program, **options):
    return subprocess.Popen(
        [sys.executable, "-c", PARENT, program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
        # A shell starts background jobs with SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
        **options,
    )  # fmt: skip


def run(program):
    return child.run([sys.executable, "-c", program], os.environ)


def test_the_exit_code_is_the_commands():
    assert run("raise SystemExit(0)") == 0
    assert run("raise SystemExit(41)") == 41
    assert run("import os; os.kill(os.getpid(), 9)") == 137


def test_a_program_that_is_not_there_or_none(tmp_path):
    with pytest.raises(VectordbError, match="nowhere: there is no such program") as caught:
        child.run(["nowhere"], os.environ)
    assert caught.value.exit_code == 127
    (tmp_path / "text").write_text("x")
    with pytest.raises(VectordbError, match="cannot be run") as caught:
        child.run([str(tmp_path / "text")], os.environ)
    assert caught.value.exit_code == 126


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_for_us_alone_is_handed_on_and_what_follows_is_done(number):
    with start("import time; print('up', flush=True); time.sleep(60)") as parent:
        assert parent.stdout.readline() == "up\n"
        parent.send_signal(number)
        said = parent.communicate(timeout=60)[0]
    assert said == "cleaned up\n"
    assert parent.returncode == 128 + number


def test_a_child_that_handles_the_signal_decides_what_becomes_of_it():
    program = (
        "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(7)); print('up', flush=True); time.sleep(60)"
    )
    with start(program) as parent:
        assert parent.stdout.readline() == "up\n"
        parent.terminate()
        assert parent.wait(10) == 7


def test_what_is_ignored_stays_ignored():
    """As under nohup."""
    program = "import signal; print(repr(signal.getsignal(signal.SIGHUP))[1:17], flush=True)"
    parent = subprocess.run(
        [sys.executable, "-c", PARENT, program], stdout=subprocess.PIPE, text=True, timeout=20,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )  # fmt: skip
    assert parent.stdout == "Handlers.SIG_IGN\ncleaned up\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_the_child_ends_with_a_parent_that_is_killed():
    with start("import os, time; print(os.getpid(), flush=True); time.sleep(60)") as parent:
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait(10)
    deadline = time.monotonic() + 5
    while processes.alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not processes.alive(pid)


def test_on_a_terminal_ctrl_c_is_the_childs_and_comes_once():
    program = (
        "import time\n"
        "for number in range(2):\n"
        "    try:\n"
        "        print('up', number, flush=True); time.sleep(1.5 if number else 60)\n"
        "    except KeyboardInterrupt:\n"
        "        print('interrupted', flush=True)\n"
        "print('went on', flush=True)\n"
    )
    pid, terminal = pty.fork()
    if not pid:
        os.execv(sys.executable, [sys.executable, "-c", PARENT, program])  # noqa: S606 - a list of arguments, no shell
    said = b""
    interrupted = False
    deadline = time.monotonic() + 20
    while b"cleaned up" not in said and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            said += os.read(terminal, 4096)
        if b"up 0" in said and not interrupted:
            os.write(terminal, b"\x03")
            interrupted = True
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)
    lines = said.decode().replace("^C", " ").split()
    assert lines == ["up", "0", "interrupted", "up", "1", "went", "on", "cleaned", "up"]
