"""A program of one's own, from four of the components: no vector store, no function, no SQL step."""

import pulumi
import pulumi_aws as aws

from components.bastion.bastion import IMAGE_PARAMETER, Bastion
from components.database.rds import RdsDatabase
from components.encryption import Encryption
from components.network.flows import POSTGRESQL
from components.network.network import Network
from components.network.zones import available

account = aws.get_caller_identity().account_id
region = aws.get_region().region
partition = aws.get_partition()
# Not Local Zones: an account that has opted in to some would get those first.
zones = sorted(available())[:2]

encryption = Encryption(
    "encryption",
    {
        "account": account,
        "region": region,
        "partition": partition.partition,
        "dns_suffix": partition.dns_suffix,
    },
)
network = Network(
    "network",
    {
        "account": account,
        "region": region,
        "partition": partition.partition,
        "key_arn": encryption.key_arn,
        "cidr": "10.60.0.0/16",
        "zones": zones,
        "services": ["s3", "ssm", "ssmmessages"],
    },
)
database = RdsDatabase(
    "database",
    {
        "account": account,
        "region": region,
        "partition": partition.partition,
        "key_arn": encryption.key_arn,
        "vpc_id": network.vpc_id,
        "subnet_ids": network.subnet_ids,
        "version": "18",
        "instance_class": "db.t4g.small",
        "backup_days": 14,
    },
)
bastion = Bastion(
    "bastion",
    {
        "account": account,
        "region": region,
        "partition": partition.partition,
        "key_arn": encryption.key_arn,
        "image_id": aws.ssm.get_parameter(name=IMAGE_PARAMETER).insecure_value,
        "vpc_id": network.vpc_id,
        "subnet_id": network.subnet_ids[0],
        "endpoint_ids": network.endpoint_ids,
        "endpoint_security_group_ids": network.endpoint_security_group_ids,
        "s3_prefix_list_id": network.s3_prefix_list_id,
        "hosts": {"database": database.endpoint},
    },
)
network.allow("bastion-to-database", bastion.security_group_id, database.security_group_id, POSTGRESQL)

pulumi.export("endpoint", database.endpoint)
pulumi.export("port", database.port)
pulumi.export("database", database.database_name)
pulumi.export("secretArn", database.secret_arn)
pulumi.export("bastionId", bastion.instance_id)
pulumi.export("sessionDocument", bastion.document_names["database"])
pulumi.export("connectPolicyArn", bastion.connect_policy_arn)
