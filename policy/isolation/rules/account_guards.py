"""Guards of the whole account and region are not switched off by a stack."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from isolation.checks import every, is_not_false
from isolation.rule import Check, Finding, Frameworks, Resource, ResourceRule, aws

_PUBLIC: Final = "block-bidirectional or block-ingress"


def _one_of(key: str, allowed: frozenset[str], instead: str) -> Check:
    """A check that a required property has one of the values that keep the guard up."""

    def check(resource: Resource) -> Iterator[Finding]:
        state = resource.at(key)
        if not state.unknown and state.text not in allowed:
            yield Finding(state.path, f"is {'absent, and has to be' if state.absent else 'not'} {instead}")

    return check


def _console(resource: Resource) -> Iterator[Finding]:
    # The provider's default is true.
    enabled = resource.at("enabled")
    if not enabled.unknown and enabled.truth is not False:
        yield Finding(enabled.path, "is absent, and true by default" if enabled.absent else f"is {enabled.described}")


def _metadata(resource: Resource) -> Iterator[Finding]:
    tokens = resource.at("httpTokens")
    # Absent or `no-preference` changes nothing of the account's; each instance is judged by itself.
    if tokens.text == "optional":
        yield Finding(tokens.path, "lets instances start with the first version of the metadata service")


def _map_reduce(resource: Resource) -> Iterator[Finding]:
    blocked = resource.at("blockPublicSecurityGroupRules")
    if not blocked.unknown and blocked.truth is not True:
        yield Finding(blocked.path, f"is {blocked.described}, not true")


ACCOUNT_GUARDS = ResourceRule(
    id="account-guards-stay",
    title="No stack switches off a guard of the whole account.",
    severity=Severity.CRITICAL,
    remedy="Set the guard, or leave it to whoever owns the account.",
    why=(
        "These are settings of the account in its region: a stack that sets one to off opens every network, image and "
        "snapshot beside its own (Amazon VPC User Guide, Block public access to VPCs and subnets; Amazon EC2 User Guide, "
        "Block public access to your AMIs, and to snapshots; EC2 Serial Console). Deleting the resource has the same effect "
        "as switching it off, so it should outlive the stack."
    ),
    frameworks=Frameworks(fsbp=("EC2.172", "EC2.182", "EMR.2")),
    checks={
        aws("ec2/vpcBlockPublicAccessOptions"): _one_of(
            "internetGatewayBlockMode", frozenset({"block-bidirectional", "block-ingress"}), _PUBLIC
        ),
        aws("ec2/imageBlockPublicAccess"): _one_of("state", frozenset({"block-new-sharing"}), "block-new-sharing"),
        aws("ebs/snapshotBlockPublicAccess"): _one_of(
            "state", frozenset({"block-all-sharing", "block-new-sharing"}), "block-all-sharing or block-new-sharing"
        ),
        aws("ec2/serialConsoleAccess"): _console,
        aws("guardduty/detector"): every(is_not_false, "enable"),
        aws("emr/blockPublicAccessConfiguration"): _map_reduce,
        aws("ec2/instanceMetadataDefaults"): _metadata,
    },
)
