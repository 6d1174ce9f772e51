"""PostgreSQL on this machine, standing in for Aurora and RDS."""

from vectordb.local.postgres.roles import bootstrap
from vectordb.local.postgres.server import PostgresServer, end_earlier_run

__all__ = ["PostgresServer", "bootstrap", "end_earlier_run"]
