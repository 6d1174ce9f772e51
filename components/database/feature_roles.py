"""The roles that a database assumes for its features: one role and one association for each, whoever uses it.

An association that someone else made is not fought: the cluster's own list of roles is left alone, and RDS refuses a
second role for a feature by name.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import iam

Associate = Callable[[str, str, pulumi.Output[str], pulumi.ResourceOptions], pulumi.Resource]
"""Name, feature, role's ARN and options → the association."""


@dataclass(frozen=True)
class Permitted:
    """A feature's role, and what has to be there before SQL uses what was permitted last."""

    role_arn: pulumi.Output[str]
    needed: list[pulumi.Resource]


class FeatureRoles:
    """Makes a database's feature roles one after another: RDS changes one association at a time."""

    def __init__(
        self,
        name: str,
        parent: pulumi.Resource,
        *,
        account: pulumi.Input[str],
        source_arn: pulumi.Output[str],
        after: list[pulumi.Resource],
        associate: Associate,
    ) -> None:
        """Keep what roles need.

        Args:
            name: the component's name.
            parent: the component.
            account: the account.
            source_arn: the database's ARN, for which alone the roles are assumed.
            after: what the first association waits for.
            associate: attaches a role to the database.
        """
        self._name, self._parent = name, parent
        self._account, self._source_arn = account, source_arn
        self._after, self._associate = after, associate
        self._child = pulumi.ResourceOptions(parent=parent)
        self._made: dict[str, tuple[aws.iam.Role, pulumi.Resource]] = {}
        self._names: set[str] = set()

    def permit(
        self,
        feature: str,
        role_name: str,
        name: str,
        action: str,
        resources: pulumi.Input[str] | list[pulumi.Input[str]],
    ) -> Permitted:
        """Let the feature's role do one action on `resources`.

        Args:
            feature: the feature's name as RDS has it: Lambda, Bedrock.
            role_name: the last part of the role's name.
            name: the last part of the policy's name.
            action: the IAM action.
            resources: ARNs.

        Raises:
            ValueError: the name is taken.
        """
        if name in self._names:
            raise ValueError(f"{self._name} permits {name!r} already. Give the second one a name of its own.")
        self._names.add(name)
        known = self._made.get(feature)
        role = known[0] if known else self._role(feature, role_name)
        policy = aws.iam.RolePolicy(
            f"{self._name}-{name}",
            role=role.name,
            policy=iam.document(iam.allow(action, resources)),
            opts=self._child,
        )
        association = known[1] if known else self._association(feature, role_name, role, policy)
        self._made[feature] = (role, association)
        return Permitted(role.arn, [association, policy])

    def _role(self, feature: str, role_name: str) -> aws.iam.Role:
        verb = {"Lambda": "invokes its functions", "Bedrock": "invokes its models"}[feature]
        return aws.iam.Role(
            f"{self._name}-{role_name}",
            description=f"{self._name} {verb}",
            assume_role_policy=iam.trust("rds.amazonaws.com", account=self._account, source_arn=self._source_arn),
            opts=self._child,
        )

    def _association(
        self, feature: str, role_name: str, role: aws.iam.Role, policy: pulumi.Resource
    ) -> pulumi.Resource:
        association = self._associate(
            f"{self._name}-{role_name}",
            feature,
            role.arn,
            pulumi.ResourceOptions(parent=self._parent, depends_on=[*self._after, policy]),
        )
        self._after = [association]
        return association
