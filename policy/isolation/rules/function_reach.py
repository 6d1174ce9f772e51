"""Functions that reach the database are in its network; calls that nobody waits for are not lost."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.rule import Finding, Frameworks, Resource, StackRule
from isolation.stack import Stack

_DATABASES = ("rds/cluster", "rds/clusterInstance", "rds/instance", "rds/proxy")


def _in_vpc(function: Resource) -> bool:
    network = function.at("vpcConfig")
    subnets, groups = network.at("subnetIds"), network.at("securityGroupIds")
    return network.unknown or all(each.unknown or list(each.elements()) for each in (subnets, groups))


def _reaching(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    for function in stack.of("lambda/function"):
        reaches = stack.referenced(function, "environment", *_DATABASES) or _names_a_database(stack, function)
        if reaches and not _in_vpc(function):
            network = function.at("vpcConfig")
            yield (
                function,
                Finding(
                    network.path, f"{'is absent' if network.absent else 'is incomplete'}, and it reaches the database"
                ),
            )


def _names_a_database(stack: Stack, function: Resource) -> bool:
    """Whether a variable holds the known endpoint of one of the stack's databases."""
    endpoints = {
        resource.at(key).text for resource in stack.of(*_DATABASES) for key in ("endpoint", "readerEndpoint", "address")
    } - {None}
    variables = function.at("environment", "variables")
    found = variables.value if endpoints else None
    return hasattr(found, "__iter__") and any(variables.at(str(name)).text in endpoints for name in found)


FUNCTIONS_IN_VPC = StackRule(
    id="function-in-vpc",
    title="Functions that reach the database are inside its network.",
    severity=Severity.HIGH,
    remedy="Name the isolated subnets and a security group in vpcConfig.",
    why=(
        "A function outside any VPC calls from Lambda's own network: to reach a database it would need that to be public. "
        "Functions that speak to AWS services only stay outside, where nobody can reach them either; Security "
        "Hub's Lambda.3 and Checkov demand a VPC of every function, which contradicts that, so this rule asks only those "
        "whose environment names a database of the stack."
    ),
    frameworks=Frameworks(checkov=("CKV_AWS_117",)),
    check=_reaching,
)

# Who invokes a function without waiting for what it says (Lambda Developer Guide, invoking asynchronously): the type, the
# property that names the function, and what else must hold.
_ASYNCHRONOUS = (
    ("sns/topicSubscription", "endpoint"),
    ("cloudwatch/eventTarget", "arn"),
    ("s3/bucketNotification", "lambdaFunctions"),
    ("scheduler/schedule", "target"),
    ("cloudwatch/metricAlarm", "alarmActions"),
    ("cloudwatch/logSubscriptionFilter", "destinationArn"),
    ("iot/topicRule", "lambdas"),
    ("secretsmanager/secretRotation", "rotationLambdaArn"),
)
_SENDERS = frozenset(
    {
        "codecommit.amazonaws.com",
        "config.amazonaws.com",
        "events.amazonaws.com",
        "iot.amazonaws.com",
        "logs.amazonaws.com",
        "s3.amazonaws.com",
        "scheduler.amazonaws.com",
        "ses.amazonaws.com",
        "sns.amazonaws.com",
    }
)


def _function_of(stack: Stack, resource: Resource, key: str) -> Iterator[Resource]:
    """The functions that a property names, by themselves or through an alias of theirs."""
    for found in stack.referenced(resource, key, "lambda/function", "lambda/alias"):
        if found.type.endswith(":Alias"):
            yield from stack.referenced(found, "functionName", "lambda/function")
        else:
            yield found


def _asynchronous(stack: Stack) -> dict[str, Resource]:
    """The functions that somebody invokes without waiting, by their URNs."""
    found = [
        function
        for path, key in _ASYNCHRONOUS
        for resource in stack.of(path)
        for function in _function_of(stack, resource, key)
    ]
    found += [
        function
        for permission in stack.of("lambda/permission")
        if permission.at("principal").text in _SENDERS
        for function in _function_of(stack, permission, "function")
    ]
    return {function.urn: function for function in found}


def _lost(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    kept = {
        function.urn
        for configuration in stack.of("lambda/functionEventInvokeConfig")
        if not configuration.at("destinationConfig", "onFailure", "destination").absent
        for function in _function_of(stack, configuration, "functionName")
    }
    for urn, function in _asynchronous(stack).items():
        if urn not in kept and function.at("deadLetterConfig", "targetArn").absent:
            yield function, Finding("deadLetterConfig", "is absent, and it is invoked asynchronously")


DEAD_LETTERS = StackRule(
    id="function-dead-letters",
    title="Functions that are invoked asynchronously keep what failed.",
    severity=Severity.MEDIUM,
    remedy="Name a queue in deadLetterConfig, or an onFailure destination in a FunctionEventInvokeConfig.",
    why=(
        "Lambda tries an asynchronous event three times and drops it then, and nobody misses an event that never came "
        "(Lambda Developer Guide, capturing records of asynchronous invocations). Of functions that are invoked "
        "synchronously, or from a queue, the caller or the queue keeps the event; Checkov demands dead letters of them "
        "too, and this rule does not."
    ),
    frameworks=Frameworks(checkov=("CKV_AWS_116",)),
    check=_lost,
)
