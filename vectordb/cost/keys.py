"""Keys and secrets."""

from vectordb.cost.resource import Resource
from vectordb.cost.sheet import Sheet


def key(resource: Resource, sheet: Sheet) -> None:
    """A customer key. AWS adds a dollar for each of the first two yearly rotations (AWS KMS pricing)."""
    sheet.fixed(resource, "customer key", 1, "kms.key")
    sheet.rate(resource, "requests to the key", "kms.requests")
    if sheet.flag(resource, "enableKeyRotation", default=False):
        sheet.note(resource, "the first and the second yearly rotation each add the price of a key.")


def secret(resource: Resource, sheet: Sheet) -> None:
    """A secret, also one that RDS manages: it is charged like any other (Amazon RDS User Guide, rds-secrets-manager)."""
    sheet.fixed(resource, "secret", 1, "secrets.secret")
    sheet.rate(resource, "calls for the secret", "secrets.calls")
