"""Two plans, or a state and a plan, compared: kinds, properties, aliases, unknown values, cascades, and the command."""

import json

import pytest

from vectordb.errors import VectordbError
from vectordb.plan.changes import Change, Kind, compare
from vectordb.plan.recording import SECRET_KEY, SECRET_SIGNATURE, UNKNOWN

VPC, SUBNET, GROUP = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:ec2/securityGroup:SecurityGroup"
CLUSTER, PROXY = "aws:rds/cluster:Cluster", "aws:rds/proxy:Proxy"


def urn(kind, name, chain=""):
    return f"urn:pulumi:dev::shop::{chain}{kind}::{name}"


def one(
    kind, name, /, *, chain="", parent="", sources=None, ignore=(), aliases=(), protect=False, custom=True, **inputs
):
    """A resource as a plan has it."""
    return {
        "urn": urn(kind, name, chain),
        "type": kind,
        "name": name,
        "custom": custom,
        "parent": parent,
        "protect": protect,
        "propertyDependencies": sources or {},
        "ignoreChanges": list(ignore),
        "aliases": list(aliases),
        "inputs": inputs,
    }


def plan(*resources):
    return {"project": "shop", "stack": "dev", "resources": list(resources)}


def state(*resources):
    """What `pulumi stack export` writes (apitype, DeploymentV3)."""
    return {"version": 3, "deployment": {"manifest": {}, "resources": list(resources)}}


def test_the_same():
    assert compare(plan(one(VPC, "v", cidrBlock="10.0.0.0/16")), plan(one(VPC, "v", cidrBlock="10.0.0.0/16"))) == []


def test_added_removed_changed_and_replaced():
    before = plan(
        one(VPC, "v", cidrBlock="10.0.0.0/16", enableDnsSupport=False), one(GROUP, "gone", protect=True),
        one(GROUP, "tagged", description="d", tags={"a": "b"}),
    )  # fmt: skip
    after = plan(
        one(VPC, "v", cidrBlock="10.1.0.0/16", enableDnsSupport=True), one(GROUP, "new"),
        one(GROUP, "tagged", description="d", tags={"a": "c"}),
    )  # fmt: skip
    assert compare(before, after) == [
        Change(urn(GROUP, "gone"), Kind.REMOVED, protected=True),
        Change(urn(GROUP, "new"), Kind.ADDED),
        Change(urn(GROUP, "tagged"), Kind.CHANGED, ("tags",)),
        # of a replaced one, what makes it so
        Change(urn(VPC, "v"), Kind.REPLACED, ("cidrBlock",)),
    ]


def test_a_block_within_a_resource_can_be_what_replaces_it():
    kind = "aws:ec2/instance:Instance"
    disk = {"encrypted": True, "volumeSize": 8}
    before = plan(one(kind, "i", rootBlockDevice=disk))
    assert compare(before, plan(one(kind, "i", rootBlockDevice=disk | {"volumeSize": 9}))) == [
        Change(urn(kind, "i"), Kind.CHANGED, ("rootBlockDevice",))
    ]
    assert compare(before, plan(one(kind, "i", rootBlockDevice=disk | {"encrypted": False}))) == [
        Change(urn(kind, "i"), Kind.REPLACED, ("rootBlockDevice",))
    ]


def test_a_component_is_no_change_by_itself():
    part = "shop:index:Part"
    before = plan(one(part, "p", custom=False, a=1))
    assert compare(before, plan(one(part, "p", custom=False, a=2))) == []
    assert compare(before, plan(one(VPC, "v"))) == [Change(urn(VPC, "v"), Kind.ADDED)]


def test_what_is_ignored_is_no_change():
    before = plan(one(CLUSTER, "c", engineVersion="17.5", engine="a", scaling={"min": 0, "max": 1}))
    after = one(CLUSTER, "c", engineVersion="18", engine="a", scaling={"min": 0, "max": 2}, ignore=["engineVersion"])
    assert compare(before, plan(after)) == [Change(urn(CLUSTER, "c"), Kind.CHANGED, ("scaling",))]
    after["ignoreChanges"] += ["scaling.max"]
    assert compare(before, plan(after)) == []


def test_an_alias_is_the_same_resource():
    was = urn(GROUP, "old")
    before = plan(one(GROUP, "old", description="d"))
    assert compare(before, plan(one(GROUP, "new", description="d", aliases=[was]))) == [
        Change(urn(GROUP, "new"), Kind.MOVED, was=was)
    ]
    assert compare(before, plan(one(GROUP, "new", description="e", aliases=[was]))) == [
        Change(urn(GROUP, "new"), Kind.REPLACED, ("description",), was=was)
    ]
    # An alias of something that is still there is nobody else's.
    both = plan(one(GROUP, "new", description="d", aliases=[was]), one(GROUP, "old", description="d"))
    assert compare(before, both) == [Change(urn(GROUP, "new"), Kind.ADDED)]


def test_children_move_with_their_component():
    part = "shop:index:Part"
    before = plan(
        one(part, "net", custom=False),
        one(GROUP, "net-group", chain=f"{part}$", parent=urn(part, "net")),
    )
    after = plan(
        one(part, "network", custom=False, aliases=[urn(part, "net")]),
        one(GROUP, "network-group", chain=f"{part}$", parent=urn(part, "network")),
    )
    assert compare(before, after) == [
        Change(urn(GROUP, "network-group", f"{part}$"), Kind.MOVED, was=urn(GROUP, "net-group", f"{part}$"))
    ]


def subnet(name, vpc, **inputs):
    return one(SUBNET, name, sources={"vpcId": [urn(VPC, vpc)]}, vpcId=UNKNOWN, **inputs)


def test_what_comes_from_a_replaced_resource_is_replaced_in_turn():
    def stack(cidr):
        group = one(GROUP, "g", sources={"vpcId": [urn(VPC, "v")]}, vpcId=UNKNOWN)
        proxy = one(PROXY, "p", sources={"vpcSecurityGroupIds": [urn(GROUP, "g")]}, vpcSecurityGroupIds=[UNKNOWN])
        return plan(one(VPC, "v", cidrBlock=cidr), subnet("s", "v", cidrBlock="10.0.0.0/24"), group, proxy)

    assert compare(stack("10.0.0.0/16"), stack("10.0.0.0/15")) == [
        Change(urn(GROUP, "g"), Kind.REPLACED, ("vpcId",)),
        Change(urn(SUBNET, "s"), Kind.REPLACED, ("vpcId",)),
        Change(urn(VPC, "v"), Kind.REPLACED, ("cidrBlock",)),
        Change(urn(PROXY, "p"), Kind.CHANGED, ("vpcSecurityGroupIds",)),
    ]


def test_a_list_changes_with_its_members_and_a_single_id_does_not():
    def stack(*subnets):
        urns = [urn(SUBNET, name) for name in subnets]
        return plan(
            *(one(SUBNET, name) for name in subnets),
            one(PROXY, "p", sources={"vpcSubnetIds": urns}, vpcSubnetIds=UNKNOWN),
            one("aws:ec2/vpcEndpointPolicy:VpcEndpointPolicy", "e", sources={"vpcEndpointId": urns}, vpcEndpointId=UNKNOWN),
        )  # fmt: skip

    for before, after, kind in ((("a", "b"), ("a", "b", "c"), Kind.ADDED), (("a", "b", "c"), ("a", "b"), Kind.REMOVED)):
        assert compare(stack(*before), stack(*after)) == [
            Change(urn(SUBNET, "c"), kind),
            Change(urn(PROXY, "p"), Kind.REPLACED, ("vpcSubnetIds",)),
        ]


def test_an_unknown_value_of_another_resource_is_another_value():
    before = plan(one(VPC, "v"), one(VPC, "w"), subnet("s", "v"))
    after = plan(one(VPC, "v"), one(VPC, "w"), subnet("s", "w"))
    assert compare(before, after) == [Change(urn(SUBNET, "s"), Kind.REPLACED, ("vpcId",))]


def test_a_known_value_that_becomes_unknown_is_a_change_between_plans():
    before = plan(one(VPC, "v"), one(SUBNET, "s", vpcId="vpc-1"))
    assert compare(before, plan(one(VPC, "v"), subnet("s", "v"))) == [
        Change(urn(SUBNET, "s"), Kind.REPLACED, ("vpcId",))
    ]


def test_a_state_knows_what_a_plan_cannot():
    """Ids, names and defaults that the provider filled in, secrets, digests of archives, what is still to delete."""
    secret = {SECRET_KEY: SECRET_SIGNATURE}
    archive = {SECRET_KEY: "0def7320c3a5731c473e5ecbe6d01bc7", "path": "build/a.zip"}
    before = state(
        {"urn": urn("pulumi:pulumi:Stack", "shop-dev"), "type": "pulumi:pulumi:Stack", "custom": False},
        {"urn": urn("pulumi:providers:aws", "default"), "type": "pulumi:providers:aws", "custom": True, "inputs": {"region": "x"}},
        {"urn": urn(GROUP, "old"), "type": GROUP, "custom": True, "delete": True, "inputs": {}},
        {"urn": urn(GROUP, "read"), "type": GROUP, "custom": True, "external": True, "inputs": {}},
        {**one(VPC, "v"), "id": "vpc-1", "outputs": {"id": "vpc-1"}},
        {
            **one(SUBNET, "s", sources={"vpcId": [urn(VPC, "v")]}),
            "inputs": {
                "__defaults": ["name", "mapPublicIpOnLaunch"],
                "name": "s-1234567",
                "mapPublicIpOnLaunch": False,
                "vpcId": "vpc-1",
                "block": {"__defaults": ["size"], "size": 8, "kind": "a"},
                "password": {**secret, "ciphertext": "v1:abc"},
                "code": {**archive, "hash": "abc"},
            },
        },
    )  # fmt: skip
    wanted = {"vpcId": UNKNOWN, "block": {"kind": "a"}, "password": {**secret, "value": "x"}, "code": archive}
    after = plan(one(VPC, "v"), one(SUBNET, "s", sources={"vpcId": [urn(VPC, "v")]}, **wanted))
    assert compare(before, after) == []
    after["resources"][1]["inputs"]["block"] = {"kind": "b"}
    assert compare(before, after) == [Change(urn(SUBNET, "s"), Kind.CHANGED, ("block",))]


def test_an_id_that_comes_another_way_is_the_same_in_a_state():
    """A group gave the VPC's id, is gone, and now the VPC gives it itself."""
    through = one(SUBNET, "s", sources={"vpcId": [urn(GROUP, "g")]}, vpcId="vpc-1")
    before = state({**one(VPC, "v"), "id": "vpc-1"}, {**one(GROUP, "g"), "id": "sg-1"}, through)
    after = plan(one(VPC, "v"), subnet("s", "v"))
    assert compare(before, after) == [Change(urn(GROUP, "g"), Kind.REMOVED)]
    before["deployment"]["resources"][0]["id"] = "vpc-2"
    assert Change(urn(SUBNET, "s"), Kind.REPLACED, ("vpcId",)) in compare(before, after)


@pytest.mark.parametrize("deployment", [None, {}, {"manifest": {}}, {"manifest": {}, "resources": None}])
def test_everything_is_new_to_a_stack_that_was_never_deployed(deployment):
    assert compare({"version": 3, "deployment": deployment}, plan(one(VPC, "v"))) == [Change(urn(VPC, "v"), Kind.ADDED)]


@pytest.mark.parametrize("before", [{}, {"resources": "all"}, {"version": 3}, {"deployment": {"resources": "all"}}])
def test_a_file_that_is_neither(before):
    with pytest.raises(VectordbError, match="neither a plan nor a stack's state"):
        compare(before, plan(one(VPC, "v")))


def test_a_plan_of_another_stack():
    before = json.loads(json.dumps(plan(one(VPC, "v"))).replace("pulumi:dev", "pulumi:prod"))
    with pytest.raises(VectordbError, match=r"The file is of shop / prod, and the plan is of shop / dev"):
        compare(before, plan(one(VPC, "v")))


def test_since_an_earlier_plan(vectordb, project):
    assert vectordb("plan", "--json", "before.json").returncode == 0
    done = vectordb("plan", "--since", "before.json")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "Since before.json: nothing changes."
    (project / "Pulumi.dev.yaml").write_text("config:\n  shop:cidr: 172.16.0.0/12\n")
    done = vectordb("plan", "--json", "--since", "before.json")
    assert json.loads(done.stdout)["stack"] == "dev"
    assert done.stderr.splitlines()[-2:] == [
        "Since before.json: 1 changed.",
        "  ~ part-rule SecurityGroupIngressRule cidrIpv4",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "Error: --diff before.json: there is no such file."),
        ("[]", "Error: --diff before.json: it is neither a plan nor a stack's state."),
        ("{", "Error: --diff before.json: it cannot be read as JSON: "),
        ("{}", "Error: This file is neither a plan nor a stack's state."),
    ],
)
def test_since_something_else(vectordb, project, content, message):
    if content is not None:
        (project / "before.json").write_text(content)
    done = vectordb("plan", "--since", "before.json")
    assert done.returncode == 2
    assert done.stderr.startswith(message)
