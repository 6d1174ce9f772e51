"""The real Pulumi CLI in a copy of the project: a file backend, no network, no settings of whoever runs the tests."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

NEEDED = ("pulumi", "pulumi-language-python", "pulumi-resource-command")
"""On PATH: the CLI, its language host, and the command provider, which the CLI would otherwise keep below its home."""

_NOTHING = ("same", "read", "refresh")


def missing() -> str:
    """What these tests need and this machine does not have; empty when all is there."""
    return ", ".join(name for name in NEEDED if shutil.which(name) is None and not _kept(name))


def _kept(name: str) -> bool:
    """Whether a plug-in is where `pulumi plugin install` puts it."""
    kind, _, package = name.partition("-")[2].partition("-")
    home = Path(os.environ.get("PULUMI_HOME", Path.home() / ".pulumi"))
    return bool(kind) and any((home / "plugins").glob(f"{kind}-{package}-v*"))


@dataclass(frozen=True)
class Ran:
    """A command that ended: what it printed, and what the engine told of it."""

    command: tuple[str, ...]
    code: int
    output: str
    events: tuple[dict[str, Any], ...]

    def steps(self) -> dict[str, str]:
        """Name of a resource → the step that the engine took, `create` or `update` and so on; what stays the same is left out."""
        found = {}
        for step in (event["metadata"] for event in self.told("resourcePreEvent")):
            if step["op"] not in _NOTHING and not step["type"].startswith("pulumi:providers:"):
                found[step["urn"].rpartition("::")[2]] = step["op"]
        return found

    def custom_steps(self) -> dict[str, str]:
        """URN → step, of the resources that a provider makes; `replace` is the whole of a replacement."""
        found: dict[str, str] = {}
        for step in (event["metadata"] for event in self.told("resourcePreEvent")):
            told = step["new"] or step["old"]
            if told.get("custom") and not step["type"].startswith("pulumi:") and step["op"] not in _NOTHING:
                found[step["urn"]] = "replace" if "replace" in step["op"] else step["op"]
        return found

    def told(self, kind: str) -> list[dict[str, Any]]:
        """The engine's events of a kind."""
        return [event[kind] for event in self.events if kind in event]

    def mandatory(self) -> list[tuple[str, str, str]]:
        """Policy, resource's URN and message of each violation that ends the command, sorted."""
        return sorted(
            (each["policyName"], each.get("resourceUrn", ""), each["message"].strip())
            for each in self.told("policyEvent")
            if each["enforcementLevel"] == "mandatory"
        )

    def failed(self) -> Counter[str]:
        """Names of resources whose step failed."""
        return Counter(each["metadata"]["urn"].rpartition("::")[2] for each in self.told("resOpFailedEvent"))


class Cli:
    """`pulumi` with a stack of its own."""

    def __init__(self, project: Path, home: Path, stack: str) -> None:
        home.mkdir(parents=True)
        (home / "state").mkdir()
        self.project, self._home, self._stack = project, home, stack
        self._number = 0
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "PULUMI_HOME": str(home / "pulumi"),
            "PULUMI_BACKEND_URL": f"file://{home / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "nothing in these tests is secret",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DEBUG_COMMANDS": "true",  # for --event-log
            "VECTORDB_PYTHON": sys.executable,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        plugins = Path(os.environ.get("PULUMI_HOME", Path.home() / ".pulumi")) / "plugins"
        if plugins.is_dir():
            (home / "pulumi").mkdir()
            (home / "pulumi" / "plugins").symlink_to(plugins)

    def attach(self, port: int) -> None:
        """Take what listens on `port` for the AWS provider."""
        self.environment["PULUMI_DEBUG_PROVIDERS"] = f"aws:{port}"

    def init(self) -> None:
        """Make the stack, with nothing in it."""
        made = self.plain("stack", "init", self._stack)
        assert made.code == 0, made.output

    def plain(self, *arguments: str) -> Ran:
        """A command that makes no update."""
        return self._run(arguments, None)

    def __call__(self, command: str, *arguments: str) -> Ran:
        """An update or a preview of the stack, with the engine's events."""
        self._number += 1
        events = self._home / f"events-{self._number}.jsonl"
        words = (command, *arguments, "--stack", self._stack, "--event-log", str(events))
        return self._run((*words, "--non-interactive", "--color", "never"), events)

    def _run(self, arguments: tuple[str, ...], events: Path | None) -> Ran:
        done = subprocess.run(
            ["pulumi", *arguments],
            cwd=self.project,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        lines = events.read_text(encoding="utf-8").splitlines() if events and events.exists() else []
        told = tuple(json.loads(line) for line in lines)
        return Ran(arguments, done.returncode, done.stdout, told)


def provider_version() -> str:
    """The version of the AWS provider that the program's SDK asks for."""
    return version("pulumi-aws")
