"""Makes vectordb/database/rds-global-bundle.pem anew from the files that AWS publishes. No account, no credentials.

    .venv/bin/python scripts/refresh_ca.py [--region REGION] [--dry-run] [--from FILE ...] [--file FILE]

The roots of all regions are downloaded over HTTPS, of commercial regions, GovCloud and China; those that have expired and
those of beta environments are left out. What comes and goes is printed with its SHA-256, to be compared with another
source before it is committed. A region that was covered and would be no more is refused: then something is wrong with
the download. With --region the exit code is 1 if that region is not covered afterwards.
"""

import argparse
import datetime as dt
import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

from vectordb.database import roots, tls
from vectordb.database.roots import Root
from vectordb.errors import VectordbError

_ORIGIN = """# {name}

The roots that Amazon RDS and Aurora sign their server certificates with: {count} self-signed certificates for {regions} regions. The
first expires on {first}. SHA-256 of the file:
`{digest}`.

| What | Where from |
|---|---|
{sources}
| Left out | what has expired, intermediate authorities, and those of AWS's beta and preview environments |
| Made on | {today}, by `scripts/refresh_ca.py` |

For a region that is not in it, run that script again, or set `VECTORDB_CA_BUNDLE` to the region's own file; without, a
program does not connect and says this.
"""


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--region", help="a region that has to be covered")
    parser.add_argument("--dry-run", action="store_true", help="show what would change")
    parser.add_argument(
        "--from", dest="files", nargs="+", type=Path, metavar="FILE", help="files in place of downloads"
    )
    parser.add_argument("--file", type=Path, default=tls.SHIPPED, help="the bundle to write")
    options = parser.parse_args(arguments)
    try:
        return refresh(options.file, options.files or [], region=options.region or "", dry_run=options.dry_run)
    except VectordbError as error:
        sys.stderr.write(f"{error.message}\n{error.remedy}\n")
        return error.exit_code


def refresh(file: Path, files: Iterable[Path], *, region: str, dry_run: bool) -> int:
    """Write `file` and the page beside it; returns the exit code.

    Raises:
        VectordbError: a source cannot be read, or covers less than `file` does.
    """
    texts = {str(one): one.read_text(encoding="ascii") for one in files} or {
        store: roots.download(store) for store in roots.STORES
    }
    now = dt.datetime.now(dt.UTC)
    before = roots.parse(file.read_text(encoding="ascii")) if file.exists() else []
    after = roots.current([root for text in texts.values() for root in roots.parse(text)], now)
    _compare(before, after, now)
    if not dry_run:
        file.write_text(roots.bundle(after), encoding="ascii")
        file.with_suffix(".md").write_text(_origin(file, texts, after, now), encoding="utf-8")
    covered = {root.region for root in after}
    print(f"{len(after)} roots of {len(covered)} regions, the first to expire on {_first(after)}")
    if region and region not in covered:
        print(f"{region} is not among them. See {roots.address(region)}", file=sys.stderr)
        return 1
    return 0


def _compare(before: list[Root], after: list[Root], now: dt.datetime) -> None:
    old, new = ({root.fingerprint: root for root in one} for one in (before, after))
    for sign, only in (("-", old.keys() - new.keys()), ("+", new.keys() - old.keys())):
        for root in sorted(((old | new)[one] for one in only), key=lambda root: (root.region, root.name)):
            print(f"{sign} {root.name}, until {root.expires:%Y-%m-%d}, SHA-256 {root.fingerprint}")
    lost = {root.region for root in before if root.expires > now} - {root.region for root in after}
    if lost or not after:
        raise VectordbError(
            f"the new bundle would cover {', '.join(sorted(lost)) or 'any region'} no more; nothing was written",
            remedy="A download was cut short or is another file. With --from, give the files of all partitions.",
        )


def _first(found: list[Root]) -> str:
    return f"{min(root.expires for root in found):%Y-%m-%d}"


def _origin(file: Path, texts: dict[str, str], found: list[Root], now: dt.datetime) -> str:
    sources = "\n".join(
        f"| Source | {source}, SHA-256 `{hashlib.sha256(text.encode()).hexdigest()}` |"
        for source, text in texts.items()
    )
    return _ORIGIN.format(
        name=file.name,
        count=len(found),
        regions=len({root.region for root in found}),
        first=_first(found),
        digest=hashlib.sha256(roots.bundle(found).encode()).hexdigest(),
        sources=sources,
        today=f"{now:%Y-%m-%d}",
    )


if __name__ == "__main__":
    sys.exit(main())
