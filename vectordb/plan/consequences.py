"""What changes cost, said before they happen: what is refused, what is lost, what stands still, and what to do instead."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vectordb.plan.changes import Change, Kind
from vectordb.plan.one_way import refused
from vectordb.plan.replacement import HOLDS_DATA, INTERRUPTS

_CLUSTER, _INSTANCE = "aws:rds/cluster:Cluster", "aws:rds/instance:Instance"
_DATABASES = (_CLUSTER, _INSTANCE)
_MEMBER = "aws:rds/clusterInstance:ClusterInstance"
_GROUPS = ("aws:rds/clusterParameterGroup:ClusterParameterGroup", "aws:rds/parameterGroup:ParameterGroup")
_INDEX = "aws:s3/vectorsIndex:VectorsIndex"
_GENERATION = (
    "Take a snapshot first, and give it as vectordb:database.restore.snapshot together with the new "
    "vectordb:database.generation: the new database begins with the data, and is there before the old one goes."
)
_REMEDIES: dict[str, str] = {
    _CLUSTER: _GENERATION,
    _INSTANCE: _GENERATION,
    _INDEX: (
        "Give the index another generation and keep the old one (vectordb:indexes[].generation and .keep): the new one is "
        "made beside it, and the old one goes when it is no longer kept."
    ),
    "aws:s3/vectorsVectorBucket:VectorsVectorBucket": (
        "The bucket's name comes from project, stack, account and region, and its key is the stack's: undo that change, or "
        "load the vectors anew from where they came."
    ),
    "aws:kms/key:Key": "Undo what removes the key. Once gone, nothing that it encrypted can be read.",
    "aws:cloudwatch/logGroup:LogGroup": "Export what has to be kept (`aws logs create-export-task`).",
}


@dataclass(frozen=True, order=True)
class Consequence:
    """One warning.

    Attributes:
        urn: of the resource.
        sentence: what happens.
        remedy: what to do instead, or first; empty when there is nothing to do but to choose the hour.
        refused: `pulumi up`, or AWS, does not get past it.
    """

    urn: str
    sentence: str
    remedy: str = ""
    refused: bool = False


def consequences(
    changes: Sequence[Change], plan: Mapping[str, Any], before: Mapping[str, Any] | None = None
) -> list[Consequence]:
    """What `changes` cost, sorted by URN.

    Args:
        changes: as `vectordb.plan.changes.compare` finds them.
        plan: the plan that they lead to.
        before: the plan or the state that they were compared with; without it, nothing is said of values that AWS lets
            change in one direction only.
    """
    one_way = {
        (urn, key): Consequence(urn, sentence, remedy, refused=True)
        for urn, key, sentence, remedy in refused(changes, before or {"resources": []}, plan)
    }
    found = [consequence for change in changes for consequence in _of(change, one_way.keys())]
    found += one_way.values()
    return sorted([*found, *_other_network(changes), *_without_ipv6(changes, plan), *_other_version(changes, plan)])


def _of(change: Change, refused_values: Container[tuple[str, str]]) -> Iterator[Consequence]:
    held, remedy = HOLDS_DATA.get(change.type), _REMEDIES.get(change.type, "")
    lost = change.kind in (Kind.REPLACED, Kind.REMOVED)
    why = f" ({', '.join(change.properties)} cannot change in place)" if change.properties else ""
    if change.type == _MEMBER and change.kind is Kind.REMOVED and change.protected:
        yield Consequence(
            change.urn,
            f"{change.name} is protected and would be removed: `pulumi up` refuses.",
            f"A reader holds no data of its own: `pulumi state unprotect '{change.urn}'`, then this change.",
            refused=True,
        )
    elif lost and change.protected:
        yield Consequence(
            change.urn,
            f"{change.name} is protected and would be {change.kind}{why}: `pulumi up` refuses.",
            f"{remedy} When it may go: vectordb:database.protect false, `pulumi up`, then this change.".strip(),
            refused=True,
        )
    elif lost and held:
        yield Consequence(change.urn, f"{change.name} is {change.kind}{why}; with it goes {held}.", remedy)
    elif change.kind is Kind.REPLACED and change.type == "aws:ec2/instance:Instance":
        yield Consequence(change.urn, f"{change.name} is replaced{why}; sessions through it end.")
    elif change.kind is Kind.CHANGED:
        for key in change.properties:
            if (change.type, key) in INTERRUPTS and (change.urn, key) not in refused_values:
                yield Consequence(
                    change.urn,
                    f"{change.name}: {key} changes in place. {INTERRUPTS[change.type, key]}",
                    "To wait for the maintenance window: vectordb:database.applyImmediately false."
                    if change.type.startswith("aws:rds/")
                    else "",
                )


def _other_network(changes: Sequence[Change]) -> Iterator[Consequence]:
    """RDS User Guide, working with DB subnet groups: a group in use keeps its VPC.

    Another VPC is one that is made anew, or comes or goes beside one that exists, or whose id the security groups change.
    """
    if not any(
        (c.type == "aws:ec2/vpc:Vpc" and c.kind in (Kind.ADDED, Kind.REMOVED, Kind.REPLACED))
        or (c.type == "aws:ec2/securityGroup:SecurityGroup" and c.kind is Kind.REPLACED and "vpcId" in c.properties)
        for c in changes
    ):
        return
    for change in changes:
        if change.type == "aws:rds/subnetGroup:SubnetGroup" and change.kind is Kind.CHANGED:
            yield Consequence(
                change.urn,
                f"{change.name} would move to another VPC; RDS refuses that while a database uses it.",
                "Make another stack with the network that you want, restore the database there (vectordb:database.restore), "
                "and destroy this one.",
                refused=True,
            )


def _without_ipv6(changes: Sequence[Change], plan: Mapping[str, Any]) -> Iterator[Consequence]:
    """A VPC keeps its IPv6 block while a subnet has one of it, and it is changed before its subnets are."""
    kept = {r["urn"] for r in plan.get("resources", []) if r["inputs"].get("assignGeneratedIpv6CidrBlock")}
    for change in changes:
        given_up = change.kind is Kind.CHANGED and "assignGeneratedIpv6CidrBlock" in change.properties
        if given_up and change.type == "aws:ec2/vpc:Vpc" and change.urn not in kept:
            yield Consequence(
                change.urn,
                f"{change.name} would give up its IPv6 block; AWS refuses that while its subnets have theirs.",
                "Leave vectordb:network.ipv6 true: without an egress-only gateway it opens nothing.",
                refused=True,
            )


def _other_version(changes: Sequence[Change], plan: Mapping[str, Any]) -> Iterator[Consequence]:
    """A parameter group of another major, though the database keeps the version that it has (`ignoreChanges`).

    A database that is made anew gets the version that the program names.
    """
    anew = {change.urn for change in changes if change.kind in (Kind.ADDED, Kind.REPLACED)}
    databases = {
        resource["parent"]: resource
        for resource in plan.get("resources", [])
        if resource["type"] in _DATABASES and resource["urn"] not in anew
        if "engineVersion" in (resource.get("ignoreChanges") or ())
    }
    parents = {resource["urn"]: resource["parent"] for resource in plan.get("resources", [])}
    for change in changes:
        if change.type in _GROUPS and change.kind is Kind.REPLACED and "family" in change.properties:
            database = databases.get(parents.get(change.urn, ""))
            if database is not None:
                yield Consequence(
                    database["urn"],
                    f"{database['name']} keeps the major version that it has, and is given a parameter group of another: "
                    "RDS refuses that.",
                    "To upgrade it in place, set vectordb:database.allowMajorUpgrade to true; to have the new version beside "
                    "it, another vectordb:database.generation.",
                    refused=True,
                )
