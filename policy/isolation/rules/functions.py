"""Lambda functions: their environment, their traces, their runtime, where their events come from."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.checks import customer_key, is_one_of, on
from isolation.declared import required, strings
from isolation.reading.conditions import names
from isolation.reading.credentials import holds_credential
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, Setting


def _environment_key(resource: Resource) -> Iterator[Finding]:
    variables = resource.at("environment", "variables")
    if names(variables) or variables.unknown:
        yield from customer_key(resource.at("kmsKeyArn"))


ENVIRONMENT_KEY = ResourceRule(
    id="function-environment-customer-key",
    title="The environment of functions is encrypted under a customer key.",
    severity=Severity.LOW,
    remedy="Name a customer managed KMS key in kmsKeyArn.",
    why=(
        "Environment variables name hosts, secrets and settings. Without a key of the customer's, whoever may call "
        "lambda:GetFunctionConfiguration reads them; with one, only who may use the key (Lambda Developer Guide, securing "
        "environment variables)."
    ),
    frameworks=Frameworks(checkov=("CKV_AWS_173",)),
    checks=on({"lambda/function": _environment_key}),
)


def _environment_secrets(resource: Resource) -> Iterator[Finding]:
    variables = resource.at("environment", "variables")
    for name in names(variables):
        if holds_credential(name, variables.at(name)):
            yield Finding(f"{variables.path}.{name}", "holds a credential")


ENVIRONMENT_SECRETS = ResourceRule(
    id="function-environment-no-secrets",
    title="No credential stands in a function's environment.",
    severity=Severity.CRITICAL,
    remedy="Keep it in Secrets Manager, name its ARN in the environment, and read it when the function starts.",
    why=(
        "What stands in an environment is read by everybody who may look at the function's configuration, is in each of its "
        "published versions for good, and in the stack's state (Lambda Developer Guide, securing environment variables: use "
        "Secrets Manager). A credential is known by its form, such as AKIA…, a private key or a URL with a password, or by "
        "the variable's name; the value is never repeated."
    ),
    frameworks=Frameworks(checkov=("CKV_AWS_45",)),
    checks=on({"lambda/function": _environment_secrets}),
)

_is_active = is_one_of("Active", default="PassThrough")


def _traced(resource: Resource) -> Iterator[Finding]:
    if resource.settings["required"]:
        yield from _is_active(resource.at("tracingConfig", "mode"))


TRACED = ResourceRule(
    id="function-traced",
    title="Functions are traced.",
    severity=Severity.LOW,
    remedy="Set tracingConfig.mode to Active.",
    why=(
        "A trace shows which call of a function went where and how long it took; without it an intruder's calls through the "
        "function look like any others (Lambda Developer Guide, visualize invocations using AWS X-Ray)."
    ),
    frameworks=Frameworks(checkov=("CKV_AWS_50",)),
    settings=(required("Whether functions have to be traced."),),
    checks=on({"lambda/function": _traced}),
)

# Lambda Developer Guide, "Lambda runtimes", deprecated runtimes and those whose deprecation date has passed.
_DEPRECATED = (
    "dotnet5.0",
    "dotnet6",
    "dotnet7",
    "dotnetcore1.0",
    "dotnetcore2.0",
    "dotnetcore2.1",
    "dotnetcore3.1",
    "go1.x",
    "java8",
    "nodejs",
    "nodejs4.3",
    "nodejs4.3-edge",
    "nodejs6.10",
    "nodejs8.10",
    "nodejs10.x",
    "nodejs12.x",
    "nodejs14.x",
    "nodejs16.x",
    "nodejs18.x",
    "nodejs20.x",
    "provided",
    "python2.7",
    "python3.6",
    "python3.7",
    "python3.8",
    "python3.9",
    "ruby2.5",
    "ruby2.7",
    "ruby3.2",
)


def _runtime(resource: Resource) -> Iterator[Finding]:
    runtime = resource.at("runtime")
    if runtime.text is not None and runtime.text.casefold() in strings(resource.settings, "deprecated"):
        yield Finding(runtime.path, "names a runtime that is deprecated")


RUNTIME_SUPPORTED = ResourceRule(
    id="function-runtime-supported",
    title="Functions run on runtimes that get security updates.",
    severity=Severity.MEDIUM,
    remedy="Name a runtime that Lambda supports.",
    why=(
        "A deprecated runtime gets no patches; later Lambda refuses to create and then to update functions on it (Lambda "
        "Developer Guide, runtime deprecation policy). The list is the guide's; a stack may name its own in the setting."
    ),
    frameworks=Frameworks(fsbp=("Lambda.2",), cdk_nag=("AwsSolutions-L1",), checkov=("CKV_AWS_363",)),
    settings=(
        Setting(
            name="deprecated",
            default=list(_DEPRECATED),
            schema={"type": "array", "items": {"type": "string"}},
            description="The runtimes that functions may not have.",
        ),
    ),
    checks=on({"lambda/function": _runtime}),
)


def _event_source(resource: Resource) -> Iterator[Finding]:
    brokers = resource.at("selfManagedEventSource")
    kinds = [each.at("type") for each in resource.at("sourceAccessConfigurations").elements()]
    if brokers.given and not any(kind.unknown or kind.text in ("VPC_SUBNET", "VPC_SECURITY_GROUP") for kind in kinds):
        yield Finding(brokers.path, "is reached over the internet: no subnet of a VPC is named")


EVENT_SOURCES = ResourceRule(
    id="function-event-source-private",
    title="Functions take events from brokers inside a VPC only.",
    severity=Severity.HIGH,
    remedy="Name the subnets and the security group in sourceAccessConfigurations.",
    why=(
        "Without subnets Lambda reaches a self-managed Kafka at its public address: what the function is told to do then "
        "comes from the internet (Lambda Developer Guide, processing self-managed Apache Kafka messages)."
    ),
    checks=on({"lambda/eventSourceMapping": _event_source}),
)
