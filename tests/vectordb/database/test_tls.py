"""The shipped roots: whose they are, and that they last."""

import datetime as dt
import hashlib
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from vectordb.database import tls
from vectordb.database.settings import Settings
from vectordb.errors import VectordbError

from .conftest import GOOD


@pytest.fixture(scope="module")
def roots():
    return x509.load_pem_x509_certificates(tls.SHIPPED.read_bytes())


def test_the_file_is_the_one_whose_origin_is_written_down():
    origin = tls.SHIPPED.with_suffix(".md").read_text(encoding="utf-8")
    assert hashlib.sha256(tls.SHIPPED.read_bytes()).hexdigest() in origin


def test_no_root_expires_within_five_years(roots):
    limit = dt.datetime.now(dt.UTC) + dt.timedelta(days=5 * 366)
    assert [root.subject.rfc4514_string() for root in roots if root.not_valid_after_utc < limit] == []


def test_three_live_roots_for_each_of_28_regions(roots):
    assert len(roots) == 84
    assert len(tls.regions()) == 28
    names = {root.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value for root in roots}
    assert names == {
        f"Amazon RDS {region} Root CA {kind} G1"
        for region in tls.regions()
        for kind in ("RSA2048", "RSA4096", "ECC384")
    }


def test_each_root_signed_itself_and_is_an_authority(roots):
    for root in roots:
        root.verify_directly_issued_by(root)
        assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is True


def test_the_root_of_us_east_1_is_the_known_one(roots):
    [root] = [root for root in roots if "CN=Amazon RDS us-east-1 Root CA RSA2048 G1" in root.subject.rfc4514_string()]
    assert root.fingerprint(hashes.SHA256()).hex(":").upper().startswith("E4:CE:41:D0")
    assert root.fingerprint(hashes.SHA256()).hex(":").upper().endswith("7D:4B:68")
    assert root.not_valid_after_utc.date() == dt.date(2061, 5, 25)


def test_openssl_takes_all_of_them():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(tls.SHIPPED)
    assert context.cert_store_stats()["x509_ca"] == 84


def test_a_region_that_is_not_covered_is_told_with_where_to_get_its_roots():
    settings = Settings.from_environment(GOOD | {"VECTORDB_REGION": "mx-central-1"})
    with pytest.raises(VectordbError, match="no root of Amazon RDS for mx-central-1") as caught:
        tls.bundle(settings)
    assert "https://truststore.pki.rds.amazonaws.com/mx-central-1/mx-central-1-bundle.pem" in caught.value.remedy


def test_a_bundle_of_ones_own_is_taken_for_any_region(tmp_path):
    own = tmp_path / "ca.pem"
    own.write_text("")
    assert (
        tls.bundle(
            Settings.from_environment(GOOD | {"VECTORDB_REGION": "mx-central-1", "VECTORDB_CA_BUNDLE": str(own)})
        )
        == own
    )
    assert tls.bundle(Settings.from_environment(GOOD)) == tls.SHIPPED
