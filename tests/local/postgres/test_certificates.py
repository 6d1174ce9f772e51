"""The certificates: verified by the standard library's TLS, kept while they serve, replaced when they do not."""

import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from vectordb.local import certificates

NAMES = ["vectordb.cluster-abc.us-east-1.rds.amazonaws.com", "vectordb.cluster-ro-abc.us-east-1.rds.amazonaws.com"]


def handshake(issued: certificates.Certificates, ca: Path, name: str) -> str | None:
    """The version agreed on between two ends in memory."""
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_context.load_cert_chain(issued.certificate, issued.key)
    client_context = ssl.create_default_context(cafile=str(ca))
    client_context.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for end in (client, server):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client.version()


def test_every_name_is_verified(tmp_path: Path) -> None:
    issued = certificates.issue(tmp_path / "tls", NAMES)
    assert [handshake(issued, issued.ca, name) for name in NAMES] == ["TLSv1.3", "TLSv1.3"]


def test_another_name_and_another_authority_are_refused(tmp_path: Path) -> None:
    issued = certificates.issue(tmp_path / "one", NAMES)
    other = certificates.issue(tmp_path / "two", NAMES)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(issued, issued.ca, "localhost")
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer certificate"):
        handshake(issued, other.ca, NAMES[0])


def test_the_key_is_private_and_nothing_else_is_left(tmp_path: Path) -> None:
    issued = certificates.issue(tmp_path, NAMES)
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} == {
        "ca.pem": "0o644",
        "server.key": "0o600",
        "server.pem": "0o644",
    }
    assert issued == certificates.Certificates(tmp_path / "ca.pem", tmp_path / "server.pem", tmp_path / "server.key")


def test_kept_while_they_serve(tmp_path: Path) -> None:
    before = certificates.issue(tmp_path, NAMES).certificate.read_bytes()
    assert certificates.issue(tmp_path, NAMES[::-1]).certificate.read_bytes() == before


@pytest.mark.parametrize("damage", ["names", "missing key", "another key", "garbage", "expiry"])
def test_replaced_when_they_do_not(tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    issued = certificates.issue(tmp_path, NAMES)
    before = issued.certificate.read_bytes()
    names = NAMES
    if damage == "names":
        names = NAMES[:1]
    elif damage == "missing key":
        issued.key.unlink()
    elif damage == "another key":
        issued.key.write_bytes(certificates.issue(tmp_path / "other", NAMES).key.read_bytes())
    elif damage == "garbage":
        issued.ca.write_bytes(b"-----BEGIN")
    else:
        monkeypatch.setattr(certificates, "_RENEW", dt.timedelta(days=366))
    assert certificates.issue(tmp_path, names).certificate.read_bytes() != before
    monkeypatch.undo()
    assert handshake(issued, issued.ca, NAMES[0]) == "TLSv1.3"


def test_a_name_longer_than_a_common_name(tmp_path: Path) -> None:
    long = "a" * 60 + ".cluster-abcdefghijkl.us-east-1.rds.amazonaws.com"
    issued = certificates.issue(tmp_path, [long])
    assert handshake(issued, issued.ca, long) == "TLSv1.3"
    subject = x509.load_pem_x509_certificate(issued.certificate.read_bytes()).subject
    assert subject.rfc4514_string() == f"CN={long[:64]}"
