"""`pulumi preview` says what `vectordb plan` says: the same resources with the same inputs, the same words from the policies."""

import json
from pathlib import Path

import pytest

from vectordb.plan import plan, policy_configuration, stack_configuration
from vectordb.plan.recording import SECRET_KEY

PLANTED = """
aws.ec2.SecurityGroup("planted", vpc_id=network.vpc_id, description="d", ingress=[
    {"protocol": "tcp", "from_port": 5432, "to_port": 5432, "cidr_blocks": ["0.0.0.0/0"]}])
aws.rds.Instance("planted", instance_class="db.t4g.micro", engine="postgres", publicly_accessible=True, storage_encrypted=False)
aws.ec2.InternetGateway("planted", vpc_id=network.vpc_id)
"""
"""What nobody may merge: a port open to the world, a database of plain text on public addresses, a door of the VPC."""


def pack_of(project, stack, folder="."):
    """The options that name the policies, as the documentation does, from the folder of a program."""
    up = Path() if folder == "." else Path("../..")
    configuration = policy_configuration.beside(project / "policy", stack)
    assert configuration is not None
    return "--policy-pack", str(up / "policy"), "--policy-pack-config", str(up / "policy" / configuration.name)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    from tests.engine.surroundings import copied

    return copied(tmp_path_factory.mktemp("previewed") / "project").folder


@pytest.fixture
def preview(project, tmp_path):
    """`pulumi preview` of a stack of the copy, or of one of its folders, with the pack as the documentation runs it."""
    from tests.engine.surroundings import previewing

    def run(stack="dev", folder=".", policies=None):
        directory = (project / folder).resolve()
        options = pack_of(project, stack, folder)
        if policies is not None:
            options = (*options[:3], str(policies))
        with previewing(directory, tmp_path / f"home-{stack}", stack) as pulumi:
            return pulumi("preview", *options)

    return run


def inputs(value):
    """A resource's inputs as both have them: without the provider's marks, and a file without its digest."""
    if isinstance(value, dict):
        left_out = {"__defaults", *(("hash",) if SECRET_KEY in value else ())}
        return {key: inputs(item) for key, item in value.items() if key not in left_out}
    return [inputs(item) for item in value] if isinstance(value, list) else value


STACKS = [
    ("dev", "."),
    ("prod", "."),
    ("dev", "examples/rds"),
    ("dev", "examples/both-engines"),
    ("dev", "examples/data-api"),
    ("dev", "examples/existing-vpc"),
    ("dev", "examples/python"),
]


@pytest.mark.parametrize(
    ("stack", "folder"), STACKS, ids=[f"{folder}-{stack}".lstrip(".-") for stack, folder in STACKS]
)
def test_the_engine_and_the_plan_agree_on_every_input(preview, project, stack, folder):
    ran = preview(stack, folder)
    assert ran.code == 0, ran.output
    assert ran.mandatory() == []
    steps = {e["metadata"]["urn"]: e["metadata"]["new"] for e in ran.told("resourcePreEvent")}
    found = {
        urn: inputs(step["inputs"])
        for urn, step in steps.items()
        if "pulumi:" not in step["type"] and step.get("custom")
    }
    recorded = plan.record(stack_configuration.read(project / folder, stack))
    expected = {resource.urn: inputs(resource.inputs) for resource in recorded.resources if resource.custom}
    assert found.keys() == expected.keys()
    assert {urn: found[urn] for urn in found if found[urn] != expected[urn]} == {}


def test_what_the_plan_refuses_the_preview_refuses_in_the_same_words(preview, project):
    program = project / "__main__.py"
    kept = program.read_text(encoding="utf-8")
    program.write_text(kept + PLANTED, encoding="utf-8")
    try:
        ran = preview()
        planned = plan.make(stack_configuration.read(project, "dev"))
    finally:
        program.write_text(kept, encoding="utf-8")
    rules = {policy.id for policy in planned.policies}
    assert ran.code != 0
    assert len(ran.mandatory()) >= 3
    assert ran.mandatory() == sorted(
        # The plan adds checks of its own, which no pack can make.
        (each.policy, each.urn, each.message.strip())
        for each in planned.mandatory
        if each.policy in rules
    )
    assert all(line in ran.output for _, _, message in ran.mandatory() for line in message.splitlines())


def test_the_engine_repairs_what_the_plan_says_it_would(preview, project, tmp_path):
    policies = tmp_path / "policies.json"
    policies.write_text(json.dumps({"vpc-resolves-privately": "remediate"}))
    program = project / "__main__.py"
    kept = program.read_text(encoding="utf-8")
    program.write_text(f'{kept}\naws.ec2.Vpc("planted", cidr_block="10.99.0.0/16", enable_dns_support=False)\n')
    try:
        ran = preview(policies=policies)
        planned = plan.make(stack_configuration.read(project, "dev"), policy_config=policies)
    finally:
        program.write_text(kept, encoding="utf-8")
    (urn,) = {each.urn for each in planned.remediations}
    step = next(e["metadata"] for e in ran.told("resourcePreEvent") if e["metadata"]["urn"] == urn)
    repaired = {each.path: each.value for each in planned.remediations}
    assert repaired == {"enableDnsHostnames": True, "enableDnsSupport": True}
    assert {path: step["new"]["inputs"][path] for path in repaired} == repaired
