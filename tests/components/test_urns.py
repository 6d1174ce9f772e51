"""What a deployed stack has in its state is found again: at the same URN, by an alias, or on the list of what retired."""

import pytest

from tests.components.recorded import ROOT
from tests.components.urns import FILE, RETIRED
from vectordb.plan import plan, stack_configuration

FIRST = FILE.with_name("urns-dev-0.1.txt")
"""Of version 0.1, before network and databases were complete."""


@pytest.fixture(scope="module")
def dev():
    return plan.record(stack_configuration.read(ROOT, "dev"))


def known(recording):
    """Every URN that a resource has, or had."""
    return {urn for resource in recording.resources for urn in (resource.urn, *resource.aliases)}


@pytest.mark.parametrize("file", [FILE, FIRST], ids=lambda file: file.stem)
def test_no_urn_is_lost(dev, file):
    released = file.read_text(encoding="utf-8").split()
    assert len(released) > 40
    assert [urn for urn in released if urn not in known(dev) and urn not in RETIRED] == []


def test_what_retired_is_gone(dev):
    assert known(dev) & RETIRED.keys() == set()
    assert RETIRED.keys() <= {*FILE.read_text(encoding="utf-8").split(), *FIRST.read_text(encoding="utf-8").split()}
    assert not [urn for urn in RETIRED if urn.split("::")[2].rpartition("$")[2] in HOLDING]


HOLDING = {
    "aws:kms/key:Key",
    "aws:rds/cluster:Cluster",
    "aws:rds/clusterInstance:ClusterInstance",
    "aws:rds/instance:Instance",
    "aws:s3/vectorsIndex:VectorsIndex",
    "aws:s3/vectorsVectorBucket:VectorsVectorBucket",
}


def test_the_endpoint_policy_of_the_database_is_the_networks_now(dev):
    (moved,) = [resource for resource in dev.resources if resource.aliases]
    kind = "aws:ec2/vpcEndpointPolicy:VpcEndpointPolicy"
    assert moved.urn == f"urn:pulumi:dev::vectordb::vectordb:index:Network${kind}::network-lambda"
    assert moved.aliases == (f"urn:pulumi:dev::vectordb::vectordb:index:AuroraDatabase${kind}::database-invoke",)
