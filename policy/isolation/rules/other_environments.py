"""No credential stands in the environment of a container, a build or a connection."""

import json
from collections.abc import Iterator, Mapping

from pulumi_policy import Severity

from isolation.checks import on
from isolation.reading.conditions import names
from isolation.reading.credentials import holds_credential
from isolation.reading.properties import Property
from isolation.rule import Finding, Frameworks, Resource, ResourceRule

_HOLDS = "holds a credential"


def _pair(variable: Property) -> Iterator[Finding]:
    value = variable.at("value")
    if holds_credential(variable.at("name").text or "", value):
        yield Finding(value.path, _HOLDS)


def _pairs(variables: Property) -> Iterator[Finding]:
    """Of a list of names and values."""
    for variable in variables.each():
        yield from _pair(variable)


def _named(variables: Property) -> Iterator[Finding]:
    """Of an object from names to values."""
    for name in names(variables):
        value = variables.at(name)
        if holds_credential(name.lstrip("-"), value):
            yield Finding(value.path, _HOLDS)


def _document(text: Property) -> Property:
    """What JSON text holds; nothing, if it is none."""
    try:
        return Property(text.path, json.loads(text.text or "null"))
    except (ValueError, RecursionError):
        return Property(text.path, None)


def _tasks(resource: Resource) -> Iterator[Finding]:
    for container in _document(resource.at("containerDefinitions")).each():
        yield from _pairs(container.at("environment"))


def _jobs(resource: Resource) -> Iterator[Finding]:
    properties = _document(resource.at("containerProperties"))
    if isinstance(properties.value, Mapping):
        yield from _pairs(properties.at("environment"))


def _builds(resource: Resource) -> Iterator[Finding]:
    for variable in resource.at("environment", "environmentVariables").each():
        # The other types hold the name of a parameter or of a secret.
        if variable.at("type").text in (None, "PLAINTEXT") and not variable.at("type").unknown:
            yield from _pair(variable)


def _endpoint(resource: Resource) -> Iterator[Finding]:
    password = resource.at("password")
    if password.given:
        yield Finding(password.path, _HOLDS)


OTHER_ENVIRONMENTS = ResourceRule(
    id="environment-no-secrets",
    title="No credential stands in the environment of a container, a build, a job or a connection.",
    severity=Severity.CRITICAL,
    remedy="Name a secret of Secrets Manager in its place: in secrets, type, secretsManagerArn or SECRET_ID.",
    why=(
        "Definitions of tasks, builds, jobs and connections are read by everybody who may describe them, are kept in each of "
        "their revisions, and stand in the stack's state (Amazon ECS Developer Guide, pass sensitive data to a container; AWS "
        "CodeBuild User Guide, environment variables). A credential is known by its form or by its name; the value is never "
        "repeated."
    ),
    frameworks=Frameworks(fsbp=("ECS.8", "CodeBuild.2")),
    checks=on(
        {
            "batch/jobDefinition": _jobs,
            "codebuild/project": _builds,
            "dms/endpoint": _endpoint,
            "ecs/taskDefinition": _tasks,
            "glue/connection": lambda resource: _named(resource.at("connectionProperties")),
            "glue/job": lambda resource: _named(resource.at("defaultArguments")),
        }
    ),
)
