"""What proves that a flow is encrypted: what its target insists on, or what is spoken on its ports and nothing else."""

from collections.abc import Sequence

from isolation.encryption import databases
from isolation.encryption.proof import PROVEN, UNKNOWN, UNPROVEN, Plan, Proof, plan
from isolation.reachability.declared import Row
from isolation.reachability.nodes import Node
from isolation.reachability.traffic import NONE, Traffic, of
from isolation.stack import Stack

HTTPS = of({"tcp": ((443, 443),)})
_POSTGRESQL = 5432
_TLS_PROTOCOLS = ("HTTPS", "TLS")


def encrypted(stack: Stack, target: Node, traffic: Traffic, rows: Sequence[Row]) -> Proof:
    """The proof for a flow.

    Args:
        stack: the plan.
        target: who takes the connections, and decides what is spoken.
        traffic: what passes.
        rows: of the table, that declare it: they may say what encrypts a flow to what is not in the plan.
    """
    known = plan(stack)
    if target.kind in ("endpoint", "gateway-endpoint") and target.urns:
        return _endpoint(target, traffic)
    if target.kind in ("database", "proxy"):
        return _database(known, target, traffic)
    if target.kind == "load-balancer":
        return _balancer(known, target, traffic)
    if target.urns or not rows:
        return Proof(UNPROVEN, f"the plan does not say what {target.label} speaks")
    said = [row.encrypted for row in rows if row.encrypted]
    if len(said) == len(rows):
        return Proof(PROVEN, f"as declared: {' '.join(dict.fromkeys(said))}")
    return Proof(UNPROVEN, "its row in the table of flows does not say what encrypts it; add `encrypted`")


def _endpoint(target: Node, traffic: Traffic) -> Proof:
    # S3 and SQS also speak HTTP, on port 80 (AWS General Reference, "Service endpoints and quotas").
    if traffic - HTTPS:
        return Proof(UNPROVEN, f"{target.label} is open for more than port 443; narrow the rules to it")
    return Proof(PROVEN, "only port 443 is open, on which AWS's endpoints speak HTTPS")


def _database(known: Plan, target: Node, traffic: Traffic) -> Proof:
    resource = known.stack.by_urn[target.urns[0]]
    if target.type not in ("rds/cluster", "rds/instance", "rds/proxy"):
        return Proof(UNPROVEN, f"the plan does not say what {target.label} speaks")
    port = resource.at("port")
    number = port.number or _POSTGRESQL
    if port.unknown:
        return Proof(UNKNOWN, "port is only known after the deployment")
    if traffic - of({"tcp": ((number, number),)}):
        return Proof(UNPROVEN, f"{target.label} is open for more than port {number}; narrow the rules to it")
    return databases.proxy(resource) if target.type == "rds/proxy" else databases.database(known, resource, target.type)


def _balancer(known: Plan, target: Node, traffic: Traffic) -> Proof:
    secure, unclear = NONE, False
    balancer = known.stack.by_urn[target.urns[0]]
    for path in ("lb/listener", "alb/listener"):
        for listener in known.about(path, "loadBalancerArn", balancer, target.type):
            port, protocol = listener.at("port"), listener.at("protocol")
            unclear = unclear or port.unknown or protocol.unknown
            if protocol.text in _TLS_PROTOCOLS and port.number is not None:
                secure |= of({"tcp": ((port.number, port.number),)})
    if not traffic - secure:
        return Proof(PROVEN, f"the listeners of {balancer.name} on these ports speak TLS")
    if unclear:
        return Proof(UNKNOWN, f"listeners of {balancer.name} are only known after the deployment")
    return Proof(UNPROVEN, f"{target.label} is open for ports without a listener that speaks HTTPS or TLS")
