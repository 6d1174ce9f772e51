"""The system, top to bottom: configuration, components, outputs."""

import pulumi
import pulumi_aws as aws

from components.bastion import IMAGE_PARAMETER, Bastion
from components.config import load
from components.database import AuroraDatabase
from components.encryption import Encryption
from components.flows import POSTGRESQL
from components.lambda_bridge import LambdaBridge
from components.naming import bucket_name
from components.network import Network
from components.sql_schema import SqlSchema
from components.vector_store import S3VectorStore

config = load()
account = aws.get_caller_identity().account_id
partition = aws.get_partition().partition
region = aws.get_region().region
protect = config.database.protect

encryption = Encryption(
    "encryption", {"account": account, "region": region, "partition": partition, "protect": protect}
)

network = Network(
    "network",
    {
        "cidr": config.network.cidr,
        "zones": aws.get_availability_zones(state="available").names[: config.network.zones],
        "region": region,
        "services": ["lambda", *(["ssm", "ssmmessages"] if config.bastion else [])],
    },
)

database = AuroraDatabase(
    "database",
    {
        "vpc_id": network.vpc_id,
        "subnet_ids": network.subnet_ids,
        "key_arn": encryption.key_arn,
        "account": account,
        "version": config.database.version,
        "min_capacity": config.database.min_capacity,
        "max_capacity": config.database.max_capacity,
        "generation": config.database.generation,
        "lambda_endpoint_id": network.endpoint_ids["lambda"],
        "endpoint_security_group_id": network.endpoint_security_group_id,
        "protect": protect,
    },
)

bastion = None
ways_in: list[pulumi.Resource] = []
if config.bastion:
    bastion = Bastion(
        "bastion",
        {
            "vpc_id": network.vpc_id,
            "subnet_id": network.subnet_ids[0],
            "key_arn": encryption.key_arn,
            "image_id": aws.ssm.get_parameter(name=IMAGE_PARAMETER).insecure_value,
            "region": region,
            "partition": partition,
            "endpoint_ids": network.endpoint_ids,
            "endpoint_security_group_id": network.endpoint_security_group_id,
            "s3_endpoint_id": network.s3_endpoint_id,
            "s3_prefix_list_id": network.s3_prefix_list_id,
            "host": database.endpoint,
        },
    )
    ways_in = network.allow("bastion-to-database", bastion.security_group_id, database.security_group_id, POSTGRESQL)

vectors = S3VectorStore(
    "vectors",
    {
        "bucket_name": bucket_name(f"{pulumi.get_project()}-{pulumi.get_stack()}", account, region),
        "key_arn": encryption.key_arn,
        "indexes": [
            {
                "name": index.name,
                "dimension": index.dimension,
                "metric": index.metric.value,
                "non_filterable_keys": list(index.non_filterable_keys),
            }
            for index in config.indexes
        ],
        "protect": protect,
    },
)

bridge = LambdaBridge(
    "bridge",
    {
        "index_arns": vectors.index_arns,
        "key_arn": encryption.key_arn,
        "account": account,
        "region": region,
        "partition": partition,
    },
)
invocation = database.allow_invoke(bridge.function_arn)

schema = SqlSchema(
    "sql",
    {
        "host": database.endpoint,
        "port": database.port,
        "database_name": database.database_name,
        "region": region,
        "secret_arn": database.secret_arn,
        "resource_id": database.resource_id,
        "transport": config.transport.value,
        "bastion_id": bastion.instance_id if bastion else "",
        "session_document": bastion.document_name if bastion else "",
        "function_arn": bridge.function_arn,
        "index_arns": vectors.index_arns,
        "indexes": [{"name": i.name, "dimension": i.dimension, "metric": i.metric.value} for i in config.indexes],
        "users": [{"name": user.name, "access": user.access.value} for user in config.users],
    },
    opts=pulumi.ResourceOptions(depends_on=[database, *ways_in, *invocation, *([bastion] if bastion else [])]),
)

pulumi.export("region", region)
pulumi.export("endpoint", database.endpoint)
pulumi.export("port", database.port)
pulumi.export("database", database.database_name)
pulumi.export("clusterResourceId", database.resource_id)
pulumi.export("secretArn", database.secret_arn)
pulumi.export("bastionId", bastion.instance_id if bastion else None)
pulumi.export("sessionDocument", bastion.document_name if bastion else None)
pulumi.export("functionArn", bridge.function_arn)
pulumi.export("vectorBucketArn", vectors.bucket_arn)
pulumi.export("indexArns", vectors.index_arns)
pulumi.export("sqlApplied", schema.applied)
