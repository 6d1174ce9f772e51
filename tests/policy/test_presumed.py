"""A policy with one identifier that only AWS can make is judged in a plan all the same."""

import json

import pytest

from isolation.facts.whole import facts
from isolation.loading import load
from tests.policy.support import UNKNOWN, resource_rule
from vectordb.plan import plan, stack_configuration
from vectordb.plan.presumed import presume

PROGRAM = """
import json
import pulumi_aws as aws

queue = aws.sqs.Queue("jobs")


def open_to_all(arn):
    return json.dumps({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": arn}})


def known_account(arn):
    account = {"AWS": "arn:aws:iam::123456789012:role/reader"}
    return json.dumps({"Statement": {"Effect": "Allow", "Principal": account, "Action": "dynamodb:GetItem", "Resource": arn}})


aws.sqs.QueuePolicy("open", queue_url=queue.id, policy=queue.arn.apply(open_to_all))
table = aws.dynamodb.Table("t", attributes=[{"name": "k", "type": "S"}], hash_key="k", billing_mode="PAY_PER_REQUEST")
aws.dynamodb.ResourcePolicy("known", resource_arn=table.arn, policy=table.arn.apply(known_account))
"""


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text("config:\n  aws:region: us-east-1\n")
    configuration = stack_configuration.read(folder, "dev")
    recording = plan.record(configuration)
    presumed = presume(configuration, recording)
    resources = [
        {
            "urn": each.urn,
            "type": each.type,
            "inputs": each.inputs,
            "propertyDependencies": {key: list(urns) for key, urns in each.property_dependencies.items()},
        }
        for each in recording.resources
    ]
    return {"resources": resources, "presumed": presumed.as_json()}


def test_the_preview_alone_knows_nothing_of_it(planned):
    [policy] = [each for each in planned["resources"] if each["urn"].endswith("::open")]
    assert policy["inputs"]["policy"] == UNKNOWN


def test_the_rules_judge_it(planned):
    resources = load(json.dumps(planned)).stack.resources
    [finding] = [finding for each in resources for finding in resource_rule("policy-not-public").findings(each)]
    assert finding.path.startswith("policy.Statement")


def test_the_facts_name_it(planned):
    told = facts(load(json.dumps(planned)))
    known, row = told["access"]
    assert (known["principal"], known["resources"], known["flags"]) == (
        "arn:aws:iam::123456789012:role/reader",
        ["${t.arn}"],
        [],
    )
    assert (row["principal"], row["resources"], row["flags"]) == (
        "everyone",
        ["${jobs.arn}"],
        ["wildcard-action", "public"],
    )
    [unknown] = [each for each in told["to_check"] if each["property"] == "policy" and each["name"] == "open"]
    assert (unknown["presumed"], unknown["refers_to"]) == (True, ["jobs"])
    assert "policy-not-public" in unknown["rules"]
