"""TLS, by what the server does, not by what it says of itself."""

import datetime as dt
import ssl
from typing import Any

from vectordb.database import tls
from vectordb.doctor import wire
from vectordb.doctor.context import Context
from vectordb.doctor.findings import Finding, failed, ok, warning
from vectordb.errors import VectordbError

_RENEWED_DAYS = 30
_REFUSED = "28000"  # invalid_authorization_specification: pg_hba.conf has no line for clear text
_FORCE = "Set rds.force_ssl to 1 in the database's parameter group: it is in this program's, so `pulumi up --refresh` restores it."


def tls_chain(context: Context) -> Finding:
    """The server's certificate names the endpoint and comes from a trusted root."""
    settings = context.settings
    roots = tls.bundle(settings)
    try:
        with context.dial() as connection:
            offered = wire.asks_for_tls(connection)
            if offered is None:
                raise context.unreachable(ConnectionError("it hung up"))
            if not offered:
                return failed(f"{settings.host} offers no TLS", _FORCE)
            found = wire.verified(connection, settings.host, roots)
    except ssl.SSLCertVerificationError as error:
        return failed(
            f"the certificate of {settings.host} is refused: {error.verify_message}",
            "Another name means that the address leads to another server. An unknown issuer means that the roots in "
            f"{roots} are not those of this region: get {tls.download_address(settings.region)} and set VECTORDB_CA_BUNDLE.",
        )
    except OSError as error:
        raise context.unreachable(error) from error
    ends = dt.datetime.fromtimestamp(ssl.cert_time_to_seconds(str(found.certificate["notAfter"])), dt.UTC)
    issuer = _issuer(found.certificate)
    said = f"{found.version}, issued by {issuer}, good until {ends:%Y-%m-%d}"
    if (ends - dt.datetime.now(dt.UTC)).days < _RENEWED_DAYS:
        return warning(
            said,
            "RDS renews it by itself; if the date stays: aws rds describe-pending-maintenance-actions, and reboot the instance.",
        )
    return ok(said)


def forced_tls(context: Context) -> Finding:
    """A session in clear text is refused. Tried with the everyday login's name; no password is sent."""
    settings = context.settings
    user = context.subject.user or "vectordb_admin"
    try:
        with context.dial() as connection:
            if wire.asks_for_tls(connection) is None:
                raise ConnectionError("it hung up")
        with context.dial() as connection:
            answer = wire.start_in_clear(connection, user, settings.database)
    except (OSError, VectordbError) as error:
        context.board.need("tls-chain")  # it has the same to say, and says it
        raise context.unreachable(error) from error
    if answer.kind == "" or (answer.kind == "E" and answer.sqlstate == _REFUSED):
        return ok(f"clear text is refused: {answer.message or 'the server hangs up'}")
    if answer.kind == "E":
        return warning(
            f"clear text was refused for another reason: {answer.sqlstate} {answer.message}",
            "Whether TLS is forced is not known: run it again.",
        )
    return failed(f"{settings.host} begins a login in clear text", _FORCE)


def _issuer(certificate: dict[str, Any]) -> str:
    names = dict(part for relative in certificate.get("issuer", ()) for part in relative)
    return str(names.get("commonName") or names.get("organizationName") or "an unnamed authority")
