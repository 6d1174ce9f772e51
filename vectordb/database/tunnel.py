"""A way through Session Manager: a local port that the bastion forwards to the database, with no port open anywhere in between.

The official plugin speaks the protocol; this starts it, finds its port, watches it and ends it.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import IO, Any

from vectordb.database import aws, bastion, plugin
from vectordb.database.connection import Route, RouteLostError
from vectordb.database.settings import Settings
from vectordb.database.talk import Deadline, Say
from vectordb.errors import VectordbError
from vectordb.processes import dying_with_parent

FORWARD_TO_REMOTE_HOST = "AWS-StartPortForwardingSessionToRemoteHost"

# The plugin takes the name of a variable in place of the session's token if the name begins so, and clears it
# (aws/session-manager-plugin, src/sessionmanagerplugin/session/session.go). A command line can be read by every user of the machine.
TOKEN_VARIABLE = "AWS_SSM_START_SESSION_RESPONSE"  # noqa: S105 - the name of a variable

OPENS_WITHIN = 30.0
_REGISTERS_WITHIN = 90.0  # a bastion that has just booted needs this long to register
_ENDS_WITHIN = 5.0
_LONGEST_REASON = 256  # SSM API, StartSession: SessionReason, without line breaks
_OPENED = re.compile(rb"Port (\d+) opened")
_DIAL_FAILED = b"Connection to destination port failed"


@contextlib.contextmanager
def opened(
    settings: Settings,
    *,
    deadline: Deadline,
    say: Say,
    reason: str = "vectordb migrate",
    client: Any = None,
    sleep: Callable[[float], None] | None = None,
) -> Iterator[Route]:
    """Keep a tunnel to the database open. It leads to whatever the endpoint's name meant when it was opened.

    Nothing keeps it busy: Session Manager may end it for idleness (20 minutes by default), and does so after an hour or so
    in any case. Then `Route.check` raises.

    Args:
        settings: of the database and its bastion.
        deadline: for opening it, not for its life.
        say: told what is waited for.
        reason: why, for CloudTrail's record of the session; the first 256 characters of it.
        client: of Systems Manager, if not the usual one.
        sleep: if not the deadline's own.

    Raises:
        VectordbError: no plugin, no bastion, no permission.
        RouteLostError: the plugin ended, or opened no port in time.
    """
    path = plugin.find()
    ssm = client or aws.client("ssm", settings.region)
    request = _request(settings, reason)
    session = _start(ssm, settings, request, deadline=deadline, say=say, sleep=sleep or deadline.pause)
    with tempfile.TemporaryFile() as output:
        # A file, not a pipe: whatever the plugin leaves running can hold it open without holding us.
        process = subprocess.Popen(
            [path, TOKEN_VARIABLE, settings.region, "StartSession", "", json.dumps(request), ssm.meta.endpoint_url],
            env=_environment(session, settings.region),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=dying_with_parent(),  # noqa: PLW1509 - it calls one C function that was bound beforehand
        )
        deadline.if_called_off(lambda: _signal(process.pid, signal.SIGTERM))
        try:
            port = _port(process, output, deadline)

            def check() -> None:
                said = _read(output)
                if process.poll() is not None:
                    raise RouteLostError(f"{plugin.COMMAND} ended with status {process.returncode}: {_last_line(said)}")
                if _DIAL_FAILED in said:
                    raise RouteLostError(
                        f"the bastion {settings.bastion_id} does not reach {settings.host}:{settings.port}",
                        remedy="Its security group must allow the database's port outwards, the database's the bastion's inwards.",
                    )

            yield Route("127.0.0.1", port, check=check, pinned=True)
        finally:
            if not _end_group(process):
                _terminate(ssm, session["SessionId"])


def _request(settings: Settings, reason: str) -> dict[str, Any]:
    """StartSession's parameters. Local port 0: the plugin takes one that is free and prints it."""
    pinned = bool(settings.session_document)
    target = {} if pinned else {"host": [settings.host], "portNumber": [str(settings.port)]}
    return {
        "Target": settings.bastion_id,
        "DocumentName": settings.session_document or FORWARD_TO_REMOTE_HOST,
        "Parameters": target | {"localPortNumber": ["0"]},
        "Reason": " ".join(reason.split())[:_LONGEST_REASON],
    }


def _start(
    ssm: Any,
    settings: Settings,
    request: dict[str, Any],
    *,
    deadline: Deadline,
    say: Say,
    sleep: Callable[[float], None],
) -> dict[str, Any]:
    waiting = Deadline(min(_REGISTERS_WITHIN, deadline.remaining()))
    told = False
    while True:
        try:
            answer: dict[str, Any] = ssm.start_session(**request)
        except aws.FAILURES as error:
            if aws.code(error) != "TargetNotConnected":
                raise aws.explained(error, f"start a session on the bastion {settings.bastion_id}") from error
            if waiting.passed():
                raise VectordbError(
                    f"the bastion {settings.bastion_id} is not connected to Session Manager",
                    remedy="Start the instance, and check that its subnet reaches the ssm and ssmmessages endpoints on port 443.",
                ) from error
            if not told:
                say(f"waiting: the bastion {settings.bastion_id} is not connected to Session Manager yet")
                told = True
                bastion.must_run(settings)
            sleep(min(3.0, waiting.remaining()))
        else:
            return answer


def _environment(session: dict[str, Any], region: str) -> dict[str, str]:
    """The plugin's environment: the token, and the very credentials that started the session.

    Since 1.2.688 the plugin signs its data channel with credentials that it finds by itself
    (aws/session-manager-plugin#101), and what it would find need not be ours.
    """
    token = json.dumps({name: session[name] for name in ("SessionId", "TokenValue", "StreamUrl")})
    return aws.environment(region) | {TOKEN_VARIABLE: token}


def _port(process: subprocess.Popen[bytes], output: IO[bytes], deadline: Deadline) -> int:
    waiting = Deadline(min(OPENS_WITHIN, max(1.0, deadline.remaining())))
    while True:
        ended = process.poll() is not None  # asked before reading, so that its last words are read
        said = _read(output)
        if found := _OPENED.search(said):
            return int(found[1])
        if ended:
            raise RouteLostError(
                f"{plugin.COMMAND} ended with status {process.returncode} and opened no port: {_last_line(said)}",
                remedy="Check that the caller's policy allows ssmmessages:OpenDataChannel on its own sessions.",
            )
        if waiting.passed():
            raise RouteLostError(f"{plugin.COMMAND} opened no port within {waiting.seconds:g} s: {_last_line(said)}")
        time.sleep(0.02)


def _read(output: IO[bytes]) -> bytes:
    """What was printed so far, without moving the place at which the plugin writes."""
    return os.pread(output.fileno(), 1 << 20, 0)


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "it said nothing"


def _end_group(process: subprocess.Popen[bytes]) -> bool:
    """End the plugin and whatever it started. True when it ended by itself, and so closed its session."""
    _signal(process.pid, signal.SIGTERM)
    try:
        willing = process.wait(_ENDS_WITHIN) == 0
    except subprocess.TimeoutExpired:
        willing = False
    finally:
        _signal(process.pid, signal.SIGKILL)
        process.wait()
    return willing


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _terminate(ssm: Any, session_id: str) -> None:
    with contextlib.suppress(*aws.FAILURES):
        ssm.terminate_session(SessionId=session_id)
