"""Databases refuse clear text."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.checks import all_true
from isolation.reading import Property
from isolation.rule import Check, Finding, Frameworks, Resource, ResourceRule, aws

_FORCE_SSL = "rds.force_ssl"


def _parameters(resource: Resource) -> Iterator[Finding]:
    parameters = resource.at("parameters")
    # The provider puts names into lower case.
    forced = [each for each in parameters.each() if (each.at("name").text or "").casefold() == _FORCE_SSL]
    for parameter in forced:
        value = parameter.at("value")
        if not value.unknown and value.number != 1:
            yield Finding(value.path, f"of {_FORCE_SSL} is {'absent' if value.absent else 'not 1'}")
    could_be_set = parameters.unknown or any(each.unknown or each.at("name").unknown for each in parameters.elements())
    if not forced and not could_be_set:
        yield Finding("parameters", f"leaves {_FORCE_SSL} to its default, which depends on the version")


def _cluster_parameters(resource: Resource) -> Iterator[Finding]:
    if _is_postgres(resource.at("family")):
        yield from _parameters(resource)


def _instance_parameters(resource: Resource) -> Iterator[Finding]:
    family = resource.at("family")
    # In Aurora the parameter belongs to the cluster's group; an instance's group cannot have it (Amazon Aurora User
    # Guide, Aurora PostgreSQL parameters).
    if _is_postgres(family) and not (family.text or "").startswith("aurora-"):
        yield from _parameters(resource)


def _is_postgres(name: Property) -> bool:
    """Whether an engine or parameter group family is PostgreSQL's; one that cannot be read is taken for it."""
    return name.text is None or "postgres" in name.text


def _own_group(key: str) -> Check:
    def check(resource: Resource) -> Iterator[Finding]:
        group = resource.at(key)
        if group.unknown or not _is_postgres(resource.at("engine")):
            return
        remedy = f"Set {key} to a parameter group of this stack with {_FORCE_SSL} = 1."
        if group.text is None:
            yield Finding(key, f"is {group.described}, so AWS's default parameters apply", remedy)
        elif group.text.startswith("default."):
            yield Finding(key, "names AWS's default group, which cannot be changed", remedy)

    return check


DATABASE_TLS = ResourceRule(
    id="database-requires-tls",
    title="PostgreSQL and its proxies refuse connections without TLS.",
    severity=Severity.HIGH,
    remedy=f"Set the parameter {_FORCE_SSL} to 1.",
    frameworks=Frameworks(fsbp=("RDS.38", "RDS.43"), checkov=("CKV2_AWS_69",)),
    checks={
        aws("rds/clusterParameterGroup"): _cluster_parameters,
        aws("rds/parameterGroup"): _instance_parameters,
        aws("rds/cluster"): _own_group("dbClusterParameterGroupName"),
        aws("rds/instance"): _own_group("parameterGroupName"),
        aws("rds/proxy"): all_true("requireTls"),
    },
)
