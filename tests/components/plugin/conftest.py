import pytest

from tests.components.plugin import engine
from tests.components.recorded import ROOT
from vectordb.plan import analyzer, checks, policy_configuration
from vectordb.plan.stack_configuration import StackConfiguration


@pytest.fixture(scope="package")
def engine_and_host():
    """The plugin, started in the folder `/`, for all tests that leave nothing there."""
    monitor = engine.Monitor()
    with engine.serving(monitor) as address, engine.started(address) as host:
        yield monitor, host


@pytest.fixture
def monitor(engine_and_host):
    monitor = engine_and_host[0]
    monitor.registrations.clear()
    monitor.said.clear()
    return monitor


@pytest.fixture
def host(engine_and_host, monitor):
    return engine_and_host[1]


@pytest.fixture
def elsewhere(tmp_path):
    """A program's folder of its own, two below what stands for a checkout."""
    (tmp_path / "sql").symlink_to(ROOT / "sql")
    folder = tmp_path / "examples" / "program"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="session")
def violations():
    """What the policy pack and the checks of `vectordb plan` find in a recording."""

    def find(recording):
        configuration = StackConfiguration(recording.project, recording.stack, ROOT, {}, frozenset())
        policies = policy_configuration.read(ROOT / "policy" / "config.dev.json")
        with analyzer.started(ROOT / "policy", configuration) as process:
            return [*analyzer.analyze(analyzer.connect(process, policies), recording), *checks.check(recording)]

    return find
