"""Amazon S3 Vectors and buckets."""

from decimal import Decimal

from vectordb.cost.resource import Resource
from vectordb.cost.sheet import Sheet

GB, TB = Decimal(2**30), Decimal(2**40)
BYTES_OF_A_NUMBER = 4
"""S3 Vectors knows float32 only."""
TIERS = ((100_000, "first"), (10_000_000, "next"), (None, "rest"))
"""Up to which vector of an index a query's data is at which price (Amazon S3 pricing, Vectors)."""


def index(resource: Resource, sheet: Sheet) -> None:
    """An index with the assumed vectors: each has its numbers, a key and metadata, and a query processes all of them."""
    usage = sheet.usage
    dimension = sheet.number(resource, "dimension", 1024)
    size = dimension * BYTES_OF_A_NUMBER + usage.exact("metadata_bytes")
    vectors, queries = usage.exact("vectors"), usage.exact("queries")
    sheet.used(resource, "S3 Vectors storage", vectors * size / GB, "s3vectors.storage")
    sheet.used(resource, "S3 Vectors writes", usage.exact("vectors_written") * size / GB, "s3vectors.put")
    sheet.used(resource, "S3 Vectors queries", queries / 1_000_000, "s3vectors.query")
    for count, tier in tiers(vectors):
        sheet.used(resource, "S3 Vectors data processed", queries * count * size / TB, f"s3vectors.processed.{tier}")
    sheet.rate(resource, "S3 Vectors data returned, over 512 KB a query", "s3vectors.returned")


def tiers(vectors: Decimal) -> list[tuple[Decimal, str]]:
    """How many of an index's vectors a query processes at which price."""
    result, before = [], Decimal(0)
    for limit, tier in TIERS:
        upper = vectors if limit is None else min(vectors, Decimal(limit))
        if upper > before:
            result.append((upper - before, tier))
            before = upper
    return result


def bucket(resource: Resource, sheet: Sheet) -> None:
    """Objects; nothing is assumed of how many."""
    sheet.rate(resource, "objects in S3", "s3.storage")
