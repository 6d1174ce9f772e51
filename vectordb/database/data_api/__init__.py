"""The RDS Data API as a way to an Aurora database: HTTPS calls with AWS's own authorization, no bastion, no port.

`calls` makes the calls and waits for a cluster that resumes, `answers` turns what comes back into rows and psycopg's errors,
`statements` splits files, and `session` is what the applier works with.

What it cannot do, from the Aurora User Guide ("Using the Amazon RDS Data API", limitations) and the API's model: no session behind
the calls, one statement a call, 45 s a call, 1 MiB of result, 4 MiB of request, three minutes between the calls of a transaction,
no notices, and of an error no DETAIL.
"""

from vectordb.database.data_api.session import DataApiSession, opened

__all__ = ["DataApiSession", "opened"]
