"""Which resource a property names: by its id where that is known, by Pulumi's dependencies where it is not."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from isolation.reading.properties import Property
from isolation.rule import Resource, aws
from isolation.stack import Stack

# What the value of a reference may be equal to, once it is known. The defaults of a VPC have no resource of their own
# unless the stack adopts them: their ids lead to the VPC. Two types never share an id, and the caller says which it wants.
_IDENTITIES = (
    "id",
    "arn",
    "name",
    "clusterIdentifier",
    "identifier",
    "defaultNetworkAclId",
    "defaultRouteTableId",
    "mainRouteTableId",
    "defaultSecurityGroupId",
    "prefixListId",
    "bucket",
    "vectorBucketName",
    "vectorBucketArn",
    "keyId",
    "url",
)


@dataclass(frozen=True, slots=True)
class Reference:
    """The resources that a property names: URNs, or ids as they stand for what is not in the plan."""

    names: frozenset[str] = frozenset()
    certain: bool = True
    """Whether each of `names` is meant. Otherwise some of them are; without any, something that nobody knows yet."""

    def __bool__(self) -> bool:
        return bool(self.names) or not self.certain

    def __or__(self, other: "Reference") -> "Reference":
        return Reference(self.names | other.names, self.certain and other.certain)


NOBODY = Reference()
SOMEBODY = Reference(certain=False)


class Names:
    """The resources of a stack by everything that a property may call them."""

    def __init__(self, stack: Stack) -> None:
        self._by_urn = stack.by_urn
        self._named: dict[str, list[Resource]] = {}
        for resource in stack.resources:
            root = resource.root
            texts = {root.at(key).text for key in _IDENTITIES} - {None}
            for text in texts:
                self._named.setdefault(str(text), []).append(resource)

    def one(self, resource: Resource, key: str, *paths: str) -> Reference:
        """What the property at `key`, such as `vpcConfig.subnetIds`, names: one thing or a list of them.

        Args:
            resource: whose property.
            key: its path below the root.
            paths: the types that it may name, as `ec2/subnet`.
        """
        return self.of(resource, resource.at(*key.split(".")), *paths)

    def of(self, resource: Resource, property_: Property, *paths: str) -> Reference:
        """What a property of `resource`, somewhere below its root, names."""
        candidates = self._candidates(resource, property_.path, frozenset(map(aws, paths)))
        if property_.unknown:
            return Reference(frozenset(candidates), len(candidates) == 1)
        named: set[str] = set()
        unknown = 0
        for element in property_.elements():
            if element.text is not None:
                named |= self._called(element.text, paths)
            elif element.unknown:
                unknown += 1
        rest = [urn for urn in candidates if urn not in named]
        # As many unknown elements as resources that they can come from: each stands for one.
        return Reference(
            frozenset([*named, *rest]) if unknown else frozenset(named), not unknown or unknown == len(rest)
        )

    def _candidates(self, resource: Resource, path: str, types: frozenset[str]) -> list[str]:
        key = path.partition(".")[0].partition("[")[0]
        urns = dict.fromkeys(resource.references.get(key, ()))
        return [urn for urn in urns if urn in self._by_urn and self._by_urn[urn].type in types]

    def _called(self, text: str, paths: Iterable[str]) -> set[str]:
        types = {aws(path) for path in paths}
        found = {each.urn for each in self._named.get(text, ()) if each.type in types}
        return found or {text}


DEFAULT_GROUP_OF = "default security group of "
"""How a default group is named, before its VPC: it has no resource of its own unless the stack adopts it."""
_IDENTIFIER = re.compile(
    r"[a-z]{1,12}-[0-9a-f]{3,17}|arn:[a-z0-9-]+(:[A-Za-z0-9-]*){3}:[A-Za-z0-9/_.-]{1,200}", re.ASCII
)


def shown(stack: Stack, name: str) -> str:
    """A name of a `Reference` as messages repeat it: of a resource, or an id. Any other text may be a secret."""
    if name.startswith(DEFAULT_GROUP_OF):
        return DEFAULT_GROUP_OF + shown(stack, name.removeprefix(DEFAULT_GROUP_OF))
    resource = stack.by_urn.get(name)
    if resource is not None:
        return resource.name
    return name if _IDENTIFIER.fullmatch(name) else "an id that is not of this stack"


def type_path(resource: Resource) -> str:
    """`ec2/securityGroup` of `aws:ec2/securityGroup:SecurityGroup`; empty for what is not AWS's."""
    package, _, rest = resource.type.partition(":")
    return rest.partition(":")[0] if package == "aws" else ""


def by_type(stack: Stack) -> dict[str, list[Resource]]:
    """The resources of a stack under their types, written as `ec2/securityGroup`."""
    found: dict[str, list[Resource]] = {}
    for resource in stack.resources:
        found.setdefault(type_path(resource), []).append(resource)
    return found
