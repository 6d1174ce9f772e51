"""IAM tokens in place of passwords."""

from dataclasses import dataclass
from typing import Any, Final

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import NoCredentialsError

from vectordb.database import aws

VALID_SECONDS: Final = 900
"""How long RDS takes a token for opening connections; one that is open goes on (RDS User Guide, IAM database authentication)."""

# botocore carries no types.
_request: Any = AWSRequest
_signer: Any = SigV4QueryAuth


def token(*, host: str, port: int, user: str, region: str, client: Any = None) -> str:
    """A token to log in with, good for 15 minutes.

    Signing is local, no call is made. `host` and `port` are the database's own, also when the connection goes through a tunnel: the
    server checks the token against its own name, not against the address that the client dialled. `client` is an RDS client with
    credentials of its own; by default those of the environment sign.
    """
    if client is None:
        return _signed(host=host, port=port, user=user, region=region)
    signed: str = client.generate_db_auth_token(DBHostname=host, Port=port, DBUsername=user, Region=region)
    return signed


def _signed(*, host: str, port: int, user: str, region: str) -> str:
    """What the RDS client's `generate_db_auth_token` makes, without the client, whose model takes a tenth of a second to load."""
    credentials = aws.session().get_credentials()
    if credentials is None:
        raise NoCredentialsError
    request = _request(
        method="GET", url=f"https://{host}:{port}/", params={"Action": "connect", "DBUser": user}, headers={}
    )
    _signer(credentials.get_frozen_credentials(), "rds-db", region, expires=VALID_SECONDS).add_auth(request)
    return str(request.prepare().url).removeprefix("https://")


@dataclass(frozen=True, kw_only=True)
class TokenLogin:
    """Logs in as a member of `rds_iam`; every connection gets a token of its own."""

    host: str
    port: int
    user: str
    region: str

    #: RDS asks for a token through PAM, which PostgreSQL speaks as a clear-text password inside TLS.
    require_auth: str = "password"

    def credentials(self) -> tuple[str, str]:
        """The user and a token signed now."""
        try:
            return self.user, token(host=self.host, port=self.port, user=self.user, region=self.region)
        except aws.FAILURES as error:
            raise aws.explained(error, f"sign a login token for {self.user}") from error

    def renewed(self) -> bool:
        """A refused token is refused again: whatever is wrong, signing it anew does not mend it."""
        return False

    def refused_remedy(self) -> str:
        """What to look at when the server does not accept the token."""
        return (
            f"Check that {self.user} is a member of rds_iam, that the caller's policy allows rds-db:connect on that user, "
            "and that this machine's clock is right."
        )
