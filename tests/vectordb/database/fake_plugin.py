"""A stand-in for AWS's Session Manager plugin: the same arguments and lines, and a forward to FAKE_TARGET; FAKE_MISBEHAVIOUR spoils it.

argv: response-or-variable region StartSession profile request endpoint

What is written to the file FAKE_CONTROL happens to a session under way: `cut` ends it as Session Manager does after an hour,
`mute` has it carry nothing any more and say nothing about it.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path


def say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


muted = threading.Event()


def obey(control: Path) -> None:
    while True:
        with contextlib.suppress(OSError):
            match control.read_text():
                case "cut":
                    control.unlink()
                    say("\nSessionId: session-1 : Your session has been terminated.\n")
                    os._exit(0)
                case "mute":
                    control.unlink()
                    muted.set()
        time.sleep(0.01)


def pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while block := source.recv(65536):
            if not muted.is_set():
                target.sendall(block)
    except OSError:
        pass
    finally:
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def forward(listener: socket.socket, target: tuple[str, int], misbehaviour: str) -> None:
    while True:
        client, _ = listener.accept()
        with Path(os.environ["FAKE_RECORD"] + ".accepted").open("a", encoding="utf-8") as record:
            record.write("x")
        if misbehaviour == "dies on use":
            os._exit(3)
        if misbehaviour == "cannot dial":
            say("Connection to destination port failed, check SSM Agent logs.\n")
            client.close()
            continue
        server = socket.create_connection(target)
        for pair in ((client, server), (server, client)):
            threading.Thread(target=pump, args=pair, daemon=True).start()


def end(*_: object) -> None:
    say("Terminate signal received, exiting.\n")
    os._exit(0)


def main() -> None:
    misbehaviour = os.environ.get("FAKE_MISBEHAVIOUR", "")
    if sys.argv[1:] == ["--version"]:
        say(os.environ.get("FAKE_VERSION", "1.2.792.0") + "\n")
        return
    with Path(os.environ["FAKE_RECORD"]).open("w", encoding="utf-8") as record:
        variables = {
            name: os.environ.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_REGION", sys.argv[1])
        }
        json.dump({"arguments": sys.argv[1:], "environment": variables, "pid": os.getpid()}, record)
    session = json.loads(os.environ.pop(sys.argv[1]))["SessionId"]
    if misbehaviour == "dies":
        say("An error occurred (AccessDenied) while opening the data channel\n")
        sys.exit(255)
    if misbehaviour == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, end)
    if misbehaviour == "orphan":
        child = subprocess.Popen(["sleep", "300"])
        with Path(os.environ["FAKE_RECORD"] + ".orphan").open("w", encoding="utf-8") as record:
            record.write(str(child.pid))
    if misbehaviour == "silent":
        time.sleep(300)
    if misbehaviour == "slow":
        time.sleep(0.6)
    if "FAKE_CONTROL" in os.environ:
        threading.Thread(target=obey, args=(Path(os.environ["FAKE_CONTROL"]),), daemon=True).start()
    listener = socket.create_server(("127.0.0.1", 0))
    say(f"\nStarting session with SessionId: {session}\n")
    line = f"Port {listener.getsockname()[1]} opened for sessionId {session}.\n"
    if misbehaviour == "split":
        say(line[:7])
        time.sleep(0.15)
        say(line[7:])
    else:
        say(line)
    say("Waiting for connections...\n")
    host, _, port = os.environ["FAKE_TARGET"].partition(":")
    forward(listener, (host, int(port)), misbehaviour)


main()
