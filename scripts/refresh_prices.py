"""Writes vectordb/cost/prices.json anew from AWS's public Price List files. No account, no credentials.

    .venv/bin/python scripts/refresh_prices.py [--dry-run] [--from DIR] [--file FILE]

A price that names its line (`list`: service, usage type, further columns) gets that line's first price above zero: the
free tiers are of the account, not of the stack. A price whose line is missing, or says two things, stays as it is and is
named; then the exit code is 1. The files are large, AmazonEC2's some hundreds of megabytes; they are read as they arrive.
Format: AWS Billing User Guide, "Reading the price list files"; five lines about the file, a header, then one line a price.
"""

import argparse
import csv
import http.client
import io
import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

FILE = Path(__file__).parents[1] / "vectordb" / "cost" / "prices.json"
HOST = "pricing.us-east-1.amazonaws.com"
PATH = "/offers/v1.0/aws/{service}/current/{region}/index.csv"
_REGION_PREFIX = re.compile(r"^USE1-")
"""Newer services put it before the usage types of us-east-1, older ones do not."""


@dataclass(frozen=True)
class Offer:
    """What one service's file says of the wanted usage types: when it was published, and usage type → its rows."""

    published: str
    rows: dict[str, list[dict[str, str]]]


def read(lines: Iterable[str], usages: set[str]) -> Offer:
    """The on-demand rows of `usages` in a price list file; column names in lower case."""
    reader = csv.reader(lines)
    published = ""
    for line in reader:
        if line[:1] == ["Publication Date"]:
            published = line[1][:10]
        if line[:1] == ["SKU"]:
            columns = [name.lower() for name in line]
            break
    else:
        raise SystemExit("This is no price list file: it has no line that begins with SKU.")
    rows: dict[str, list[dict[str, str]]] = {}
    for line in reader:
        row = dict(zip(columns, line, strict=False))
        usage = _REGION_PREFIX.sub("", row.get("usagetype", ""))
        # A region's file holds its local zones too; reservations are other terms of the same usage.
        if usage in usages and row.get("termtype") == "OnDemand" and row.get("location type", "") in ("", "AWS Region"):
            rows.setdefault(usage, []).append(row)
    return Offer(published, rows)


def price(wanted: dict[str, Any], offer: Offer) -> Decimal | None:
    """The one price above zero of the line that `wanted` describes, for its unit; none when there is no such line, or two."""
    columns = {name.lower(): value for name, value in wanted.get("columns", {}).items()}
    fitting = [
        row
        for row in offer.rows.get(wanted["usage"], ())
        if row.get("currency", "USD") == "USD"
        and all(row.get(name) == value for name, value in columns.items())
        and Decimal(row["priceperunit"]) > 0
    ]
    if not fitting:
        return None
    first = min(Decimal(row["startingrange"] or 0) for row in fitting)
    found = {Decimal(row["priceperunit"]) for row in fitting if Decimal(row["startingrange"] or 0) == first}
    return found.pop() * wanted.get("times", 1) if len(found) == 1 else None


def refresh(document: dict[str, Any], offers: dict[str, Offer]) -> tuple[dict[str, Any], list[str], list[str]]:
    """(the new document, what changed, what could not be read) from the old one and each service's file."""
    prices, changed, missing = {}, [], []
    sources = dict(document["sources"])
    for key, entry in document["prices"].items():
        wanted = entry.get("list")
        found = price(wanted, offers[wanted["service"]]) if wanted else None
        if found is None:
            prices[key] = entry
            missing += [f"{key}: no single line {wanted['usage']} of {wanted['service']}"] if wanted else []
            continue
        if found != Decimal(entry["usd"]):
            changed.append(f"{key}: {entry['usd']} → {_plain(found)}")
        service = wanted["service"]
        sources[service] = {
            "page": f"https://{HOST}{PATH.format(service=service, region=document['region'])}",
            "read": f"AWS's Price List, published {offers[service].published}",
        }
        usd = entry["usd"] if found == Decimal(entry["usd"]) else _plain(found)
        prices[key] = {**entry, "usd": usd, "source": service}
    used = {entry["source"] for entry in prices.values()}
    return (
        {
            **document,
            "date": max([offer.published for offer in offers.values()], default=document["date"]),
            "sources": {key: value for key, value in sources.items() if key in used},
            "prices": prices,
        },
        changed,
        missing,
    )


def dumped(document: dict[str, Any]) -> str:
    """The document as it is kept: one price a line, so that a change of one is a change of one line."""
    parts = []
    for name, value in document.items():
        if isinstance(value, dict):
            entries = ",\n".join(f"    {_json(key)}: {_json(entry)}" for key, entry in value.items())
            parts.append(f"  {_json(name)}: {{\n{entries}\n  }}")
        else:
            parts.append(f"  {_json(name)}: {_json(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def wanted_usages(document: dict[str, Any]) -> dict[str, set[str]]:
    """Service → the usage types that prices name."""
    result: dict[str, set[str]] = {}
    for entry in document["prices"].values():
        if wanted := entry.get("list"):
            result.setdefault(wanted["service"], set()).add(wanted["usage"])
    return result


@contextmanager
def opened(service: str, region: str, folder: Path | None) -> Iterator[TextIO]:
    """A service's price list file, from `folder` (SERVICE.csv) or from AWS."""
    if folder is not None:
        with (folder / f"{service}.csv").open(encoding="utf-8", newline="") as file:
            yield file
        return
    with closing(http.client.HTTPSConnection(HOST, timeout=60)) as connection:
        connection.request("GET", PATH.format(service=service, region=region))
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise SystemExit(f"{HOST} answers {response.status} {response.reason} for {service}; nothing was written.")
        yield io.TextIOWrapper(response, encoding="utf-8", newline="")


def main(arguments: list[str]) -> int:
    """Refresh the file; 0, or 1 when a price could not be read."""
    parser = argparse.ArgumentParser(description="Refresh the price file from AWS's public Price List.")
    parser.add_argument("--dry-run", action="store_true", help="show what would change, write nothing")
    parser.add_argument(
        "--from", dest="folder", type=Path, help="read SERVICE.csv in this folder instead of AWS's files"
    )
    parser.add_argument("--file", type=Path, default=FILE, help="the price file")
    given = parser.parse_args(arguments)
    document = json.loads(given.file.read_text(encoding="utf-8"))
    offers = {}
    for service, usages in sorted(wanted_usages(document).items()):
        print(f"reading {service} ...", file=sys.stderr)
        with opened(service, document["region"], given.folder) as lines:
            offers[service] = read(lines, usages)
    new, changed, missing = refresh(document, offers)
    for line in changed:
        print(line)
    for line in missing:
        print(f"kept, {line}")
    by_hand = [key for key, entry in document["prices"].items() if "list" not in entry]
    print(f"{len(changed)} changed, {len(missing)} not found, {len(by_hand)} kept by hand: {', '.join(by_hand)}")
    if not given.dry_run:
        given.file.write_text(dumped(new), encoding="utf-8")
        print("Now: vectordb cost --write-docs", file=sys.stderr)
    return 1 if missing else 0


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
