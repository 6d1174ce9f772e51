"""Resource type → what makes it on this machine. To support another type, write a handler and add it to the table."""

import hashlib
import json
import os
import re
import sys
import uuid
from typing import Any

from botocore.exceptions import ClientError

from vectordb.database import settings as step
from vectordb.errors import VectordbError
from vectordb.local.engine import Execution, Handler
from vectordb.plan.recording import Registration

Made = tuple[str, dict[str, Any]]


def parameter_group(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """Kept for the cluster that names it."""
    name = f"{resource.name}-{execution.unique(resource, 7)}"
    execution.parameter_groups[name] = {item["name"]: str(item["value"]) for item in inputs.get("parameters") or []}
    return name, {"name": name, "arn": execution.arn("rds", f"cluster-pg:{name}")}


def cluster(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """PostgreSQL under the endpoint's real name, its master password in the emulator's Secrets Manager."""
    identifier = inputs.get("clusterIdentifier") or f"{resource.name}-{execution.unique(resource, 7)}"
    domain = f"{execution.unique(resource, 12)}.{execution.region}.rds.amazonaws.com"
    writer, reader = f"{identifier}.cluster-{domain}", f"{identifier}.cluster-ro-{domain}"
    username = inputs["masterUsername"]
    execution.services.start_postgres(
        version=int(str(inputs["engineVersion"]).partition(".")[0]),
        settings=execution.parameter_groups.get(inputs.get("dbClusterParameterGroupName", ""), {}),
        database=inputs["databaseName"],
        master=username,
        names=[writer, reader],
    )
    execution.database |= {"host": writer, "master": username, "name": inputs["databaseName"]}
    execution.database["version"] = str(inputs["engineVersion"]).partition(".")[0]
    secret = execution.clients("secretsmanager").create_secret(
        # AWS names a managed secret after the cluster's own random id.
        Name=f"rds!cluster-{uuid.UUID(execution.unique(resource, 32))}",
        SecretString=json.dumps({"username": username, "password": execution.services.credentials.master_password}),
    )
    return identifier, {
        "arn": execution.arn("rds", f"cluster:{identifier}"),
        "clusterIdentifier": identifier,
        "clusterResourceId": f"cluster-{execution.unique(resource, 26).upper()}",
        "endpoint": writer,
        "readerEndpoint": reader,
        "port": 5432,
        "masterUserSecrets": [
            {"secretArn": secret["ARN"], "secretStatus": "active", "kmsKeyId": inputs.get("kmsKeyId")}
        ],
    }


def cluster_instance(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """The writer: it is the server that the cluster started."""
    identifier = f"{resource.name}-{execution.unique(resource, 7)}"
    return identifier, {
        "arn": execution.arn("rds", f"db:{identifier}"),
        "identifier": identifier,
        "dbiResourceId": f"db-{execution.unique(resource, 26).upper()}",
        "endpoint": execution.database.get("host"),
        "writer": True,
        "port": 5432,
        "clusterIdentifier": inputs["clusterIdentifier"],
    }


def vector_bucket(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """An S3 Vectors bucket; one of an earlier run is taken over with its vectors."""
    del resource
    name = inputs["vectorBucketName"]
    _unless_there(execution.clients("s3vectors").create_vector_bucket, vectorBucketName=name)
    arn = execution.arn("s3vectors", f"bucket/{name}")
    return arn, {"vectorBucketArn": arn}


def vector_index(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """An S3 Vectors index; one of an earlier run is taken over unless its fixed settings changed: AWS replaces it then."""
    del resource
    bucket, name = inputs["vectorBucketName"], inputs["indexName"]
    client = execution.clients("s3vectors")
    keys = (inputs.get("metadataConfiguration") or {}).get("nonFilterableMetadataKeys") or []
    wanted: dict[str, Any] = {
        "dataType": inputs["dataType"],
        "dimension": int(inputs["dimension"]),
        "distanceMetric": inputs["distanceMetric"],
        **({"metadataConfiguration": {"nonFilterableMetadataKeys": keys}} if keys else {}),
    }
    if not _unless_there(client.create_index, vectorBucketName=bucket, indexName=name, **wanted):
        found = client.get_index(vectorBucketName=bucket, indexName=name)["index"]
        found_keys = (found.get("metadataConfiguration") or {}).get("nonFilterableMetadataKeys") or []
        same = all(found.get(key) == wanted[key] for key in ("dataType", "dimension", "distanceMetric"))
        if not same or sorted(found_keys) != sorted(keys):
            client.delete_index(vectorBucketName=bucket, indexName=name)
            client.create_index(vectorBucketName=bucket, indexName=name, **wanted)
    arn = execution.arn("s3vectors", f"bucket/{bucket}/index/{name}")
    return arn, {"indexArn": arn}


def function(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """The declared handler with its declared package, environment, memory and timeout."""
    del resource
    package = execution.configuration.directory / inputs["code"].path
    client = execution.clients("lambda")
    made = client.create_function(
        FunctionName=inputs["name"],
        Role=inputs["role"],
        Runtime=inputs["runtime"],
        Handler=inputs["handler"],
        Architectures=inputs.get("architectures") or ["x86_64"],
        Timeout=int(inputs.get("timeout", 3)),
        MemorySize=int(inputs.get("memorySize", 128)),
        Environment={"Variables": (inputs.get("environment") or {}).get("variables") or {}},
        Code={"ZipFile": package.read_bytes()},
        Publish=bool(inputs.get("publish")),
    )
    arn = execution.arn("lambda", f"function:{inputs['name']}")
    return inputs["name"], {"arn": arn, "version": made["Version"], "qualifiedArn": f"{arn}:{made['Version']}"}


def alias(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """A name for a published version."""
    del resource
    execution.clients("lambda").create_alias(
        FunctionName=inputs["functionName"], Name=inputs["name"], FunctionVersion=str(inputs["functionVersion"])
    )
    arn = execution.arn("lambda", f"function:{inputs['functionName']}:{inputs['name']}")
    return arn, {"arn": arn}


def role(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """An IAM role, for the functions that name it; nothing checks what it may do."""
    name = inputs.get("name") or f"{resource.name}-{execution.unique(resource, 7)}"
    made = execution.clients("iam").create_role(RoleName=name, AssumeRolePolicyDocument=inputs["assumeRolePolicy"])
    return name, {"name": name, "arn": made["Role"]["Arn"], "uniqueId": made["Role"]["RoleId"]}


def role_policy(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """A role's inline policy, stored as it is."""
    name = inputs.get("name") or f"{resource.name}-{execution.unique(resource, 7)}"
    execution.clients("iam").put_role_policy(RoleName=inputs["role"], PolicyName=name, PolicyDocument=inputs["policy"])
    return f"{inputs['role']}:{name}", {"name": name}


def key(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """A KMS key; the stand-ins encrypt nothing with it."""
    del resource
    made = execution.clients("kms").create_key(Description=inputs.get("description", ""))["KeyMetadata"]
    return made["KeyId"], {"keyId": made["KeyId"], "arn": made["Arn"]}


def log_group(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """A CloudWatch log group, which the functions write to."""
    del resource
    execution.clients("logs").create_log_group(logGroupName=inputs["name"])
    return inputs["name"], {"arn": execution.arn("logs", f"log-group:{inputs['name']}")}


def command(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """The step's own `create`, in its own folder, with its own environment: what `pulumi up` runs.

    Added is what tells the stand-ins from AWS: the emulator, the local address of the endpoint and the CA that vouches for it.
    """
    services = execution.services
    directory = execution.configuration.directory / inputs.get("dir", ".")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PG", "VECTORDB_"))}
    environment = {
        **inherited,
        **{name: str(value) for name, value in (inputs.get("environment") or {}).items()},
        "VECTORDB_PYTHON": sys.executable,
        step.HOSTADDR: "127.0.0.1",
        step.HOSTADDR_PORT: str(services.database_port),
        step.CA_BUNDLE: str(services.folder.root / "tls" / "ca.pem"),
        "AWS_ENDPOINT_URL": services.emulator_url,
        "AWS_ACCESS_KEY_ID": services.credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": services.credentials.secret_access_key,
        "AWS_REGION": execution.region,
        "AWS_DEFAULT_REGION": execution.region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    done = services.run(["/bin/sh", "-c", inputs["create"]], directory, environment)
    if done.returncode != 0:
        raise VectordbError(
            f"The step {resource.name!r} failed (exit {done.returncode}):\n{(done.stderr or done.stdout).strip()}",
            remedy="Correct it and run the same command again; what was applied stays applied. `vectordb local reset` starts anew.",
        )
    return f"command-{hashlib.sha256(resource.urn.encode()).hexdigest()[:8]}", {
        "stdout": done.stdout.strip(),
        "stderr": done.stderr.strip(),
    }


def _unless_there(create: Any, **arguments: Any) -> bool:
    """Call `create`; False when the thing existed already."""
    try:
        create(**arguments)
    except ClientError as error:
        if re.search("Conflict|AlreadyExists", error.response["Error"]["Code"]):
            return False
        raise
    return True


HANDLERS: dict[str, Handler] = {
    "aws:cloudwatch/logGroup:LogGroup": log_group,
    "aws:iam/role:Role": role,
    "aws:iam/rolePolicy:RolePolicy": role_policy,
    "aws:kms/key:Key": key,
    "aws:lambda/alias:Alias": alias,
    "aws:lambda/function:Function": function,
    "aws:rds/cluster:Cluster": cluster,
    "aws:rds/clusterInstance:ClusterInstance": cluster_instance,
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": parameter_group,
    "aws:s3/vectorsIndex:VectorsIndex": vector_index,
    "aws:s3/vectorsVectorBucket:VectorsVectorBucket": vector_bucket,
    "command:local:Command": command,
}
