-- Vectorizers that the deployment's configuration declares (vectordb:embedding), with what became of each.

SET LOCAL ROLE vectordb_owner;

CREATE TABLE embed.declaration (
    name text PRIMARY KEY,
    -- What embed.create_vectorizer takes: source, content, chunking, template, embedding, destination, delivery, limits, backfill.
    given jsonb NOT NULL,
    declared boolean NOT NULL DEFAULT true,  -- false: it has left the configuration
    outcome text NOT NULL DEFAULT 'waiting' CHECK (outcome IN ('waiting', 'applied', 'differs', 'refused')),
    reason text,
    applied_at timestamptz
);
COMMENT ON TABLE embed.declaration IS 'Vectorizers that the configuration declares; embed.apply_declared makes and changes them';
