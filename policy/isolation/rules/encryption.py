"""Encrypted traffic and data as facts: whatever the plan does not prove is a violation."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.encryption.flows import encrypted
from isolation.encryption.proof import UNPROVEN, Proof
from isolation.encryption.stores import Store, stores
from isolation.reachability.declared import FILE, table
from isolation.reachability.differences import differences
from isolation.rule import Finding, Resource, StackRule
from isolation.rules.reachability import FLOWS
from isolation.stack import Stack


def _flows(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    found = differences(stack, table(str(stack.settings.get(FLOWS.name, FILE))))
    for judged in (*found.declared, *found.undeclared):
        proof = encrypted(stack, judged.target, judged.traffic, judged.rows)
        if proof.state == UNPROVEN:
            named = [stack.by_urn[urn] for urn in (*judged.target.urns, *judged.via) if urn in stack.by_urn]
            problem = (
                f"takes {judged.traffic} from {judged.source.label} that nothing proves to be encrypted: {proof.by}"
            )
            yield named[0] if named else Resource("", judged.target.label, "", {}), Finding("", problem)


FLOWS_ENCRYPTED = StackRule(
    id="flows-encrypted",
    title="Every flow is encrypted, by what the plan itself shows.",
    severity=Severity.HIGH,
    remedy="Let the target insist on TLS: rds.force_ssl, requireTls, an HTTPS listener, port 443 of an endpoint only.",
    why=(
        "A private network is not an encrypted one. For each flow that can pass, its target has to insist on TLS: a database "
        "by rds.force_ssl in the parameter group that is in use (Amazon RDS User Guide, Requiring an SSL connection), a proxy "
        "by requireTls, an endpoint by letting nothing but port 443 in, since some of AWS's services speak HTTP on port 80. "
        "For what is not in the plan, the row of the table of flows says what encrypts it. A client that could, but need "
        "not, encrypt proves nothing."
    ),
    settings=(FLOWS,),
    check=_flows,
)


def _stores(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    for store in stores(stack):
        own = store.name.removeprefix(store.resource.name).removeprefix(": ")
        what = f" ({own})" if own else ""
        for where, proof in _sides(store):
            if proof.state == UNPROVEN:
                problem = f"is a data store, {store.kind}{what}, not proven to be encrypted {where}: {proof.by}"
                yield store.resource, Finding("", problem)


def _sides(store: Store) -> tuple[tuple[str, Proof], ...]:
    """Both of them in one when the same is to be said of them: of a store that the pack cannot read, say."""
    if store.at_rest == store.in_transit:
        return (("at rest and in transit", store.at_rest),)
    return ("at rest", store.at_rest), ("in transit", store.in_transit)


STORES_ENCRYPTED = StackRule(
    id="stores-encrypted",
    title="Every data store is encrypted at rest and in transit, by what the plan itself shows.",
    severity=Severity.HIGH,
    remedy="Declare what proves it beside the store: a key, a flag, or a policy that refuses requests without TLS.",
    why=(
        "Rules for single properties pass what they do not know: a store of another type, a bucket whose policy was "
        "forgotten, an index whose bucket is elsewhere. This rule goes the other way round: each data store of the plan needs "
        "a proof, at rest by its key or by a service that encrypts everything, in transit by an API that takes HTTPS only or "
        "by a policy that refuses clear text (aws:SecureTransport; S3, SQS and SNS take HTTP too). A store of a type that the "
        "pack cannot read is not proven."
    ),
    check=_stores,
)
