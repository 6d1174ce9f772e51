"""What holds for any stack: adding never makes it cheaper, nothing is negative, the lines are the total, unknowns do no harm."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vectordb.cost.stack import bill, cluster, make, member, rds
from vectordb.cost.estimate import PRICED
from vectordb.cost.free import FREE
from vectordb.cost.usage import Usage

CLUSTERS = ("one", "two")
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)
KEYS = [
    "allocatedStorage",
    "architectures",
    "associatePublicIpAddress",
    "clusterIdentifier",
    "databaseInsightsMode",
    "dimension",
    "enableHttpEndpoint",
    "enableKeyRotation",
    "engine",
    "ephemeralStorage",
    "fifoQueue",
    "instanceClass",
    "instanceType",
    "iops",
    "logDestinationType",
    "manageMasterUserPassword",
    "memorySize",
    "metricQueries",
    "monitoringInterval",
    "multiAz",
    "period",
    "performanceInsightsRetentionPeriod",
    "policyType",
    "retentionInDays",
    "rootBlockDevice",
    "serverlessv2ScalingConfiguration",
    "storageType",
    "subnetIds",
    "tier",
    "vpcEndpointType",
]
names = st.text("abcdef", min_size=1, max_size=6)
capacity = st.sampled_from([0, 0.5, 1, 8])
usages = st.builds(
    Usage,
    active_hours=st.floats(0, 730),
    average_capacity=st.floats(0, 256),
    storage_gb=st.floats(0, 1e5),
    vectors=st.integers(0, 10**8),
    queries=st.integers(0, 10**8),
    logs_gb=st.floats(0, 1e4),
)
resources = st.one_of(
    st.builds(
        lambda name, least, kind: cluster(name, least=least, storageType=kind),
        st.sampled_from(CLUSTERS),
        capacity,
        st.sampled_from(["aurora", "aurora-iopt1"]),
    ),
    st.builds(
        lambda name, of, kind, seconds: member(name, of, instanceClass=kind, monitoringInterval=seconds),
        names,
        st.sampled_from(CLUSTERS),
        st.sampled_from(["db.serverless", "db.r8g.large", "db.nothing.large"]),
        st.sampled_from([0, 1, 60]),
    ),
    st.builds(
        lambda name, kind, zones, size: rds(name, instanceClass=kind, multiAz=zones, allocatedStorage=size),
        names,
        st.sampled_from(["db.t4g.small", "db.r8g.4xlarge"]),
        st.booleans(),
        st.integers(20, 1000),
    ),
    st.builds(
        lambda name, count: make(
            "aws:ec2/vpcEndpoint:VpcEndpoint", name, vpcEndpointType="Interface", subnetIds=[None] * count
        ),
        names,
        st.integers(0, 3),
    ),
    st.builds(make, st.sampled_from([*PRICED, *sorted(FREE), "aws:new/thing:Thing"]), names),
    st.builds(
        lambda name, days: make("aws:cloudwatch/logGroup:LogGroup", name, retentionInDays=days),
        names,
        st.sampled_from([0, 1, 30, 365]),
    ),
    st.builds(
        lambda name, size: make("aws:s3/vectorsIndex:VectorsIndex", name, dimension=size), names, st.integers(1, 4096)
    ),
)
stacks = st.lists(resources, max_size=12, unique_by=lambda resource: resource.urn)


@settings(max_examples=200)
@given(stacks, usages)
def test_the_lines_are_the_total_and_none_is_negative(stack, usage):
    made = bill(*stack, usage=usage)
    assert all(line.usd >= 0 and (line.quantity is None or line.quantity >= 0) for line in made.lines)
    assert sum(line.usd for line in made.lines) == made.total == made.sum("fixed") + made.sum("use")
    assert made.auto_pause is None or made.auto_pause.saved >= 0
    assert {urn for line in made.lines for urn in line.urns} <= {resource.urn for resource in stack}


@settings(max_examples=200)
@given(stacks, resources, usages)
def test_adding_a_resource_never_lowers_the_total(stack, added, usage):
    stack = [resource for resource in stack if resource.urn != added.urn]
    assert bill(*stack, usage=usage).total <= bill(*stack, added, usage=usage).total


@settings(max_examples=200)
@given(st.lists(resources, max_size=6, unique_by=lambda resource: resource.urn), usages)
def test_every_resource_is_priced_free_or_named(stack, usage):
    made = bill(*stack, usage=usage)
    free = sum(made.free.values())
    named = {urn for line in made.lines for urn in line.urns} | {one.urn for one in made.unpriced}
    silent = [resource for resource in stack if resource.type in PRICED and resource.urn not in named]
    # A further log group shares the first one's line, a dashboard may be free, a class of rules and parameters is, and so
    # is a scaling target whose readers are all in the plan.
    assert {r.type for r in silent} <= {
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:ec2/flowLog:FlowLog",
        "aws:cloudwatch/dashboard:Dashboard",
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "aws:ssm/parameter:Parameter",
        "aws:appautoscaling/policy:Policy",
        "aws:appautoscaling/target:Target",
    }
    assert free == sum(resource.type not in PRICED and resource.type in FREE for resource in stack)


@settings(max_examples=300)
@given(st.sampled_from(sorted(PRICED)), st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=8), usages)
def test_no_input_makes_it_fail(kind, inputs, usage):
    made = bill(cluster(), make(kind, **inputs), usage=usage)
    assert made.total >= 0


def test_growing_use_never_lowers_the_total():
    stack = [
        cluster(),
        member(),
        make("aws:s3/vectorsIndex:VectorsIndex", dimension=256),
        make("aws:lambda/function:Function"),
    ]
    totals = [
        bill(*stack, usage=Usage(vectors=n, queries=n, average_capacity=n / 10**6)).total
        for n in (0, 10**4, 10**6, 10**8)
    ]
    assert totals == sorted(totals)
