"""One process of the policy pack for all plans of a stack's name, which is by what the pack is configured: each start is half a second."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from vectordb.plan import analyzer


@pytest.fixture(scope="session")
def serving() -> Iterator[Callable[[Any, Any], str]]:
    """What the process of a folder's pack printed for stacks of a configuration's name: the port."""
    with ExitStack() as ends:
        ports: dict[tuple[object, str], str] = {}
        start = analyzer.started

        def port(folder: Any, configuration: Any) -> str:
            key = folder, configuration.stack
            if key not in ports:
                process = ends.enter_context(start(folder, configuration))
                assert process.stdout is not None
                ports[key] = process.stdout.readline()
            return ports[key]

        yield port


@pytest.fixture
def one_pack(serving: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`plan.make` asks a pack that runs already."""

    @contextmanager
    def started(folder: Any, configuration: Any) -> Iterator[Any]:
        line = serving(folder, configuration)
        yield SimpleNamespace(stdout=SimpleNamespace(readline=lambda: line), stderr=SimpleNamespace())

    monkeypatch.setattr(analyzer, "started", started)
