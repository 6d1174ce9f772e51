import subprocess
import sys

import pytest


@pytest.fixture
def vectordb(project):
    """The command, as a process in the project's folder."""

    def run(*arguments, cwd=project, **environment):
        return subprocess.run(
            [sys.executable, "-m", "vectordb", *arguments],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=120,
            env={"PATH": "/usr/bin:/bin", "HOME": str(project), **environment},
        )

    return run
