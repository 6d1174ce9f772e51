"""What the policy pack can prove of a plan: `python -m isolation` in the pack's folder, a process of its own.

It reads the plan that `vectordb plan --json` writes on its standard input and writes one JSON object: exposure, nodes, flows, stores,
access, and what can be checked at `pulumi up` only. `vectordb.plan.report.facts` says what is in it.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SECONDS = 120


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        facts: the object; None when there is none.
        problem: why there is none; empty otherwise.
    """

    facts: dict[str, Any] | None
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """The keys that a plan's JSON gets."""
        return {"facts": self.facts} if self.facts is not None else {"factsProblem": self.problem}


class Prover:
    """A process that imports what it needs while the program runs, and then waits for one plan."""

    def __init__(self, process: "subprocess.Popen[str] | None", threads: ThreadPoolExecutor) -> None:
        self._process, self._threads = process, threads
        self._answered: Future[Answer] | None = None

    def begin(self, plan: Mapping[str, Any]) -> None:
        """Hand over a plan or a state, once; the proof goes on while the caller does something else."""
        self._answered = self._threads.submit(self._prove, json.dumps(plan))

    def answer(self) -> Answer:
        """What came of it; waits for it."""
        return Answer(None, "Nothing was proved.") if self._answered is None else self._answered.result()

    def _prove(self, plan: str) -> Answer:
        if self._process is None:
            return Answer(None, "The policy pack has no `isolation` module that proves facts.")
        try:
            output, errors = self._process.communicate(plan, timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            return Answer(None, f"The policy pack proved nothing within {_SECONDS} seconds.")
        if self._process.returncode:
            return Answer(None, f"`python -m isolation` failed: {_last_line(errors)}")
        try:
            facts = json.loads(output)
        except ValueError:
            facts = None
        return Answer(facts) if isinstance(facts, dict) else Answer(None, "`python -m isolation` wrote no JSON object.")


@contextmanager
def started(pack: Path, *, wanted: bool = True) -> Iterator[Prover]:
    """Start the prover of the pack in the folder `pack`, if it has one and one is wanted."""
    process = _process(pack) if wanted and (pack / "isolation" / "__main__.py").exists() else None
    with ThreadPoolExecutor(1) as threads:
        try:
            yield Prover(process, threads)
        finally:
            if process is not None and process.poll() is None:
                process.kill()
    if process is not None:
        process.communicate()


def _process(pack: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "isolation"],
        cwd=pack,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def _last_line(errors: str) -> str:
    lines = errors.strip().splitlines()
    return lines[-1] if lines else "it said nothing."
