"""What is recorded and not made: how it is listed, and what the program gets for it."""

from types import SimpleNamespace

import pytest

from vectordb.local import invented
from vectordb.local.engine import Execution
from vectordb.local.recorded import grouped, listed
from vectordb.plan.recording import Registration


def test_types_are_grouped_by_what_they_are_about_and_none_is_lost():
    recorded = {
        "aws:appautoscaling/policy:Policy": 1,
        "aws:appautoscaling/target:Target": 1,
        "aws:budgets/budget:Budget": 1,
        "aws:cloudwatch/dashboard:Dashboard": 1,
        "aws:cloudwatch/metricAlarm:MetricAlarm": 7,
        "aws:ec2/flowLog:FlowLog": 1,
        "aws:ec2/instance:Instance": 1,
        "aws:ec2/networkAcl:NetworkAcl": 1,
        "aws:ec2/subnet:Subnet": 2,
        "aws:iam/instanceProfile:InstanceProfile": 1,
        "aws:kms/alias:Alias": 1,
        "aws:lambda/permission:Permission": 1,
        "aws:rds/eventSubscription:EventSubscription": 1,
        "aws:rds/proxy:Proxy": 1,
        "aws:s3/vectorsVectorBucketPolicy:VectorsVectorBucketPolicy": 1,
        "aws:sns/topic:Topic": 1,
        "aws:ssm/document:Document": 1,
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": 3,
        "aws:workspaces/directory:Directory": 1,
        "random:index/randomId:RandomId": 1,
    }
    found = grouped(recorded)
    assert {kind: listed(names) for kind, names in found.items()} == {
        "network": "ec2 Instance, FlowLog, NetworkAcl, SecurityGroupIngressRule ×3, Subnet ×2",
        "access": "InstanceProfile, kms Alias, Permission, ssm Document, VectorsVectorBucketPolicy",
        "databases": "EventSubscription, rds Proxy",
        "scaling": "appautoscaling Policy, appautoscaling Target",
        "watching": "Budget, Dashboard, MetricAlarm ×7, Topic",
        "other": "Directory, RandomId",
    }
    assert list(found) == ["network", "access", "databases", "scaling", "watching", "other"]
    assert sum(count for names in found.values() for count in names.values()) == sum(recorded.values())


def test_two_types_of_one_short_name_in_a_group_are_counted_together():
    assert grouped({"aws:iam/user:User": 2, "aws:iam/other:User": 1}) == {"access": {"User": 3}}


@pytest.fixture
def execution():
    return Execution(SimpleNamespace(region="eu-west-1"), None, None)


def resource(type_):
    return Registration("urn:pulumi:dev::p::t::thing", type_, "thing", True, "", {})


@pytest.mark.parametrize(
    ("type_", "inputs", "physical_id", "arn"),
    [
        ("aws:ec2/vpc:Vpc", {}, "vpc-{digits}", "arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-{digits}"),
        ("aws:ec2/instance:Instance", {}, "i-{digits}", "arn:aws:ec2:eu-west-1:123456789012:instance/i-{digits}"),
        ("aws:ec2/flowLog:FlowLog", {}, "fl-{digits}", "arn:aws:ec2:eu-west-1:123456789012:vpc-flow-log/fl-{digits}"),
        ("aws:sns/topic:Topic", {"name": "news"}, "news", "arn:aws:sns:eu-west-1:123456789012:news"),
        ("aws:budgets/budget:Budget", {"name": "b"}, "b", "arn:aws:budgets::123456789012:budget/b"),
        ("aws:cloudwatch/metricAlarm:MetricAlarm", {"name": "a"}, "a", "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a"),
        ("aws:cloudwatch/dashboard:Dashboard", {"name": "d"}, "d", "arn:aws:cloudwatch::123456789012:dashboard/d"),
        ("aws:rds/proxy:Proxy", {"name": "p"}, "p", "arn:aws:rds:eu-west-1:123456789012:db-proxy:prx-{digits}"),
        ("aws:rds/subnetGroup:SubnetGroup", {"name": "s"}, "s", "arn:aws:rds:eu-west-1:123456789012:subgrp:s"),
    ],
)  # fmt: skip
def test_ids_and_arns_have_the_form_of_aws_s(execution, type_, inputs, physical_id, arn):
    digits = execution.unique(resource(type_))
    made, outputs = invented.make(execution, resource(type_), inputs)
    assert made == physical_id.format(digits=digits)
    assert outputs["arn"] == arn.format(digits=digits)


def test_what_a_program_reads_of_a_vpc_an_endpoint_and_a_proxy_is_there(execution):
    digits = execution.unique(resource("any"))
    _, vpc = invented.make(execution, resource("aws:ec2/vpc:Vpc"), {"assignGeneratedIpv6CidrBlock": True})
    assert vpc["defaultNetworkAclId"] == f"acl-{digits}"
    assert vpc["ipv6CidrBlock"] == f"2001:db8:{digits[:4]}:{digits[4:6]}00::/56"
    _, gateway = invented.make(execution, resource("aws:ec2/vpcEndpoint:VpcEndpoint"), {})
    assert gateway["prefixListId"] == f"pl-{digits[:8]}"
    _, proxy = invented.make(execution, resource("aws:rds/proxy:Proxy"), {"name": "pooled"})
    assert proxy["endpoint"] == f"pooled.proxy-{digits[:12]}.eu-west-1.rds.amazonaws.com"
