"""Nothing opens a door past these rules: by a template, by another provider, by a command, by an ignored change."""

import re
from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from isolation.declared import identifiers, presence_unless, strings
from isolation.reading.conditions import names
from isolation.reading.properties import Property
from isolation.rule import Finding, Resource, ResourceRule, Setting, StackRule, aws
from isolation.stack import Stack

_NAMES: Final = identifiers("names", "The names of resources that somebody has read.")

TEMPLATES = ResourceRule(
    id="no-resources-in-templates",
    title="No resource makes others that no rule sees.",
    severity=Severity.HIGH,
    remedy="Declare what the template makes as resources of its own, or name the resource in the setting names.",
    why=(
        "A template, a product or a raw request of the Cloud Control API makes any resource, a security group that is open to "
        "everybody among them, and the plan shows one resource with a text in it (AWS Cloud Control API User Guide)."
    ),
    settings=(_NAMES,),
    checks={
        aws("cloudformation/stack"): presence_unless("makes resources from a template", "names"),
        aws("cloudformation/stackSet"): presence_unless("makes resources from a template", "names"),
        aws("cloudformation/stackInstances"): presence_unless("makes resources from a template", "names"),
        aws("cloudformation/stackSetInstance"): presence_unless("makes resources from a template", "names"),
        aws("servicecatalog/provisionedProduct"): presence_unless("makes resources from a product", "names"),
        aws("cloudcontrol/resource"): presence_unless("makes a resource of any type", "names"),
    },
)

# Providers that make resources of AWS under types that no rule here knows, or that run whatever they are given.
_OTHERS: Final = re.compile(
    r"(?:aws-native|awscc|aws-apigateway|aws-iam|aws-s3-replicated-bucket|aws-static-website|eks|awsx|cdk|aws-cdk|"
    r"kubernetes|docker|docker-build|terraform-module|terraform-provider|cloudflare|azure-native|gcp|google-native|"
    r"azure|azuread|oci|alicloud|digitalocean|linode|hcloud|ngrok|tailscale|postgresql|mysql|mongodbatlas|snowflake|"
    r"databricks|vault|auth0|okta|pulumiservice|"
    r"pulumi-(?:python|nodejs|java|dotnet))(?::|$)"
)
_COMMANDS: Final = (
    "command:local:Command",
    "command:local:run",
    "command:remote:Command",
    "command:remote:CopyToRemote",
)


def _other_providers(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    declared = strings(stack.settings, "packages")
    for resource in stack.resources:
        package = resource.type.partition(":")[0]
        if _OTHERS.match(resource.type) and package not in declared:
            yield resource, Finding("", "is of a provider whose resources no rule here reads")


OTHER_PROVIDERS = StackRule(
    id="providers-are-read",
    title="Resources are of providers that these rules read.",
    severity=Severity.HIGH,
    remedy="Use the provider aws, or name the package in the setting packages after reading what it makes.",
    why=(
        "The rules know resources by the provider's types: an `aws-native:ec2:SecurityGroup` that is open to everybody is of "
        "another type and would pass unseen, and a dynamic provider runs any code at all (Pulumi documentation, AWS Cloud "
        "Control provider and Dynamic resource providers)."
    ),
    settings=(identifiers("packages", "The packages whose resources somebody reads without these rules."),),
    check=_other_providers,
)


# `python` of the components says which interpreter it is.
_OWN: Final = re.compile(r'exec "\$\{VECTORDB_PYTHON:-[A-Za-z0-9_./ ~-]+\}" -m vectordb ')


# Variables by which a shell, the loader or Python runs somebody else's code in the place of the command's.
_STEERS: Final = re.compile(
    r"VECTORDB_PYTHON|PATH|IFS|ENV|BASH_ENV|LD_[A-Z_]+|DYLD_[A-Z_]+|PYTHON[A-Z]+|AWS_ENDPOINT_URL.*"
)


def _commands(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    beginnings = [each for each in strings(stack.settings, "commands") if each]
    for resource in stack.resources:
        if resource.type not in _COMMANDS:
            continue
        if not resource.type.startswith("command:local:"):
            yield resource, Finding("", "runs commands on another machine")
            continue
        for key in ("create", "update", "delete", "command"):
            script = resource.at(key)
            if script.given and not _is_declared(script, beginnings):
                yield resource, Finding(script.path, "is a command that the setting commands does not name")
        interpreter = resource.at("interpreter")
        if interpreter.given:
            yield resource, Finding(interpreter.path, "runs the command in something else than the shell")
        for name in names(resource.at("environment")):
            if _STEERS.fullmatch(name):
                yield resource, Finding(f"environment.{name}", "decides which program the command runs")


def _is_declared(script: Property, beginnings: list[str]) -> bool:
    """Whether a command is one line that begins as declared and runs nothing after it."""
    text = script.text or ""
    own = _OWN.match(text)
    rest = text[own.end() :] if own else next((text[len(each) :] for each in beginnings if text.startswith(each)), None)
    return rest is not None and not re.search(r"[;&|`\n<>]|\$\(", rest)


COMMANDS = StackRule(
    id="commands-declared",
    title="The program runs no command but its own.",
    severity=Severity.HIGH,
    remedy="Do it with a resource, or add how the command begins to the setting commands.",
    why=(
        "A command runs with the credentials of whoever deploys: `aws ec2 authorize-security-group-ingress` is a door that no "
        "plan shows (Pulumi documentation, Command provider). This program's own commands apply its SQL, each in one process."
    ),
    settings=(
        Setting(
            name="commands",
            default=[],
            schema={"type": "array", "items": {"type": "string"}},
            description="How other commands begin that may run where the program is deployed.",
        ),
    ),
    check=_commands,
)

_DOORS: Final = {
    "ec2/securityGroup": ("ingress", "egress"),
    "ec2/defaultSecurityGroup": ("ingress", "egress"),
    "ec2/securityGroupRule": ("cidrBlocks", "ipv6CidrBlocks", "prefixListIds", "sourceSecurityGroupId"),
    "vpc/securityGroupIngressRule": ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"),
    "vpc/securityGroupEgressRule": ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"),
    "ec2/managedPrefixList": ("entries",),
    "ec2/networkAcl": ("ingress", "egress", "subnetIds"),
    "ec2/defaultNetworkAcl": ("ingress", "egress"),
    "ec2/routeTable": ("routes", "propagatingVgws"),
    "ec2/defaultRouteTable": ("routes", "propagatingVgws"),
    "ec2/subnet": ("mapPublicIpOnLaunch", "assignIpv6AddressOnCreation"),
    "ec2/networkAclRule": ("cidrBlock", "ipv6CidrBlock", "ruleAction"),
    "ec2/route": ("gatewayId", "natGatewayId", "transitGatewayId", "vpcPeeringConnectionId", "networkInterfaceId"),
    "ec2/routeTableAssociation": ("routeTableId",),
    "ec2/flowLog": ("trafficType", "vpcId", "logDestination"),
    "ec2/networkInterface": ("securityGroups",),
    "ec2/vpcEndpoint": ("policy", "securityGroupIds", "privateDnsEnabled"),
    "ec2/vpcEndpointPolicy": ("policy",),
    "ec2/instance": ("metadataOptions", "vpcSecurityGroupIds"),
    "rds/cluster": (
        "vpcSecurityGroupIds", "iamDatabaseAuthenticationEnabled", "dbClusterParameterGroupName",
        "storageEncrypted", "deletionProtection", "manageMasterUserPassword", "backupRetentionPeriod", "enableHttpEndpoint",
    ),
    "rds/instance": (
        "publiclyAccessible", "vpcSecurityGroupIds", "iamDatabaseAuthenticationEnabled", "parameterGroupName",
        "storageEncrypted", "deletionProtection", "manageMasterUserPassword", "backupRetentionPeriod",
    ),
    "rds/proxy": ("requireTls", "auths", "vpcSecurityGroupIds"),
    "rds/clusterInstance": ("publiclyAccessible",),
    "rds/clusterParameterGroup": ("parameters",),
    "rds/parameterGroup": ("parameters",),
    "lambda/permission": ("principal", "sourceArn"),
    "lambda/functionUrl": ("authorizationType",),
    "lambda/function": ("role", "vpcConfig", "environment", "kmsKeyArn", "loggingConfig"),
    "iam/role": ("assumeRolePolicy", "inlinePolicies", "managedPolicyArns", "permissionsBoundary"),
    "iam/rolePolicy": ("policy",),
    "iam/policy": ("policy",),
    "ssm/document": ("content", "permissions"),
    "sns/topic": ("policy", "kmsMasterKeyId"),
    "sns/topicPolicy": ("policy",),
    "sqs/queue": ("policy", "kmsMasterKeyId"),
    "sqs/queuePolicy": ("policy",),
    "secretsmanager/secretPolicy": ("policy",),
    "cloudwatch/logGroup": ("retentionInDays", "kmsKeyId"),
    "s3/bucketPolicy": ("policy",),
    "s3/vectorsVectorBucketPolicy": ("policy",),
    "kms/key": ("policy", "enableKeyRotation"),
}  # fmt: skip
_HEAD: Final = re.compile(r"""^(?:\[["'])?([A-Za-z0-9]+|\*)""")


def _ignored(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    for path, doors in _DOORS.items():
        for resource in stack.of(path):
            for ignored in resource.ignored:
                head = _HEAD.match(ignored)
                if head and (head[1] == "*" or head[1] in doors):
                    yield resource, Finding("" if head[1] == "*" else head[1], "is of those whose changes are ignored")


IGNORED_CHANGES = StackRule(
    id="doors-not-ignored",
    title="No change to a rule, a route or a policy is ignored.",
    severity=Severity.HIGH,
    remedy="Take it out of ignoreChanges.",
    why=(
        "With ignoreChanges the engine goes on with what the state says (Pulumi documentation, Resource option "
        "ignoreChanges): a door that somebody opened by hand stays open through each update, while the program in review "
        "says that it is shut."
    ),
    check=_ignored,
)


def _insecure(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    for resource in stack.resources:
        if resource.type != "pulumi:providers:aws":
            continue
        insecure = resource.at("insecure")
        if insecure.given and insecure.truth is not False:
            yield resource, Finding(insecure.path, "lets the provider accept any certificate")
        endpoints = resource.at("endpoints")
        # A provider's own configuration is JSON text.
        if endpoints.given and endpoints.text != "[]" and any(True for _ in endpoints.elements()):
            yield resource, Finding(endpoints.path, "sends the provider's requests somewhere else")
        for key in ("accessKey", "secretKey", "token"):
            if resource.at(key).given:
                yield resource, Finding(key, "is a credential in the provider's configuration")


PROVIDERS = StackRule(
    id="provider-asks-aws",
    title="The provider asks AWS itself, and checks that it is AWS.",
    severity=Severity.HIGH,
    remedy="Leave it out: credentials come from the environment of whoever deploys.",
    why=(
        "The provider's requests carry every secret of the stack. Without a check of the certificate, or with an endpoint of "
        "somebody else's, whoever is on the way reads and answers them (provider documentation, provider configuration)."
    ),
    check=_insecure,
)
