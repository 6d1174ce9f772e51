"""The table of all checks, in the order of the chain and of the report."""

from vectordb.doctor.checks import account, embedding, encryption, services, sessions, way
from vectordb.doctor.findings import Check

IDENTITY = "region-and-identity"
CLOCK = "clock-skew"

CHECKS = (
    Check(IDENTITY, account.region_and_identity),
    Check(CLOCK, account.clock_skew),
    Check("vpc-block-public-access", account.vpc_block_public_access, needs=(IDENTITY,)),
    Check("database-state", services.database_state, needs=(IDENTITY,)),
    Check("plugin", way.session_manager_plugin, elsewhere=way.without_tunnel),
    Check("bastion", way.bastion, needs=(IDENTITY,), elsewhere=way.without_tunnel),
    Check("document", way.document, needs=(IDENTITY,), elsewhere=way.without_tunnel),
    Check("tunnel", way.through_tunnel, needs=("plugin", "bastion", "document"), elsewhere=way.without_tunnel),
    Check("dns", way.dns, elsewhere=way.without_wire),
    Check("tls-chain", encryption.tls_chain, elsewhere=way.without_wire),
    Check("forced-tls", encryption.forced_tls, elsewhere=way.without_wire),
    Check("iam-login", sessions.iam_login, needs=(IDENTITY, CLOCK, "tls-chain"), elsewhere=way.without_wire),
    Check("data-api", sessions.data_api, needs=(IDENTITY,), declared=sessions.is_over_https),
    Check("extensions", sessions.installed_extensions),
    Check("role-associations", services.role_associations, needs=(IDENTITY,), declared=services.wants_roles),
    Check("bridge", services.bridge, needs=("extensions", "role-associations"), declared=services.has_bridge),
    Check("vector-indexes", services.vector_indexes, needs=(IDENTITY,), declared=services.has_indexes),
    Check("s3-vectors", services.s3_vectors, needs=("bridge", "vector-indexes"), declared=services.has_indexes),
    Check("sql-ledger", sessions.sql_ledger, needs=("tls-chain", "data-api")),
    Check(
        "embedding-worker",
        embedding.worker,
        needs=("extensions", "role-associations"),
        elsewhere=embedding.calls_nobody,
        declared=embedding.has_pipeline,
    ),
    Check("queue", services.queue, needs=(IDENTITY,), declared=services.has_queue),
    Check("embedding-sweeps", embedding.sweeps, needs=(IDENTITY,), declared=embedding.has_sweeps),
    Check("vectorizers", embedding.vectorizers, declared=embedding.has_pipeline),
    Check("bedrock-models", services.bedrock_models, needs=(IDENTITY,), declared=services.has_models),
)
