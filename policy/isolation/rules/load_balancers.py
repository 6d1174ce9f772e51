"""Load balancers are internal and take encrypted connections."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from isolation.checks import is_true
from isolation.reading.properties import Property
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, aws

# The provider's earlier names for the same resources are still found in programs and states.
_BALANCERS: Final = (
    "lb/loadBalancer",
    "alb/loadBalancer",
    "elasticloadbalancingv2/loadBalancer",
    "applicationloadbalancing/loadBalancer",
)
_CLASSIC: Final = ("elb/loadBalancer", "elasticloadbalancing/loadBalancer")
_TARGETS: Final = ("lb/targetGroup", "alb/targetGroup")
_LISTENERS: Final = (
    "lb/listener",
    "alb/listener",
    "elasticloadbalancingv2/listener",
    "applicationloadbalancing/listener",
)


def _internal(resource: Resource) -> Iterator[Finding]:
    # A Gateway Load Balancer has no scheme: it is reached through its endpoints only.
    if resource.at("loadBalancerType").text != "gateway":
        yield from is_true(resource.at("internal"))


PUBLIC_LOAD_BALANCERS = ResourceRule(
    id="load-balancer-internal",
    title="Load balancers are internal.",
    severity=Severity.CRITICAL,
    remedy="Set internal to true.",
    why=(
        "A load balancer faces the internet unless it is told otherwise, with public addresses in each of its subnets (Elastic "
        "Load Balancing User Guide, Load balancer scheme). It passes what it gets to private targets, so that nothing behind "
        "it looks public."
    ),
    checks=dict.fromkeys((aws(path) for path in (*_BALANCERS, *_CLASSIC)), _internal),
)


def _redirects(listener: Property) -> bool:
    """Whether all that a listener does by default is to send callers to HTTPS."""
    actions = list(listener.at("defaultActions").elements())
    return bool(actions) and all(
        action.at("type").text == "redirect" and action.at("redirect", "protocol").text == "HTTPS" for action in actions
    )


def _listener(resource: Resource) -> Iterator[Finding]:
    protocol = resource.at("protocol")
    if protocol.unknown:
        return
    # A Gateway Load Balancer's listener has neither protocol nor port; an Application Load Balancer's is HTTP by default.
    if protocol.absent and resource.at("port").absent:
        return
    name = (protocol.text or "").upper()
    if name in ("HTTPS", "TLS"):
        yield from _tls(resource.at("sslPolicy"))
    elif name in ("", "HTTP") and not _redirects(resource.root):
        yield Finding(protocol.path, "is absent, and HTTP by default" if protocol.absent else "takes clear text")


def _targets(resource: Resource) -> Iterator[Finding]:
    protocol = resource.at("protocol")
    if (protocol.text or "").upper() == "HTTP":
        yield Finding(protocol.path, "sends clear text to the targets", "Use HTTPS to the targets too.")


# AWS's names say the oldest version that a policy takes: `…-TLS13-1-2-2021-06`, `…-FS-1-2-Res-2020-10`,
# `ELBSecurityPolicy-TLS-1-2-2017-01`; `…-TLS13-1-0-…` and the default, `…-2016-08`, take TLS 1.0.
_MODERN: Final = ("TLS13-1-2", "TLS13-1-3", "TLS-1-2", "FS-1-2")


def _tls(policy: Property) -> Iterator[Finding]:
    if policy.absent:
        yield Finding(policy.path, "is absent, so that a default policy decides which TLS versions pass")
    elif policy.given and not any(name in (policy.text or "") for name in _MODERN):
        yield Finding(policy.path, "takes TLS 1.1 or older, or is not one of AWS's policies")


def _classic(resource: Resource) -> Iterator[Finding]:
    for listener in resource.at("listeners").each():
        for key in ("lbProtocol", "instanceProtocol"):
            protocol = listener.at(key)
            if protocol.given and (protocol.text or "").casefold() not in ("https", "ssl"):
                yield Finding(protocol.path, "takes clear text")


ENCRYPTED_LISTENERS = ResourceRule(
    id="load-balancer-encrypted",
    title="Load balancers take HTTPS or TLS 1.2 and newer.",
    severity=Severity.HIGH,
    remedy="Use HTTPS or TLS with a policy such as ELBSecurityPolicy-TLS13-1-2-2021-06; HTTP may only redirect to HTTPS.",
    why=(
        "Between client and load balancer HTTP is readable by whoever is on the way, in a private network too. The default "
        "policy of a listener takes TLS 1.0 (Elastic Load Balancing, Security policies for your Application Load Balancer). "
        "A TCP listener passes PostgreSQL's own TLS through and is not judged here."
    ),
    frameworks=Frameworks(
        fsbp=("ELB.1", "ELB.3", "ELB.17", "ELB.18", "ELB.22"),
        cdk_nag=("AwsSolutions-ELB5",),
        checkov=("CKV_AWS_2", "CKV_AWS_103", "CKV_AWS_376", "CKV_AWS_378", "CKV2_AWS_20"),
    ),
    checks={
        **dict.fromkeys((aws(path) for path in _LISTENERS), _listener),
        **dict.fromkeys((aws(path) for path in _TARGETS), _targets),
        **dict.fromkeys((aws(path) for path in _CLASSIC), _classic),
    },
)
