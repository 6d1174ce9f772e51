"""`vectordb:users`: who logs in to the database."""

import re
from enum import StrEnum

from pydantic import field_validator

from components.config.section import Section

# An unquoted PostgreSQL identifier; 63 bytes are all that the server keeps.
_ROLE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_RESERVED_ROLES = (
    "pg_",
    "rds",
    "vectordb_owner",
    "vectordb_reader",
    "vectordb_writer",
    "vectordb_worker",
    "vectordb_admin",
    "vectordb_embedder",
)


class Access(StrEnum):
    """What a login may do."""

    READER = "reader"
    WRITER = "writer"
    ADMIN = "admin"


class User(Section):
    """A login role that authenticates with IAM."""

    name: str
    access: Access = Access.READER

    @field_validator("name")
    @classmethod
    def _legal_name(cls, value: str) -> str:
        if not _ROLE_NAME.fullmatch(value):
            raise ValueError(
                "must be a PostgreSQL name: a lower-case letter or _, then letters, digits and _, up to 63"
            )
        if value.startswith(_RESERVED_ROLES):
            raise ValueError("is kept for PostgreSQL, RDS or this project; choose another name")
        return value
