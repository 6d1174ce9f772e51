"""Databases, functions and load balancers answer inside the network only."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.checks import is_true, none_true
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, aws

_private = none_true("publiclyAccessible")


def _cluster(resource: Resource) -> Iterator[Finding]:
    yield from _private(resource)
    # A Multi-AZ DB cluster, which alone has an instance class of its own, is public by default unless it names a
    # subnet group (Amazon RDS API, CreateDBCluster, PubliclyAccessible).
    subnets = resource.at("dbSubnetGroupName")
    if (
        not resource.at("dbClusterInstanceClass").absent
        and resource.at("publiclyAccessible").absent
        and (subnets.absent or subnets.text == "default")
    ):
        yield Finding("publiclyAccessible", "is absent, and true by default without a subnet group")


PUBLIC_DATABASES = ResourceRule(
    id="database-not-public",
    title="Databases have no public address.",
    severity=Severity.CRITICAL,
    remedy="Set publiclyAccessible to false.",
    frameworks=Frameworks(fsbp=("RDS.2",), cis=("2.3.3",), checkov=("CKV_AWS_17",)),
    checks={
        aws("rds/cluster"): _cluster,
        # The provider sends false when these say nothing.
        aws("rds/clusterInstance"): _private,
        aws("rds/instance"): _private,
    },
)


def _function_url(resource: Resource) -> Iterator[Finding]:
    authorization = resource.at("authorizationType")
    if not authorization.unknown and authorization.text != "AWS_IAM":
        described = "NONE" if authorization.text == "NONE" else authorization.described
        yield Finding(authorization.path, f"is {described}, not AWS_IAM")


PUBLIC_FUNCTIONS = ResourceRule(
    id="function-url-authenticated",
    title="Function URLs ask for IAM authentication.",
    severity=Severity.CRITICAL,
    remedy="Set authorizationType to AWS_IAM, or remove the URL and invoke the function through the Lambda endpoint.",
    frameworks=Frameworks(fsbp=("Lambda.1",), checkov=("CKV_AWS_258",)),
    checks={aws("lambda/functionUrl"): _function_url},
)


def _load_balancer(resource: Resource) -> Iterator[Finding]:
    # A Gateway Load Balancer has no scheme: it is reached through its endpoints only.
    if resource.at("loadBalancerType").text != "gateway":
        yield from is_true(resource.at("internal"))


PUBLIC_LOAD_BALANCERS = ResourceRule(
    id="load-balancer-internal",
    title="Load balancers are internal.",
    severity=Severity.CRITICAL,
    remedy="Set internal to true.",
    checks=dict.fromkeys((aws("lb/loadBalancer"), aws("alb/loadBalancer"), aws("elb/loadBalancer")), _load_balancer),
)
