"""What an interface endpoint lets through, for programs that are not in Python.

Creates: aws:ec2/vpcEndpointPolicy:VpcEndpointPolicy.
"""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import iam
from components.component import Component


class EndpointPolicyArgs(TypedDict):
    endpoint_id: pulumi.Input[str]
    """The endpoint, such as `lambda` of the network's endpoints. Each has one policy: what comes second wins."""
    actions: list[str]
    """The IAM actions that pass, such as lambda:InvokeFunction."""
    resources: pulumi.Input[list[pulumi.Input[str]]]
    """The ARNs that they act on."""
    principals: pulumi.Input[list[pulumi.Input[str]]]
    """The ARNs of the roles that may, such as a database's invoker role."""
    tags: NotRequired[dict[str, str]]
    """Accepted as everywhere; a policy has nothing to carry them."""


class EndpointPolicy(Component):
    """Lets some roles do some actions through an endpoint, and nothing else. In Python: `Network.endpoint_policy`."""

    def __init__(self, name: str, args: EndpointPolicyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("EndpointPolicy", name, args, opts)
        statement = iam.allow(
            args["actions"],
            args["resources"],
            principal="*",
            condition={"ArnEquals": {"aws:PrincipalArn": args["principals"]}},
        )
        aws.ec2.VpcEndpointPolicy(
            f"{name}-policy", vpc_endpoint_id=args["endpoint_id"], policy=iam.document(statement), opts=self._child
        )
        self.register_outputs({})
