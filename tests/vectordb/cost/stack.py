"""Small stacks as the estimate takes them, and how to look into a bill."""

from decimal import Decimal

from vectordb.cost.estimate import estimate
from vectordb.cost.prices import current
from vectordb.cost.resource import Resource
from vectordb.cost.usage import Usage

USAGE = Usage()


def urn(kind, name):
    return f"urn:pulumi:dev::vectordb::{kind}::{name}"


def make(kind, name="one", part="part", references=None, **inputs):
    return Resource(urn(kind, name), kind, part, inputs, references or {})


def cluster(name="cluster", **inputs):
    scaling = {"minCapacity": inputs.pop("least", 0), "maxCapacity": inputs.pop("most", 16)}
    return make(
        "aws:rds/cluster:Cluster", name, engine="aurora-postgresql", serverlessv2ScalingConfiguration=scaling, **inputs
    )


def member(name="writer", of="cluster", **inputs):
    inputs = {"instanceClass": "db.serverless", "clusterIdentifier": None, **inputs}
    references = {"clusterIdentifier": (urn("aws:rds/cluster:Cluster", of),)}
    return make("aws:rds/clusterInstance:ClusterInstance", name, references=references, **inputs)


def rds(name="rds", **inputs):
    return make(
        "aws:rds/instance:Instance",
        name,
        **{"engine": "postgres", "instanceClass": "db.t4g.small", "allocatedStorage": 20, **inputs},
    )


def bill(*resources, usage=USAGE, region="us-east-1"):
    return estimate(resources, usage, current(), region)


def lines(made):
    """{item: (group, quantity, dollars)}, for bills whose items differ."""
    found = {line.item: (line.group.value, line.quantity, line.usd) for line in made.lines}
    assert len(found) == len(made.lines)
    return found


def used(made):
    """{item: dollars} of what is not a mere rate."""
    return {line.item: line.usd for line in made.lines if line.quantity is not None}


def d(text):
    return Decimal(text)
