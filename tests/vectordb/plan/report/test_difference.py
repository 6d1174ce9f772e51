"""What changes, and how a reviewer ought to take it."""

import json

import pytest

from tests.vectordb.plan.report import example
from tests.vectordb.plan.report.conftest import compared, report_of
from vectordb.errors import VectordbError
from vectordb.plan.facts import started
from vectordb.plan.report import base, difference
from vectordb.plan.report.grade import Grade


def told(lines):
    return [(line.mark, line.subject, line.detail, line.grade) for line in lines]


def test_nothing():
    _, changes = compared(example.quiet())
    assert all(lines == () for _, lines in changes.sections())
    assert changes.cost == 0


def test_exposure():
    _, changes = compared(example.faulty())
    sentence = "22 is open to 0.0.0.0/0 in bastion-group, and its subnet routes to an internet gateway."
    assert told(changes.exposure) == [
        ("+", "bastion-instance", f"a new way in: {sentence}", Grade.BAD),
        ("+", "not settled", "The routes of subnet network-isolated-2 are known at up only.", Grade.LOOK),
        ("+", "Instance report-job → Aurora cluster database-cluster", "a new flow on tcp 5432-5439; nobody declared it", Grade.BAD),
        ("+", "Anybody (0.0.0.0/0) → Bastion bastion-instance", "a new flow on tcp 22; nobody declared it", Grade.BAD),
    ]  # fmt: skip


def test_the_way_back_is_good_news():
    _, changes = compared(example.quiet(), example.faulty())
    assert {line.mark for line in changes.exposure} == {"-"}
    assert not any(line.grade is Grade.BAD for _, lines in changes.sections() for line in lines)
    assert str(changes.cost) == "-78.40"


def test_access():
    _, changes = compared(example.faulty())
    assert told(changes.access) == [
        ("+", "*", "may s3:GetObject on * (public, wildcard-resource)", Grade.BAD),
        ("+", "bastion-role", "is denied kms:Decrypt on encryption-key when aws:SourceAccount is not 123456789012", Grade.PLAIN),
    ]  # fmt: skip
    _, back = compared(example.quiet(), example.faulty())
    assert ("-", "bastion-role", Grade.LOOK) in [(line.mark, line.subject, line.grade) for line in back.access]


def test_a_document_that_one_side_does_not_know_is_not_compared():
    plan, before = example.quiet(), example.quiet()
    before["facts"]["access"] = [example.grant("bastion-role", [], [], flags=["unknown-document"])]
    (line,) = compared(plan, before)[1].access
    assert (line.subject, line.detail) == ("not compared", "1 policy document that one of the two does not know yet")


def test_encryption():
    plan = example.faulty()
    plan["facts"]["flows"][0]["encryption"] = {"state": "unproven", "by": "rds.force_ssl = 0"}
    _, changes = compared(plan)
    assert told(changes.encryption) == [
        ("~", "database-cluster", "its key: encryption-key → none", Grade.BAD),
        ("~", "database-cluster", "at rest it is no longer proven to be encrypted: storageEncrypted is not set", Grade.BAD),
        ("~", "Bastion bastion-instance → Aurora cluster database-cluster",
         "tcp 5432 is no longer proven to be encrypted: rds.force_ssl = 0", Grade.BAD),
    ]  # fmt: skip


def test_cost_line_by_line_the_largest_change_first():
    _, changes = compared(example.faulty())
    assert [(line.mark, line.detail) for line in changes.costs] == [
        ("+", "0.00 → 59.57 USD a month (+59.57)"),
        ("~", "21.90 → 43.80 USD a month (+21.90)"),
        ("-", "3.07 → 0.00 USD a month (-3.07)"),
    ]


def test_policies_and_waivers():
    _, changes = compared(example.faulty())
    assert [(line.mark, line.subject, line.grade) for line in changes.policies] == [
        ("+", "bastion-instance", Grade.BAD),
        ("+", "database-cluster", Grade.LOOK),
        ("+", "waiver", Grade.LOOK),
    ]


def test_policies_that_judge_less_than_before():
    before = example.quiet() | {"rules": [example.rule(name) for name in ("off", "set", "gone", "same")]}
    after = [example.rule("off", "disabled"), example.rule("set", configured={"days": 1}), example.rule("same")]
    after.append(example.rule("new"))
    _, changes = compared(example.quiet() | {"rules": after}, before)
    assert changes.policies == (
        difference.Line("~", "off", "mandatory → disabled: About off.", Grade.BAD),
        difference.Line("~", "set", "configured: as by default → days = 1", Grade.LOOK),
        difference.Line("-", "gone", "is no policy any more: About gone.", Grade.BAD),
    )
    _, changes = compared(before, example.quiet() | {"rules": after})
    assert [line.grade for line in changes.policies] == [Grade.GOOD, Grade.LOOK, Grade.BAD]
    assert compared(before, example.quiet())[1].policies == ()


def test_a_base_without_facts_or_bill_says_so():
    report = report_of(example.quiet())
    older = report_of({"project": "shop", "stack": "dev", "resources": [], "factsProblem": "It is old."})
    changes = difference.compare(older, report, "old.json")
    assert (changes.problem, changes.cost, changes.exposure) == ("It is old.", None, ())


def test_an_older_plan_and_a_state_are_priced_and_proved(tmp_path):
    key = {"urn": example.KEY, "type": "aws:kms/key:Key", "custom": True, "inputs": {}, "outputs": {"arn": "arn:key"}}
    gone = key | {"delete": True}
    for data in ({"resources": [key]}, {"deployment": {"resources": [key, gone]}}):
        assert base.unproved(data)
        with started(tmp_path) as prover:
            prover.begin(data)
            report = base.report(data, prover, "us-east-1")
        assert str(report.cost.total) == "1.0"
        assert report.problem == "The policy pack has no `isolation` module that proves facts."
    assert not base.unproved(example.quiet())


def test_a_state_speaks_of_names_where_the_plan_does():
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "x"}
    key = {
        "urn": example.KEY,
        "type": "aws:kms/key:Key",
        "id": "1234",
        "inputs": {"policy": secret},
        "outputs": {"arn": "arn:key"},
    }
    given = base.to_prove(
        {"deployment": {"resources": [key]}}, {"made-up": "encryption-key.arn", "other": "database.arn"}
    )
    assert given["presumed"] == {"identifiers": {"arn:key": "encryption-key.arn"}}
    assert "ciphertext" not in json.dumps(given)


@pytest.mark.parametrize("data", [{"resources": [1]}, {"resources": {"a": 1}}, {"resources": [], "policies": 1}])
def test_a_base_that_nobody_wrote(data, tmp_path):
    with started(tmp_path) as prover, pytest.raises(VectordbError, match="not written as expected"):
        base.report(data, prover, "us-east-1")
