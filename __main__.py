"""The system, top to bottom: configuration, components, outputs."""

from typing import Any

import pulumi
import pulumi_aws as aws

from components import iam, settings
from components.bastion.bastion import IMAGE_PARAMETER, INSTANCE_TYPE, Bastion
from components.bastion.sessions import AGENT_ACTIONS
from components.config import load
from components.database.aurora import AuroraDatabase
from components.database.database import Database
from components.database.proxy import DatabaseProxy
from components.database.rds import RdsDatabase
from components.database.users import DatabaseUsers
from components.embedding import settings as embedding
from components.embedding.batch import EmbeddingBatch, file_uses
from components.embedding.pipeline import EmbeddingPipeline
from components.embedding.schedule import EmbeddingSchedule, waking
from components.encryption import Encryption
from components.lambda_bridge import LambdaBridge
from components.naming import bucket_name
from components.network import zones
from components.network.endpoints import services
from components.network.flows import POSTGRESQL
from components.network.network import Network
from components.observability.observability import Observability
from components.outputs import mapping
from components.sql_schema import SqlSchema
from components.text_search import TextSearch
from components.vector_store import S3VectorStore

config = load()
account = aws.get_caller_identity().account_id
region = aws.get_region().region
partition = aws.get_partition()
protect = config.database.protect
bastion_zones = zones.offering(INSTANCE_TYPE) if config.bastion else []
here: settings.Account = {
    "account": account,
    "region": region,
    "partition": partition.partition,
    "tags": config.tags,
}

through = {*settings.bridge_services(config), *embedding.services(config)}
calls_worker = config.embedding is not None and config.embedding.calls

encryption = Encryption(
    "encryption",
    {
        **here,
        "dns_suffix": partition.dns_suffix,
        "protect": protect,
        "retain": config.database.leaves_snapshot,
        "vectors": bool(config.indexes),
        "notifications": config.observability.enabled,
        "budget": config.observability.budget is not None,
    },
)
where: settings.Keyed = {**here, "key_arn": encryption.key_arn}

network = Network(
    "network",
    settings.network(
        config.network,
        zones.own(config.network, {INSTANCE_TYPE: bastion_zones} if config.bastion else {}),
        services=services(
            bastion=config.bastion,
            bridge=bool(config.indexes) or calls_worker,
            bedrock=bool(config.database.bedrock_models) or "bedrock-runtime" in through,
            vectors="s3vectors" in through,
            queue="sqs" in through,
            secrets="secretsmanager" in through,
            batch="bedrock" in through,
        ),
        **where,
    ),
)
inside: settings.Inside = {**where, "vpc_id": network.vpc_id, "subnet_ids": network.subnet_ids}

databases: dict[str, Database] = {}
clients: dict[str, pulumi.Input[str]] = {**config.network.clients}
doors = {
    "endpoint_security_group_id": network.groups.get("lambda"),
    "clients": {} if config.database.proxy else clients,
}
if config.database.aurora:
    models = settings.model_arns(config.database, partition.partition, region)
    databases["database"] = cluster = AuroraDatabase(
        "database",
        settings.aurora(
            config,
            **inside,
            **doors,
            bedrock_models=models,
            bedrock_security_group_id=(
                None if network.share_a_group("lambda", "bedrock-runtime") else network.groups.get("bedrock-runtime")
            ),
        ),
    )
if config.database.rds:
    databases["rds"] = RdsDatabase("rds", settings.rds(config, **inside, **doors))

proxies = {
    name: DatabaseProxy(
        f"{name}-proxy",
        settings.proxy(config, database, clients=clients, **inside),
        opts=pulumi.ResourceOptions(depends_on=database.ready),
    )
    for name, database in databases.items()
    if config.database.proxy
}

logins = DatabaseUsers(
    "users",
    {
        **here,
        "users": [user.name for user in config.users],
        "resource_ids": {
            **{name: database.resource_id for name, database in databases.items()},
            **{f"{name}-proxy": proxy.resource_id for name, proxy in proxies.items()},
        },
    },
)

ways_in: list[pulumi.Resource] = []
vectors = bridge = None
passing: dict[str, list[dict[str, Any]]] = {}
"""Endpoint → what it lets through; each has one policy."""
invoked: list[tuple[str, pulumi.Output[str], list[Database]]] = []
"""What SQL calls: the name of the permission, the function's alias, and whose SQL it is."""
if config.indexes:
    vectors = S3VectorStore(
        "vectors",
        {
            "key_arn": encryption.key_arn,
            "tags": config.tags,
            "bucket_name": bucket_name(f"{pulumi.get_project()}-{pulumi.get_stack()}", account, region),
            "indexes": settings.indexes(config.indexes),
            "protect": protect,
        },
    )
    bridge = LambdaBridge("bridge", settings.bridge(config, network, **where, index_arns=vectors.index_arns))
    if config.bridge.vpc:
        passing |= bridge.endpoint_statements()
    invoked.append(("invoke", bridge.function_arn, list(databases.values())))
    if searched := settings.searched(config.indexes, vectors):
        TextSearch("text-search", {"region": region, "indexes": searched})

first, *_ = databases
pipeline = jobs = None
if config.embedding:
    home = databases[first]
    jobs = EmbeddingBatch("embedding-batch", {**where}) if config.embedding.batch else None
    destinations = embedding.destinations(config, vectors)
    pipeline = EmbeddingPipeline(
        "embedder",
        embedding.pipeline(
            config,
            network,
            home,
            **inside,
            index_arns=destinations,
            **(embedding.batch(jobs, network) if jobs else {}),
        ),
    )
    for service, statements in pipeline.endpoint_statements().items():
        passing.setdefault(service, []).extend(statements)
    if calls_worker:
        invoked.append(("embedder", pipeline.function_arn, [home]))

bastion = None
if config.bastion:
    bastion = Bastion(
        "bastion",
        {
            **where,
            "vpc_id": network.vpc_id,
            "subnet_id": network.subnets[zones.home(network.zones, bastion_zones, INSTANCE_TYPE)],
            "image_id": aws.ssm.get_parameter(name=IMAGE_PARAMETER).insecure_value,
            "endpoint_ids": mapping({service: network.ids[service] for service in (*AGENT_ACTIONS, "s3")}),
            "endpoint_security_group_ids": mapping({service: network.groups[service] for service in AGENT_ACTIONS}),
            "shared_endpoints": network.shared_endpoints,
            "one_endpoint_group": network.share_a_group("ssm", "ssmmessages"),
            "s3_prefix_list_id": network.s3_prefix_list_id,
            "s3_uses": [
                {"actions": actions, "resources": [resource], "role_arn": pipeline.role_arn}
                for actions, resource in file_uses(jobs.bucket_arn)
            ]
            if pipeline and jobs
            else [],
            "hosts": {name: database.endpoint for name, database in databases.items()},
        },
    )
    for name, database in databases.items():
        group = database.security_group_id
        ways_in += network.allow(f"bastion-to-{name}", bastion.security_group_id, group, POSTGRESQL)

for name, function_arn, callers in invoked:
    for database in callers:
        ways_in += database.allow_invoke(function_arn, name)
if invoked:
    ways_in += network.endpoint_policy(
        "lambda",
        [
            iam.allow(
                "lambda:InvokeFunction",
                function_arn,
                principal="*",
                condition={"ArnEquals": {"aws:PrincipalArn": [d.invoker_role_arn for d in callers]}},
            )
            for _, function_arn, callers in invoked
        ],
        aliases=[pulumi.Alias(name="database-invoke", parent=databases.get("database", network))],
    )
if config.database.bedrock_models:
    passing.setdefault("bedrock-runtime", []).append(
        iam.allow(
            "bedrock:InvokeModel",
            models,
            principal="*",
            condition={"ArnEquals": {"aws:PrincipalArn": cluster.bedrock_role_arn}},
        )
    )
if bastion:
    passing.pop("s3", None)  # in the bastion's policy
for service, statements in passing.items():
    ways_in += network.endpoint_policy(service, statements)

schemas = {
    name: SqlSchema(
        "sql" if number == 0 else f"sql-{name}",
        {
            "host": database.endpoint,
            "port": database.port,
            "database_name": database.database_name,
            "region": region,
            "secret_arn": database.secret_arn,
            "resource_id": database.resource_id,
            "cluster_arn": database.arn,
            "transport": config.transport.value,
            "bastion_id": bastion.instance_id if bastion else "",
            "session_document": bastion.document_names[name] if bastion else "",
            "function_arn": bridge.function_arn if bridge else "",
            "index_arns": settings.current(config.indexes, vectors.index_arns) if vectors else {},
            "indexes": settings.sql_indexes(config.indexes),
            "users": [{"name": user.name, "access": user.access.value} for user in config.users],
            "has_worker": pipeline is not None and name == first,
            "worker_arn": pipeline.function_arn if pipeline and calls_worker else "",
            "worker_has_queue": config.embedding is not None and config.embedding.queue,
            "worker_has_batch": config.embedding is not None and config.embedding.batch,
            "vectorizers": embedding.vectorizers(config),
        },
        opts=pulumi.ResourceOptions(depends_on=[*database.ready, *ways_in, *([bastion] if bastion else [])]),
    )
    for number, (name, database) in enumerate(databases.items())
}

sweeps = None
if pipeline and config.sweep_minutes:
    sweeps = EmbeddingSchedule(
        "sweeps",
        embedding.schedule(
            config,
            **where,
            function_arn=pipeline.function_arn,
            queue_arn=pipeline.queue_arn,
            dead_letter_queue_arn=pipeline.dead_letter_queue_arn,
        ),
        # A sweep before the SQL is there would find nobody who lets it in.
        opts=pulumi.ResourceOptions(depends_on=schemas[first]),
    )
    if config.database.pauses:
        pulumi.log.warn(waking(config.sweep_minutes, config.database.auto_pause_seconds), pipeline)

observed = None
if config.observability.enabled:
    observed = Observability(
        "observability",
        settings.observability(
            config.observability,
            **where,
            databases=[settings.watched(config, name, database) for name, database in databases.items()],
            **settings.watched_functions(config, bridge, pipeline, sweeps),
            has_bastion=bastion is not None,
            bastion_id=bastion.instance_id if bastion else None,
            vpc_id=network.vpc_id,
            endpoints=[{"service": service, "endpoint_id": made} for service, made in network.interfaces.items()],
        ),
    )

pulumi.export("region", region)
pulumi.export("endpoint", databases[first].endpoint)
pulumi.export("port", databases[first].port)
pulumi.export("database", databases[first].database_name)
pulumi.export("clusterResourceId", databases[first].resource_id)
pulumi.export("clusterArn", databases[first].arn)
pulumi.export("secretArn", databases[first].secret_arn)
pulumi.export("transport", config.transport.value)
pulumi.export("users", [{"name": user.name, "access": user.access.value} for user in config.users])
pulumi.export("bastionId", bastion.instance_id if bastion else None)
pulumi.export("sessionDocument", bastion.document_names[first] if bastion else None)
pulumi.export("connectPolicyArn", bastion.connect_policy_arn if bastion else None)
pulumi.export("loginPolicyArns", logins.policy_arns)
pulumi.export("functionArn", bridge.function_arn if bridge else None)
if pipeline:
    pulumi.export("workerArn", pipeline.function_arn)
    pulumi.export("embedding", embedding.described(config, pipeline))
    pulumi.export("queueUrl", pipeline.queue_url if config.embedding and config.embedding.queue else None)
    pulumi.export("deadLetterQueueUrl", pipeline.dead_letter_queue_url)
    pulumi.export("embeddingModels", list(config.embedding.invoked_models) if config.embedding else [])
    pulumi.export("sweepArn", sweeps.schedule_arn if sweeps else None)
pulumi.export("vectorBucketArn", vectors.bucket_arn if vectors else None)
pulumi.export("indexArns", vectors.index_arns if vectors else {})
pulumi.export("indexes", settings.described(config.indexes, vectors.index_arns) if vectors else [])
pulumi.export("bedrockModels", list(config.database.bedrock_models))
pulumi.export("sqlApplied", schemas[first].applied)
pulumi.export("topicArn", observed.topic_arn if observed else None)
pulumi.export("dashboard", observed.dashboard_name if observed else None)
pulumi.export("vpcBlockPublicAccess", config.network.block_public_access.value)
pulumi.export(
    "databases",
    {
        name: {
            "endpoint": database.endpoint,
            "readerEndpoint": database.reader_endpoint,
            "proxyEndpoint": proxies[name].endpoint if name in proxies else None,
            "port": database.port,
            "resourceId": database.resource_id,
            "arn": database.arn,
            "secretArn": database.secret_arn,
            "sessionDocument": bastion.document_names[name] if bastion else None,
            "securityGroupId": database.security_group_id,
            "sqlApplied": schemas[name].applied,
        }
        for name, database in databases.items()
    },
)
