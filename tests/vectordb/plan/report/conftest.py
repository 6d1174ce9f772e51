import pytest

from tests.vectordb.plan.report import example
from tests.vectordb.plan.report.browser import NAMES, Browser, found
from vectordb.plan.report import difference, html, model

PLANS = {"quiet": example.quiet, "faulty": example.faulty, "empty": example.empty, "huge": lambda: example.huge(60)}


def report_of(plan):
    return model.read(plan, "41 policies of vectordb")


def compared(plan, base=None):
    """The report of `plan`, and what it changes since the quiet one."""
    report = report_of(plan)
    return report, difference.compare(report_of(base or example.quiet()), report, "main.json")


@pytest.fixture(scope="session")
def browser():
    path = found()
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on PATH")
    browser = Browser(path)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """Name → file of a page, for each of PLANS."""
    folder = tmp_path_factory.mktemp("pages")
    files = {}
    for name, make in PLANS.items():
        report, changes = compared(make())
        files[name] = folder / f"{name}.html"
        files[name].write_text(html.page(report, changes if name == "faulty" else None), encoding="utf-8")
    return files
