"""VPC endpoints: what they let through, to whom, and under which name."""

import re
from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from isolation.checks import is_true
from isolation.declared import strings
from isolation.matching import matched
from isolation.reading.actions import is_unscoped, is_whole_service
from isolation.reading.conditions import element, narrows
from isolation.reading.documents import NoDocumentError, allows, principals, statements, texts
from isolation.reading.properties import Property
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, Setting, StackRule, aws
from isolation.stack import Stack

_ENDPOINT: Final = "ec2/vpcEndpoint"
_POLICY: Final = "ec2/vpcEndpointPolicy"
_ARN_PARTS: Final = 6
# Services through whose endpoints data leaves for another account as easily as for one's own.
_DATA: Final = frozenset(
    {
        "*",
        "dynamodb",
        "events",
        "firehose",
        "kinesis",
        "lambda",
        "s3",
        "s3vectors",
        "secretsmanager",
        "sns",
        "sqs",
        "states",
    }
)
_BUCKETS: Final = "publicBuckets"
_OBJECTS: Final = re.compile(r"arn:aws[a-z-]*:s3:::([a-z0-9.-]+)/.*")


def _is_public_read(statement: Property, buckets: list[str]) -> bool:
    """Whether a statement lets nothing pass but reading objects of buckets that anybody may read.

    The package manager of Amazon Linux reads its repositories without credentials, so that no condition on the principal
    can hold (Amazon Linux 2023 User Guide; AWS PrivateLink Guide, Gateway endpoints).
    """
    names = [_OBJECTS.fullmatch(name) for name in texts(element(statement, "Resource"))]
    return (
        bool(names)
        and {action.casefold() for action in texts(element(statement, "Action"))} == {"s3:getobject"}
        and all(name and any(name[1].startswith(bucket) for bucket in buckets) for name in names)
    )


def _moves_data(action: str) -> bool:
    """Whether an action, or a pattern of actions, carries data to or from resources that a policy can name."""
    return action.partition(":")[0].casefold() in _DATA and not is_unscoped(action)


def _is_every(name: str) -> bool:
    """Whether a resource's name is `*`, or an ARN of every account's resources: `arn:aws:s3:::*`."""
    parts = name.split(":", _ARN_PARTS - 1)
    return name.strip("*") == "" or (
        len(parts) == _ARN_PARTS and parts[4].strip("*") == "" and (parts[5].startswith("*") or parts[5] == "")
    )


def _statement(statement: Property, buckets: list[str]) -> Iterator[tuple[str, str]]:
    """(element, what is wrong with it) of a statement of an endpoint's policy."""
    if not allows(statement):
        return
    for name in ("NotAction", "NotResource", "NotPrincipal"):
        if not element(statement, name).absent:
            yield name, "lets everything pass that it does not name"
    actions = texts(element(statement, "Action"))
    if any(is_whole_service(action) for action in actions):
        yield "Action", "lets every action pass"
    if any(_moves_data(action) for action in actions) and any(map(_is_every, texts(element(statement, "Resource")))):
        yield "Resource", "lets data go to, or come from, whatever account it names"
    everyone = any(principal.kind == "everyone" for principal in principals(statement))
    if everyone and narrows(statement) is False and not _is_public_read(statement, buckets):
        yield "Principal", "lets everybody through, under no condition that narrows that"


def _policy(resource: Resource) -> Iterator[Finding]:
    buckets = strings(resource.settings, _BUCKETS)
    policy = resource.at("policy")
    if not policy.given:
        return
    try:
        for statement in statements(policy):
            for name, wrong in _statement(statement, buckets):
                yield Finding(policy.path, f"has a statement whose {name} {wrong}")
    except NoDocumentError:
        return  # another rule finds it


ENDPOINT_POLICIES = ResourceRule(
    id="endpoint-policy-narrow",
    title="What passes a VPC endpoint is named: which action, by whom, on what.",
    severity=Severity.HIGH,
    remedy="Name the actions, the resources, and the roles in a condition on aws:PrincipalArn or aws:PrincipalAccount.",
    why=(
        "An endpoint is the one way out of an isolated network. Under the default policy, which lets everything pass, whoever "
        "is inside writes the data to a bucket, a queue or a function of an account of his own, with credentials of his own "
        "(AWS PrivateLink Guide, Control access to VPC endpoints using endpoint policies). An open principal is harmless only "
        "for reading what is public."
    ),
    settings=(
        Setting(
            name=_BUCKETS,
            default=["al2023-repos-"],
            schema={"type": "array", "items": {"type": "string", "pattern": "^[a-z0-9][a-z0-9.-]+$"}},
            description="How the names of buckets begin whose objects may be read without credentials.",
        ),
    ),
    checks={aws(_ENDPOINT): _policy, aws(_POLICY): _policy},
)


def _is_of(endpoint: Resource, *kinds: str) -> bool:
    """Whether an endpoint is known to be of one of these types; Gateway is the provider's default."""
    kind = endpoint.at("vpcEndpointType")
    return ("Gateway" if kind.absent else kind.text) in kinds


def _without_policy(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    # Without a document the resource restores the default policy, which lets everything pass.
    policies = [policy for policy in stack.of(_POLICY) if not policy.at("policy").absent]
    bare = [
        endpoint
        for endpoint in stack.of(_ENDPOINT)
        if endpoint.at("policy").absent and _is_of(endpoint, "Gateway", "Interface")
    ]
    candidates = [_candidates(stack, policy, bare) for policy in policies]
    held = matched({endpoint.urn for endpoint in bare}, candidates)
    for endpoint in bare:
        if endpoint.urn not in held:
            yield endpoint, Finding("policy", "is absent, and no policy is attached")


def _candidates(stack: Stack, policy: Resource, endpoints: list[Resource]) -> list[str]:
    """The endpoints to which a policy may go: any, when nothing is known of its endpoint, as with a component's output."""
    named = stack.referenced(policy, "vpcEndpointId", _ENDPOINT)
    return [endpoint.urn for endpoint in named or (endpoints if policy.at("vpcEndpointId").unknown else [])]


ENDPOINT_HAS_POLICY = StackRule(
    id="endpoint-has-policy",
    title="Each VPC endpoint has a policy of its own.",
    severity=Severity.HIGH,
    remedy="Give it a policy, or attach an aws.ec2.VpcEndpointPolicy.",
    why=(
        "Without one AWS attaches a policy that allows every action of every principal on every resource (AWS PrivateLink "
        "Guide, Default endpoint policy)."
    ),
    check=_without_policy,
)


def _private_dns(resource: Resource) -> Iterator[Finding]:
    if resource.at("vpcEndpointType").text == "Interface":
        yield from is_true(resource.at("privateDnsEnabled"))


ENDPOINT_NAMES = ResourceRule(
    id="endpoint-private-dns",
    title="Interface endpoints answer under the service's own name.",
    severity=Severity.MEDIUM,
    remedy="Set privateDnsEnabled to true.",
    why=(
        "Without private DNS the SDKs resolve the service's public address: in an isolated network the call times out, and "
        "where a route exists it goes past the endpoint and its policy (AWS PrivateLink Guide, Access an AWS service using "
        "an interface VPC endpoint). The provider's default is false."
    ),
    checks={
        aws(_ENDPOINT): _private_dns,
        aws("vpc/endpointPrivateDns"): lambda resource: is_true(resource.at("privateDnsEnabled")),
    },
    repairs={aws(_ENDPOINT): {"privateDnsEnabled": True}, aws("vpc/endpointPrivateDns"): {"privateDnsEnabled": True}},
)


def _without_group(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    associated: dict[str, list[Resource]] = {}
    for association in stack.of("ec2/securityGroupAssociation"):
        for endpoint in stack.referenced(association, "vpcEndpointId", _ENDPOINT):
            associated.setdefault(endpoint.urn, []).append(association)
    for endpoint in stack.of(_ENDPOINT):
        groups = endpoint.at("securityGroupIds")
        if groups.unknown or any(True for _ in groups.elements()) or not _is_of(endpoint, "Interface"):
            continue
        found = associated.get(endpoint.urn, [])
        # Beside a group that does not replace it, the VPC's default group stays on the endpoint.
        if not any(each.at("replaceDefaultAssociation").truth is True for each in found):
            yield endpoint, Finding(groups.path, "is empty or absent, so that the VPC's default security group applies")


ENDPOINT_GROUPS = StackRule(
    id="endpoint-has-security-group",
    title="Each interface endpoint has a security group of its own.",
    severity=Severity.HIGH,
    remedy="Name a security group in securityGroupIds that admits HTTPS from the groups that call.",
    why=(
        "An endpoint without a group gets the VPC's default one (AWS PrivateLink Guide, Interface endpoint considerations): "
        "either whoever shares that group reaches it, or, with the default group locked, nobody does."
    ),
    frameworks=Frameworks(fsbp=("EC2.2",)),
    check=_without_group,
)
