"""One flow between two security groups, for programs that are not in Python.

Creates: aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule, aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule.
"""

from typing import NotRequired, TypedDict

import pulumi

from components.component import Component
from components.network.flows import allow


class FlowArgs(TypedDict):
    source: pulumi.Input[str]
    """The security group that connects."""
    target: pulumi.Input[str]
    """The security group that is connected to."""
    port: int
    """The TCP port."""
    tags: NotRequired[dict[str, str]]
    """Tags of both rules."""


class Flow(Component):
    """Lets TCP to one port pass from one group to another, by a rule on each side. In Python: `Network.allow`."""

    def __init__(self, name: str, args: FlowArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Flow", name, args, opts)
        allow(name, args["source"], args["target"], int(args["port"]), self._child)
        self.register_outputs({})
