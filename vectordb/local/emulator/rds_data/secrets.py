"""Secrets as moto keeps them."""

from vectordb.local.emulator import ACCOUNT


def secret_text(arn: str, region: str) -> str | None:
    """The current text of a secret; None when there is none."""
    from moto.secretsmanager.exceptions import SecretsManagerClientError
    from moto.secretsmanager.models import secretsmanager_backends

    try:
        found = secretsmanager_backends[ACCOUNT][region].get_secret_value(arn, "", "")
    except SecretsManagerClientError:
        return None
    return str(found.get("SecretString") or "")
