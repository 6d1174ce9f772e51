"""Who may log in to the database as whom: IAM's half of the login roles that the SQL makes.

Creates: for each user an aws:iam/policy:Policy, to be attached to the people or workloads that log in as it.
"""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import iam
from components.component import Component
from components.naming import bounded
from components.outputs import mapping

_LONGEST_PREFIX = 101
"""Of a policy's name, whose 128 characters end in 26 of the provider's own."""


class DatabaseUsersArgs(TypedDict):
    users: list[str]
    """The login roles; each has `rds_iam` in the database."""
    resource_ids: dict[str, pulumi.Input[str]]
    """A name of each way in → resource id: a cluster's `cluster-…`, an instance's `db-…`, a proxy's `prx-…`."""
    account: pulumi.Input[str]
    """The account."""
    partition: pulumi.Input[str]
    """aws, aws-cn or aws-us-gov."""
    region: pulumi.Input[str]
    """The region."""
    tags: NotRequired[dict[str, str]]
    """Tags for everything that can carry them, beside Name, Project and Stack."""


class DatabaseUsers(Component):
    """For each user a managed policy that allows `rds-db:connect` as that user, on these databases and proxies, and nothing else."""

    policy_arns: pulumi.Output[dict[str, str]]
    """User → the policy's ARN."""

    def __init__(self, name: str, args: DatabaseUsersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("DatabaseUsers", name, args, opts)
        if not args["resource_ids"]:
            raise ValueError(
                f"{name}: resource_ids is empty. Give the resource id of each database and proxy to log in to."
            )
        self.policy_arns = mapping({user: self._policy(args, user).arn for user in args["users"]})
        self.register_outputs({"policy_arns": self.policy_arns})

    def _policy(self, args: DatabaseUsersArgs, user: str) -> aws.iam.Policy:
        # IAM User Guide: the resource of rds-db:connect is the resource id, not the name, so that a policy does not
        # outlive its database for another one of the same name.
        roles = [
            pulumi.Output.format(
                "arn:{0}:rds-db:{1}:{2}:dbuser:{3}/{4}",
                args["partition"],
                args["region"],
                args["account"],
                resource_id,
                user,
            )
            for _, resource_id in sorted(args["resource_ids"].items())
        ]
        prefix = bounded(f"{pulumi.get_project()}-{pulumi.get_stack()}-login-{user}", _LONGEST_PREFIX)
        return aws.iam.Policy(
            f"{self._name}-{user}",
            name_prefix=f"{prefix}-",
            description=f"Log in to the database as {user}, by IAM token",
            policy=iam.document(iam.allow("rds-db:connect", roles, sid="LogIn")),
            opts=self._child,
        )
