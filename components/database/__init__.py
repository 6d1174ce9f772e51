"""PostgreSQL on Aurora and on RDS, and what belongs to a database: parameters, roles, readers, proxy, users."""
