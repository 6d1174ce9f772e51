from pathlib import Path

import pytest

from tests.local.project import Project


@pytest.fixture(autouse=True, scope="session")
def _shared_by_projects(runtimes: Path) -> None:
    Project.shared = runtimes.parent
