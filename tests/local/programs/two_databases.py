"""A program of its own: an Aurora cluster with readers and an RDS instance, each with its SQL step and a role to invoke with."""

import json

import pulumi
import pulumi_aws as aws
import pulumi_command as command

config = pulumi.Config()
VERSIONS = {"database": config.get("auroraVersion") or "18", "rds": config.get("rdsVersion") or "18"}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "rds.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
        }
    ],
}


class Part(pulumi.ComponentResource):
    """What one database consists of."""

    def __init__(self, name):
        super().__init__("shop:index:Part", name)
        self.name, self.child = name, pulumi.ResourceOptions(parent=self)
        self.key = aws.kms.Key(f"{name}-key", description=name, enable_key_rotation=True, opts=self.child)

    def common(self):
        """What a cluster and an instance have alike."""
        return {
            "engine_version": VERSIONS[self.name],
            "manage_master_user_password": True,
            "master_user_secret_kms_key_id": self.key.arn,
            "storage_encrypted": True,
            "kms_key_id": self.key.arn,
            "iam_database_authentication_enabled": True,
            "copy_tags_to_snapshot": True,
            "backup_retention_period": 7,
            "skip_final_snapshot": True,
            "opts": self.child,
        }

    def parameters(self, kind, family, memory):
        """A parameter group with a setting that tells the two servers apart."""
        values = {"rds.force_ssl": "1", "work_mem": memory}
        return kind(
            f"{self.name}-parameters",
            family=f"{family}{VERSIONS[self.name].partition('.')[0]}",
            parameters=[{"name": key, "value": value, "apply_method": "immediate"} for key, value in values.items()],
            opts=self.child,
        ).name

    def step(self, host, port, secrets):
        """The SQL step."""
        command.local.Command(
            f"{self.name}-apply",
            create='exec "$VECTORDB_PYTHON" -m vectordb migrate apply',
            environment={
                "VECTORDB_HOST": host,
                "VECTORDB_PORT": port.apply(lambda value: str(int(value))),
                "VECTORDB_REGION": "us-east-1",
                "VECTORDB_TRANSPORT": "direct",
                "VECTORDB_SECRET_ARN": secrets.apply(lambda found: found[0].secret_arn),
                "VECTORDB_USERS": json.dumps([{"name": f"{self.name}_app", "access": "writer"}]),
            },
            opts=self.child,
        )

    def invoker(self):
        """The ARN of a role for the feature Lambda."""
        return aws.iam.Role(f"{self.name}-invoke", assume_role_policy=json.dumps(TRUST), opts=self.child).arn


if (config.get("engine") or "both") != "rds":
    part = Part("database")
    cluster = aws.rds.Cluster(
        "database-cluster",
        cluster_identifier="shop-dev-database-1",
        engine="aurora-postgresql",
        database_name="vectordb",
        master_username="vectordb_admin",
        enable_http_endpoint=bool(config.get_bool("dataApi")),
        snapshot_identifier=config.get("snapshot"),
        db_cluster_parameter_group_name=part.parameters(aws.rds.ClusterParameterGroup, "aurora-postgresql", "7001"),
        **part.common(),
    )
    instances = []
    for role in ("writer", "reader-1", "reader-2"):
        instances.append(
            aws.rds.ClusterInstance(
                f"database-{role}",
                cluster_identifier=cluster.id,
                engine="aurora-postgresql",
                instance_class="db.serverless",
                ca_cert_identifier="rds-ca-rsa2048-g1",
                publicly_accessible=False,
                opts=pulumi.ResourceOptions(parent=part, depends_on=instances[:1]),
            )
        )
    aws.rds.ClusterRoleAssociation(
        "database-invoke",
        db_cluster_identifier=cluster.id,
        role_arn=part.invoker(),
        feature_name="Lambda",
        opts=part.child,
    )
    part.step(cluster.endpoint, cluster.port, cluster.master_user_secrets)
    pulumi.export("writers", [instance.writer for instance in instances])
    pulumi.export("instanceEndpoints", [instance.endpoint for instance in instances])

if (config.get("engine") or "both") != "aurora":
    part = Part("rds")
    instance = aws.rds.Instance(
        "rds-instance",
        identifier="shop-dev-rds-1",
        engine="postgres",
        instance_class="db.t4g.small",
        allocated_storage=20,
        db_name="vectordb",
        username="vectordb_admin",
        publicly_accessible=False,
        ca_cert_identifier="rds-ca-rsa2048-g1",
        parameter_group_name=part.parameters(aws.rds.ParameterGroup, "postgres", "7002"),
        **part.common(),
    )
    aws.rds.RoleAssociation(
        "rds-invoke",
        db_instance_identifier=instance.identifier,
        role_arn=part.invoker(),
        feature_name="Lambda",
        opts=part.child,
    )
    part.step(config.get("stepHost") or instance.address, instance.port, instance.master_user_secrets)
    for key in ("id", "address", "endpoint", "port", "resource_id", "arn", "identifier", "master_user_secrets"):
        pulumi.export(f"rds_{key}", getattr(instance, key))

pulumi.export("endpoint", instance.address if config.get("primary") == "rds" else None)
