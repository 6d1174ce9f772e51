"""A copy of the project to run stacks in, so that no test touches the checkout's own `.local`."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import yaml

from vectordb.local import inputs
from vectordb.local.state import Folder

ROOT = Path(__file__).parents[2]


class Project:
    """A folder with the program, its SQL, functions and policies; configuration of its own.

    PostgreSQL's installation and the functions' packages, which only their contents name, are made once for all projects.
    """

    shared: Path
    """Where; conftest.py says it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        for name in ("__main__.py", "Pulumi.yaml", "Pulumi.dev.yaml"):
            shutil.copy(ROOT / name, folder / name)
        for name in ("components", "lambda", "policy", "sql"):
            shutil.copytree(ROOT / name, folder / name)  # with its bytecode, which is valid while times stay
        (folder / ".local").mkdir()
        for link, name in ((folder / ".local" / "runtimes", "runtimes of all"), (folder / "build", "build of all")):
            (self.shared / name).mkdir(exist_ok=True)
            link.symlink_to(self.shared / name)

    def configure(self, **keys):
        """Replace keys of the namespace in the dev stack; None removes one."""
        file = self.folder / "Pulumi.dev.yaml"
        content = yaml.safe_load(file.read_text())
        for key, value in keys.items():
            content["config"][f"vectordb:{key}"] = value
            if value is None:
                del content["config"][f"vectordb:{key}"]
        file.write_text(yaml.safe_dump(content))

    def start(self, *arguments, **environment):
        """The command as a process."""
        return subprocess.Popen(
            [sys.executable, "-m", "vectordb", *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **environment},
            # A shell starts background jobs with SIGINT ignored, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
        )

    def run(self, *arguments, timeout=180, **environment):
        """The command to its end."""
        child = self.start(*arguments, **environment)
        output, errors = child.communicate(timeout=timeout)
        return subprocess.CompletedProcess(arguments, child.returncode, output, errors)

    def accept(self):
        """The policies are not asked about the program as it is now, as if it had been up before: they take a second or two."""
        stack = Folder.of(self.folder, "dev")
        stack.root.mkdir(parents=True, exist_ok=True)
        stack.accept(inputs.digest(self.folder))

    @contextlib.contextmanager
    def up(self):
        """The stack runs inside the block, and leaves no process behind."""
        self.accept()
        done = self.run("local", "up")
        assert done.returncode == 0, done.stderr
        yield self
        self.run("local", "down")
        assert self.processes() == []

    def status(self):
        return json.loads(self.run("local", "status", "--json").stdout)

    def environment(self):
        """What `vectordb local env` exports, as a shell reads it."""
        exports = self.run("local", "env").stdout
        printed = subprocess.run(
            [
                "/bin/sh",
                "-c",
                f'{exports}\nexec "{sys.executable}" -c "import os, json; print(json.dumps(dict(os.environ)))"',
            ],
            env={"PATH": os.environ["PATH"], "PGPASSWORD": "of another database", "AWS_PROFILE": "production"},
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(printed.stdout)

    def processes(self):
        """Process ids whose command line or working directory is in this folder."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    line = (entry / "cmdline").read_bytes().decode(errors="replace")
                    where = str((entry / "cwd").readlink())
                except OSError:
                    continue
                if str(self.folder) in line or where.startswith(str(self.folder)):
                    found.append((int(entry.name), line.replace("\0", " ")))
        return found
