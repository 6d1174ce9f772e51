"""The master's user name and password, read at use from the secret that RDS manages and rotates."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vectordb.database import aws
from vectordb.errors import VectordbError


@dataclass(frozen=True)
class MasterSecret:
    """What the secret holds."""

    username: str
    password: str = field(repr=False)


def read(secret_arn: str, region: str, *, client: Any = None) -> MasterSecret:
    """Read the current version of the secret.

    Raises:
        VectordbError: AWS refused, or the secret is not the JSON that RDS writes. Its content is in no message.
    """
    try:
        answer = (client or aws.client("secretsmanager", region)).get_secret_value(SecretId=secret_arn)
    except aws.FAILURES as error:
        if aws.code(error) == "ResourceNotFoundException":
            raise VectordbError(
                f"there is no secret {secret_arn} in {region}",
                remedy="The database's own secret goes with it: run `pulumi refresh`, then `pulumi up`.",
            ) from error
        raise aws.explained(error, f"read the master's secret {secret_arn}") from error
    try:
        content = json.loads(answer["SecretString"])
        username, password = content["username"], content["password"]
    except (KeyError, TypeError, ValueError):
        username = password = None
    if not (isinstance(username, str) and isinstance(password, str) and username and password):
        # Nothing of the value may reach the message, nor the chain of exceptions behind it.
        raise VectordbError(
            f'the secret {secret_arn} is not JSON with "username" and "password"',
            remedy="Name the secret that RDS made for the master user.",
        ) from None
    return MasterSecret(username, password)


@dataclass
class MasterLogin:
    """Logs in as the master with the password that is current at that moment.

    RDS changes the password first and the secret's current version a moment later, so a refused password is read again,
    at once and then after a pause.
    """

    secret_arn: str
    region: str
    client: Any = None
    sleep: Callable[[float], None] = time.sleep

    require_auth: str = "scram-sha-256"
    _secret: MasterSecret | None = field(default=None, init=False, repr=False)
    _pauses: list[float] = field(default_factory=lambda: [0.0, 3.0], init=False)

    @property
    def user(self) -> str:
        """The master's name."""
        return self._current().username

    def credentials(self) -> tuple[str, str]:
        """User and password; the secret is read on first use."""
        secret = self._current()
        return secret.username, secret.password

    def renewed(self) -> bool:
        """After a refused password: read the secret again. True when there is another password to try."""
        refused = self._current()
        while self._pauses:
            self.sleep(self._pauses.pop(0))
            self._secret = read(self.secret_arn, self.region, client=self.client)
            if self._secret != refused:
                return True
        return False

    def refused_remedy(self) -> str:
        """What to look at when the server does not accept the password."""
        return (
            f"The secret {self.secret_arn} does not hold the password of this database's master. Check that it belongs to this "
            "cluster, and that the master is no member of rds_iam: such a role cannot log in by password."
        )

    def _current(self) -> MasterSecret:
        if self._secret is None:
            self._secret = read(self.secret_arn, self.region, client=self.client)
        return self._secret
