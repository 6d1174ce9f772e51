"""Resources are of services that these rules read."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from isolation.declared import identifiers, strings
from isolation.rule import Finding, Resource, StackRule
from isolation.stack import Stack

# The provider's modules whose resources neither reach a network nor data, nor let anybody in.
HARMLESS: Final = frozenset(
    {
        "accessanalyzer", "account", "appconfig", "applicationinsights", "auditmanager", "autoscalingplans",
        "budgets", "cfg", "chatbot", "costexplorer", "costoptimizationhub", "cur", "detective", "devopsguru", "fis",
        "guardduty", "inspector", "inspector2", "licensemanager", "macie", "macie2", "notifications", "resiliencehub",
        "resourceexplorer", "resourcegroups", "resourcegroupstaggingapi", "securityhub", "securitylake",
        "servicequotas", "signer", "ssmcontacts", "ssmincidents", "swf", "synthetics", "wafv2", "xray",
    }
)  # fmt: skip
# Those of which rules here read the types that reach a network, hold data or admit somebody.
READ: Final = frozenset(
    {
        "acm", "acmpca", "alb", "amp", "amplify", "apigateway", "apigatewayv2", "appautoscaling",
        "applicationloadbalancing", "apprunner", "appstream", "appsync", "athena", "autoscaling", "backup", "batch",
        "bedrock", "bedrockmodel", "cloud9", "cloudcontrol", "cloudformation", "cloudfront", "cloudsearch",
        "cloudtrail", "cloudwatch", "codeartifact", "codebuild", "cognito", "dax", "directconnect", "dlm", "dms",
        "docdb", "dsql", "dynamodb", "ebs", "ec2", "ec2clientvpn", "ec2transitgateway", "ecr", "ecrpublic", "ecs",
        "efs", "eks", "elasticache", "elasticbeanstalk", "elasticloadbalancing", "elasticloadbalancingv2",
        "elasticsearch", "elb", "emr", "fsx", "glacier", "globalaccelerator", "glue", "iam", "iot",
        "keyspaces", "kinesis", "kms", "lambda", "lb", "lightsail", "mediastore", "memorydb", "mq", "msk", "mwaa",
        "neptune", "neptunegraph", "networkfirewall", "networkmanager", "oam", "odb", "opensearch",
        "opensearchingest", "organizations", "outposts", "pinpoint", "pipes", "qldb", "ram", "rds",
        "redshift", "redshiftserverless", "route53", "s3", "s3control", "s3outposts", "s3tables",
        "sagemaker", "scheduler", "schemas", "secretsmanager", "serverlessrepository", "servicecatalog", "ses",
        "sesv2", "sfn", "shield", "sns", "sqs", "ssm", "ssoadmin", "storagegateway", "timestreaminfluxdb",
        "timestreamwrite", "transfer", "verifiedaccess", "vpc", "vpclattice",
    }
)  # fmt: skip


def _unread(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    known = READ | HARMLESS | set(strings(stack.settings, "services"))
    for resource in stack.resources:
        package, _, rest = resource.type.partition(":")
        if package == "aws" and rest.partition("/")[0].partition(":")[0] not in known:
            yield resource, Finding("", "is of a service that no rule here reads")


SERVICES = StackRule(
    id="services-are-read",
    title="Resources are of services that these rules read.",
    severity=Severity.MEDIUM,
    remedy="Name the service in the setting services after reading what such a resource reaches and whom it admits.",
    why=(
        "The provider has more services than any pack reads, and each year brings others that hold data, run code beside the "
        "database or copy it away: a plan proves isolation only of what its rules understand, and what they do not has "
        "to be read by somebody (provider documentation, the list of modules)."
    ),
    settings=(identifiers("services", "Modules of the provider, such as `appflow`, that somebody has read."),),
    check=_unread,
)
