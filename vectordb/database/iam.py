"""IAM tokens in place of passwords."""

from dataclasses import dataclass
from typing import Any

from vectordb.database import aws


def token(*, host: str, port: int, user: str, region: str, client: Any = None) -> str:
    """A token to log in with, good for 15 minutes.

    Signing is local, no call is made. `host` and `port` are the database's own, also when the connection goes through a tunnel: the
    server checks the token against its own name, not against the address that the client dialled. `client` is an RDS client with
    credentials of its own; by default those of the environment sign.
    """
    signed: str = (client or aws.client("rds", region)).generate_db_auth_token(
        DBHostname=host, Port=port, DBUsername=user, Region=region
    )
    return signed


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
