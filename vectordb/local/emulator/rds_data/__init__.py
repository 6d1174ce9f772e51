"""The RDS Data API of Aurora Serverless v2 and provisioned clusters, in front of the stack's own PostgreSQL.

Clusters are made known by POST /_vectordb/clusters (`clusters`). The secret is read from the emulator's Secrets Manager, and its
user logs in through the cluster's TLS front as every client does. Sources: the API's model, and the Aurora User Guide
("Using the Amazon RDS Data API", "Troubleshooting", "Comparing … behaviors"); the texts of errors are those of the live service
where they were published.

As on AWS: one statement a call; 45 s a call, after which a statement goes on only if asked to; three minutes between the calls of
a transaction; results of at most 1 MiB; requests of at most 4 MiB; no types but the plain ones in results; no DETAIL in errors;
no session behind calls without a transaction. Stricter than AWS may be: of what is not documented as returned (`void`, `name`,
`oid`, `regclass`, types of extensions), nothing is. Left out: MySQL, ExecuteSql, numbers of requests, the end of a transaction
after 24 hours, IAM conditions.
"""
