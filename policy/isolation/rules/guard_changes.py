"""What a stack runs cannot change the guards around it."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from isolation.access.places import IDENTITY_POLICIES, known_statements
from isolation.declared import identifiers, strings
from isolation.reading.actions import TAKING_RIGHTS, is_whole_service, is_wide, matches
from isolation.reading.conditions import element
from isolation.reading.documents import allows, texts
from isolation.rule import Finding, Frameworks, Resource, ResourceRule

# Of the access level "Permissions management" and those that open, share or blind what these rules look at (Service
# Authorization Reference). In lower case, as IAM compares them.
_CHANGES: Final = (
    *TAKING_RIGHTS,
    "cloudtrail:deletetrail",
    "cloudtrail:stoplogging",
    "cloudtrail:updatetrail",
    "ec2:associateroutetable",
    "ec2:attachinternetgateway",
    "ec2:authorizesecuritygroupegress",
    "ec2:authorizesecuritygroupingress",
    "ec2:createnetworkaclentry",
    "ec2:createroute",
    "ec2:createvpcpeeringconnection",
    "ec2:deleteflowlogs",
    "ec2:modifyimageattribute",
    "ec2:modifyinstanceattribute",
    "ec2:modifynetworkinterfaceattribute",
    "ec2:modifysecuritygrouprules",
    "ec2:modifysnapshotattribute",
    "ec2:modifyvpcendpoint",
    "ec2:replacenetworkaclentry",
    "ec2:replaceroute",
    "iam:putrolepermissionsboundary",
    "kms:disablekey",
    "kms:schedulekeydeletion",
    "lambda:addlayerversionpermission",
    "lambda:createfunctionurlconfig",
    "lambda:updatefunctionurlconfig",
    "logs:deleteloggroup",
    "logs:putresourcepolicy",
    "rds:modifydbcluster",
    "rds:modifydbclusterparametergroup",
    "rds:modifydbclustersnapshotattribute",
    "rds:modifydbinstance",
    "rds:modifydbparametergroup",
    "rds:modifydbproxy",
    "rds:modifydbsnapshotattribute",
    "s3:deletebucketpolicy",
    "s3:putaccountpublicaccessblock",
    "s3:putbucketacl",
    "s3:putbucketpublicaccessblock",
    "s3:putobjectacl",
    "s3vectors:deletevectorbucketpolicy",
    "s3vectors:putvectorbucketpolicy",
    "sns:addpermission",
    "sns:settopicattributes",
    "sqs:addpermission",
    "sqs:setqueueattributes",
    "ssm:modifydocumentpermission",
    "ssm:updatedocument",
    "ssm:updatedocumentdefaultversion",
)


def _changes(resource: Resource) -> Iterator[Finding]:
    declared = {action.casefold() for action in strings(resource.settings, "actions")}
    for statement in filter(allows, known_statements(resource, "identity")):
        # What is allowed on everything, or a whole service, other rules find.
        if any(map(is_wide, texts(element(statement, "Resource")))):
            continue
        for action in element(statement, "Action").each():
            text = action.text or ""
            if not is_whole_service(text) and text.casefold() not in declared and matches(text, _CHANGES):
                yield Finding(action.path, "changes what guards the stack")


GUARD_CHANGES = ResourceRule(
    id="identity-changes-no-guard",
    title="Nobody whom a stack makes can change what guards it.",
    severity=Severity.HIGH,
    remedy="Leave the change to whoever deploys; or name the action in the setting actions after reading why.",
    why=(
        "A role that may write its own policy, its own trust or its function's code, open a security group, share a "
        "snapshot or put a new policy on a bucket or a key makes the plan's proof worth nothing the minute after the "
        "update, on one named resource as on all (Service Authorization Reference, access level Permissions management; "
        "Rhino Security Labs, AWS IAM privilege escalation)."
    ),
    frameworks=Frameworks(checkov=("CKV_AWS_286", "CKV_AWS_289")),
    settings=(identifiers("actions", "Actions that change guards and that identities of the stack may have."),),
    checks=dict.fromkeys(sorted(IDENTITY_POLICIES), _changes),
)
