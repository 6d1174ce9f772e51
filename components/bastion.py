"""The way in for people and for the SQL step: a host without a door, reached through Systems Manager.

Creates: aws:iam/role:Role with its policy and instance profile, aws:ec2/securityGroup:SecurityGroup with egress only,
aws:ec2/instance:Instance, aws:ssm/document:Document, and the policies of the endpoints that the host uses.
"""

import json
from typing import TypedDict

import pulumi
import pulumi_aws as aws

from components import iam
from components.flows import HTTPS, POSTGRESQL, allow

IMAGE_PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"

# Enough for a session, and nothing else; the managed policy adds ssm:GetParameter on every parameter.
AGENT_ACTIONS = {
    "ssm": ["ssm:UpdateInstanceInformation"],
    "ssmmessages": [
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
    ],
}


class BastionArgs(TypedDict):
    vpc_id: pulumi.Input[str]
    """The VPC."""
    subnet_id: pulumi.Input[str]
    """An isolated subnet."""
    key_arn: pulumi.Input[str]
    """The customer key of the root disk."""
    image_id: pulumi.Input[str]
    """An Amazon Linux 2023 arm64 image: it carries the SSM agent."""
    region: pulumi.Input[str]
    """The region, part of the name of Amazon Linux's repository bucket."""
    partition: pulumi.Input[str]
    """aws, aws-cn or aws-us-gov."""
    endpoint_ids: pulumi.Input[dict[str, str]]
    """The interface endpoints; `ssm` and `ssmmessages` are used."""
    endpoint_security_group_id: pulumi.Input[str]
    """The endpoints' security group."""
    s3_endpoint_id: pulumi.Input[str]
    """The S3 gateway endpoint: Amazon Linux's packages come through it."""
    s3_prefix_list_id: pulumi.Input[str]
    """S3's prefix list."""
    host: pulumi.Input[str]
    """The only host that sessions can be forwarded to: the database's endpoint."""


class Bastion(pulumi.ComponentResource):
    """A small instance without any ingress rule, and a Session document that forwards to one database."""

    instance_id: pulumi.Output[str]
    """The instance that sessions start on."""
    document_name: pulumi.Output[str]
    """The Session document: port forwarding to the database, nothing else."""
    security_group_id: pulumi.Output[str]
    """The instance's security group."""

    def __init__(self, name: str, args: BastionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vectordb:index:Bastion", name, dict(args), opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        role, profile = self._identity()
        group = aws.ec2.SecurityGroup(
            f"{name}-group",
            vpc_id=args["vpc_id"],
            description="Bastion: no ingress; egress to the database and the endpoints",
            tags={"Name": name},
            opts=self._child,
        )
        self.security_group_id = group.id
        reach = allow(f"{name}-to-endpoints", group.id, args["endpoint_security_group_id"], HTTPS, self._child)
        reach += self._endpoint_policies(args, role)
        reach.append(
            aws.vpc.SecurityGroupEgressRule(
                f"{name}-to-s3",
                security_group_id=group.id,
                prefix_list_id=args["s3_prefix_list_id"],
                ip_protocol="tcp",
                from_port=HTTPS,
                to_port=HTTPS,
                description="Amazon Linux packages, through the S3 gateway endpoint",
                opts=self._child,
            )
        )
        instance = aws.ec2.Instance(
            f"{name}-instance",
            ami=args["image_id"],
            instance_type="t4g.nano",
            subnet_id=args["subnet_id"],
            vpc_security_group_ids=[group.id],
            iam_instance_profile=profile.name,
            associate_public_ip_address=False,
            metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
            root_block_device={
                "encrypted": True,
                "kms_key_id": args["key_arn"],
                "volume_type": "gp3",
                "volume_size": 8,
            },
            tags={"Name": name},
            # The agent registers once, at boot: everything that it needs has to be there by then.
            opts=pulumi.ResourceOptions(parent=self, depends_on=reach),
        )
        self.instance_id = instance.id
        self.document_name = self._document(args["host"]).name
        self.register_outputs(
            {
                "instance_id": self.instance_id,
                "document_name": self.document_name,
                "security_group_id": self.security_group_id,
            }
        )

    def _identity(self) -> tuple[aws.iam.Role, aws.iam.InstanceProfile]:
        # No source condition: EC2 assumes instance roles without one (IAM User Guide, the confused deputy problem).
        role = aws.iam.Role(
            f"{self._name}-role",
            description="The bastion's SSM agent",
            assume_role_policy=iam.trust("ec2.amazonaws.com"),
            opts=self._child,
        )
        actions = [action for actions in AGENT_ACTIONS.values() for action in actions]
        # None of these can be limited to a resource (Service Authorization Reference, Systems Manager).
        aws.iam.RolePolicy(
            f"{self._name}-agent", role=role.name, policy=iam.document(iam.allow(actions, "*")), opts=self._child
        )
        return role, aws.iam.InstanceProfile(f"{self._name}-profile", role=role.name, opts=self._child)

    def _endpoint_policies(self, args: BastionArgs, role: aws.iam.Role) -> list[pulumi.Resource]:
        endpoint_ids = pulumi.Output.from_input(args["endpoint_ids"])
        policies: list[pulumi.Resource] = [
            aws.ec2.VpcEndpointPolicy(
                f"{self._name}-{service}",
                vpc_endpoint_id=endpoint_ids[service],
                policy=iam.document(
                    iam.allow(actions, "*", principal="*", condition={"ArnEquals": {"aws:PrincipalArn": role.arn}})
                ),
                opts=self._child,
            )
            for service, actions in AGENT_ACTIONS.items()
        ]
        repository = pulumi.Output.format("arn:{0}:s3:::al2023-repos-{1}-de612dc2/*", args["partition"], args["region"])
        policies.append(
            aws.ec2.VpcEndpointPolicy(
                f"{self._name}-s3",
                vpc_endpoint_id=args["s3_endpoint_id"],
                # Package downloads are anonymous: a condition on the principal would refuse them.
                policy=iam.document(iam.allow("s3:GetObject", repository, principal="*")),
                opts=self._child,
            )
        )
        return policies

    def _document(self, host: pulumi.Input[str]) -> aws.ssm.Document:
        content = pulumi.Output.from_input(host).apply(
            lambda known: json.dumps(
                {
                    "schemaVersion": "1.0",
                    "description": "Forward a local port to the database",
                    "sessionType": "Port",
                    "parameters": {
                        "localPortNumber": {
                            "type": "String",
                            "description": "Port on your machine; 0 lets the plugin choose",
                            "allowedPattern": r"^([0-9]|[1-9][0-9]{1,4})$",
                            "default": "0",
                        }
                    },
                    "properties": {
                        "type": "LocalPortForwarding",
                        "host": known,
                        "portNumber": str(POSTGRESQL),
                        "localPortNumber": "{{ localPortNumber }}",
                    },
                },
                sort_keys=True,
            )
        )
        return aws.ssm.Document(
            f"{self._name}-forward",
            document_type="Session",
            document_format="JSON",
            content=content,
            opts=self._child,
        )
