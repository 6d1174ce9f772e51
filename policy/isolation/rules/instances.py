"""Instances: their metadata, their shells, their role in the network."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from isolation.declared import identifiers, presence_unless, strings
from isolation.rule import Check, Finding, Frameworks, Resource, ResourceRule, aws

_MACHINES: Final = ("ec2/instance", "ec2/spotInstanceRequest", "ec2/launchTemplate", "ec2/launchConfiguration")
_TYPES: Final = tuple(aws(path) for path in _MACHINES)
_HOPS: Final = 1


def _metadata(resource: Resource) -> Iterator[Finding]:
    options = resource.at("metadataOptions")
    endpoint, tokens, hops = (options.at(key) for key in ("httpEndpoint", "httpTokens", "httpPutResponseHopLimit"))
    if endpoint.text == "disabled":
        return
    if not tokens.unknown and tokens.text != "required":
        problem = "is absent, and optional unless the image or the account says otherwise"
        yield Finding(tokens.path, problem if tokens.absent else "is not required", f"Set {tokens.path} to required.")
    if not hops.unknown and hops.number != _HOPS:
        described = (
            "is absent" if hops.absent else "is more than one hop" if hops.number else f"is {hops.described}, not 1"
        )
        yield Finding(hops.path, described, f"Set {hops.path} to 1.")


METADATA = ResourceRule(
    id="instance-metadata-v2",
    title="Instances hand out their role's credentials to processes of their own only.",
    severity=Severity.HIGH,
    remedy="Set metadataOptions to httpTokens required and httpPutResponseHopLimit 1.",
    why=(
        "The first version of the metadata service answers any GET, so that one forged request of a server gives away the "
        "credentials of the instance's role; the second asks for a token that a PUT returns. With more than one hop a "
        "container, or a proxy that forwards, gets the token too (Amazon EC2 User Guide, Configure the instance metadata "
        "options)."
    ),
    frameworks=Frameworks(
        fsbp=("EC2.8", "EC2.170", "AutoScaling.3"), cis=("5.6",), checkov=("CKV_AWS_79", "CKV_AWS_341")
    ),
    checks=dict.fromkeys(_TYPES, _metadata),
    repairs={
        aws("ec2/instance"): {"metadataOptions.httpTokens": "required", "metadataOptions.httpPutResponseHopLimit": 1}
    },
)


def _key(path: str) -> Check:
    def check(resource: Resource) -> Iterator[Finding]:
        for key in resource.select(path):
            if key.given:
                yield Finding(key.path, "gives whoever has the key a shell")

    return check


SHELLS = ResourceRule(
    id="session-manager-only",
    title="People reach a shell through Session Manager only.",
    severity=Severity.HIGH,
    remedy="Remove it: Session Manager asks for IAM, needs no open port and records the session.",
    why=(
        "A key pair is a long-lived secret that no IAM policy withdraws; EC2 Instance Connect endpoints tunnel to any port "
        "from outside the network, past its gateways and routes (Amazon EC2 User Guide, Connect using EC2 Instance Connect "
        "Endpoint). Session Manager needs neither and leaves a record."
    ),
    settings=(identifiers("names", "The names of resources that may stay all the same."),),
    checks={
        **dict.fromkeys(_TYPES, _key("keyName")),
        aws("ec2/spotFleetRequest"): _key("launchSpecifications[].keyName"),
        aws("eks/nodeGroup"): _key("remoteAccess.ec2SshKey"),
        aws("emr/cluster"): _key("ec2Attributes.keyName"),
        aws("imagebuilder/infrastructureConfiguration"): _key("keyPair"),
        aws("cloud9/environmentEC2"): presence_unless("is a shell in the browser", "names"),
        aws("ec2/keyPair"): presence_unless("is a key pair for logins by SSH", "names"),
        aws("ec2transitgateway/instanceConnectEndpoint"): presence_unless(
            "lets people tunnel into the network past Session Manager", "names"
        ),
    },
)


def _forwarding(path: str) -> Check:
    def check(resource: Resource) -> Iterator[Finding]:
        for flag in resource.select(path):
            if flag.given and flag.truth is not True:  # true by default
                yield Finding(flag.path, f"is {flag.described}, not true")

    return check


FORWARDING = ResourceRule(
    id="instance-does-not-forward",
    title="No instance and no interface forwards traffic of others.",
    severity=Severity.HIGH,
    remedy="Leave sourceDestCheck out, or set it to true.",
    why=(
        "Without the check an instance passes on what is not addressed to it: it is a router, a NAT or a VPN gateway that no "
        "rule about gateways sees (Amazon EC2 User Guide, Elastic network interfaces, source/destination checking)."
    ),
    frameworks=Frameworks(fsbp=("EC2.180",)),
    checks=dict.fromkeys(
        (aws("ec2/instance"), aws("ec2/spotInstanceRequest"), aws("ec2/networkInterface")),
        _forwarding("sourceDestCheck"),
    ),
    repairs={aws(path): {"sourceDestCheck": True} for path in ("ec2/instance", "ec2/networkInterface")},
)


def _profile(resource: Resource) -> Iterator[Finding]:
    profile = resource.at("iamInstanceProfile")
    if profile.absent:
        yield Finding(profile.path, "is absent")


PROFILES = ResourceRule(
    id="instance-has-profile",
    title="Each instance has a role of its own.",
    severity=Severity.MEDIUM,
    remedy="Set iamInstanceProfile to a profile whose role holds AmazonSSMManagedInstanceCore's actions, or fewer.",
    why=(
        "Without a profile the agent of Session Manager cannot register, so that somebody opens SSH instead, and programs are "
        "given access keys that never expire (Amazon EC2 User Guide, IAM roles for Amazon EC2)."
    ),
    frameworks=Frameworks(fsbp=("SSM.1",), checkov=("CKV2_AWS_41",)),
    checks=dict.fromkeys(_TYPES, _profile),
)


_IMAGE_SETTING: Final = identifiers("principals", "The accounts, organisations and units that may launch an image.")


def _launch(resource: Resource) -> Iterator[Finding]:
    declared = strings(resource.settings, _IMAGE_SETTING.name)
    # The group all, which is everybody, is found as everybody is wherever something is shared.
    if (group := resource.at("group")).given and group.text != "all":
        yield Finding(group.path, "shares the image")
    for key in ("accountId", "organizationArn", "organizationalUnitArn"):
        if (principal := resource.at(key)).given and principal.text not in declared:
            yield Finding(principal.path, "shares the image with somebody whom the setting principals does not name")


SHARED_IMAGES = ResourceRule(
    id="image-not-shared",
    title="Images are not shared, unless with declared principals.",
    severity=Severity.HIGH,
    remedy="Remove the permission, or name the account in the setting principals.",
    why=(
        "Whoever may launch an image reads its disks: the programs, their configuration and whatever was left there (Amazon "
        "EC2 User Guide, Recommendations for creating shared Linux AMIs)."
    ),
    settings=(_IMAGE_SETTING,),
    frameworks=Frameworks(checkov=("CKV_AWS_205",)),
    checks={aws("ec2/amiLaunchPermission"): _launch},
)
