"""The way to the database: addresses, TLS, logins, and the SQL that is applied to it."""
