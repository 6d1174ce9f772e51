"""These tests run the program through the real `pulumi`. Where it is absent they are not collected: that costs nothing."""

import os

import pytest

from tests.engine import cli
from tests.local.project import Project

absent = cli.missing()
assert not absent or os.environ.get("REAL_ENGINE") != "required", f"{absent}: not on PATH"

# test_present.py stays, and says in a line what is missing.
collect_ignore = ["test_preview.py", "test_shapes.py", "test_stack.py"] if absent else []


@pytest.fixture(scope="package", autouse=True)
def _shared_by_projects(runtimes):
    Project.shared = runtimes.parent


@pytest.fixture(scope="module")
def stack(tmp_path_factory, _shared_by_projects):
    """A stack of the program, `dev`, that nothing was deployed to; the tests of a module tell its story in order."""
    from tests.engine.surroundings import surrounded

    with surrounded(tmp_path_factory.mktemp("engine")) as surroundings:
        yield surroundings
