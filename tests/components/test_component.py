"""Every resource that can carry tags has them, without its component asking; none that cannot is given any."""

import pulumi
import pulumi_aws as aws

from components.component import Component
from tests.components.database.harness import build


class Part(Component):
    def __init__(self, name, args, opts=None):
        super().__init__("Part", name, args, opts)
        aws.ec2.SecurityGroup(f"{name}-group", description="d", tags={"Name": "own", "Own": "1"}, opts=self._child)
        aws.ec2.Vpc(f"{name}-vpc", cidr_block="10.0.0.0/16", opts=self._child)
        aws.ec2.RouteTableAssociation(f"{name}-table", route_table_id="rtb", subnet_id="s", opts=self._child)
        if args.get("inner"):
            Part(f"{name}-inner", {}, opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({})


def tags(args, project="shop", stack="prod"):
    built = build(lambda: Part("part", args) and None, project=project, stack=stack)
    return built, {r.name: r.inputs.get("tags") for r in built.registrations if r.custom}


def test_the_programs_tags():
    _, found = tags({})
    assert found == {
        "part-group": {"Name": "own", "Own": "1", "Project": "shop", "Stack": "prod"},
        "part-vpc": {"Name": "part-vpc", "Project": "shop", "Stack": "prod"},
        "part-table": None,
    }


def test_tags_of_the_argument_win():
    _, found = tags({"tags": {"Team": "search", "Stack": "green", "Own": "2"}})
    assert found["part-group"] == {"Name": "own", "Own": "2", "Project": "shop", "Stack": "green", "Team": "search"}
    assert found["part-vpc"] == {"Name": "part-vpc", "Own": "2", "Project": "shop", "Stack": "green", "Team": "search"}


def test_a_component_inside_has_the_outer_ones_tags_too():
    _, found = tags({"tags": {"Team": "search"}, "inner": True})
    assert found["part-inner-vpc"] == {"Name": "part-inner-vpc", "Project": "shop", "Stack": "prod", "Team": "search"}


def test_children_belong_to_their_component():
    built, _ = tags({})
    part = next(r for r in built.registrations if r.name == "part")
    assert part.type == "vectordb:index:Part"
    assert {r.parent for r in built.registrations if r.custom} == {part.urn}


def test_a_tag_that_only_aws_knows_stays_an_output():
    group = {}

    def make():
        group["id"] = pulumi.Output.from_input("sg-1")
        Part("part", {"tags": {"Group": group["id"]}})

    built = build(make, known=True)
    assert built.only("Vpc").inputs["tags"]["Group"] == "sg-1"
