"""Names that have to be unique or short enough for AWS, derived from the stack's own."""

import hashlib
import re


def bounded(name: str, limit: int) -> str:
    """`name` within `limit` characters: a longer one keeps its beginning and gets eight characters of its digest.

    The same name always gives the same result, and two names that differ anywhere give different ones.
    """
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: limit - 9].rstrip('-.')}-{digest}"


def bucket_name(name: str, account: str, region: str) -> str:
    """A vector bucket's name: 3 to 63 lower-case letters, digits and hyphens, unique in the account and region."""
    cleaned = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")
    return bounded(f"{account}-{region}-{cleaned}", 63)
