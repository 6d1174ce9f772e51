"""IAM: roles and their policies, and the policies of vector buckets. The emulator judges the roles' calls by them."""

from typing import Any

from vectordb.errors import VectordbError
from vectordb.local.engine import Execution, Made
from vectordb.local.permissions import UnsupportedPolicyError, documents
from vectordb.plan.recording import Registration


def role(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """An IAM role with the policies that are declared with it; what it calls is judged by its policies."""
    if inputs.get("permissionsBoundary"):
        raise VectordbError(
            f"{resource.name!r} has a permissions boundary, which is not judged on this machine.",
            remedy="Leave it out of the stack that runs here.",
        )
    name = inputs.get("name") or f"{resource.name}-{execution.unique(resource, 7)}"
    client = execution.clients("iam")
    made = client.create_role(
        RoleName=name, AssumeRolePolicyDocument=inputs["assumeRolePolicy"], Path=inputs.get("path") or "/"
    )
    for number, inline in enumerate(inputs.get("inlinePolicies") or []):
        if inline.get("policy"):
            _put(execution, name, inline.get("name") or f"inline-{number}", inline["policy"])
    for arn in inputs.get("managedPolicyArns") or []:
        client.attach_role_policy(RoleName=name, PolicyArn=arn)
    return name, {"name": name, "arn": made["Role"]["Arn"], "uniqueId": made["Role"]["RoleId"]}


def role_policy(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """A role's inline policy."""
    name = inputs.get("name") or f"{resource.name}-{execution.unique(resource, 7)}"
    _put(execution, inputs["role"], name, inputs["policy"])
    return f"{inputs['role']}:{name}", {"name": name}


def policy(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """A managed policy; it is judged when a role has it, so one for people may hold what is not judged here."""
    name = inputs.get("name") or f"{resource.name}-{execution.unique(resource, 7)}"
    made = execution.clients("iam").create_policy(
        PolicyName=name, PolicyDocument=inputs["policy"], Path=inputs.get("path") or "/"
    )["Policy"]
    return made["Arn"], {"name": name, "arn": made["Arn"], "policyId": made["PolicyId"]}


def role_policy_attachment(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """A managed policy, the stack's own or one of AWS's, given to a role."""
    client, arn = execution.clients("iam"), inputs["policyArn"]
    client.attach_role_policy(RoleName=inputs["role"], PolicyArn=arn)
    version = client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = client.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    _check(document, resource.name)
    return f"{inputs['role']}-{execution.unique(resource)}", {}


def vector_bucket_policy(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """A vector bucket's own policy."""
    _check(inputs["policy"], resource.name)
    arn = inputs["vectorBucketArn"]
    execution.clients("s3vectors").put_vector_bucket_policy(vectorBucketArn=arn, policy=inputs["policy"])
    return arn, {}


def _put(execution: Execution, role_name: str, name: str, document: str) -> None:
    _check(document, name)
    execution.clients("iam").put_role_policy(RoleName=role_name, PolicyName=name, PolicyDocument=document)


def _check(document: str | dict[str, Any], name: str) -> None:
    """Refuse now what could not be judged later, in the middle of a query."""
    try:
        documents.parse(document, name)
    except UnsupportedPolicyError as error:
        raise VectordbError(
            str(error), remedy="Write it with what vectordb/local/permissions judges, or add that to it."
        ) from error
