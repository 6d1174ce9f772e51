"""Tells a credential by its form, or by the name that it has."""

import re
from typing import Final

from isolation.reading.properties import Property

ISSUED: Final = (
    r"\bgh[pousr]_[0-9A-Za-z]{36}|\bgithub_pat_[0-9A-Za-z_]{22}|\bxox[abprs]-[0-9A-Za-z-]{10}|\bsk-[0-9A-Za-z_-]{20}"
    r"|\bsk_live_[0-9A-Za-z]{16}|\beyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\."
)
"""A pattern of tokens that are known by their form alone: GitHub's, Slack's, OpenAI's, Stripe's, and JSON web tokens."""
# Access keys of IAM, private keys, tokens of GitHub, Slack, OpenAI and Stripe, JSON web tokens, URLs and DSNs with a
# password; each with what is fixed about its form.
_FORMS: Final = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    rf"|{ISSUED}"
    r"|[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@{}$]+@"
    r"|\bpassword\s*=\s*[^\s;{}$]+",
    re.IGNORECASE,
)
# The whole words of a name: DB_PASSWORD, apiKey, AWS_SECRET_ACCESS_KEY; but not SECRET_ARN or TOKEN_COUNT.
_NAMES: Final = re.compile(
    r"(?:^|[_.-]|(?<=[a-z0-9]))"
    r"(?:pass(?:word|wd|phrase)?|pwd|pgpassword|secret|secret[_-]?key|secret[_-]?access[_-]?key|api[_-]?key|access[_-]?key"
    r"|private[_-]?key|client[_-]?secret|(?:auth|access|api|bearer|session|refresh)[_-]?token|token|credentials?)"
    r"(?:[_-]?(?:value|string|plain(?:text)?))?$",
    re.IGNORECASE,
)
# A name, an ARN, a path or a template in place of the credential itself.
_REFERENCE: Final = re.compile(r"arn:|/|alias/|\{\{|\$\{|ssm:|https?://", re.IGNORECASE)
_SHORTEST: Final = 4


# In lower case, what each of the forms has in it: most texts have none, and are not searched further.
_MARKS: Final = (
    *("akia", "asia", "private key", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "xox", "sk-", "sk_live_"),
    *("eyj", "://", "password"),
)


def is_credential(text: str) -> bool:
    """Whether `text` has the form of a credential, or contains one."""
    folded = text.casefold()
    return any(mark in folded for mark in _MARKS) and _FORMS.search(text) is not None


def holds_credential(name: str, value: Property) -> bool:
    """Whether a named value is known to be a credential: by its form, or because its name says so and it is none of the
    ways to point at one.
    """
    text = value.text
    if text is None:
        return False
    named = _NAMES.search(name) is not None and len(text) >= _SHORTEST and _REFERENCE.match(text) is None
    return is_credential(text) or (named and text.casefold() not in ("none", "true", "false", "null"))
