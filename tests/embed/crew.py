"""Workers as Lambda runs them, each one event at a time, and a post that loses, doubles, delays and reorders their events."""

import contextlib
import heapq
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
FUNCTION_SECONDS = 5.0
"""What a worker has for one event; one that takes longer is killed, as by Lambda."""
SWEEP_SECONDS = 1.0
Message = dict[str, Any]


class Post:
    """What carries bells, tickets and sweeps. Thread-safe."""

    def __init__(self, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self.honest = False
        """Nothing is lost from now on."""
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._ready = threading.Condition()
        self._waiting: list[tuple[float, int, Message]] = []
        self._numbers = itertools.count()

    def bell(self, document: Message) -> None:
        """What the database rang: a message, or the tickets that a worker would put into the queue for it."""
        for one in document.get("relay") or [document]:
            for _ in range(min(one.get("tickets", 1), 4)):
                self.send({"vectorizer": one["vectorizer"]})

    def send(self, message: Message) -> None:
        """Perhaps lose it, perhaps deliver it twice, perhaps late and after others."""
        with self._ready:
            if not self.honest and self._random.random() < 0.2:
                self.counts["lost"] += 1
                return
            copies = 1 + (self._random.random() < 0.2)
            self.counts["doubled"] += copies - 1
            for _ in range(copies):
                late = self._random.random() < 0.3
                self.counts["late"] += late
                self._put(message, self._random.uniform(0, 2) if late else 0.0)

    def again(self, message: Message, seconds: float) -> None:
        """Deliver once more: nobody said that it was done."""
        with self._ready:
            self.counts["again"] += 1
            self._put(message, seconds)

    def take(self, seconds: float) -> Message | None:
        """The next that is due, or None after so long."""
        until = time.monotonic() + seconds
        with self._ready:
            while (now := time.monotonic()) < until:
                if self._waiting and self._waiting[0][0] <= now:
                    self.counts["delivered"] += 1
                    return heapq.heappop(self._waiting)[2]
                self._ready.wait(min([until - now, *(due - now for due, _, _ in self._waiting[:1])]))
        return None

    def _put(self, message: Message, seconds: float) -> None:
        heapq.heappush(self._waiting, (time.monotonic() + seconds, next(self._numbers), message))
        self._ready.notify()


class Environment:
    """One worker process after the other, fed from the post."""

    def __init__(self, post: Post, dsn: str, log: IO[bytes]) -> None:
        self._post = post
        self._arguments = [
            sys.executable,
            str(Path(__file__).with_name("worker_process.py")),
            dsn,
            str(FUNCTION_SECONDS),
        ]
        self._log = log
        self._over = threading.Event()
        self.asleep_until = 0.0
        self._process = self._spawned()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def signal(self, number: int) -> None:
        """Send one to the process that there is now."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def close(self) -> None:
        self._over.set()
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        self._thread.join()
        self._end()

    def _spawned(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            self._arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=os.environ | {"PYTHONPATH": f"{ROOT / 'lambda'}", "AWS_REGION": "us-east-1"},
        )

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def _serve(self) -> None:
        while not self._over.is_set():
            if self._process.poll() is not None:
                self._end()
                self._process = self._spawned()
            if (message := self._post.take(0.2)) is not None and not self._told(message):
                self._post.again(message, 1.0)

    def _told(self, message: Message) -> bool:
        """Whether the worker said that it was done with it."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        # As Lambda does it, but a sleeper is not found out.
        timer = threading.Timer(3 * FUNCTION_SECONDS, self.signal, [signal.SIGKILL])
        timer.start()
        try:
            stdin.write(json.dumps(message).encode() + b"\n")
            stdin.flush()
            return stdout.readline() == b"done\n"
        except OSError:
            return False
        finally:
            timer.cancel()


class Crew:
    """So many environments, and the sweep."""

    def __init__(self, post: Post, dsn: str, log: IO[bytes], count: int) -> None:
        self.environments = [Environment(post, dsn, log) for _ in range(count)]
        self._post = post
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sweep, daemon=True)
        self._thread.start()

    def wake(self, *, everyone: bool = False) -> None:
        """Those whose sleep is over."""
        for each in self.environments:
            if each.asleep_until and (everyone or time.monotonic() > each.asleep_until):
                each.asleep_until = 0.0
                each.signal(signal.SIGCONT)

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        for each in self.environments:
            each.close()

    def _sweep(self) -> None:
        while not self._over.wait(SWEEP_SECONDS):
            self._post.send({"sweep": True})
