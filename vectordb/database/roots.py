"""Certificates of Amazon RDS's authorities: read, told apart, and the shipped bundle made anew from AWS's own.

With the standard library only: whoever can connect can refresh.
"""

import datetime as dt
import hashlib
import http.client
import re
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from vectordb.errors import VectordbError

STORES: Final = (
    "https://truststore.pki.rds.amazonaws.com",
    "https://truststore.pki.us-gov-west-1.rds.amazonaws.com",
    "https://rds-truststore.s3.cn-north-1.amazonaws.com.cn",
)
"""Of the commercial regions, GovCloud and China (Amazon RDS User Guide, "Using SSL/TLS to encrypt a connection", also China's)."""

_LARGEST: Final = 4 << 20  # bytes; the global bundle has about 200 kB
_TIMEOUT: Final = 30.0
_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_NAME = re.compile(r"^Amazon RDS (?P<region>[a-z]{2}(?:-[a-z]+)+-\d) Root CA ")


@dataclass(frozen=True)
class Root:
    """An authority's own certificate.

    Attributes:
        name: its common name.
        own: whether it signed itself; GovCloud's file holds intermediate authorities, too.
        region: whose servers it vouches for; empty when the name says none.
        expires: when it ends.
        fingerprint: SHA-256 of the certificate, hexadecimal with colons.
        pem: the certificate in PEM, as text.
    """

    name: str
    own: bool
    region: str
    expires: dt.datetime
    fingerprint: str
    pem: str


def parse(text: str) -> list[Root]:
    """The authorities in a PEM file, in its order.

    Raises:
        VectordbError: a block is no certificate of an authority.
    """
    return [_root(block) for block in _BLOCK.findall(text)]


def current(roots: Iterable[Root], now: dt.datetime) -> list[Root]:
    """Roots of a region that are in force, each once, by region and name. Beta and preview environments are no regions."""
    kept = {root.fingerprint: root for root in roots if root.own and root.region and root.expires > now}
    return sorted(kept.values(), key=lambda root: (root.region, root.name))


def bundle(roots: Iterable[Root]) -> str:
    """A PEM file of them, with each name on the line above, as `tls.regions` reads it."""
    return "".join(
        f"# {root.name}; until {root.expires:%Y-%m-%d}; SHA-256 {root.fingerprint}\n{root.pem}\n" for root in roots
    )


def address(region: str) -> str:
    """Where AWS publishes a region's authorities."""
    store = STORES[1] if region.startswith("us-gov-") else STORES[2] if region.startswith("cn-") else STORES[0]
    return f"{store}/{region}/{region}-bundle.pem"


def download(store: str) -> str:
    """The file of all regions in one of `STORES`, over HTTPS that the operating system's authorities vouch for.

    Raises:
        VectordbError: no answer, or another one than the file.
    """
    path = "/global/global-bundle.pem"
    connection = http.client.HTTPSConnection(
        store.removeprefix("https://"), timeout=_TIMEOUT, context=ssl.create_default_context()
    )
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read(_LARGEST + 1)
    except (OSError, http.client.HTTPException) as error:
        raise VectordbError(
            f"{store}{path} cannot be read: {error}",
            remedy="Download it where the internet can be reached, and give the file with --from.",
        ) from error
    finally:
        connection.close()
    if response.status != http.client.OK or len(body) > _LARGEST or b"BEGIN CERTIFICATE" not in body:
        raise VectordbError(
            f"{store}{path} answered {response.status} and {len(body)} bytes that are no bundle of certificates",
            remedy="Look whether something between here and AWS answers in its place.",
        )
    return body.decode("ascii", errors="replace")


def _root(pem: str) -> Root:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=pem)
        [found] = context.get_ca_certs()  # of authorities only
        der = ssl.PEM_cert_to_DER_cert(pem)
    except (ssl.SSLError, ValueError) as error:
        raise VectordbError(
            f"a block is no certificate of an authority: {pem[:60]}… ({error})",
            remedy="Take the file anew from AWS.",
        ) from error
    subject, issuer = _names(found["subject"]), _names(found["issuer"])
    name = subject.get("commonName", "")
    matched = _NAME.match(name)
    digest = hashlib.sha256(der).hexdigest().upper()
    return Root(
        name=name,
        own=subject == issuer,
        region=matched["region"] if matched else "",
        expires=dt.datetime.fromtimestamp(ssl.cert_time_to_seconds(str(found["notAfter"])), dt.UTC),
        fingerprint=":".join(digest[place : place + 2] for place in range(0, len(digest), 2)),
        pem=pem,
    )


def _names(distinguished: object) -> dict[str, str]:
    """Python's nested tuples of a distinguished name as a mapping."""
    assert isinstance(distinguished, tuple)
    return {key: value for part in distinguished for key, value in part}
