"""What identities may do is named: actions, and what they act on."""

from collections.abc import Callable, Iterator

from pulumi_policy import Severity

from isolation.access.places import IDENTITY_POLICIES, known_statements
from isolation.declared import identifiers, strings
from isolation.reading.actions import TAKING_RIGHTS, is_unscoped, is_whole_service, is_wide, matches, narrowed
from isolation.reading.conditions import element, names
from isolation.reading.documents import allows, texts
from isolation.reading.properties import Property
from isolation.rule import Check, Finding, Frameworks, Resource, ResourceRule

_Judge = Callable[[Property, Resource], Iterator[Finding]]


def _each_allowed(judge: _Judge) -> Check:
    """A check that asks `judge` about each statement that allows something."""

    def check(resource: Resource) -> Iterator[Finding]:
        for statement in filter(allows, known_statements(resource, "identity")):
            yield from judge(statement, resource)

    return check


def _wildcard_actions(statement: Property, _: Resource) -> Iterator[Finding]:
    for action in element(statement, "Action").each():
        if action.text is not None and is_whole_service(action.text) and not is_unscoped(action.text):
            everything = ":" not in action.text
            yield Finding(action.path, f"allows every action{'' if everything else ' of a service'}")


WILDCARD_ACTIONS = ResourceRule(
    id="identity-no-wildcard-action",
    title="Policies of identities name actions, not whole services.",
    severity=Severity.HIGH,
    remedy="Name the actions that are needed.",
    why=(
        "Who may do everything with a service may also read what lies in it, hand it to other accounts and delete it, and "
        "each action that AWS adds later is allowed at once. IAM compares actions without regard to case and takes * and ? "
        "anywhere, so that s3:**, S3:?* and *:Get* are wildcards too (IAM User Guide, IAM JSON policy elements: Action)."
    ),
    frameworks=Frameworks(
        fsbp=("IAM.1", "IAM.21"),
        cis=("1.16",),
        cdk_nag=("AwsSolutions-IAM5",),
        checkov=("CKV_AWS_62", "CKV_AWS_63", "CKV2_AWS_40"),
    ),
    checks=dict.fromkeys(sorted(IDENTITY_POLICIES), _each_allowed(_wildcard_actions)),
)


# What Lambda asks of a role whose function is in a VPC, and in no narrower form (Lambda Developer Guide, giving functions
# access to resources in an Amazon VPC; managed policy AWSLambdaVPCAccessExecutionRole).
_INTERFACES_OF_FUNCTIONS = frozenset(
    {
        "ec2:assignprivateipaddresses",
        "ec2:createnetworkinterface",
        "ec2:deletenetworkinterface",
        "ec2:unassignprivateipaddresses",
    }
)


def _wide_resources(statement: Property, resource: Resource) -> Iterator[Finding]:
    wide = [each for each in element(statement, "Resource").each() if each.text is not None and is_wide(each.text)]
    if not wide or narrowed(statement):
        return
    declared = {action.casefold() for action in strings(resource.settings, "actions")}
    for action in element(statement, "Action").each():
        text = action.text or ""
        # Whole services, and what makes an administrator, are other rules'.
        elsewhere = is_whole_service(text) or matches(text, _ESCALATIONS)
        excused = elsewhere or is_unscoped(text) or text.casefold() in _INTERFACES_OF_FUNCTIONS
        if text and not excused and text.casefold() not in declared:
            yield Finding(action.path, "is allowed on every resource, although it can be narrowed to some")


WIDE_RESOURCES = ResourceRule(
    id="identity-narrow-resource",
    title="Policies of identities name what may be acted on.",
    severity=Severity.HIGH,
    remedy="Name the ARNs in Resource, or add a condition that ties the statement to your resources.",
    why=(
        "An action on * is an action on every secret, queue, key and table of the account, also on those that are made "
        "next year. Only actions that AWS authorises on no resource need it; they are taken from the Service Authorization "
        "Reference. A stack may declare further ones in the setting `actions`."
    ),
    frameworks=Frameworks(
        cdk_nag=("AwsSolutions-IAM5",),
        checkov=("CKV_AWS_287", "CKV_AWS_288", "CKV_AWS_289", "CKV_AWS_290", "CKV_AWS_355"),
    ),
    settings=(
        identifiers("actions", "Actions that may be allowed on every resource, such as `iot:DescribeEndpoint`."),
    ),
    checks=dict.fromkeys(sorted(IDENTITY_POLICIES), _each_allowed(_wide_resources)),
)


def _inversions(statement: Property, _: Resource) -> Iterator[Finding]:
    for name in ("NotAction", "NotResource"):
        inverted = element(statement, name)
        if name.casefold() in {each.casefold() for each in names(statement)} and not inverted.absent:
            yield Finding(inverted.path, "allows everything but what it names")


INVERSIONS = ResourceRule(
    id="identity-no-inversion",
    title="No policy of an identity allows everything but what it names.",
    severity=Severity.HIGH,
    remedy="Name what is allowed, in Action and Resource; exceptions belong in a statement that denies.",
    why=(
        "Allow with NotAction or NotResource grants all that AWS has, and will have, without it being written anywhere "
        "(IAM User Guide, IAM JSON policy elements: NotAction, NotResource)."
    ),
    frameworks=Frameworks(checkov=("CKV_AWS_62",)),
    checks=dict.fromkeys(sorted(IDENTITY_POLICIES), _each_allowed(_inversions)),
)

# And those that act as another, or through something that it commands (Rhino Security Labs, as there).
_ESCALATIONS = (
    *TAKING_RIGHTS,
    "iam:passrole",
    "sts:assumerole",
    "ssm:sendcommand",
    "ssm:startsession",
    "ec2-instance-connect:sendsshpublickey",
    "codestar:createproject",
    "glue:updatedevendpoint",
    "cloudformation:setstackpolicy",
    "kms:creategrant",
    "rds-db:connect",
)


def _escalations(statement: Property, _: Resource) -> Iterator[Finding]:
    if not any(is_wide(text) for text in texts(element(statement, "Resource"))):
        return
    for action in element(statement, "Action").each():
        if action.text is not None and matches(action.text, _ESCALATIONS):
            yield Finding(action.path, "lets its holder take other identities' rights, on every resource")


ESCALATIONS = ResourceRule(
    id="identity-no-escalation",
    title="No identity can give itself the rights of another.",
    severity=Severity.CRITICAL,
    remedy="Name the one role, user, function or key in Resource; for iam:PassRole also iam:PassedToService.",
    why=(
        "Whoever may pass every role, write every policy, make access keys for everybody, replace any function's code or log "
        "in as any database user is an administrator by one more call. Conditions do not excuse it here: they say where "
        "from, not as whom. The list is Rhino Security Labs' (AWS IAM privilege escalation methods) with the actions that "
        "open keys, sessions and databases."
    ),
    frameworks=Frameworks(checkov=("CKV_AWS_286", "CKV_AWS_289")),
    checks=dict.fromkeys(sorted(IDENTITY_POLICIES), _each_allowed(_escalations)),
)
