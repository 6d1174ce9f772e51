"""What is logged is logged to groups that the stack declares."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.declared import identifiers, strings
from isolation.reading.properties import Property
from isolation.rule import Finding, Frameworks, Resource, StackRule
from isolation.stack import Stack

_DATABASES = {"rds/cluster": ("cluster", "clusterIdentifier"), "rds/instance": ("instance", "identifier")}


def _undeclared(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    names = [group.at("name") for group in stack.of("cloudwatch/logGroup")]
    # A group whose name the preview does not know may be any.
    if any(name.text is None for name in names):
        return
    declared = {name.text for name in names} | set(strings(stack.settings, "groups"))
    for resource, where, group in _logged(stack):
        if group not in declared:
            yield resource, Finding(where.path, "goes to a log group that nobody declared")


def _logged(stack: Stack) -> Iterator[tuple[Resource, Property, str]]:
    """Resource, property and the name of the group to which it logs, where that is known."""
    for path, (kind, key) in _DATABASES.items():
        for database in stack.of(path):
            identifier = database.at(key).text
            for export in database.at("enabledCloudwatchLogsExports").each():
                if identifier and export.text:
                    yield database, export, f"/aws/rds/{kind}/{identifier}/{export.text}"
    for function in stack.of("lambda/function"):
        group, name = function.at("loggingConfig", "logGroup"), function.at("name").text
        if group.text:
            yield function, group, group.text
        elif group.absent and name:
            yield function, group, f"/aws/lambda/{name}"


LOG_GROUPS = StackRule(
    id="log-group-declared",
    title="What databases and functions log goes to groups that the stack declares.",
    severity=Severity.MEDIUM,
    remedy="Declare an aws.cloudwatch.LogGroup of that name, or name the group in the setting groups.",
    why=(
        "RDS and Lambda make a missing log group themselves: without a customer key, kept by nobody's choice, and it "
        "outlives the stack (CloudWatch Logs User Guide, working with log groups; Amazon RDS User Guide, publishing "
        "PostgreSQL logs to CloudWatch Logs). Every rule about log groups looks at those that are declared."
    ),
    frameworks=Frameworks(checkov=("CKV_AWS_158", "CKV_AWS_338")),
    settings=(identifiers("groups", "Names of log groups that somebody else declares."),),
    check=_undeclared,
)
