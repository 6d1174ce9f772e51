"""The way in for people and for the SQL step: a host without a door, reached through Systems Manager.

Creates: aws:iam/role:Role with its policy and instance profile, aws:ec2/securityGroup:SecurityGroup with egress only,
aws:ec2/instance:Instance, the policies of the endpoints that the host uses, and for each database
aws:ssm/document:Document; aws:iam/policy:Policy for the people who may connect.
"""

from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import iam
from components.bastion.sessions import AGENT_ACTIONS, connect_statements, forwarding
from components.component import Component
from components.naming import bounded
from components.network.flows import HTTPS, allow
from components.outputs import mapping

IMAGE_PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
INSTANCE_TYPE = "t4g.nano"


class EndpointUseArgs(TypedDict):
    """What a role does through an endpoint."""

    actions: list[str]
    """The IAM actions, such as s3:GetObject."""
    resources: pulumi.Input[list[pulumi.Input[str]]]
    """The ARNs that they act on."""
    role_arn: pulumi.Input[str]
    """The role."""


class BastionArgs(TypedDict):
    vpc_id: pulumi.Input[str]
    """The VPC."""
    subnet_id: pulumi.Input[str]
    """An isolated subnet, in a zone that has t4g.nano."""
    key_arn: pulumi.Input[str]
    """The customer key of the root disk."""
    image_id: pulumi.Input[str]
    """An Amazon Linux 2023 arm64 image: it carries the SSM agent. A newer one replaces the host."""
    account: pulumi.Input[str]
    """The account, part of the ARNs that people may start sessions on."""
    region: pulumi.Input[str]
    """The region, part of the name of Amazon Linux's repository bucket."""
    partition: pulumi.Input[str]
    """aws, aws-cn or aws-us-gov."""
    endpoint_ids: pulumi.Input[dict[str, str]]
    """The endpoints `ssm`, `ssmmessages` and `s3`."""
    endpoint_security_group_ids: pulumi.Input[dict[str, str]]
    """The security groups of `ssm` and `ssmmessages`."""
    one_endpoint_group: NotRequired[bool]
    """`ssm` and `ssmmessages` have the same security group, as endpoints that were there before may have. Default false."""
    shared_endpoints: NotRequired[list[str]]
    """Endpoints that others use too, so that their policies are left alone. Default none."""
    s3_prefix_list_id: pulumi.Input[str]
    """S3's prefix list: Amazon Linux's packages come through the gateway endpoint."""
    s3_uses: NotRequired[list[EndpointUseArgs]]
    """What others need of the `s3` endpoint, for its policy: an endpoint has one. Default nothing."""
    hosts: dict[str, pulumi.Input[str]]
    """The only hosts that sessions can be forwarded to: a database's name → its endpoint. One document each."""
    tags: NotRequired[dict[str, str]]
    """Tags of every resource."""


class Bastion(Component):
    """A small instance without any ingress rule, and Session documents that forward to one database each."""

    instance_id: pulumi.Output[str]
    """The instance that sessions start on."""
    document_names: pulumi.Output[dict[str, str]]
    """Database → its Session document: port forwarding to that database, nothing else."""
    security_group_id: pulumi.Output[str]
    """The instance's security group."""
    connect_policy_arn: pulumi.Output[str]
    """A managed policy for people: start these sessions and end one's own, nothing else."""

    def __init__(self, name: str, args: BastionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Bastion", name, args, opts)
        role, profile, agent = self._identity(args["vpc_id"])
        group = aws.ec2.SecurityGroup(
            f"{name}-group",
            vpc_id=args["vpc_id"],
            description="Bastion: no ingress; egress to the database and the endpoints",
            opts=self._child,
        )
        self.security_group_id = group.id
        ready = [agent, *self._reach(args, group), *self._endpoint_policies(args, role)]
        instance = self._instance(args, group, profile, ready)
        self.instance_id = instance.id
        documents = {database: self._document(database, host) for database, host in args["hosts"].items()}
        self.document_names = mapping({database: document.name for database, document in documents.items()})
        self.connect_policy_arn = self._connect_policy(args, instance, documents).arn
        self.register_outputs(
            {
                "instance_id": self.instance_id,
                "document_names": self.document_names,
                "security_group_id": self.security_group_id,
                "connect_policy_arn": self.connect_policy_arn,
            }
        )

    def _identity(self, vpc_id: pulumi.Input[str]) -> tuple[aws.iam.Role, aws.iam.InstanceProfile, aws.iam.RolePolicy]:
        partition = aws.get_partition(opts=pulumi.InvokeOptions(parent=self))
        # No source condition: EC2 assumes instance roles without one (IAM User Guide, the confused deputy problem).
        role = aws.iam.Role(
            f"{self._name}-role",
            description="The bastion's SSM agent",
            # EC2's principal is the partition's (ec2.amazonaws.com.cn); the other services have one for all.
            assume_role_policy=iam.trust(pulumi.Output.format("ec2.{0}", partition.dns_suffix)),
            opts=self._child,
        )
        actions = [action for actions in AGENT_ACTIONS.values() for action in actions]
        # None of these can be limited to a resource (Service Authorization Reference, Systems Manager), but to where they
        # come from: all of them go through this VPC's endpoints, so that stolen credentials are of no use elsewhere.
        inside = {"StringEquals": {"aws:SourceVpc": vpc_id}}
        policy = aws.iam.RolePolicy(
            f"{self._name}-agent",
            role=role.name,
            policy=iam.document(iam.allow(actions, "*", condition=inside)),
            opts=self._child,
        )
        return role, aws.iam.InstanceProfile(f"{self._name}-profile", role=role.name, opts=self._child), policy

    def _instance(
        self,
        args: BastionArgs,
        group: aws.ec2.SecurityGroup,
        profile: aws.iam.InstanceProfile,
        ready: list[pulumi.Resource],
    ) -> aws.ec2.Instance:
        return aws.ec2.Instance(
            f"{self._name}-instance",
            ami=args["image_id"],
            instance_type=INSTANCE_TYPE,
            subnet_id=args["subnet_id"],
            vpc_security_group_ids=[group.id],
            iam_instance_profile=profile.name,
            associate_public_ip_address=False,
            ebs_optimized=True,
            metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
            # A tunnel needs no bursts that cost extra.
            credit_specification={"cpu_credits": "standard"},
            root_block_device={
                "encrypted": True,
                "kms_key_id": args["key_arn"],
                "volume_type": "gp3",
                "volume_size": 8,
                "tags": {
                    "Name": f"{self._name}-root",
                    "Project": pulumi.get_project(),
                    "Stack": pulumi.get_stack(),
                    **args.get("tags", {}),
                },
            },
            # The agent registers once, at boot: everything that it needs has to be there by then.
            opts=pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=ready)),
        )

    def _reach(self, args: BastionArgs, group: aws.ec2.SecurityGroup) -> list[pulumi.Resource]:
        groups = pulumi.Output.from_input(args["endpoint_security_group_ids"])
        # A group takes the same rule once (EC2 API, InvalidPermission.Duplicate).
        services = list(AGENT_ACTIONS)[:1] if args.get("one_endpoint_group", False) else list(AGENT_ACTIONS)
        reach = [
            rule
            for service in services
            for rule in allow(f"{self._name}-to-{service}", group.id, groups[service], HTTPS, self._child)
        ]
        packages = aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-to-s3",
            security_group_id=group.id,
            prefix_list_id=args["s3_prefix_list_id"],
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            description="Amazon Linux packages, through the S3 gateway endpoint",
            opts=self._child,
        )
        return [*reach, packages]

    def _endpoint_policies(self, args: BastionArgs, role: aws.iam.Role) -> list[pulumi.Resource]:
        endpoint_ids = pulumi.Output.from_input(args["endpoint_ids"])
        repository = pulumi.Output.format("arn:{0}:s3:::al2023-repos-{1}-de612dc2/*", args["partition"], args["region"])
        mine = {"ArnEquals": {"aws:PrincipalArn": role.arn}}
        statements: dict[str, list[dict[str, Any]]] = {
            service: [iam.allow(actions, "*", principal="*", condition=mine)]
            for service, actions in AGENT_ACTIONS.items()
        }
        # Package downloads are anonymous: a condition on the principal would refuse them.
        statements["s3"] = [iam.allow("s3:GetObject", repository, principal="*")]
        for use in args.get("s3_uses") or []:
            who = {"ArnEquals": {"aws:PrincipalArn": use["role_arn"]}}
            statements["s3"].append(iam.allow(use["actions"], use["resources"], principal="*", condition=who))
        shared = args.get("shared_endpoints", [])
        return [
            aws.ec2.VpcEndpointPolicy(
                f"{self._name}-{service}",
                vpc_endpoint_id=endpoint_ids[service],
                policy=iam.document(*allowed),
                opts=self._child,
            )
            for service, allowed in statements.items()
            if service not in shared
        ]

    def _document(self, database: str, host: pulumi.Input[str]) -> aws.ssm.Document:
        # The first database has the plain name, so that another beside it changes nothing.
        suffix = "" if database == "database" else f"-{database}"
        return aws.ssm.Document(
            f"{self._name}-forward{suffix}",
            document_type="Session",
            document_format="JSON",
            content=pulumi.Output.from_input(host).apply(forwarding),
            opts=self._child,
        )

    def _connect_policy(
        self, args: BastionArgs, instance: aws.ec2.Instance, documents: dict[str, aws.ssm.Document]
    ) -> aws.iam.Policy:
        statements = connect_statements(
            instance.arn,
            [document.arn for document in documents.values()],
            partition=args["partition"],
            region=args["region"],
            account=args["account"],
        )
        return aws.iam.Policy(
            f"{self._name}-connect",
            name_prefix=bounded(f"{pulumi.get_project()}-{pulumi.get_stack()}-connect", 101) + "-",
            description="Start a session that forwards to the database, and end one's own",
            policy=iam.document(*statements),
            opts=self._child,
        )
