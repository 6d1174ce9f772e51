"""RDS: PostgreSQL servers under the endpoints' real names, for Aurora clusters and for instances."""

import json
import uuid
from typing import Any

from vectordb.errors import VectordbError
from vectordb.local.databases import Database, Declared
from vectordb.local.engine import Execution, Made
from vectordb.local.handlers import rds_records
from vectordb.plan.recording import STACK_TYPE, Registration

_RESTORES = ("snapshotIdentifier", "restoreToPointInTime", "s3Import")
# What a restored database has from its snapshot, and the program cannot give.
_DATABASE, _MASTER = "vectordb", "vectordb_admin"


def cluster_parameter_group(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """Kept for the cluster that names it."""
    return _parameter_group(execution, resource, inputs, "cluster-pg")


def parameter_group(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """Kept for the instance that names it."""
    return _parameter_group(execution, resource, inputs, "pg")


def _parameter_group(execution: Execution, resource: Registration, inputs: dict[str, Any], kind: str) -> Made:
    name = inputs.get("name") or f"{inputs.get('namePrefix') or f'{resource.name}-'}{execution.unique(resource, 7)}"
    parameters = {item["name"]: str(item["value"]) for item in inputs.get("parameters") or []}
    execution.parameter_groups[f"{kind}:{name}"] = parameters
    return name, {"name": name, "arn": execution.arn("rds", f"{kind}:{name}")}


def cluster(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """An Aurora cluster: PostgreSQL under the writer's and the reader's endpoint, its master password in the emulator."""
    _only(resource, inputs, "aurora-postgresql")
    if inputs.get("replicationSourceIdentifier"):
        raise _replica(resource, inputs["replicationSourceIdentifier"])
    identifier = str(inputs.get("clusterIdentifier") or f"{resource.name}-{execution.unique(resource, 7)}")
    domain = f"{execution.unique(resource, 12)}.{execution.region}.rds.amazonaws.com"
    writer, reader = f"{identifier}.cluster-{domain}", f"{identifier}.cluster-ro-{domain}"
    resource_id = f"cluster-{execution.unique(resource, 26).upper()}"
    database = _started(
        execution,
        Declared(
            name=_name(resource),
            urn=resource.urn,
            engine="Aurora",
            identifier=identifier,
            names=(writer, reader),
            port=int(inputs.get("port") or 5432),
            version=str(inputs.get("engineVersion") or ""),
            settings=execution.parameter_groups.get(f"cluster-pg:{inputs.get('dbClusterParameterGroupName')}", {}),
            database=_database_name(inputs, "databaseName"),
            master=_master(resource, inputs, "masterUsername"),
            user_arn=execution.arn("rds-db", f"dbuser:{resource_id}"),
        ),
    )
    arn = execution.arn("rds", f"cluster:{identifier}")
    execution.clients.register_cluster(
        arn,
        enabled=bool(inputs.get("enableHttpEndpoint")),
        host=writer,
        port=database.port,
        certificate=str(database.certificate),
    )
    return identifier, {
        "arn": arn,
        "clusterIdentifier": identifier,
        "clusterResourceId": resource_id,
        "databaseName": database.declared.database,
        "engineVersionActual": database.declared.version,
        "endpoint": writer,
        "readerEndpoint": reader,
        "port": database.declared.port,
        "masterUserSecrets": _master_secret(execution, resource, inputs, database, "cluster", "masterPassword"),
    }


def cluster_instance(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """The writer is the server that the cluster started, and so are its readers.

    The endpoint is the cluster's: that is the name in the certificate here.
    """
    database = execution.services.identified(inputs["clusterIdentifier"])
    if database is None:
        raise VectordbError(
            f"The instance {resource.name!r} belongs to the cluster {inputs['clusterIdentifier']!r}, "
            "which the program does not declare.",
            remedy="Declare the cluster too; one of AWS cannot be reached from here.",
        )
    identifier = str(inputs.get("identifier") or f"{resource.name}-{execution.unique(resource, 7)}")
    database.instances.append(identifier)
    # AWS makes the first instance of a cluster its writer.
    writer = database.instances[0] == identifier
    return identifier, {
        "arn": execution.arn("rds", f"db:{identifier}"),
        "identifier": identifier,
        "dbiResourceId": f"db-{execution.unique(resource, 26).upper()}",
        "endpoint": database.declared.names[0 if writer else 1],
        "writer": writer,
        "port": database.declared.port,
        "clusterIdentifier": inputs["clusterIdentifier"],
    }


def instance(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """An instance of RDS for PostgreSQL: a server under its endpoint, its master password in the emulator.

    As the provider does, the id is the resource id (`db-…`), and `endpoint` is the host name with the port.
    """
    _only(resource, inputs, "postgres")
    if inputs.get("replicateSourceDb"):
        raise _replica(resource, inputs["replicateSourceDb"])
    identifier = str(inputs.get("identifier") or f"{resource.name}-{execution.unique(resource, 7)}")
    host = f"{identifier}.{execution.unique(resource, 12)}.{execution.region}.rds.amazonaws.com"
    resource_id = f"db-{execution.unique(resource, 26).upper()}"
    database = _started(
        execution,
        Declared(
            name=_name(resource),
            urn=resource.urn,
            engine="RDS",
            identifier=identifier,
            names=(host,),
            port=int(inputs.get("port") or 5432),
            version=str(inputs.get("engineVersion") or ""),
            settings=execution.parameter_groups.get(f"pg:{inputs.get('parameterGroupName')}", {}),
            database=_database_name(inputs, "dbName"),
            master=_master(resource, inputs, "username"),
            user_arn=execution.arn("rds-db", f"dbuser:{resource_id}"),
        ),
    )
    return resource_id, {
        "arn": execution.arn("rds", f"db:{identifier}"),
        "identifier": identifier,
        "resourceId": resource_id,
        "dbName": database.declared.database,
        "engineVersionActual": database.declared.version,
        "address": host,
        "endpoint": f"{host}:{database.declared.port}",
        "port": database.declared.port,
        "status": "available",
        "masterUserSecrets": _master_secret(execution, resource, inputs, database, "db", "password"),
    }


def cluster_role_association(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """The role that a cluster has for a feature."""
    return _associate(execution, resource, inputs, str(inputs["dbClusterIdentifier"]))


def role_association(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """The role that an instance has for a feature."""
    return _associate(execution, resource, inputs, str(inputs["dbInstanceIdentifier"]))


def _associate(execution: Execution, resource: Registration, inputs: dict[str, Any], identifier: str) -> Made:
    feature, role = str(inputs.get("featureName") or ""), str(inputs["roleArn"])
    earlier = execution.feature_roles.setdefault((identifier, feature), role)
    if earlier != role:
        raise VectordbError(
            f"{resource.name!r} associates {role} with the feature {feature!r} of {identifier}, which has {earlier} already.",
            remedy="A database takes one role for each feature: give that one what both are allowed.",
        )
    if database := execution.services.identified(identifier):
        if feature not in database.feature_roles:
            rds_records.associate(execution, database, feature, role)
        database.feature_roles[feature] = role
        if key := database.declared.feature_access_keys.get(feature):
            execution.clients.assign(key, role, identifier)
    return f"{identifier},{role}", {}


def _started(execution: Execution, declared: Declared) -> Database:
    with rds_records.described(execution, declared):
        return execution.services.start_database(declared)


def _name(resource: Registration) -> str:
    """What people call a database: its component's name, or its own where it stands alone."""
    _, _, kinds, parent = resource.parent.split("::", 3) if resource.parent else ("", "", STACK_TYPE, "")
    return resource.name if kinds == STACK_TYPE else parent


def _only(resource: Registration, inputs: dict[str, Any], engine: str) -> None:
    if inputs.get("engine") != engine:
        raise VectordbError(
            f"{resource.name!r} has the engine {inputs.get('engine')!r}; what runs here is {engine}.",
            remedy=f"Set engine to {engine}.",
        )


def _replica(resource: Registration, source: str) -> VectordbError:
    return VectordbError(
        f"{resource.name!r} replicates {source}; there is no replication on this machine.",
        remedy="Leave the replica out of the stack that runs here.",
    )


def _is_restored(inputs: dict[str, Any]) -> bool:
    return any(inputs.get(key) for key in _RESTORES)


def _database_name(inputs: dict[str, Any], key: str) -> str:
    """What is declared; without a name AWS makes no database beside `postgres`, unless the snapshot holds one."""
    return str(inputs.get(key) or (_DATABASE if _is_restored(inputs) else "postgres"))


def _master(resource: Registration, inputs: dict[str, Any], key: str) -> str:
    if not inputs.get(key) and not _is_restored(inputs):
        raise VectordbError(f"{resource.name!r} has no {key}.", remedy=f"Set {key}: AWS asks for it, too.")
    return str(inputs.get(key) or _MASTER)


def _master_secret(
    execution: Execution, resource: Registration, inputs: dict[str, Any], database: Database, kind: str, password: str
) -> list[dict[str, Any]]:
    """The secret that AWS manages; notices of what is not as declared."""
    name = database.declared.name
    if _is_restored(inputs):
        execution.notices.append(f"{name}: nothing is restored here; the database is the one that was here, or empty.")
    if not inputs.get("manageMasterUserPassword"):
        if inputs.get(password):
            execution.notices.append(f"{name}: the master's declared password is not used here; no secret holds it.")
        return []
    secret = execution.clients("secretsmanager").create_secret(
        # AWS names a managed secret after the cluster's or instance's own random id.
        Name=f"rds!{kind}-{uuid.UUID(execution.unique(resource, 32))}",
        SecretString=json.dumps({"username": database.declared.master, "password": database.password}),
    )
    database.secret_arn = secret["ARN"]
    return [{"secretArn": secret["ARN"], "secretStatus": "active", "kmsKeyId": inputs.get("masterUserSecretKmsKeyId")}]
