"""Flows between security groups, each as the pair of rules that lets it pass."""

import pulumi
import pulumi_aws as aws

HTTPS = 443
POSTGRESQL = 5432


def allow(
    name: str, source: pulumi.Input[str], target: pulumi.Input[str], port: int, opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """Let TCP to `port` pass from the security group `source` to `target`, and nothing else.

    Args:
        name: names the rules and, its hyphens as spaces, describes them: `bastion-to-database`.
        source: id of the security group whose egress it is.
        target: id of the security group whose ingress it is.
        port: the TCP port.
        opts: the parent.

    Returns:
        The two rules. What needs the flow depends on them: a group exists before its rules do.
    """
    described = name.replace("-", " ")
    return [
        aws.vpc.SecurityGroupEgressRule(
            f"{name}-egress",
            security_group_id=source,
            referenced_security_group_id=target,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=described,
            opts=opts,
        ),
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-ingress",
            security_group_id=target,
            referenced_security_group_id=source,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=described,
            opts=opts,
        ),
    ]
