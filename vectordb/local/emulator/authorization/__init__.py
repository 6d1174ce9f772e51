"""Who called, what it takes, and whether the caller may.

With an operator (`--operator ACCESS_KEY_ID`) every call is judged as IAM would, by the policies in moto's IAM: the operator may
everything, a role what its policies and the vector bucket's policy allow; an access key that nobody has is refused. Without
one nothing is judged, only recorded. The database's calls carry an access key of its own; POST /_vectordb/principals says
which role it has: {"accessKey": "LKDB…", "role": "arn:aws:iam::…:role/…", "session": "vectordb"}, role null for none.

What Lambda's pollers and destinations and EventBridge Scheduler do with a role is judged, too (`acting`), and recorded with
`madeBy`, the service; of a poller's calls only those whose decision differs from the last one's.

Left out: signatures and the times in them are not verified (who knows an access key id and its session token is believed);
users and groups; Lambda's own resource policies; what `vectordb.local.permissions` leaves out. Calls that moto makes inside
itself (SNS to a function) and what Lambda does for a function (its log) are not judged.
"""
