"""No variable of a function's environment switches its clients' TLS off."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from isolation.checks import on
from isolation.reading.conditions import names
from isolation.reading.properties import Property
from isolation.rule import Finding, Resource, ResourceRule

# Variable -> the values, in lower case, with which a client talks in clear text or believes anybody (libpq, Python's
# PEP 493, Node.js, Go's and OpenSSL's documentation).
_OFF: Final = {
    "PGSSLMODE": ("disable", "allow", "prefer", "require"),
    "PGREQUIRESSL": ("0",),
    "PYTHONHTTPSVERIFY": ("0",),
    "NODE_TLS_REJECT_UNAUTHORIZED": ("0",),
    "GIT_SSL_NO_VERIFY": ("1", "true"),
}


def _switched_off(resource: Resource) -> Iterator[Finding]:
    variables = resource.at("environment", "variables")
    for name in names(variables):
        value = variables.at(name)
        if _text(value) in _OFF.get(name.upper(), ()):
            yield Finding(value.path, "switches off that clients know whom they talk to")
        elif name.upper().startswith("AWS_ENDPOINT_URL") and _text(value).startswith("http://"):
            yield Finding(value.path, "sends requests to AWS in clear text")


def _text(value: Property) -> str:
    return (str(value.number) if value.number is not None else value.text or "").casefold()


ENVIRONMENT_TLS = ResourceRule(
    id="function-environment-keeps-tls",
    title="No variable of a function switches TLS off.",
    severity=Severity.HIGH,
    remedy="Take the variable out; PGSSLMODE is verify-full.",
    why=(
        "Whether a client encrypts and whom it believes is decided by variables as much as by its code: with "
        "PGSSLMODE=require libpq takes any certificate, with PYTHONHTTPSVERIFY=0 Python does (PostgreSQL documentation, "
        "SSL Support; PEP 493). The database refuses clear text; it cannot refuse a client that talks to somebody else."
    ),
    checks=on({"lambda/function": _switched_off}),
)
