"""Resources that permit something without a policy document, as the statements that AWS makes of them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from isolation.reading.properties import UNKNOWN, Property
from isolation.rule import Resource, aws

Statement = dict[str, object]

_SERVICE_ENDINGS: Final = (".amazonaws.com", ".amazonaws.com.cn", ".aws.internal")


def grants(resource: Resource) -> Iterator[Property]:
    """The statements that a resource stands for, each with the path of the property that names whom it lets in."""
    made = _GRANTS.get(resource.type)
    if made is not None:
        for path, statement in made(resource):
            yield Property(path, {"Effect": "Allow", **statement})


def _value(resource: Resource, key: str) -> object:
    return resource.at(key).value


def _named(principal: object) -> object:
    """A principal that stands alone, as the Principal element that AWS makes of it."""
    if isinstance(principal, str) and principal.endswith(_SERVICE_ENDINGS):
        return {"Service": principal}
    return {"AWS": principal}


def _conditions(*compared: tuple[str, str, object]) -> Statement:
    condition: dict[str, dict[str, object]] = {}
    for operator, key, value in compared:
        if value is not None:
            condition.setdefault(operator, {})[key] = value
    return {"Condition": condition} if condition else {}


def _function(resource: Resource) -> Iterator[tuple[str, Statement]]:
    # Lambda Developer Guide, AddPermission: the statement's conditions are these.
    yield (
        "principal",
        {
            "Principal": _named(_value(resource, "principal")),
            "Action": _value(resource, "action"),
            "Resource": _value(resource, "function"),
            **_conditions(
                ("ArnLike", "aws:SourceArn", _value(resource, "sourceArn")),
                ("StringEquals", "aws:SourceAccount", _value(resource, "sourceAccount")),
                ("StringEquals", "aws:PrincipalOrgID", _value(resource, "principalOrgId")),
                ("StringEquals", "lambda:FunctionUrlAuthType", _value(resource, "functionUrlAuthType")),
            ),
        },
    )


def _layer(resource: Resource) -> Iterator[tuple[str, Statement]]:
    yield (
        "principal",
        {
            "Principal": _named(_value(resource, "principal")),
            "Action": _value(resource, "action"),
            "Resource": _value(resource, "layerName"),
            **_conditions(("StringEquals", "aws:PrincipalOrgID", _value(resource, "organizationId"))),
        },
    )


def _event_bus(resource: Resource) -> Iterator[tuple[str, Statement]]:
    organisation = resource.at("condition", "value").value
    yield (
        "principal",
        {
            "Principal": _named(_value(resource, "principal")),
            "Action": _value(resource, "action") or "events:PutEvents",
            "Resource": _value(resource, "eventBusName") or "default",
            **_conditions(("StringEquals", "aws:PrincipalOrgID", organisation)),
        },
    )


def _key_grant(resource: Resource) -> Iterator[tuple[str, Statement]]:
    # AWS KMS Developer Guide, Grants: a grant names one principal, which no wildcard can be.
    actions = [f"kms:{each.text}" if each.text else UNKNOWN for each in resource.at("operations").elements()]
    yield (
        "granteePrincipal",
        {
            "Principal": _named(_value(resource, "granteePrincipal")),
            "Action": actions,
            "Resource": _value(resource, "keyId"),
        },
    )


def _shared(action: str, key: str, resource_key: str) -> "_Grant":
    """Of a list of accounts with which something is shared; `all` is everyone."""

    def made(resource: Resource) -> Iterator[tuple[str, Statement]]:
        accounts = resource.at(key)
        for account in [accounts] if accounts.unknown else accounts.elements():
            everyone = account.text is not None and account.text.casefold() in ("all", "*")
            principal = "*" if everyone else account.value
            shared = _value(resource, resource_key) or resource.name
            yield account.path, {"Principal": _named(principal), "Action": action, "Resource": shared}

    return made


def _document(resource: Resource) -> Iterator[tuple[str, Statement]]:
    # AWS Systems Manager User Guide, "Share a document": accounts divided by commas, or All.
    accounts = resource.at("permissions", "accountIds")
    if accounts.unknown:
        yield accounts.path, {"Principal": UNKNOWN, "Action": "ssm:GetDocument", "Resource": resource.name}
    for account in (accounts.text or "").split(","):
        if account.strip():
            principal = "*" if account.strip().casefold() == "all" else account.strip()
            yield (
                accounts.path,
                {
                    "Principal": {"AWS": principal},
                    "Action": "ssm:GetDocument",
                    "Resource": _value(resource, "name") or resource.name,
                },
            )


def _image(resource: Resource) -> Iterator[tuple[str, Statement]]:
    everyone = resource.at("group").text == "all"
    owners = ("accountId", "organizationArn", "organizationalUnitArn", "group")
    key = next((each for each in owners if not resource.at(each).absent), "accountId")
    principal = "*" if everyone else _value(resource, key)
    yield key, {"Principal": {"AWS": principal}, "Action": "ec2:RunInstances", "Resource": _value(resource, "imageId")}


_Grant = Callable[[Resource], Iterator[tuple[str, Statement]]]
_GRANTS: Final[Mapping[str, _Grant]] = {
    aws("lambda/permission"): _function,
    aws("lambda/layerVersionPermission"): _layer,
    aws("cloudwatch/eventPermission"): _event_bus,
    aws("kms/grant"): _key_grant,
    aws("ssm/document"): _document,
    aws("ec2/amiLaunchPermission"): _image,
    aws("ec2/snapshotCreateVolumePermission"): _shared("ec2:CreateVolume", "accountId", "snapshotId"),
    aws("ec2/vpcEndpointService"): _shared("ec2:CreateVpcEndpoint", "allowedPrincipals", "privateDnsName"),
    aws("ec2/vpcEndpointServiceAllowedPrinciple"): _shared(
        "ec2:CreateVpcEndpoint", "principalArn", "vpcEndpointServiceId"
    ),
    aws("rds/snapshot"): _shared("rds:RestoreDBInstanceFromDBSnapshot", "sharedAccounts", "dbSnapshotIdentifier"),
    aws("rds/snapshotCopy"): _shared(
        "rds:RestoreDBInstanceFromDBSnapshot", "sharedAccounts", "targetDbSnapshotIdentifier"
    ),
    aws("rds/clusterSnapshot"): _shared(
        "rds:RestoreDBClusterFromSnapshot", "sharedAccounts", "dbClusterSnapshotIdentifier"
    ),
    aws("rds/clusterSnapshotCopy"): _shared(
        "rds:RestoreDBClusterFromSnapshot", "sharedAccounts", "targetDbClusterSnapshotIdentifier"
    ),
    aws("ram/principalAssociation"): _shared("ram:GetResourceShares", "principal", "resourceShareArn"),
    aws("acmpca/permission"): _shared("acm-pca:IssueCertificate", "principal", "certificateAuthorityArn"),
}

GRANTS: Final = frozenset(_GRANTS)
"""The types that permit something without a document."""
