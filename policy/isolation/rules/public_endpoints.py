"""Databases, brokers and functions answer inside the network only."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.checks import none_true
from isolation.rule import Check, Finding, Frameworks, Resource, ResourceRule, aws

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
    why=(
        "With the flag a database gets a public address and a public name, and only its security group is left between it and "
        "everybody (Amazon RDS User Guide, Hiding a DB instance in a VPC from the internet)."
    ),
    frameworks=Frameworks(fsbp=("RDS.2",), cis=("2.3.3",), checkov=("CKV_AWS_17",)),
    checks={
        aws("rds/cluster"): _cluster,
        # The provider sends false when these say nothing.
        aws("rds/clusterInstance"): _private,
        aws("rds/instance"): _private,
    },
    repairs={
        aws("rds/clusterInstance"): {"publiclyAccessible": False},
        aws("rds/instance"): {"publiclyAccessible": False},
    },
)


def _off(path: str, problem: str) -> Check:
    """A check that a flag is false where true is the default."""

    def check(resource: Resource) -> Iterator[Finding]:
        for flag in resource.select(path):
            if not flag.unknown and flag.truth is not False:
                yield Finding(
                    flag.path, f"is absent, and {problem}" if flag.absent else f"is {flag.described}, not false"
                )

    return check


def _notebook(resource: Resource) -> Iterator[Finding]:
    access = resource.at("directInternetAccess")
    if not access.unknown and access.text != "Disabled":
        yield Finding(access.path, "is absent, and Enabled by default" if access.absent else "is not Disabled")


def _kafka(resource: Resource) -> Iterator[Finding]:
    kind = resource.at("brokerNodeGroupInfo", "connectivityInfo", "publicAccess", "type")
    if kind.given and kind.text != "DISABLED":
        yield Finding(kind.path, "is not DISABLED")


PUBLIC_STORES = ResourceRule(
    id="service-not-public",
    title="Whatever else stores or moves data has no public address.",
    severity=Severity.CRITICAL,
    remedy="Set the flag to false.",
    why=(
        "A migration, a warehouse, a broker or a notebook beside the database has a copy of its data or a login to it, and each "
        "has a flag of its own that gives it a public address. For replication instances, redshift clusters and notebooks a "
        "public one is, or was, the default (AWS DMS User Guide, Setting up a network for a replication instance)."
    ),
    frameworks=Frameworks(
        fsbp=("DMS.1", "Redshift.1", "RedshiftServerless.3", "MSK.4", "SageMaker.1", "EKS.1"),
        checkov=("CKV_AWS_39", "CKV_AWS_69", "CKV_AWS_87", "CKV_AWS_89", "CKV_AWS_102", "CKV_AWS_122", "CKV_AWS_291"),
    ),
    checks={
        aws("dms/replicationInstance"): _off("publiclyAccessible", "AWS's own default is true"),
        aws("redshift/cluster"): _private,
        aws("redshiftserverless/workgroup"): _private,
        aws("neptune/clusterInstance"): _private,
        aws("mq/broker"): _private,
        aws("lightsail/database"): _private,
        aws("eks/cluster"): _off("vpcConfig.endpointPublicAccess", "true by default"),
        aws("msk/cluster"): _kafka,
        aws("sagemaker/notebookInstance"): _notebook,
    },
)


def _function_url(resource: Resource) -> Iterator[Finding]:
    authorization = resource.at("authorizationType")
    if not authorization.unknown and authorization.text != "AWS_IAM":
        described = "NONE" if authorization.text == "NONE" else authorization.described
        yield Finding(authorization.path, f"is {described}, not AWS_IAM")


def _function_permission(resource: Resource) -> Iterator[Finding]:
    authorization = resource.at("functionUrlAuthType")
    # With AWS_IAM the permission is as wide as its principal, which another rule looks at.
    if authorization.text == "NONE":
        yield Finding(authorization.path, "lets a function URL be called without authentication")


PUBLIC_FUNCTIONS = ResourceRule(
    id="function-url-authenticated",
    title="Function URLs ask for IAM authentication.",
    severity=Severity.CRITICAL,
    remedy="Set authorizationType to AWS_IAM, or remove the URL and invoke the function through the Lambda endpoint.",
    why=(
        "A function URL is a public HTTPS endpoint wherever the function runs, also one in an isolated VPC (AWS Lambda "
        "Developer Guide, Function URLs). With NONE whoever finds it runs the function, with the role that reaches the data."
    ),
    frameworks=Frameworks(fsbp=("Lambda.1",), checkov=("CKV_AWS_258",)),
    checks={aws("lambda/functionUrl"): _function_url, aws("lambda/permission"): _function_permission},
)
