"""Databases speak protocols that hold: no old TLS, no MD5; and their proxies keep statements to themselves."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from isolation.checks import none_true, on
from isolation.rule import Finding, Resource, ResourceRule, aws

# Parameter in lower case -> values that are weak, in lower case (Amazon RDS User Guide, PostgreSQL parameters; Amazon
# Aurora User Guide, Aurora PostgreSQL parameters).
_WEAK: Final = {
    "ssl": ("0", "off", "false"),
    "ssl_min_protocol_version": ("tlsv1", "tlsv1.0", "tlsv1.1"),
    "ssl_max_protocol_version": ("tlsv1", "tlsv1.0", "tlsv1.1"),
    "password_encryption": ("md5",),
    "rds.accepted_password_auth_method": ("md5", "md5+scram"),
    "tls_version": ("tlsv1", "tlsv1.1", "tlsv1,tlsv1.1", "tlsv1,tlsv1.1,tlsv1.2"),
}
# `rds.accepted_password_auth_method` is md5+scram where nobody sets it: only what is asked for is a finding.
_CIPHERS: Final = ("null", "rc4", "3des", "md5", "export", "anon")


def _weak(resource: Resource) -> Iterator[Finding]:
    for parameter in resource.at("parameters").each():
        name, value = (parameter.at("name").text or "").casefold(), parameter.at("value")
        text = (value.text if value.number is None else str(value.number)) or ""
        if value.truth is False:
            text = "false"
        if text.casefold() in _WEAK.get(name, ()) or (name == "ssl_ciphers" and _has_weak_cipher(text)):
            yield Finding(value.path, f"of {name} is one that can be broken")


def _has_weak_cipher(ciphers: str) -> bool:
    """Whether a list of OpenSSL's admits one; what begins with `!` or `-` is left out."""
    admitted = [each for each in ciphers.replace(",", ":").casefold().split(":") if not each.startswith(("!", "-"))]
    return any(weak in each for weak in _CIPHERS for each in admitted)


STRONG_PROTOCOLS = ResourceRule(
    id="database-strong-protocols",
    title="Databases take no TLS below 1.2 and no MD5.",
    severity=Severity.HIGH,
    remedy="Leave the parameter out, or set it to what is strong: TLSv1.2, scram-sha-256, scram.",
    why=(
        "TLS 1.0 and 1.1 are withdrawn (RFC 8996), an MD5 hash of a password is as good as the password to whoever reads it "
        "(PostgreSQL documentation, Password Authentication), and a forced connection is worth what its cipher is worth."
    ),
    checks={aws("rds/clusterParameterGroup"): _weak, aws("rds/parameterGroup"): _weak},
)

PROXY_LOGS = ResourceRule(
    id="proxy-logs-no-statements",
    title="Proxies do not log the statements that pass through them.",
    severity=Severity.MEDIUM,
    remedy="Leave debugLogging out.",
    why=(
        "With debugLogging the text of each SQL statement is in the proxy's log, values and passwords that somebody sets "
        "among it (Amazon RDS User Guide, creating an RDS Proxy: enhanced logging)."
    ),
    checks=on({"rds/proxy": none_true("debugLogging")}),
)
