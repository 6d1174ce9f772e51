"""A call's log: START, what the handler wrote, END and REPORT; to a file and, in the background, to CloudWatch Logs."""

import json
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vectordb.local.emulator.functions.deployed import Deployed

LARGEST_FILE = 10 << 20
"""Bytes; then FUNCTION.log becomes FUNCTION.log.1."""
TAIL = 4096
"""Bytes of a log that LogType=Tail shows."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """What a call used."""

    request_id: str
    seconds: float
    memory: int
    started_in: float | None = None


def compose(deployed: Deployed, output: bytes, report: Report) -> str:
    """The whole log of one call, ending with a newline."""
    text = output.decode(errors="replace")
    if text and not text.endswith("\n"):
        text += "\n"
    if deployed.log_format == "JSON":
        return _compose_json(deployed, text, report)
    duration = report.seconds * 1000
    start = f"START RequestId: {report.request_id} Version: {deployed.version}\n"
    end = (
        f"END RequestId: {report.request_id}\n"
        f"REPORT RequestId: {report.request_id}\tDuration: {duration:.2f} ms\tBilled Duration: {int(duration) + 1} ms\t"
        f"Memory Size: {deployed.memory} MB\tMax Memory Used: {report.memory} MB\t"
    )
    if report.started_in is not None:
        end += f"Init Duration: {report.started_in * 1000:.2f} ms\t"
    return f"{start}{text}{end}\n"


def moment() -> str:
    """Now, as Lambda writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())


def _compose_json(deployed: Deployed, text: str, report: Report) -> str:
    def event(kind: str, **record: Any) -> str:
        return json.dumps({"time": moment(), "type": kind, "record": {"requestId": report.request_id, **record}}) + "\n"

    metrics: dict[str, Any] = {
        "durationMs": round(report.seconds * 1000, 3),
        "memorySizeMB": deployed.memory,
        "maxMemoryUsedMB": report.memory,
    }
    if report.started_in is not None:
        metrics["initDurationMs"] = round(report.started_in * 1000, 3)
    return event("platform.start", version=deployed.version) + text + event("platform.report", metrics=metrics)


class LogWriter:
    """Writes logs in the order of the calls, in a thread of its own.

    Args:
        folder: where FUNCTION.log is written.
        forward: puts events into CloudWatch Logs.
    """

    def __init__(self, folder: Path, forward: Callable[[Deployed, str, list[dict[str, Any]]], None]) -> None:
        self._folder = folder
        self._forward = forward
        self._queue: queue.SimpleQueue[tuple[Deployed, str, str] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="function-logs", daemon=True)
        self._thread.start()

    def write(self, deployed: Deployed, stream: str, text: str) -> None:
        """Take a call's log."""
        self._queue.put((deployed, stream, text))

    def close(self) -> None:
        """Write what is waiting."""
        self._queue.put(None)
        self._thread.join(2)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            deployed, stream, text = item
            try:
                self._to_file(deployed.name, text)
                now = int(time.time() * 1000)
                self._forward(
                    deployed, stream, [{"timestamp": now, "message": line} for line in text.splitlines() if line]
                )
            except Exception:  # noqa: BLE001 - a log that cannot be written must not end the writing of logs
                _log.exception("the log of %s could not be written", deployed.name)

    def _to_file(self, name: str, text: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{name}.log"
        if path.exists() and path.stat().st_size > LARGEST_FILE:
            path.replace(path.with_suffix(".log.1"))
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
