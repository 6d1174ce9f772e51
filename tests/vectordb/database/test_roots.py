"""The shipped bundle can be made anew from AWS's own files, and from nothing less."""

import datetime as dt
import importlib.util
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from vectordb.database import roots, tls
from vectordb.errors import VectordbError

_SPEC = importlib.util.spec_from_file_location("refresh_ca", Path(__file__).parents[3] / "scripts" / "refresh_ca.py")
refresh_ca = importlib.util.module_from_spec(_SPEC)
sys.modules["refresh_ca"] = refresh_ca
_SPEC.loader.exec_module(refresh_ca)

NOW = dt.datetime.now(dt.UTC)
SHIPPED = tls.SHIPPED.read_text(encoding="ascii")


def authority(name, *, days=3650, issuer=None):
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    by = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer or name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(named).issuer_name(by).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(NOW - dt.timedelta(days=4000)).not_valid_after(NOW + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    return certificate, certificate.public_bytes(serialization.Encoding.PEM).decode()


def test_making_the_shipped_bundle_anew_from_itself_changes_nothing():
    found = roots.parse(SHIPPED)
    assert roots.bundle(roots.current(found, NOW)) == SHIPPED
    assert {root.region for root in found} == tls.regions()
    assert {root.fingerprint for root in found} == {
        one.fingerprint(hashes.SHA256()).hex(":").upper() for one in x509.load_pem_x509_certificates(SHIPPED.encode())
    }


def test_what_has_expired_is_no_root_or_is_no_regions_is_left_out():
    kept, pem = authority("Amazon RDS mx-central-1 Root CA ECC384 G1")
    text = "".join([
        pem,
        authority("Amazon RDS us-east-1 Root CA RSA2048 G1", days=-1)[1],
        authority("Amazon RDS us-gov-west-1 Subordinate CA RSA2048 G1", issuer="Amazon RDS us-gov-west-1 Root CA")[1],
        authority("Amazon RDS Beta Root CA RSA2048 G1")[1],
        pem,
    ])  # fmt: skip
    [root] = roots.current(roots.parse(text), NOW)
    assert (root.name, root.region) == ("Amazon RDS mx-central-1 Root CA ECC384 G1", "mx-central-1")
    assert root.expires == kept.not_valid_after_utc


def test_what_is_no_certificate_is_refused():
    broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    with pytest.raises(VectordbError, match="no certificate of an authority"):
        roots.parse(broken)


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "bundle.pem"
    made.write_text(SHIPPED, encoding="ascii")
    return made


def test_a_new_region_is_added_with_its_fingerprint_and_its_origin(file, tmp_path, capsys):
    certificate, pem = authority("Amazon RDS mx-central-1 Root CA ECC384 G1")
    source = tmp_path / "global.pem"
    source.write_text(SHIPPED + pem, encoding="ascii")
    assert refresh_ca.main(["--from", str(source), "--file", str(file), "--region", "mx-central-1"]) == 0
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex(":").upper()
    until = f"{certificate.not_valid_after_utc:%Y-%m-%d}"
    assert capsys.readouterr().out == (
        f"+ Amazon RDS mx-central-1 Root CA ECC384 G1, until {until}, SHA-256 {fingerprint}\n"
        f"85 roots of 29 regions, the first to expire on {until}\n"
    )
    assert tls.regions(file) == tls.regions() | {"mx-central-1"}
    origin = file.with_suffix(".md").read_text(encoding="utf-8")
    assert str(source) in origin
    assert refresh_ca.hashlib.sha256(file.read_bytes()).hexdigest() in origin


def test_a_source_that_covers_less_is_refused_and_nothing_is_written(file, tmp_path, capsys):
    source = tmp_path / "half.pem"
    source.write_text(SHIPPED[: SHIPPED.index("# Amazon RDS us-west-2 ")], encoding="ascii")
    assert refresh_ca.main(["--from", str(source), "--file", str(file)]) == 2
    assert "would cover us-west-2 no more; nothing was written" in capsys.readouterr().err
    assert file.read_text(encoding="ascii") == SHIPPED


def test_a_region_that_is_still_missing_is_told(file, capsys):
    assert refresh_ca.main(["--from", str(tls.SHIPPED), "--file", str(file), "--region", "mx-central-1"]) == 1
    assert "mx-central-1-bundle.pem" in capsys.readouterr().err


def test_all_three_partitions_are_downloaded(file, monkeypatch):
    asked = []
    monkeypatch.setattr(roots, "download", lambda store: asked.append(store) or SHIPPED)
    assert refresh_ca.main(["--file", str(file), "--dry-run"]) == 0
    assert asked == list(roots.STORES)
    assert not file.with_suffix(".md").exists()


@pytest.mark.parametrize(
    ("region", "address"),
    [
        ("eu-west-2", "https://truststore.pki.rds.amazonaws.com/eu-west-2/eu-west-2-bundle.pem"),
        (
            "us-gov-east-1",
            "https://truststore.pki.us-gov-west-1.rds.amazonaws.com/us-gov-east-1/us-gov-east-1-bundle.pem",
        ),
        ("cn-north-1", "https://rds-truststore.s3.cn-north-1.amazonaws.com.cn/cn-north-1/cn-north-1-bundle.pem"),
    ],
)
def test_where_a_regions_roots_are(region, address):
    assert tls.download_address(region) == address
