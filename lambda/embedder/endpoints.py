"""HTTP endpoints of models inside the VPC: which the worker may ask, with whose token, and by whose certificate.

They stand in the worker's environment, never in the database: who may write a vectorizer must not thereby make the worker call any
address, or send a token to it.
"""

import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from embedder.errors import SettingsError

VARIABLE = "VECTORDB_EMBED_ENDPOINTS"
_KEYS = frozenset({"origin", "secret", "ca"})


class Endpoint(NamedTuple):
    """One origin, such as https://models.internal:8443."""

    origin: str
    secret: str = ""
    """ARN of the secret that holds its bearer token; empty for none."""
    ca: str = ""
    """Roots in PEM that its certificate is checked against, and no others; empty for the public ones."""


def admitted() -> Mapping[str, Endpoint]:
    """Origin → endpoint, by the environment. Raises SettingsError."""
    text = os.environ.get(VARIABLE, "")
    try:
        listed = json.loads(text) if text else []
    except ValueError:
        listed = None
    if not isinstance(listed, list):
        raise SettingsError(f"{VARIABLE} must be a JSON list of objects")
    return {origin(endpoint.origin): endpoint for endpoint in map(_endpoint, listed)}


def origin(url: str) -> str:
    """Scheme, host and port of an address; a port that the scheme implies is left out."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".removesuffix({"https": ":443", "http": ":80"}.get(parts.scheme, "//"))


def _endpoint(given: Any) -> Endpoint:
    if (
        not isinstance(given, dict)
        or not given.keys() <= _KEYS
        or not all(isinstance(value, str) for value in given.values())
    ):
        raise SettingsError(f"{VARIABLE}: each must be an object of texts, with the keys {', '.join(sorted(_KEYS))}")
    found = Endpoint(**{"origin": "", **given})
    parts = urlsplit(found.origin)
    plain = f"{parts.scheme}://{parts.netloc}" == found.origin and "@" not in parts.netloc
    if parts.scheme not in {"http", "https"} or not parts.hostname or not plain:
        raise SettingsError(f"{VARIABLE}: an origin is scheme, host and port, as in https://models.internal:8443")
    if parts.scheme == "http" and found.secret:
        raise SettingsError(f"{VARIABLE}: {found.origin} would be sent its token in clear text; it has to be https")
    return found
