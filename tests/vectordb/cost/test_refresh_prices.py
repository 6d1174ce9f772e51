import importlib.util
import json
import sys

import pytest

from tests.components.recorded import ROOT
from vectordb.cost import prices

_SPEC = importlib.util.spec_from_file_location("refresh_prices", ROOT / "scripts" / "refresh_prices.py")
refresh_prices = importlib.util.module_from_spec(_SPEC)
sys.modules["refresh_prices"] = refresh_prices
_SPEC.loader.exec_module(refresh_prices)

HEADER = """"FormatVersion","v1.0"
"Disclaimer","This pricing list is for informational purposes only."
"Publication Date","{date}T12:45:44Z"
"Version","20261201124544"
"OfferCode","{service}"
"SKU","OfferTermCode","TermType","PriceDescription","StartingRange","EndingRange","Unit","PricePerUnit","Currency","Location Type","Database Engine","usageType"
"""
RDS = (
    HEADER.format(date="2026-12-01", service="AmazonRDS")
    + """\
"A","T","OnDemand","x","0","Inf","Hrs","0.0330000000","USD","AWS Region","PostgreSQL","InstanceUsage:db.t4g.small"
"B","T","OnDemand","x","0","Inf","Hrs","0.0310000000","USD","AWS Region","MySQL","InstanceUsage:db.t4g.small"
"C","T","Reserved","x","0","Inf","Hrs","0.0200000000","USD","AWS Region","PostgreSQL","InstanceUsage:db.t4g.small"
"D","T","OnDemand","x","0","Inf","Hrs","0.0400000000","USD","AWS Local Zone","PostgreSQL","InstanceUsage:db.t4g.small"
"E","T","OnDemand","x","0","Inf","GB-Mo","0.1150000000","USD","AWS Region","PostgreSQL","RDS:GP3-Storage"
"F","T","OnDemand","x","0","Inf","Hrs","0.0150000000","USD","AWS Region","PostgreSQL","USE1-RDS:ProxyUsage"
"G","T","OnDemand","x","0","Inf","Hrs","0.5000000000","USD","AWS Region","PostgreSQL","InstanceUsage:db.odd.large"
"H","T","OnDemand","x","0","Inf","Hrs","0.6000000000","USD","AWS Region","PostgreSQL","InstanceUsage:db.odd.large"
"""
)
SNS = (
    HEADER.format(date="2026-11-30", service="AmazonSNS")
    + """\
"A","T","OnDemand","free","0","1000000","Requests","0.0000000000","USD","AWS Region","","Requests-Tier1"
"B","T","OnDemand","x","1000000","Inf","Requests","0.0000006000","USD","AWS Region","","Requests-Tier1"
"""
)


def entry(usd, service=None, usage=None, **more):
    listed = {"list": {"service": service, "usage": usage, **more}} if service else {}
    return {"usd": usd, "unit": "hour", "source": "old", **listed}


POSTGRESQL = {"Database Engine": "PostgreSQL"}
DOCUMENT = {
    "date": "2026-11-21",
    "region": "us-east-1",
    "currency": "USD",
    "hours": 730,
    "sources": {"old": {"page": "https://aws.amazon.com/rds/", "read": "by hand"}},
    "prices": {
        "small": entry("0.032", "AmazonRDS", "InstanceUsage:db.t4g.small", columns=POSTGRESQL),
        "gp3": entry("0.1150", "AmazonRDS", "RDS:GP3-Storage", columns=POSTGRESQL),
        "proxy": entry("0.014", "AmazonRDS", "RDS:ProxyUsage", columns=POSTGRESQL),
        "odd": entry("0.9", "AmazonRDS", "InstanceUsage:db.odd.large", columns=POSTGRESQL),
        "gone": entry("0.8", "AmazonRDS", "InstanceUsage:db.gone.large", columns=POSTGRESQL),
        "sns": entry("0.50", "AmazonSNS", "Requests-Tier1", times=1_000_000),
        "by hand": entry("7"),
    },
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "AmazonRDS.csv").write_text(RDS)
    (tmp_path / "AmazonSNS.csv").write_text(SNS)
    (tmp_path / "prices.json").write_text(refresh_prices.dumped(DOCUMENT))
    return tmp_path


def run(folder, *more):
    return refresh_prices.main(["--from", str(folder), "--file", str(folder / "prices.json"), *more])


def test_prices_come_from_their_line_and_what_has_none_is_kept_and_named(folder, capsys):
    assert run(folder) == 1
    assert capsys.readouterr().out.splitlines() == [
        "small: 0.032 → 0.033",
        "proxy: 0.014 → 0.015",
        "sns: 0.50 → 0.6",
        "kept, odd: no single line InstanceUsage:db.odd.large of AmazonRDS",
        "kept, gone: no single line InstanceUsage:db.gone.large of AmazonRDS",
        "3 changed, 2 not found, 1 kept by hand: by hand",
    ]
    made = json.loads((folder / "prices.json").read_text())
    assert {key: (price["usd"], price["source"]) for key, price in made["prices"].items()} == {
        "small": ("0.033", "AmazonRDS"),
        "gp3": ("0.1150", "AmazonRDS"),
        "proxy": ("0.015", "AmazonRDS"),
        "odd": ("0.9", "old"),
        "gone": ("0.8", "old"),
        "sns": ("0.6", "AmazonSNS"),
        "by hand": ("7", "old"),
    }
    assert made["date"] == "2026-12-01"
    assert made["sources"]["AmazonSNS"] == {
        "page": "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonSNS/current/us-east-1/index.csv",
        "read": "AWS's Price List, published 2026-11-30",
    }
    assert prices.read(folder / "prices.json")["small"].usd == prices.Decimal("0.033")


def test_a_dry_run_writes_nothing(folder):
    before = (folder / "prices.json").read_text()
    run(folder, "--dry-run")
    assert (folder / "prices.json").read_text() == before


def test_a_second_run_changes_nothing(folder, capsys):
    run(folder)
    first = (folder / "prices.json").read_text()
    capsys.readouterr()
    run(folder)
    assert (folder / "prices.json").read_text() == first
    assert capsys.readouterr().out.splitlines()[-1] == "0 changed, 2 not found, 1 kept by hand: by hand"


def test_something_else_than_a_price_list_is_refused():
    with pytest.raises(SystemExit, match="no price list file"):
        refresh_prices.read(["<html>", "nothing here"], {"x"})


def test_the_price_file_is_in_the_form_that_the_script_writes():
    text = prices.FILE.read_text(encoding="utf-8")
    assert refresh_prices.dumped(json.loads(text)) == text


def test_every_line_of_the_price_file_names_a_service_and_a_usage_type():
    usages = refresh_prices.wanted_usages(json.loads(prices.FILE.read_text(encoding="utf-8")))
    assert set(usages) == {
        "AWSEvents",
        "AWSLambda",
        "AWSQueueService",
        "AWSSecretsManager",
        "AWSXRay",
        "AmazonCloudWatch",
        "AmazonEC2",
        "AmazonRDS",
        "AmazonS3",
        "AmazonSNS",
        "AmazonVPC",
        "awskms",
    }
    assert "InstanceUsage:db.r8g.4xl" in usages["AmazonRDS"]
