"""The roots that the database's certificate is checked against.

Amazon RDS signs its certificates with roots of its own, one set a region; the operating system's store never holds them.
`rds-global-bundle.md` beside this file says where the shipped bundle comes from.
"""

import re
from pathlib import Path

from vectordb.database import roots
from vectordb.database import settings as names
from vectordb.database.settings import Settings
from vectordb.errors import VectordbError

SHIPPED = Path(__file__).with_name("rds-global-bundle.pem")
_REGION = re.compile(r"^# Amazon RDS (\S+) Root CA ", re.MULTILINE)


def regions(bundle: Path = SHIPPED) -> frozenset[str]:
    """The regions whose roots are in the shipped bundle, read from the line above each certificate."""
    return frozenset(_REGION.findall(bundle.read_text(encoding="ascii")))


def download_address(region: str) -> str:
    """Where AWS publishes a region's roots."""
    return roots.address(region)


def bundle(settings: Settings) -> Path:
    """The file of roots to trust: the configured one, otherwise the shipped one when it covers the region.

    Raises:
        VectordbError: the shipped bundle does not know the region.
    """
    if settings.ca_bundle is not None:
        return settings.ca_bundle
    if settings.region not in regions():
        raise VectordbError(
            f"the shipped certificate bundle holds no root of Amazon RDS for {settings.region}",
            remedy=(
                "Make the shipped one anew with .venv/bin/python scripts/refresh_ca.py, "
                f"or download {download_address(settings.region)} and set {names.CA_BUNDLE} to that file."
            ),
        )
    return SHIPPED
