"""Roles, sessions and policies as moto keeps them."""

import json
from typing import Any

from vectordb.local.emulator import ACCOUNT, partition_of
from vectordb.local.emulator.authorization.principals import Session
from vectordb.local.permissions import UnsupportedPolicyError, documents
from vectordb.local.permissions.documents import Policy

_AWS_MANAGED = ":iam::aws:policy/"


def assumed(access_key: str, region: str) -> Session | None:
    """The session that STS gave an access key to, as it does to each worker of a function."""
    from moto.sts.models import sts_backends

    found = sts_backends[ACCOUNT][partition_of(region)].get_assumed_role_from_access_key(access_key)
    if found is None:
        return None
    if found.policy:
        raise UnsupportedPolicyError(f"The session policy of {found.session_name} is not implemented here.")
    return Session(found.role_arn, found.session_name, found.session_token)


def policies(role_arn: str) -> tuple[Policy, ...]:
    """The policies of a role, inline and attached; none for a role that is not there.

    Raises:
        UnsupportedPolicyError: one cannot be read, or the role has a permissions boundary.
    """
    from moto.iam.models import iam_backends

    backend = iam_backends[ACCOUNT][role_arn.split(":")[1]]
    role = next((role for role in list(backend.roles.values()) if role.arn == role_arn), None)
    if role is None:
        return ()
    if role.permissions_boundary_arn:
        raise UnsupportedPolicyError(f"The permissions boundary of {role.name} is not implemented here.")
    inline = [documents.parse(text, f"{role.name}: {name}") for name, text in list(role.policies.items())]
    attached = [documents.parse(_in_force(policy), policy.name) for policy in list(role.managed_policies.values())]
    return (*inline, *attached)


def trust(role_arn: str) -> str | None:
    """The trust policy of a role, None for a role that is not there."""
    from moto.iam.models import iam_backends

    backend = iam_backends[ACCOUNT][role_arn.split(":")[1]]
    return next((role.assume_role_policy_document for role in backend.roles.values() if role.arn == role_arn), None)


def _in_force(policy: Any) -> str:
    """The document of a managed policy's default version."""
    text: str = next(v.document for v in policy.versions if v.version_id == policy.default_version_id)
    return text


def know_aws_managed_policies() -> None:
    """Let roles have AWS managed policies. moto knows 1,582 of them by heart, and loads each here when it is attached."""
    from moto.iam.models import IAMBackend

    attach = IAMBackend.attach_role_policy

    def attach_role_policy(self: Any, policy_arn: str, role_name: str) -> Any:
        if _AWS_MANAGED in policy_arn and policy_arn not in self.managed_policies:
            policy = _aws_managed(self, policy_arn)
            if policy is not None:
                self.managed_policies[policy_arn] = policy
        return attach(self, policy_arn, role_name)

    setattr(IAMBackend, "attach_role_policy", attach_role_policy)  # noqa: B010 - moto has types, and a method is none of them


def _aws_managed(backend: Any, arn: str) -> Any:
    from moto.iam.aws_managed_policies import aws_managed_policies_data
    from moto.iam.models import AWSManagedPolicy

    data = json.loads(aws_managed_policies_data).get(arn.rpartition("/")[2])
    if data is None:
        return None
    policy = AWSManagedPolicy.from_data(arn.rpartition("/")[2], backend.account_id, backend.region_name, data)
    return policy if policy.arn == arn else None
