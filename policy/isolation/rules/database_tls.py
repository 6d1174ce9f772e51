"""Databases refuse clear text."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.checks import all_true
from isolation.reading.properties import Property
from isolation.rule import Check, Finding, Frameworks, Resource, ResourceRule, aws

_FORCE_SSL = "rds.force_ssl"
# Which parameter of an engine refuses clear text, and by which values (Amazon RDS User Guide and Amazon Aurora User Guide,
# "Requiring SSL/TLS" of each engine); by what the engine's name, or its parameter group's family, contains.
_PARAMETERS = {
    "postgres": _FORCE_SSL,
    "sqlserver": _FORCE_SSL,
    "mysql": "require_secure_transport",
    "mariadb": "require_secure_transport",
}


def _parameters(resource: Resource, demanded: str) -> Iterator[Finding]:
    parameters = resource.at("parameters")
    # The provider puts names into lower case.
    forced = [each for each in parameters.each() if (each.at("name").text or "").casefold() == demanded]
    for parameter in forced:
        value = parameter.at("value")
        if not value.unknown and value.number != 1 and (value.text or "").casefold() != "on":
            problem = f"of {demanded} is {'absent' if value.absent else 'not 1'}"
            yield Finding(value.path, problem, f"Set the parameter {demanded} to 1.")
    could_be_set = parameters.unknown or any(each.unknown or each.at("name").unknown for each in parameters.elements())
    if not forced and not could_be_set:
        problem = f"leaves {demanded} to its default, which depends on the version"
        yield Finding("parameters", problem, f"Set the parameter {demanded} to 1.")


def _cluster_parameters(resource: Resource) -> Iterator[Finding]:
    demanded = _demanded(resource.at("family"))
    if demanded:
        yield from _parameters(resource, demanded)


def _instance_parameters(resource: Resource) -> Iterator[Finding]:
    family = resource.at("family")
    demanded = _demanded(family)
    # In Aurora the parameter belongs to the cluster's group; an instance's group cannot have it (Amazon Aurora User
    # Guide, Aurora PostgreSQL parameters, Aurora MySQL configuration parameters).
    if demanded and not (family.text or "").startswith("aurora-"):
        yield from _parameters(resource, demanded)


def _demanded(name: Property) -> str:
    """The parameter that an engine or family needs; one that cannot be read is taken for PostgreSQL's; empty for others."""
    if name.text is None:
        return _FORCE_SSL
    return next((parameter for engine, parameter in _PARAMETERS.items() if engine in name.text), "")


def _own_group(key: str) -> Check:
    def check(resource: Resource) -> Iterator[Finding]:
        group = resource.at(key)
        demanded = _demanded(resource.at("engine"))
        if group.unknown or not demanded:
            return
        remedy = f"Set {key} to a parameter group of this stack with {demanded} = 1."
        if group.text is None:
            yield Finding(key, f"is {group.described}, so AWS's default parameters apply", remedy)
        elif group.text.startswith("default."):
            yield Finding(key, "names AWS's default group, which cannot be changed", remedy)

    return check


DATABASE_TLS = ResourceRule(
    id="database-requires-tls",
    title="Databases and their proxies refuse connections without TLS.",
    severity=Severity.HIGH,
    remedy=f"Set the parameter {_FORCE_SSL} to 1.",
    why=(
        "A client that is told sslmode=prefer falls back to clear text when somebody in between says that there is no TLS; "
        "only the server can refuse that. Whether it does by default depends on engine and version (PostgreSQL since 15, "
        "Aurora PostgreSQL since 17), so that the parameter has to be written down (Amazon RDS User Guide, requiring an SSL "
        "connection to a PostgreSQL DB instance)."
    ),
    frameworks=Frameworks(fsbp=("RDS.38", "RDS.43"), checkov=("CKV2_AWS_69",)),
    checks={
        aws("rds/clusterParameterGroup"): _cluster_parameters,
        aws("rds/parameterGroup"): _instance_parameters,
        aws("rds/cluster"): _own_group("dbClusterParameterGroupName"),
        aws("rds/instance"): _own_group("parameterGroupName"),
        aws("rds/proxy"): all_true("requireTls"),
    },
)
