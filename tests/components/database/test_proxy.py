"""RDS Proxy: TLS and IAM from the client to the database, and nobody but the named users."""

import pulumi
import pytest

from components.database.aurora import AuroraDatabase
from components.database.proxy import DatabaseProxy
from tests.components.database.harness import ACCOUNT, PLACE, build, role_arn

FIXED = {key: PLACE[key] for key in ("vpc_id", "subnet_ids", "key_arn", "account", "partition", "region")}


def proxied(**options):
    def make():
        database = AuroraDatabase("database", {**PLACE, "min_capacity": 0.5})
        proxy = DatabaseProxy(
            "proxy",
            {
                **FIXED,
                "kind": "aurora",
                "identifier": database.identifier,
                "resource_id": database.resource_id,
                "security_group_id": database.security_group_id,
                "users": ["vectordb_worker", "vectordb_app"],
                **options,
            },
            pulumi.ResourceOptions(depends_on=database.ready),
        )
        return {name: getattr(proxy, name) for name in ("endpoint", "resource_id", "arn", "security_group_id")}

    return build(make, known=True)


def test_tls_and_iam_are_required_and_there_is_no_secret():
    built = proxied()
    assert built.only("Proxy").inputs == {
        "name": "vectordb-dev-proxy-1",
        "engineFamily": "POSTGRESQL",
        "defaultAuthScheme": "IAM_AUTH",
        "requireTls": True,
        "debugLogging": False,
        "idleClientTimeout": 1800,
        "roleArn": role_arn("proxy-role"),
        "vpcSubnetIds": ["subnet-1", "subnet-2"],
        "vpcSecurityGroupIds": ["id-proxy-group"],
        "tags": {"Name": "proxy-proxy", "Project": "vectordb", "Stack": "dev"},
    }
    assert built.outputs == {
        "endpoint": "proxy.example",
        "resource_id": "prx-0123",
        "arn": f"arn:aws:rds:eu-central-1:{ACCOUNT}:db-proxy:prx-0123",
        "security_group_id": "id-proxy-group",
    }


def test_another_generation_makes_another_proxy_and_does_not_rename_this_one():
    # A proxy leads to one database: the new one could not be registered with the old proxy while the old one is.
    assert proxied(generation=2).only("Proxy").inputs["name"] == "vectordb-dev-proxy-2"
    assert proxied().replaced_on["proxy-proxy"] == ["name"]


def test_the_proxy_logs_in_as_the_named_users_of_this_database_only():
    users = f"arn:aws:rds-db:eu-central-1:{ACCOUNT}:dbuser:cluster-ABC"
    assert proxied().statements("RolePolicy", "proxy-connect") == [
        {
            "Effect": "Allow",
            "Action": "rds-db:connect",
            "Resource": [f"{users}/vectordb_app", f"{users}/vectordb_worker"],
        }
    ]
    (trust,) = proxied().statements("Role", "proxy-role", "assumeRolePolicy")
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:rds:eu-central-1:{ACCOUNT}:db-proxy:*"},
    }


def test_the_target_is_registered_when_the_writer_and_the_way_to_it_exist():
    built = proxied()
    target = built.only("ProxyTarget")
    assert target.inputs == {
        "dbProxyName": "vectordb-dev-proxy-1",
        "targetGroupName": "proxy-targets",
        "dbClusterIdentifier": "vectordb-dev-database-1",
    }
    assert built.waits_for(target, "ClusterInstance", "database-writer")
    assert built.waits_for(target, "SecurityGroupIngressRule", "proxy-to-database-ingress")


def test_an_instance_is_registered_as_one():
    target = proxied(kind="rds").only("ProxyTarget").inputs
    assert target["dbInstanceIdentifier"] == "vectordb-dev-database-1"
    assert "dbClusterIdentifier" not in target


def test_the_log_exists_before_the_proxy():
    built = proxied(log_retention_days=7)
    assert built.only("LogGroup", "proxy-logs").inputs["name"] == "/aws/rds/proxy/vectordb-dev-proxy-1"
    assert built.only("LogGroup", "proxy-logs").inputs["retentionInDays"] == 7
    assert built.waits_for(built.only("Proxy"), "LogGroup", "proxy-logs")
    assert built.waits_for(built.only("Proxy"), "RolePolicy", "proxy-connect")


def test_clients_connect_to_the_proxy():
    rule = proxied(clients={"application": "sg-app"}).only("SecurityGroupIngressRule", "application-to-proxy-ingress")
    assert (rule.inputs["securityGroupId"], rule.inputs["referencedSecurityGroupId"]) == ("id-proxy-group", "sg-app")


def test_what_is_no_proxy():
    with pytest.raises(ValueError, match="proxy: users is empty"):
        proxied(users=[])
    with pytest.raises(ValueError, match=r"proxy: kind is 'dsql'\. Allowed: aurora, rds"):
        proxied(kind="dsql")
