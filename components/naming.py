"""Names that have to be unique, short or plain enough for AWS, derived from the stack's own."""

import hashlib
import re


def bounded(name: str, limit: int) -> str:
    """`name` within `limit` characters: a longer one keeps its beginning and gets eight characters of its digest.

    The same name always gives the same result, and two names that differ anywhere give different ones.
    """
    return name if len(name) <= limit else _marked(name, name, limit)


def plain(name: str, limit: int) -> str:
    """`name` in letters, digits, hyphens and underscores, within `limit` characters, unique as `bounded` makes it.

    Projects and stacks may have dots in their names, which functions, aliases and dashboards may not.
    """
    return _restricted(name, re.sub(r"[^A-Za-z0-9_-]+", "-", name), limit)


def hyphenated(name: str, limit: int) -> str:
    """`name` in lower-case letters, digits and single hyphens, none at an end, within `limit` characters, and unique."""
    return _restricted(name, re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-"), limit)


def bucket_name(name: str, account: str, region: str) -> str:
    """A vector bucket's name: 3 to 63 lower-case letters, digits and hyphens, unique in the account and region."""
    return hyphenated(f"{account}-{region}-{name}", 63)


def _restricted(name: str, cleaned: str, limit: int) -> str:
    return bounded(name, limit) if cleaned == name else _marked(cleaned, name, limit)


def _marked(text: str, name: str, limit: int) -> str:
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{text[: limit - 9].rstrip('-.')}-{digest}"
