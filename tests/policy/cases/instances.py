"""Instances, what starts them, and their images."""

from base64 import b64encode
from gzip import compress

from tests.policy.cases.case import Case
from tests.policy.support import UNKNOWN

_METADATA = "instance-metadata-v2"
_INSTANCE = "ec2/instance"
_SPOT = "ec2/spotInstanceRequest"
_TEMPLATE = "ec2/launchTemplate"
_CONFIGURATION = "ec2/launchConfiguration"
_OPTIONAL = ("metadataOptions.httpTokens", "is absent, and optional unless the image or the account says otherwise")
_HOPS = ("metadataOptions.httpPutResponseHopLimit", "is absent")
_SAFE = {"metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1}}

_TOKENS = [
    Case(_METADATA, _INSTANCE, {}, (_OPTIONAL, _HOPS)),
    Case(_METADATA, _INSTANCE, {"metadataOptions": {"httpTokens": "optional", "httpPutResponseHopLimit": 2}}, (("metadataOptions.httpTokens", "is not required"), ("metadataOptions.httpPutResponseHopLimit", "is more than one hop"))),
    Case(_METADATA, _SPOT, {"metadataOptions": {"httpTokens": "required"}}, (_HOPS,)),
    Case(_METADATA, _TEMPLATE, {"metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": "two"}}, (("metadataOptions.httpPutResponseHopLimit", "is a string, not 1"),)),
    Case(_METADATA, _CONFIGURATION, {"metadataOptions": {"httpEndpoint": "enabled", "httpPutResponseHopLimit": 1}}, (_OPTIONAL,)),
    Case(_METADATA, _INSTANCE, {"metadataOptions": {"httpEndpoint": UNKNOWN, "httpTokens": "optional", "httpPutResponseHopLimit": UNKNOWN}}, (("metadataOptions.httpTokens", "is not required"),)),
    Case(_METADATA, _INSTANCE, _SAFE),
    Case(_METADATA, _SPOT, {"metadataOptions": {"httpTokens": UNKNOWN, "httpPutResponseHopLimit": 1.0}}),
    Case(_METADATA, _TEMPLATE, {"metadataOptions": {"httpEndpoint": "disabled"}}),
    Case(_METADATA, _CONFIGURATION, {"metadataOptions": UNKNOWN}),
]  # fmt: skip

_SHELLS = "session-manager-only"
_KEY = ("keyName", "gives whoever has the key a shell")
_CONNECT = "ec2transitgateway/instanceConnectEndpoint"
_WAYS_IN = [
    *(Case(_SHELLS, type_, {"keyName": "mine"}, (_KEY,)) for type_ in (_INSTANCE, _SPOT, _TEMPLATE, _CONFIGURATION)),
    Case(_SHELLS, "ec2/spotFleetRequest", {"launchSpecifications": [{"keyName": "mine"}]}, (("launchSpecifications[0].keyName", _KEY[1]),)),
    Case(_SHELLS, "eks/nodeGroup", {"remoteAccess": {"ec2SshKey": "mine"}}, (("remoteAccess.ec2SshKey", _KEY[1]),)),
    Case(_SHELLS, "emr/cluster", {"ec2Attributes": {"keyName": "mine"}}, (("ec2Attributes.keyName", _KEY[1]),)),
    Case(_SHELLS, "imagebuilder/infrastructureConfiguration", {"keyPair": "mine"}, (("keyPair", _KEY[1]),)),
    Case(_SHELLS, "cloud9/environmentEC2", {}, (("", "is a shell in the browser"),)),
    Case(_SHELLS, "ec2/keyPair", {"publicKey": UNKNOWN}, (("", "is a key pair for logins by SSH"),)),
    Case(_SHELLS, _CONNECT, {"subnetId": UNKNOWN}, (("", "lets people tunnel into the network past Session Manager"),)),
    Case(_SHELLS, _INSTANCE, {"keyName": ""}),
    Case(_SHELLS, _CONNECT, {}, settings={"names": ["thing"]}),
    Case("instance-has-profile", _INSTANCE, {}, (("iamInstanceProfile", "is absent"),)),
    Case("instance-has-profile", _SPOT, {"iamInstanceProfile": ""}, (("iamInstanceProfile", "is absent"),)),
    Case("instance-has-profile", _TEMPLATE, {}, (("iamInstanceProfile", "is absent"),)),
    Case("instance-has-profile", _CONFIGURATION, {}, (("iamInstanceProfile", "is absent"),)),
    Case("instance-has-profile", _INSTANCE, {"iamInstanceProfile": UNKNOWN}),
    Case("instance-has-profile", _TEMPLATE, {"iamInstanceProfile": {"arn": UNKNOWN}}),
    Case("instance-does-not-forward", _INSTANCE, {"sourceDestCheck": False}, (("sourceDestCheck", "is false, not true"),)),
    Case("instance-does-not-forward", _SPOT, {"sourceDestCheck": "no"}, (("sourceDestCheck", "is a string, not true"),)),
    Case("instance-does-not-forward", "ec2/networkInterface", {"sourceDestCheck": False}, (("sourceDestCheck", "is false, not true"),)),
    Case("instance-does-not-forward", _INSTANCE, {}),
    Case("instance-does-not-forward", "ec2/networkInterface", {"sourceDestCheck": True}),
    Case("image-not-shared", "ec2/amiLaunchPermission", {"imageId": "ami-1", "group": "all"}),
    Case("image-not-shared", "ec2/amiLaunchPermission", {"group": "others"}, (("group", "shares the image"),)),
    Case("image-not-shared", "ec2/amiLaunchPermission", {"accountId": "210987654321"}, (("accountId", "shares the image with somebody whom the setting principals does not name"),)),
    Case("image-not-shared", "ec2/amiLaunchPermission", {"accountId": "210987654321"}, settings={"principals": ["210987654321"]}),
    Case("image-not-shared", "ec2/amiLaunchPermission", {"organizationArn": UNKNOWN}),
]  # fmt: skip


def _base64(text: str, *, zipped: bool = False) -> str:
    return b64encode(compress(text.encode()) if zipped else text.encode()).decode()


_USER_DATA = "user-data-without-secrets"
_ACCESS_KEY = "AKIA" + "0123456789ABCDEF"
_PASSWORD = "export PGPASSWORD=correct-horse\n"
_SCRIPT = "#!/bin/bash\nset -eu\ndnf install -y postgresql17\n"
_SECRETS = [
    Case(_USER_DATA, "ec2/instance", {"userData": '#!/bin/sh\ncurl -H "X-Auth: ghp_' + "a1B2" * 9 + '" https://example.com'}, (("userData", "holds a token"),)),
    Case(_USER_DATA, _INSTANCE, {"userData": f"{_SCRIPT}aws configure set aws_access_key_id {_ACCESS_KEY}"}, (("userData", "holds an access key of AWS's"),)),
    Case(_USER_DATA, _INSTANCE, {"userDataBase64": _base64(_PASSWORD)}, (("userDataBase64", "holds a password"),)),
    Case(_USER_DATA, _INSTANCE, {"userDataBase64": _base64(_PASSWORD, zipped=True)}, (("userDataBase64", "holds a password"),)),
    Case(_USER_DATA, _SPOT, {"userData": "aws_secret_access_key = wJalrXUtnFEMI"}, (("userData", "holds a secret access key"),)),
    Case(_USER_DATA, _TEMPLATE, {"userData": _base64("-----BEGIN OPENSSH PRIVATE KEY-----\n")}, (("userData", "holds a private key"),)),
    Case(_USER_DATA, _CONFIGURATION, {"userData": "psql postgres://app:correct-horse@db.internal/x"}, (("userData", "holds a password in a URL"),)),
    Case(_USER_DATA, _INSTANCE, {"userData": 'write_files:\n  - content: {"password": "correct-horse"}'}, (("userData", "holds a password"),)),
    Case(_USER_DATA, _INSTANCE, {"userData": "API_KEY=correct-horse"}, (("userData", "holds a token"),)),
    Case(_USER_DATA, _INSTANCE, {"userData": "chpasswd <<< 'ec2-user:correct horse'"}, (("userData", "holds a password for a user"),)),
    Case(_USER_DATA, _INSTANCE, {"userData": _SCRIPT}),
    Case(_USER_DATA, _INSTANCE, {"userData": 'PGPASSWORD=$(aws rds generate-db-auth-token) PASSWORD="${FROM_SSM}" token=`cat x`'}),
    Case(_USER_DATA, _INSTANCE, {"userData": "psql postgres://app:$PGPASSWORD@db.internal/x"}),
    Case(_USER_DATA, _SPOT, {"userData": UNKNOWN}),
    Case(_USER_DATA, _TEMPLATE, {"userData": _base64(_SCRIPT, zipped=True)[:-6]}),
    Case(_USER_DATA, _CONFIGURATION, {}),
]  # fmt: skip

CASES = [*_TOKENS, *_WAYS_IN, *_SECRETS]
