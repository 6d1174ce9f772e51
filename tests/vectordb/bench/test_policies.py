"""The benchmark of the policies measures a stack as large as it says, of resources that are what they were."""

from vectordb.bench.policies import enlarged
from vectordb.plan.recording import Recording, Registration

GROUP = Registration("urn:x::group", "aws:ec2/securityGroup:SecurityGroup", "group", True, "urn:x::part", {})
RULE = Registration(
    "urn:x::rule",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "rule",
    True,
    "",
    {"fromPort": 1},
    dependencies=("urn:x::group",),
    property_dependencies={"securityGroupId": ("urn:x::group",)},
)


def test_a_stack_is_registered_again_and_again_each_time_among_itself():
    many = enlarged(Recording("p", "dev", (GROUP, RULE), {}), 5).resources
    assert [each.urn for each in many] == [
        f"urn:x::{name}" for name in ("group-0", "rule-0", "group-1", "rule-1", "group-2")
    ]
    assert many[2].parent == "urn:x::part-1"
    assert many[3].property_dependencies == {"securityGroupId": ("urn:x::group-1",)}
    assert many[3].dependencies == ("urn:x::group-1",)
    assert many[3].inputs == {"fromPort": 1}
