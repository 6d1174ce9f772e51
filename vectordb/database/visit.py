"""A person's visit to the database: a way that heals itself, a login that stays current, and nothing left afterwards."""

import contextlib
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vectordb import processes
from vectordb.database import access, transport
from vectordb.database.client import Client
from vectordb.database.connection import Login, Route
from vectordb.database.forwarder import Forwarder
from vectordb.database.iam import VALID_SECONDS
from vectordb.database.settings import Settings
from vectordb.database.talk import Deadline, Say
from vectordb.database.waking import watched
from vectordb.errors import VectordbError

OPENS_WITHIN: Final = 120.0
"""Seconds for the bastion to register, the session to open and a paused cluster to resume."""
PROVEN_WITHIN: Final = 20.0
"""Seconds in which a way that is open has to prove itself again before it is given up."""
RENEWED_EVERY: Final = VALID_SECONDS * 2 / 3

_FOLDER = "vectordb-connect-"


@dataclass(frozen=True)
class Visit:
    """An open visit.

    Attributes:
        client: what programs are told.
        folder: for files that go with the visit, closed to others.
        through: the way that was chosen, for a person.
        tunnel: whether it ends with this process: a port that only this process serves.
        seconds: how long it took to open.
    """

    client: Client
    folder: Path
    through: str
    tunnel: bool
    seconds: float


@contextlib.contextmanager
def opened(
    settings: Settings,
    login: Callable[[], Login],
    *,
    port: int = 0,
    reason: str = "vectordb connect",
    say: Say,
    renewed_every: float = RENEWED_EVERY,
) -> Iterator[Visit]:
    """Open a way, log in once to prove it, and keep both current for as long as the context lasts.

    Args:
        settings: of the database.
        login: makes the login anew, so that what it holds is read again.
        port: the local port of a tunnel; 0: any that is free.
        reason: for CloudTrail's record of a Session Manager session.
        say: told what is waited for and what breaks.
        renewed_every: seconds between two writes of the passfile.

    Raises:
        VectordbError: no credentials, no plugin, no bastion, no database, each with its remedy.
    """
    started = time.monotonic()
    choice = transport.choose(settings)
    if choice.name == "data-api":
        raise VectordbError(
            "the stack's transport is the RDS Data API, over which no client of PostgreSQL can connect",
            remedy="Set vectordb:bastion to true and vectordb:transport to ssm, then `pulumi up`; or use `vectordb migrate` and the AWS CLI.",
        )
    user, secret = login().credentials()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(_private_folder())
        route = stack.enter_context(_way(settings, login, port=port, reason=reason, say=say))
        client = Client(
            settings=settings, hostaddr=route.hostaddr, port=route.port, user=user, passfile=folder / "passfile"
        )
        client.write_passfile(secret)
        stack.enter_context(_renewal(client, login, every=renewed_every, say=say))
        yield Visit(
            client, folder, choice.reason, tunnel=route.pinned or bool(port), seconds=time.monotonic() - started
        )


@contextlib.contextmanager
def _way(settings: Settings, login: Callable[[], Login], *, port: int, reason: str, say: Say) -> Iterator[Route]:
    """The address that clients are told: a port of our own before a tunnel, the database's where no tunnel is needed."""
    deadlines: list[Deadline] = []

    def limited(seconds: float) -> Deadline:
        deadlines[:] = [Deadline(seconds)]
        return deadlines[0]

    @contextlib.contextmanager
    def opening() -> Iterator[Route]:
        with contextlib.ExitStack() as stack:
            with watched(settings, say):
                deadline = limited(OPENS_WITHIN)
                route = stack.enter_context(access.way(settings, login(), deadline=deadline, say=say, reason=reason))
            yield route

    def prove(route: Route) -> None:
        # What it waits for meanwhile is of no interest: a way that fails is replaced, and that is said.
        access.prove(settings, route, login(), deadline=limited(PROVEN_WITHIN), say=lambda _: None)

    if transport.choose(settings).name != "ssm" and not port:
        with opening() as route:
            yield route
        return

    def call_off() -> None:
        for deadline in deadlines:
            deadline.call_off()

    with Forwarder(opening, prove, call_off=call_off, host=settings.host, port=port, say=say) as forwarder:
        yield Route("127.0.0.1", forwarder.port, pinned=True)


@contextlib.contextmanager
def _renewal(client: Client, login: Callable[[], Login], *, every: float, say: Say) -> Iterator[None]:
    """Keep the passfile current: a token is good for 15 minutes, a master's password until it is rotated."""
    ended = threading.Event()

    def renew() -> None:
        told = False
        while not ended.wait(every):
            try:
                client.write_passfile(login().credentials()[1])
                told = False
            except (VectordbError, OSError) as error:
                if not told and not ended.is_set():
                    say(f"the login cannot be renewed, new connections will be refused: {error}")
                told = True

    thread = threading.Thread(target=renew, name="login", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(5)


@contextlib.contextmanager
def _private_folder() -> Iterator[Path]:
    _sweep(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-"))  # 0700
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(parent: Path) -> None:
    """Remove what visits that were killed could not."""
    for found in parent.glob(f"{_FOLDER}*"):
        written = re.match(rf"{_FOLDER}(\d+)-", found.name)
        with contextlib.suppress(OSError):
            if written and found.lstat().st_uid == os.getuid() and not processes.alive(int(written[1])):
                shutil.rmtree(found, ignore_errors=True)
