"""Findings for code scanning: what SARIF 2.1.0 and GitHub require, held without the schema, which no package carries."""

import json
from urllib.parse import urlsplit

import pytest

from tests.components.recorded import ROOT
from tests.vectordb.plan.report import example
from tests.vectordb.plan.report.conftest import report_of
from vectordb.plan.report import model, sarif


@pytest.fixture(scope="module")
def log():
    return sarif.log(report_of(example.faulty()), ROOT)


def results(plan=None, program=ROOT):
    return sarif.log(report_of(plan or example.faulty()), program)["runs"][0]["results"]


def test_what_the_standard_requires(log):
    """Required: version and runs; of a run, its tool's driver's name; of a rule, its id; of a result, its message (SARIF 2.1.0, 3.13 to 3.27)."""
    assert (log["version"], urlsplit(log["$schema"]).scheme) == ("2.1.0", "https")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "vectordb plan"
    for rule in driver["rules"]:
        assert rule["id"]
        assert rule["shortDescription"]["text"]
        assert rule["help"]["text"]
        assert urlsplit(rule["helpUri"]).scheme == "https"
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
    for result in run["results"]:
        assert result["message"]["text"]
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")


def test_what_github_requires(log):
    """A score between 0.0 and 10.0 as text, a path relative to the checkout, a line, a fingerprint."""
    (run,) = log["runs"]
    assert all(0 <= float(rule["properties"]["security-severity"]) <= 10 for rule in run["tool"]["driver"]["rules"])
    for result in run["results"]:
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert not place["artifactLocation"]["uri"].startswith(("/", "file:"))
        assert (ROOT / place["artifactLocation"]["uri"]).is_file()
        assert place["region"]["startLine"] >= 1
        assert len(result["partialFingerprints"]["resourceAndRule/v1"]) == 32


def test_a_finding_is_where_its_component_is_declared(log):
    """The file is the one with the class, and the line is the class's."""
    first = log["runs"][0]["results"][0]
    location = first["locations"][0]
    place = location["physicalLocation"]
    lines = (ROOT / place["artifactLocation"]["uri"]).read_text().splitlines()
    assert lines[place["region"]["startLine"] - 1].startswith("class Bastion(")
    assert location["logicalLocations"] == [
        {"name": "bastion-instance", "fullyQualifiedName": example.BASTION, "kind": "resource"}
    ]


@pytest.mark.parametrize("files", [(), ("__main__.py",)])
def test_a_component_that_is_nowhere(tmp_path, files):
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n")
    for file in files:
        (tmp_path / file).write_text("")
    places = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in results(program=tmp_path)
    }
    assert places == {files[0] if files else "Pulumi.yaml"}


def test_waivers_are_no_findings(log):
    assert [result["ruleId"] for result in log["runs"][0]["results"]] == ["no-public-ingress", "backup-days"]


def test_fingerprints_stay_when_only_numbers_or_the_stack_change():
    plan = example.faulty()
    before = [result["partialFingerprints"] for result in results(plan)]
    text = json.dumps(plan["policies"]).replace("pulumi:dev", "pulumi:prod").replace("port 22", "port 2222")
    assert [result["partialFingerprints"] for result in results(plan | {"policies": json.loads(text)})] == before
    text = json.dumps(plan["policies"]).replace("bastion-instance", "other-instance")
    assert [result["partialFingerprints"] for result in results(plan | {"policies": json.loads(text)})] != before


def test_a_rule_names_its_page_where_the_checkout_can_be_read():
    report = model.read(example.faulty(), pages="https://git.example/a/b/blob/1/")
    rules = sarif.log(report, ROOT)["runs"][0]["tool"]["driver"]["rules"]
    found = {rule["id"]: rule["helpUri"] for rule in rules}
    assert found["no-public-ingress"] == "https://git.example/a/b/blob/1/docs/policies/network.md#no-public-ingress"


def test_no_finding():
    (run,) = sarif.log(report_of(example.empty()), ROOT)["runs"]
    assert run["results"] == run["tool"]["driver"]["rules"] == []
