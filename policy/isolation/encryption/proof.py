"""What a proof of encryption is, and how the values of a plan give one."""

from collections.abc import Iterable
from dataclasses import dataclass

from isolation.reachability.names import Names
from isolation.reading.properties import Property
from isolation.rule import Resource
from isolation.stack import Stack

PROVEN, UNPROVEN, UNKNOWN = "proven", "unproven", "unknown"
"""Proven by the plan; not proven, whatever the deployment brings; or only to be seen in what the deployment brings."""
AWS_KEY = "AWS's own"
NO_KEY = "none"
_KEYS = ("kms/key", "kms/alias", "kms/replicaKey")


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether something is proven, and by what; if not, what would prove it."""

    state: str
    by: str
    key: str = ""
    """At rest: the name of the customer key in the plan, `AWS's own`, `none`, or a key of another stack."""


class Plan:
    """A stack as proofs read it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.names = Names(stack)

    def resource(self, urn: str) -> Resource | None:
        return self.stack.by_urn.get(urn)

    def about(self, path: str, key: str, owner: Resource, *types: str) -> list[Resource]:
        """The resources of type `path` whose property `key` names `owner`, for certain or perhaps."""
        return [each for each in self.stack.of(path) if owner.urn in self.names.one(each, key, *types).names]

    def key(self, resource: Resource, property_: Property, *, default: Proof) -> Proof:
        """The proof that a key gives: the plan's own, another stack's, AWS's.

        Args:
            resource: whose property it is.
            property_: that names the key.
            default: what holds without one.
        """
        if property_.absent:
            return default
        named = self.names.of(resource, property_, *_KEYS)
        own = [self.stack.by_urn[urn] for urn in sorted(named.names) if urn in self.stack.by_urn]
        if own:
            return Proof(PROVEN, f"{property_.path} is the customer key {own[0].name}", own[0].name)
        if property_.unknown:
            return Proof(UNKNOWN, f"{property_.path} is only known after the deployment")
        if "alias/aws/" in (property_.text or ""):
            return Proof(PROVEN, f"{property_.path} is a key of AWS's own", AWS_KEY)
        return Proof(PROVEN, f"{property_.path} is a key of another stack", "a key of another stack")

    def flagged(self, resource: Resource, flag: Property, key: Property) -> Proof:
        """The proof of a flag that encrypts, and of the key beside it; both are properties of `resource`."""
        if flag.unknown:
            return Proof(UNKNOWN, f"{flag.path} is only known after the deployment")
        if flag.truth is not True:
            return Proof(UNPROVEN, f"{flag.path} is not true; set it", NO_KEY)
        return self.key(resource, key, default=Proof(PROVEN, f"{flag.path} is true, and no key is named", AWS_KEY))


def best(proofs: Iterable[Proof], nothing: Proof) -> Proof:
    """The strongest of several proofs, one of which is enough."""
    order = {PROVEN: 0, UNKNOWN: 1, UNPROVEN: 2}
    return min(proofs, key=lambda proof: order[proof.state], default=nothing)


def plan(stack: Stack) -> Plan:
    """The stack as proofs read it, made once."""
    return stack.once(Plan)
