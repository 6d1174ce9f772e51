"""What rules cannot read, and doors that a plan does not show."""

from tests.policy.mutations.changing import Mutation, added, changed, ignored

_API = {"endpointConfiguration": {"types": "PRIVATE"}}

MUTATIONS = [
    Mutation("providers-are-read", "another provider of AWS", added("aws-native:ec2:SecurityGroup")),
    Mutation("providers-are-read", "a dynamic provider", added("pulumi-python:dynamic:Resource")),
    Mutation("commands-declared", "a command of somebody's", added("command:local:Command", {"create": "aws ec2 authorize-security-group-ingress"})),
    Mutation("commands-declared", "a command on another machine", added("command:remote:Command", {"create": "true"})),
    *(Mutation("doors-not-ignored", f"{path} {key}", ignored(path, key)) for path, key in (
        ("ec2/securityGroup", "ingress"),
        ("ec2/networkAcl", "ingress"),
        ("ec2/routeTable", "routes"),
        ("rds/cluster", "vpcSecurityGroupIds"),
        ("rds/instance", "publiclyAccessible"),
        ("ec2/instance", "metadataOptions"),
        ("ec2/vpcEndpointPolicy", "policy"),
    )),
    Mutation("provider-asks-aws", "a provider that asks somebody else", added("pulumi:providers:aws", {"endpoints": [{"s3": "http://127.0.0.1:9"}]})),
    Mutation("provider-asks-aws", "a provider that checks nobody", added("pulumi:providers:aws", {"insecure": True})),
    Mutation("network-parts-of-own-stack", "a group of somebody's", changed("ec2/instance", vpcSecurityGroupIds=["sg-0123456789abcdef0"])),
    Mutation("network-parts-of-own-stack", "a database behind a group of somebody's", changed("rds/cluster", vpcSecurityGroupIds=["sg-0123456789abcdef0"])),
    Mutation("network-parts-of-own-stack", "a route table of somebody's", changed("ec2/routeTableAssociation", routeTableId="rtb-0123456789abcdef0")),
    Mutation("network-parts-of-own-stack", "a target group of somebody's", added("lb/targetGroupAttachment", {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/public/1"})),
    Mutation("launch-template-declared", "an instance of somebody's template", added("ec2/instance", {"launchTemplate": {"id": "lt-0123456789abcdef0"}})),
    Mutation("private-api-has-policy", "a private API without one", added("apigateway/restApi", _API)),
]  # fmt: skip
