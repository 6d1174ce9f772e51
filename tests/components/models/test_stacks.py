"""Every argument of dev, prod and the examples against AWS's and the provider's models; the policy pack on each."""

import pytest

from tests.components.models import checks, provider
from tests.components.models.shapes import Tally
from tests.components.models.stacks import EXAMPLES, STACKS, configuration, deployed, planned
from tests.components.models.table import TABLE
from vectordb.plan import plan


def test_the_examples():
    assert set(EXAMPLES) >= {"both-engines", "data-api", "existing-vpc", "rds"}


@pytest.mark.parametrize("name", STACKS)
def test_the_provider_knows_every_property(name):
    assert list(checks.names_and_types(deployed(name))) == []
    assert list(checks.names_and_types(planned(name))) == []


@pytest.mark.parametrize("name", STACKS)
def test_aws_takes_every_argument(name):
    tally = Tally()
    assert list(checks.arguments(deployed(name), tally)) == []
    # Nothing went unseen: all is known, and every resource has more than its tags.
    assert tally.unknown == 0
    assert tally.known > 10 * sum(r.type.startswith("aws:") for r in deployed(name).resources)


@pytest.mark.parametrize("name", STACKS)
def test_what_a_plan_knows_is_right_too(name):
    tally = Tally()
    assert list(checks.arguments(planned(name), tally)) == []
    assert tally.known > 4 * tally.unknown


@pytest.mark.parametrize("name", STACKS)
def test_policies_are_well_formed_within_their_limits_and_of_this_place(name):
    tally = Tally()
    assert list(checks.documents(deployed(name), configuration(name).region, tally)) == []
    assert tally.unknown == 0
    assert tally.known == sum(len({"policy", "assumeRolePolicy"} & r.inputs.keys()) for r in deployed(name).resources)


@pytest.mark.parametrize("name", STACKS)
def test_everything_that_can_carry_tags_does(name):
    tags = {"Environment": "production"} if name == "prod" else {}
    assert list(checks.tags(deployed(name), tags)) == []


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.usefixtures("one_pack")
def test_each_plans_without_a_violation(name):
    made = plan.make(configuration(name))
    assert made.violations == ()
    assert len(made.policies) > 100


def test_what_cannot_carry_tags():
    """So that a type that loses its tags in a new version of the provider is noticed."""
    assert {kind.rpartition(":")[2] for kind in TABLE if "tags" not in provider.input_types(kind)} == {
        "Alias",
        "ClusterRoleAssociation",
        "Dashboard",
        "ProxyDefaultTargetGroup",
        "ProxyTarget",
        "QueuePolicy",
        "RedriveAllowPolicy",
        "FunctionEventInvokeConfig",
        "RoleAssociation",
        "RolePolicy",
        "RouteTableAssociation",
        "Schedule",
        "TopicPolicy",
        "TopicSubscription",
        "VectorsVectorBucketPolicy",
        "VpcBlockPublicAccessOptions",
        "VpcEndpointPolicy",
    } | {"Policy"}
