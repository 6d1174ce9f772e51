"""List prices, from one dated file. `scripts/refresh_prices.py` writes it; nothing here asks AWS."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("prices.json")


@dataclass(frozen=True)
class Price:
    """What one unit costs.

    Attributes:
        key: its name in the file, such as `rds.db.t4g.small`.
        usd: US dollars for one `unit`.
        unit: such as `hour`, `GB-month` or `million requests`.
        source: a key of `Prices.sources`.
    """

    key: str
    usd: Decimal
    unit: str
    source: str


@dataclass(frozen=True)
class Source:
    """Where AWS publishes a price, and how the number in the file was read."""

    page: str
    read: str


@dataclass(frozen=True)
class Prices:
    """A price file.

    Attributes:
        date: the day of the prices, YYYY-MM-DD.
        region: whose list prices they are.
        hours: hours in a month, as AWS's own calculator counts them.
        table: key → price.
        sources: key → source.
    """

    date: str
    region: str
    hours: Decimal
    table: Mapping[str, Price]
    sources: Mapping[str, Source]

    def __getitem__(self, key: str) -> Price:
        return self.table[key]

    def __contains__(self, key: object) -> bool:
        return key in self.table


def read(file: Path) -> Prices:
    """The prices in `file`; they are strings there, so that none is rounded on the way."""
    loaded = json.loads(file.read_text(encoding="utf-8"))
    return Prices(
        date=loaded["date"],
        region=loaded["region"],
        hours=Decimal(loaded["hours"]),
        table={
            key: Price(key, Decimal(entry["usd"]), entry["unit"], entry["source"])
            for key, entry in loaded["prices"].items()
        },
        sources={key: Source(**entry) for key, entry in loaded["sources"].items()},
    )


@cache
def current() -> Prices:
    """The prices that come with this version."""
    return read(FILE)
