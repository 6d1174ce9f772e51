"""What proves that connections to a database are encrypted: TLS that the server insists on.

Facts: `rds.force_ssl` in the parameter group in use (Amazon RDS User Guide, "Requiring an SSL connection to a PostgreSQL
DB instance"; Amazon Aurora User Guide, "Securing Aurora PostgreSQL data with SSL/TLS": in the cluster's group there);
`require_tls` of a proxy (Security Hub control RDS.43).
"""

from isolation.encryption.proof import PROVEN, UNKNOWN, UNPROVEN, Plan, Proof
from isolation.rule import Resource

_FORCE_SSL = "rds.force_ssl"
# Type of a database → (the property that names its parameter group, the type of the group).
_GROUPS = {
    "rds/cluster": ("dbClusterParameterGroupName", "rds/clusterParameterGroup"),
    "rds/instance": ("parameterGroupName", "rds/parameterGroup"),
}


def database(plan: Plan, resource: Resource, path: str) -> Proof:
    """Of a cluster or an instance of PostgreSQL."""
    engine = resource.at("engine").text
    if engine is not None and "postgres" not in engine:
        return Proof(UNPROVEN, f"what proves it is only known of PostgreSQL; show it for {_word(engine)} in the plan")
    key, group_type = _GROUPS[path]
    given = resource.at(key)
    named = plan.names.one(resource, key, group_type)
    groups = [group for urn in sorted(named.names) if (group := plan.resource(urn)) is not None]
    if not groups:
        if given.unknown:
            return Proof(UNKNOWN, f"{key} is only known after the deployment")
        return Proof(UNPROVEN, f"{key} names no parameter group of this stack; name one with {_FORCE_SSL} = 1")
    for group in groups:
        proof = _forced(group)
        if proof.state != PROVEN:
            return proof
    return Proof(PROVEN, f"{_FORCE_SSL} = 1 in {groups[0].name}")


def _forced(group: Resource) -> Proof:
    parameters = group.at("parameters")
    for parameter in parameters.each():
        name, value = parameter.at("name"), parameter.at("value")
        # The provider puts names into lower case.
        if (name.text or "").casefold() == _FORCE_SSL and (value.number == 1 or (value.text or "").casefold() == "on"):
            return Proof(PROVEN, "")
    if not parameters.whole:
        return Proof(UNKNOWN, f"the parameters of {group.name} are only known after the deployment")
    return Proof(UNPROVEN, f"{group.name} has no {_FORCE_SSL} = 1; set it")


def proxy(resource: Resource) -> Proof:
    """Of an RDS Proxy."""
    flag = resource.at("requireTls")
    if flag.unknown:
        return Proof(UNKNOWN, "requireTls is only known after the deployment")
    if flag.truth is True:
        return Proof(PROVEN, f"requireTls of {resource.name}")
    return Proof(UNPROVEN, f"requireTls of {resource.name} is not true; set it")


def _word(engine: str) -> str:
    # An engine's name is a word; anything else may be a value in the wrong place.
    return engine if engine.replace("-", "").isalnum() and len(engine) <= len("custom-sqlserver-ee") else "this engine"
