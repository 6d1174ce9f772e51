"""A stack on AWS that nobody has deployed."""

import datetime as dt

from vectordb.database.settings import Settings

HOST = "vectordb-dev-database-1.cluster-c0ffee.us-east-1.rds.amazonaws.com"
NOW = dt.datetime(2026, 11, 21, 12, 0, 0, tzinfo=dt.UTC)
DATE = "Sat, 21 Nov 2026 12:00:00 GMT"
SETTINGS = Settings(
    host=HOST,
    port=5432,
    database="vectordb",
    region="us-east-1",
    secret_arn="arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!cluster-1",
    cluster_resource_id="cluster-ABC",
    cluster_arn="arn:aws:rds:us-east-1:123456789012:cluster:vectordb-dev-database-1",
    transport="ssm",
    bastion_id="i-0123456789abcdef0",
    session_document="vectordb-dev-forward",
    function_arn="arn:aws:lambda:us-east-1:123456789012:function:vectordb-dev-bridge:live",
    indexes='[{"arn":"arn:aws:s3vectors:us-east-1:123456789012:bucket/vectors/index/stdlib","dimension":256,"metric":"cosine","name":"stdlib"}]',
    users='[{"access":"writer","name":"vectordb_app"}]',
    sql_sha256="",
    hostaddr="",
    hostaddr_port=5432,
    ca_bundle=None,
)
