"""The certificate authority of this machine's stack and the server certificate of its database endpoints.

Amazon's own bundle stays out of it: a client here trusts one authority, made for one state folder, whose key is thrown away as soon as
it has signed the server's certificate.
"""

import datetime as dt
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID = dt.timedelta(days=365)
_RENEW = dt.timedelta(days=7)  # before the end: a stack may run for days
_BACKDATED = dt.timedelta(hours=1)  # for clocks that differ
_LONGEST_COMMON_NAME = (
    64  # RFC 5280, ub-common-name; endpoint names may be longer, and clients read the alternative names
)


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files: the authority to trust, the server's certificate, and its key (mode 0600)."""

    ca: Path
    certificate: Path
    key: Path


def issue(folder: Path, names: list[str]) -> Certificates:
    """The certificates in a folder for these DNS names, made when there are none, when they end soon, or when the names differ.

    Args:
        folder: where the files go; made when missing.
        names: the names that clients verify, as the endpoint of a cluster.

    Returns:
        The three files, each whole: they are written aside and renamed, the certificate last.
    """
    files = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    if not _good(files, names):
        folder.mkdir(parents=True, exist_ok=True)
        _make(files, names)
    return files


def _good(files: Certificates, names: list[str]) -> bool:
    try:
        authority = x509.load_pem_x509_certificate(files.ca.read_bytes())
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        key = serialization.load_pem_private_key(files.key.read_bytes(), None)
        certificate.verify_directly_issued_by(authority)
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except Exception:  # noqa: BLE001 - whatever is wrong with the files, new ones put it right
        return False
    return (
        sorted(alternative.get_values_for_type(x509.DNSName)) == sorted(set(names))
        and certificate.public_key() == key.public_key()
        and dt.datetime.now(dt.UTC) + _RENEW < certificate.not_valid_after_utc
    )


def _make(files: Certificates, names: list[str]) -> None:
    now = dt.datetime.now(dt.UTC)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    key = ec.generate_private_key(ec.SECP256R1())
    # Named after its key: a client that still holds an older authority of the same name would take its signature for a forgery.
    identifier = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    authority_name = _name(f"vectordb local authority {identifier.digest.hex()[:8]}")

    def builder(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority_name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BACKDATED)
            .not_valid_after(now + _VALID)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        )

    authority = (
        builder(authority_name, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        builder(_name(names[0][:_LONGEST_COMMON_NAME]), key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in sorted(set(names))]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(files.key, private, 0o600)
    _write(files.ca, authority.public_bytes(serialization.Encoding.PEM), 0o644)
    _write(files.certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        os.fchmod(file.fileno(), mode)
    Path(partial).replace(path)
