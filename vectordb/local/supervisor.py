"""The process that owns a local stack: it executes the program, keeps the stand-ins alive, and renews the login tokens.

`vectordb local up` starts it and leaves when it says ready; `vectordb local down` ends it with SIGTERM. Killed in any other
way it takes its children along, and the next `up` finds the data as it was.
"""

import argparse
import gc
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

if __name__ == "__main__":
    # Until the stack is up: a quarter of the time to start would go to looking for garbage among modules, which all stay.
    gc.disable()

from vectordb.errors import VectordbError
from vectordb.local import handlers, inputs, passfile, published
from vectordb.local.clients import Clients
from vectordb.local.engine import Engine, Execution
from vectordb.local.events import Event, send
from vectordb.local.services import Services
from vectordb.local.state import Folder, Running
from vectordb.plan import plan, program, stack_configuration
from vectordb.plan.stack_configuration import StackConfiguration

_RENEW_SECONDS = 300  # a token is good for 900


def main() -> None:
    """Run until told to stop; the exit code is the failure's."""
    parser = argparse.ArgumentParser(prog="vectordb.local.supervisor")
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--stack", required=True)
    arguments = parser.parse_args()
    folder = Folder.of(arguments.project, arguments.stack)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: _interrupted(stop))
    with folder.locked() as taken:
        if not taken:
            send(
                Event(
                    "failed",
                    "Another command is starting or stopping this stack.",
                    "Wait for it, then try again.",
                    exit_code=1,
                )
            )
            sys.exit(1)
        (folder.root / "supervisor.pid").write_text(str(os.getpid()))
        sys.exit(_supervise(arguments.project.resolve(), arguments.stack, folder, stop))


class _StopRequested(KeyboardInterrupt):
    """SIGTERM while the program runs: nothing between here and the clean-up may swallow it.

    The program runs in asyncio's loop, which lets KeyboardInterrupt through and keeps every other exception to itself.
    """


_starting = True


def _interrupted(stop: threading.Event) -> None:
    stop.set()
    if _starting:
        raise _StopRequested


def _supervise(project: Path, stack: str, folder: Folder, stop: threading.Event) -> int:
    global _starting  # noqa: PLW0603 - the signal handler has no other way to know
    folder.forget()
    services: Services | None = None
    try:
        digest = inputs.digest(project)
        configuration = stack_configuration.read(project, stack)
        services = Services(folder, configuration.region, folder.credentials())
        if folder.accepted() == digest:
            services.prepare_emulator()  # the same program and configuration passed before
        else:
            _judge(configuration, services)
            folder.accept(digest)
        running = _execute(configuration, services, digest)
        passfile.write(folder, running, services.credentials)
        folder.write(running)
        _starting = False
    except _StopRequested:
        _end(services, folder)
        return 130
    except VectordbError as error:
        _end(services, folder)
        send(Event("failed", error.message, error.remedy, exit_code=error.exit_code))
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - told to the user in one line, and whole in the log
        traceback.print_exc()
        _end(services, folder)
        send(Event("failed", f"{type(error).__name__}: {error}", f"The whole story is in {folder.log}.", exit_code=2))
        return 2
    send(Event("ready"))
    _leave_pipe()
    gc.freeze()
    gc.enable()
    return _keep(folder, running, services, stop)


def _judge(configuration: StackConfiguration, services: Services) -> None:
    """Run the program as a preview, for the policies; the emulator loads meanwhile, once the configuration was accepted."""
    if refused := plan.make(configuration, services.prepare_emulator).mandatory:
        lines = "\n".join(f"  {violation.resource}: {violation.message}" for violation in refused)
        raise VectordbError(f"The policies refuse this program:\n{lines}", remedy="See: vectordb plan", exit_code=1)


def _execute(configuration: StackConfiguration, services: Services, digest: str) -> Running:
    """Run the program with handlers that make its data plane here."""
    clients = Clients(services.start_emulator(), configuration.region, services.credentials)
    execution = Execution(configuration, services, clients)
    engine = Engine(execution, handlers.HANDLERS)
    recording = program.run(configuration, engine)
    return published.describe(execution, recording, engine.recorded, digest)


def _keep(folder: Folder, running: Running, services: Services, stop: threading.Event) -> int:
    """Wait for the end; renew the tokens meanwhile."""
    renewed = time.monotonic()
    while not stop.wait(0.5):
        if services.failed.is_set():
            print(services.failure, file=sys.stderr, flush=True)  # noqa: T201 - standard error is the log
            break
        if time.monotonic() - renewed > _RENEW_SECONDS:
            passfile.write(folder, running, services.credentials)
            renewed = time.monotonic()
    _end(services, folder)
    return 1 if services.failed.is_set() else 0


def _end(services: Services | None, folder: Folder) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if services is not None:
        services.stop()
    folder.forget()


def _leave_pipe() -> None:
    """Whoever waits on the pipe is done; what is printed from now on goes to the log."""
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


if __name__ == "__main__":
    main()
