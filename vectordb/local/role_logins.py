"""Access keys of roles, as workers of functions log in with: the emulator knows them, and what their policies allow."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Protocol

from vectordb.local.postgres import iam_token

_SECONDS = 10.0


class Asking(Protocol):
    """What is known here: the operator's keys, and whom to ask for others (`vectordb.local.proxy.ProxyConfiguration`)."""

    @property
    def access_keys(self) -> dict[str, str]:
        """Access key id → secret."""

    @property
    def emulator(self) -> str:
        """Its URL; empty for nobody."""

    @property
    def user_arn(self) -> str:
        """How the ARNs of the database's users begin."""

    @property
    def region(self) -> str:
        """The database's."""


def keys(known: Asking, token: str, user: str) -> Mapping[str, str]:
    """The secrets that a login's token may be signed with: the operator's, or of a role's session that may log in as the user.

    Raises:
        TokenError: the role may not, or nobody is known by the key.
    """
    key, session = iam_token.signer(token)
    if key in known.access_keys or not known.emulator:
        return known.access_keys
    asked = {"accessKey": key, "token": session, "resource": f"{known.user_arn}/{user}", "region": known.region}
    request = urllib.request.Request(  # noqa: S310 - the emulator's own address
        f"{known.emulator}/_vectordb/logins", json.dumps(asked).encode(), method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - as above
            return {key: json.loads(answer.read())["secret"]}
    except urllib.error.HTTPError as refused:
        raise iam_token.TokenError(f"the emulator says: {refused.read().decode(errors='replace')}") from refused
    except (OSError, ValueError, KeyError) as error:
        raise iam_token.TokenError(f"the emulator does not answer ({type(error).__name__})") from error
