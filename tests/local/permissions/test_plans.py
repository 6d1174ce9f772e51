"""The roles of every stack and example, and of shapes that none of them has: what they need, and nothing else."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from vectordb.local.permissions.judgement import judge
from vectordb.plan import stack_configuration

ROOT = Path(__file__).parents[3]
PROJECTS = [ROOT, *sorted(file.parent for file in ROOT.glob("examples/*/Pulumi.yaml"))]
STACKS = [
    (folder, stack)
    for folder in PROJECTS
    if "python" in (folder / "Pulumi.yaml").read_text(encoding="utf-8")
    for stack in stack_configuration.stacks(folder)
]
SHAPES = {
    "monitored, with a proxy": {"monitoringSeconds": 60, "minCapacity": 1, "proxy": True},
    "with Bedrock": {"bedrockModels": ["amazon.titan-embed-text-v2:0"]},
    "both engines": {"engine": "both"},
    "an instance": {"engine": "rds", "monitoringSeconds": 30, "multiAz": True},
    "scaled readers": {"instanceClass": "db.r8g.large", "readers": 1, "readerScaling": {"max": 3}},
}


@pytest.mark.parametrize(("folder", "stack"), STACKS, ids=[f"{folder.name}-{stack}" for folder, stack in STACKS])
def test_every_stack_and_example(folder, stack):
    judged = judge(stack_configuration.read(folder, stack))
    assert judged.roles
    assert judged.missing == judged.unneeded == ()


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_that_no_stack_has(shape):
    dev = stack_configuration.read(ROOT, "dev")
    database = {**json.loads(dev.values["vectordb:database"]), **SHAPES[shape]}
    if database.get("instanceClass") or database["engine"] == "rds":  # no Serverless v2 there
        database = {key: value for key, value in database.items() if key not in {"minCapacity", "maxCapacity"}}
    judged = judge(replace(dev, values={**dev.values, "vectordb:database": json.dumps(database)}))
    assert judged.missing == judged.unneeded == ()
    uses = {use for role in judged.roles for use in role.uses}
    expected = {
        "monitored, with a proxy": {"enhanced-monitoring", "rds-proxy"},
        "with Bedrock": {"database:Bedrock"},
        "an instance": {"enhanced-monitoring", "database:Lambda"},
    }
    assert expected.get(shape, {"database:Lambda"}) <= uses


INDEX = {"name": "docs", "dimension": 256}
BRIDGES = {
    "inside the VPC": ({"vpc": True}, INDEX, {"function-in-vpc", "function-traced"}),
    "with a model": ({}, INDEX | {"model": "amazon.titan-embed-text-v2:0"}, {"function-embeds", "function-traced"}),
    "untraced": ({"tracing": False}, INDEX, {"writes-encrypted-vectors"}),
}


@pytest.mark.parametrize("shape", BRIDGES)
def test_bridges_that_no_stack_has(shape):
    dev = stack_configuration.read(ROOT, "dev")
    bridge, index, expected = BRIDGES[shape]
    values = {**dev.values, "vectordb:bridge": json.dumps(bridge), "vectordb:indexes": json.dumps([index])}
    judged = judge(replace(dev, values=values))
    assert judged.missing == judged.unneeded == ()
    [role] = [role for role in judged.roles if "function:bridge" in role.uses]
    optional = {"function-in-vpc", "function-traced", "function-embeds"}
    assert role.uses & optional == expected & optional
    assert expected <= role.uses


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1"])
def test_other_partitions(region):
    dev = stack_configuration.read(ROOT, "dev")
    judged = judge(replace(dev, values={**dev.values, "aws:region": region}))
    assert judged.missing == judged.unneeded == ()
    text = str(judged.roles)
    assert f"arn:aws-{'cn' if region.startswith('cn') else 'us-gov'}:s3vectors:{region}:" in text
    assert "arn:aws:" not in text
