"""Operations: logs that last, alarms that are heard, sessions that are on record."""

import json
from collections.abc import Iterator, Mapping

from pulumi_policy import Severity

from isolation.checks import at_least, customer_key, every, is_given, is_not_false, is_true, on
from isolation.declared import number, required
from isolation.reading.properties import Property
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, Setting


def _retention(resource: Resource) -> Iterator[Finding]:
    kept, kind = resource.at("retentionInDays"), resource.at("logGroupClass")
    # Provider documentation, LogGroup, retentionInDays.
    if kind.text == "DELIVERY":
        yield Finding(
            kind.path,
            "is DELIVERY, which keeps logs for two days whatever retentionInDays says",
            "Leave logGroupClass out.",
        )
    # 0 is forever.
    elif kept.absent:
        yield Finding(kept.path, "is absent, so that nobody decides how long logs are kept")
    elif kept.number != 0:
        yield from at_least(number(resource.settings, "days"), kept, "days")


RETENTION = ResourceRule(
    id="log-retention",
    title="Logs are kept for a time that somebody chose.",
    severity=Severity.LOW,
    remedy="Set retentionInDays.",
    why=(
        "Most intrusions are found months later: what happened is known only if the logs are still there. Without a time "
        "they are kept, and paid for, forever (CloudWatch Logs User Guide, log retention; Checkov and Security Hub ask for "
        "a year). A stack for trials may name fewer days in the setting."
    ),
    frameworks=Frameworks(checkov=("CKV_AWS_66", "CKV_AWS_338")),
    settings=(
        Setting(
            name="days",
            default=365,
            schema={"type": "integer", "minimum": 1},
            description="The fewest days for which logs are kept.",
        ),
    ),
    checks=on({"cloudwatch/logGroup": _retention}),
)

LOG_KEYS = ResourceRule(
    id="log-customer-key",
    title="Logs are encrypted under a customer key.",
    severity=Severity.LOW,
    remedy="Name a customer managed key in kmsKeyId.",
    why=(
        "Logs hold statements with their literals, addresses and names. Under a key of CloudWatch's own everybody who may "
        "read log groups reads them; a customer key's policy is a second lock (CloudWatch Logs User Guide, encrypt log data "
        "using AWS KMS)."
    ),
    frameworks=Frameworks(checkov=("CKV_AWS_158",)),
    checks=on(
        {"cloudwatch/logGroup": every(customer_key, "kmsKeyId"), "cloudtrail/trail": every(customer_key, "kmsKeyId")}
    ),
)


def _alarm(resource: Resource) -> Iterator[Finding]:
    yield from is_not_false(resource.at("actionsEnabled"))
    actions = resource.at("alarmActions")
    # An alarm that is part of others may be silent; that it is, somebody has to say.
    if resource.settings["required"]:
        yield from is_given(actions)


ALARMS_HEARD = ResourceRule(
    id="alarm-has-action",
    title="Alarms tell somebody.",
    severity=Severity.MEDIUM,
    remedy="Name a topic in alarmActions, and leave actionsEnabled out.",
    why=(
        "An alarm without an action changes its colour in a console that nobody looks at (CloudWatch User Guide, using "
        "CloudWatch alarms: alarm actions)."
    ),
    frameworks=Frameworks(checkov=("CKV_AWS_319",)),
    settings=(
        required("Whether every alarm has to name an action: not where a stack is watched in the console only."),
    ),
    checks=on({"cloudwatch/metricAlarm": _alarm, "cloudwatch/compositeAlarm": _alarm}),
)


def _session_inputs(content: Property) -> Property | None:
    """The `inputs` of a Session document that keeps logs, or None for any other document."""
    document = content.value
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except (ValueError, RecursionError):
            return None
    if not isinstance(document, Mapping):
        return None
    found = Property(content.path, document)
    # Sessions that only forward a port have no content to log.
    return found.at("inputs") if found.at("sessionType").text in ("Standard_Stream", "InteractiveCommands") else None


def _session(resource: Resource) -> Iterator[Finding]:
    inputs = _session_inputs(resource.at("content")) if resource.at("content").given else None
    if inputs is None or inputs.unknown:
        return
    bucket, group = inputs.at("s3BucketName"), inputs.at("cloudWatchLogGroupName")
    if bucket.absent and group.absent:
        yield Finding(inputs.path, "keeps no record of the session")
    if bucket.given:
        yield from is_true(inputs.at("s3EncryptionEnabled"))
    if group.given:
        yield from is_true(inputs.at("cloudWatchEncryptionEnabled"))
    yield from customer_key(inputs.at("kmsKeyId"))


SESSIONS = ResourceRule(
    id="session-recorded",
    title="Shell sessions are on record, and encrypted.",
    severity=Severity.MEDIUM,
    remedy="Name an encrypted log group in the document's inputs, and a customer key in kmsKeyId.",
    why=(
        "A shell on the bastion is the widest way in that there is; without a record nobody knows what was typed, and "
        "without a key the session is protected by TLS only (Systems Manager User Guide, logging session activity; turn on "
        "KMS key encryption of session data). Documents that only forward a port carry no session data."
    ),
    frameworks=Frameworks(checkov=("CKV_AWS_112", "CKV_AWS_113")),
    checks=on({"ssm/document": _session}),
)

_PUBLIC_SHARING = "/ssm/documents/console/public-sharing-permission"


def _sharing_setting(resource: Resource) -> Iterator[Finding]:
    value = resource.at("settingValue")
    named = (resource.at("settingId").text or "").endswith(_PUBLIC_SHARING)
    if named and value.given and (value.text or "").casefold() != "disable":
        yield Finding(value.path, "lets documents be shared with everybody")


PUBLIC_SHARING = ResourceRule(
    id="document-sharing-blocked",
    title="The account's block on public documents stays on.",
    severity=Severity.HIGH,
    remedy="Set settingValue to Disable.",
    why=(
        "The account's block is what keeps a document with hosts and commands in it from being shared with everybody by "
        "mistake, in any program (Systems Manager User Guide, block public sharing for SSM documents)."
    ),
    frameworks=Frameworks(fsbp=("SSM.7",)),
    checks=on({"ssm/serviceSetting": _sharing_setting}),
)
