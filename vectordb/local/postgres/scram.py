"""Check a password against what PostgreSQL stores of it: `SCRAM-SHA-256$iterations:salt$stored:server` (RFC 5803)."""

import base64
import hashlib
import hmac
import re
import unicodedata

_STORED = re.compile(r"SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):[A-Za-z0-9+/=]+")


def matches(password: str, stored: str | None) -> bool:
    """Whether the password is the one stored. Of SASLprep only its normalisation is done, which is all of it for most passwords."""
    parts = _STORED.fullmatch(stored or "")
    if parts is None:
        return False
    normal = unicodedata.normalize("NFKC", password).encode()
    salted = hashlib.pbkdf2_hmac("sha256", normal, base64.b64decode(parts[2]), int(parts[1]))
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return hmac.compare_digest(hashlib.sha256(client_key).digest(), base64.b64decode(parts[3]))
