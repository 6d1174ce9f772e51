"""User data holds no secrets."""

import binascii
import re
import zlib
from base64 import b64decode
from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from isolation.reading.credentials import ISSUED
from isolation.reading.properties import Property
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, aws

_TYPES: Final = ("ec2/instance", "ec2/spotInstanceRequest", "ec2/launchTemplate", "ec2/launchConfiguration")
_GZIP: Final = b"\x1f\x8b"
_MOST: Final = 1 << 20  # EC2 takes 16 KB; a bomb is not unpacked

# A value that is looked up when the machine starts is no secret: $VARIABLE, $(command), `command`, ${…}, <placeholder>.
_VALUE: Final = r"""["']?(?![$`<{]|["'\s]|$)[^\s"']{6,}"""
_SECRETS: Final = (
    ("an access key of AWS's", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a secret access key", re.compile(rf"(?i)aws_?secret_?access_?key\w*\s*[:=]\s*{_VALUE}")),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    ("a password in a URL", re.compile(r"(?i)\b[a-z][a-z0-9+.-]*://[^\s:/@]+:(?![$`<{])[^\s/@]+@")),
    (
        "a password",
        re.compile(rf"(?im)(?:^|[\s;&(\"'{{,]|[a-z0-9]_|\bPG)(?:password|passwd|passphrase)[\"']?\s*[:=]\s*{_VALUE}"),
    ),
    ("a token", re.compile(rf"(?im)(?:^|[\s;&(\"'{{,]|[a-z0-9]_)(?:api_?key|secret|token)[\"']?\s*[:=]\s*{_VALUE}")),
    ("a token", re.compile(ISSUED)),
    ("a password for a user", re.compile(r"(?im)\bchpasswd\b.*<<<|\bidentified\s+by\s+'|\bpassword\s+'[^'$]{6,}'")),
)


def _texts(data: str) -> Iterator[str]:
    """User data as it is, and what it is when it is base64, zipped or not, as templates take it."""
    yield data
    try:
        raw = b64decode("".join(data.split()), validate=True)
        if raw.startswith(_GZIP):
            raw = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(raw, _MOST)
    except (binascii.Error, ValueError, zlib.error):
        return
    yield raw.decode("utf-8", "replace")


def _check(resource: Resource) -> Iterator[Finding]:
    for key in ("userData", "userDataBase64"):
        data: Property = resource.at(key)
        if data.text is None:
            continue
        texts = list(_texts(data.text))
        # A token may be known by its form and by its name: that is one finding.
        for what in dict.fromkeys(what for what, form in _SECRETS if any(form.search(text) for text in texts)):
            yield Finding(data.path, f"holds {what}")


USER_DATA = ResourceRule(
    id="user-data-without-secrets",
    title="User data holds no secrets.",
    severity=Severity.CRITICAL,
    remedy="Let the instance fetch it with its role, from Secrets Manager or Parameter Store.",
    why=(
        "Whoever may call DescribeInstanceAttribute, or runs anything on the instance, reads its user data in clear text, and each "
        "version of a launch template keeps it. 'You should not store sensitive data, such as passwords or long-lived "
        "encryption keys, as user data' (Amazon EC2 User Guide, Instance metadata and user data). It also stays in Pulumi's "
        "state."
    ),
    frameworks=Frameworks(checkov=("CKV_AWS_46",)),
    checks=dict.fromkeys((aws(path) for path in _TYPES), _check),
)
