"""Small plans made by hand, as a state with known ids or as a preview in which no id is known."""

from collections.abc import Mapping
from typing import Any

from isolation.reachability.flows import flows
from isolation.rule import Resource, aws
from isolation.stack import Stack
from tests.policy.support import UNKNOWN

VPC, ZONE = "10.0.0.0/16", "eu-west-1a"
WITHIN = "web -> db tcp 5432"
ANYTHING = (1, "allow", "0.0.0.0/0", 0, 65535)


def make(path: str, name: str, component: Any = "", **properties: Any) -> Resource:
    """A resource whose id is its type's last word and its name: `subnet-a`."""
    token = aws(path)
    identifier = f"{path.rpartition('/')[2]}-{name}"
    return Resource(token, name, f"urn:{identifier}", {"id": identifier} | properties, parent=component)


def component(name: str, kind: str) -> Resource:
    return Resource(f"vectordb:index:{kind}", name, f"urn:{name}", {})


def vpc(name: str = "net", cidr: str = VPC, **more: Any) -> Resource:
    return make("ec2/vpc", name, cidrBlock=cidr, **more)


def subnet(name: str, cidr: str, net: str = "net", **more: Any) -> Resource:
    return make("ec2/subnet", name, vpcId=f"vpc-{net}", cidrBlock=cidr, availabilityZone=ZONE, **more)


def group(name: str, net: str = "net", **more: Any) -> Resource:
    return make("ec2/securityGroup", name, vpcId=f"vpc-{net}", **more)


def host(name: str, place: str, *groups: str, **more: Any) -> Resource:
    held = {"vpcSecurityGroupIds": [f"securityGroup-{each}" for each in groups]} if groups else {}
    return make("ec2/instance", name, subnetId=f"subnet-{place}", **(held | more))


def let_in(target: str, port: int | None = 5432, **source: Any) -> Resource:
    return _rule("vpc/securityGroupIngressRule", target, port, source)


def let_out(source: str, port: int | None = 5432, **target: Any) -> Resource:
    return _rule("vpc/securityGroupEgressRule", source, port, target)


def _rule(path: str, owner: str, port: int | None, other: Mapping[str, Any]) -> Resource:
    ports = {} if port is None else {"fromPort": port, "toPort": port}
    said = {"ipProtocol": "-1" if port is None else "tcp", **ports, **other}
    if "group" in said:
        said["referencedSecurityGroupId"] = f"securityGroup-{said.pop('group')}"
    far = "".join(str(value) for value in other.values())
    return make(path, f"{owner}-{port}-{far}", securityGroupId=f"securityGroup-{owner}", **said)


def pair(source: str, target: str, port: int | None = 5432) -> list[Resource]:
    """Rules on both sides."""
    return [let_out(source, port, group=target), let_in(target, port, group=source)]


def two_hosts(*more: Resource) -> list[Resource]:
    """`web` in subnet a and `db` in subnet b, each with a group of its name; nothing lets them talk."""
    return [
        vpc(),
        subnet("a", "10.0.1.0/24"),
        subnet("b", "10.0.2.0/24"),
        group("web"),
        group("db"),
        host("web", "a", "web"),
        host("db", "b", "db"),
        *more,
    ]


def acl(name: str, *subnets: str, ingress: list[Any], egress: list[Any], net: str = "net") -> Resource:
    """An ACL; each entry is (number, action, block, first port, last port), of TCP."""

    def entries(listed: list[Any]) -> list[dict[str, Any]]:
        return [
            {
                "ruleNo": number,
                "action": action,
                "protocol": "tcp",
                "ipv6CidrBlock" if ":" in cidr else "cidrBlock": cidr,
                "fromPort": first,
                "toPort": last,
            }
            for number, action, cidr, first, last in listed
        ]

    return make(
        "ec2/networkAcl",
        name,
        vpcId=f"vpc-{net}",
        subnetIds=[f"subnet-{each}" for each in subnets],
        ingress=entries(ingress),
        egress=entries(egress),
    )


def previewed(resources: list[Resource]) -> list[Resource]:
    """The same plan before it is made: ids are unknown, and Pulumi tells what each property depends on."""
    known = {str(resource.properties.get("id")): resource.urn for resource in resources}

    def hidden(value: Any, found: list[str]) -> Any:
        if isinstance(value, str) and value in known:
            found.append(known[value])
            return UNKNOWN
        if isinstance(value, dict):
            return {key: hidden(item, found) for key, item in value.items()}
        return [hidden(item, found) for item in value] if isinstance(value, list) else value

    made = []
    for resource in resources:
        references: dict[str, tuple[str, ...]] = {}
        properties: dict[str, Any] = {}
        for key, value in resource.properties.items():
            found: list[str] = []
            if key != "id":
                properties[key] = hidden(value, found)
            references |= {key: tuple(found)} if found else {}
        made.append(Resource(resource.type, resource.name, resource.urn, properties, resource.parent, references))
    return made


def both(resources: list[Resource]) -> list[Stack]:
    """The plan with known ids, and its preview."""
    return [Stack(resources), Stack(previewed(resources))]


def passing(stack: Stack) -> set[str]:
    """`web -> db tcp 5432` for each flow, those of several rules together."""
    merged: dict[tuple[str, str], Any] = {}
    for flow in flows(stack):
        key = (flow.source.id, flow.target.id)
        merged[key] = merged[key] | flow.traffic if key in merged else flow.traffic
    return {f"{source} -> {target} {traffic}" for (source, target), traffic in merged.items()}


def holds(resources: list[Resource], *expected: str) -> None:
    """The plan has these flows and no others, whether its ids are known or not."""
    for stack in both(resources):
        assert passing(stack) == set(expected)
