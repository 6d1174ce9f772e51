-- Embeddings that follow their rows: what is declared, what is still to be done, and what is known to be embedded.
--
-- A vectorizer watches a table. It has one or more generations: a generation is one model, dimension, chunking and template with
-- a place for the vectors; one is live, another may be building beside it, and the one before may be kept to go back to. Whatever
-- a generation has not yet embedded is a row of embed.work, one for each key however often its row changed. The embeddings
-- themselves are in the schema embeddings (or where the destination says).

CREATE SCHEMA IF NOT EXISTS embed AUTHORIZATION vectordb_owner;
CREATE SCHEMA IF NOT EXISTS embeddings AUTHORIZATION vectordb_owner;
SET LOCAL ROLE vectordb_owner;
GRANT USAGE ON SCHEMA embed TO vectordb_reader, vectordb_worker;
GRANT USAGE ON SCHEMA embeddings TO vectordb_reader;
COMMENT ON SCHEMA embed IS 'Vectorizers: embeddings that follow their rows';
COMMENT ON SCHEMA embeddings IS 'What vectorizers made: a view of the live generation, and the tables of each generation';

-- The order of the rows of embed.sweep.
CREATE SEQUENCE embed.version;
CREATE SEQUENCE embed.lease;

CREATE TABLE embed.model (
    provider text NOT NULL,
    model text NOT NULL,
    dimensions integer[] NOT NULL,
    texts_per_request integer NOT NULL CHECK (texts_per_request > 0),
    characters_per_text integer NOT NULL CHECK (characters_per_text > 0),
    tokens_per_text integer CHECK (tokens_per_text > 0),
    PRIMARY KEY (provider, model)
);
COMMENT ON TABLE embed.model IS 'What each model takes: the dimensions that it gives (the first is used when none is asked for), and its limits';

CREATE TABLE embed.vectorizer (
    id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL UNIQUE CONSTRAINT name_form CHECK (name ~ '^[a-z][a-z0-9_]{0,39}$'),
    source regclass NOT NULL,
    keys jsonb NOT NULL,
    content text NOT NULL,
    content_columns text[] NOT NULL,
    delivery jsonb NOT NULL,
    limits jsonb NOT NULL,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused')),
    generations integer NOT NULL DEFAULT 0,
    created_by name NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN embed.vectorizer.keys IS 'The primary key, in its order: [{"name", "kind", "type"}]';
COMMENT ON COLUMN embed.vectorizer.generations IS
    'How many there have been. No number is given twice: a worker of one that was dropped may still have a result';
COMMENT ON COLUMN embed.vectorizer.content IS 'The expression over the row''s columns, as PostgreSQL writes it: every name qualified';

CREATE TABLE embed.generation (
    vectorizer_id integer NOT NULL REFERENCES embed.vectorizer ON DELETE CASCADE,
    number integer NOT NULL,
    state text NOT NULL CHECK (state IN ('building', 'live', 'retired')),
    chunking jsonb NOT NULL,
    template text,
    fields text[] NOT NULL,
    embedding jsonb NOT NULL,
    destination jsonb NOT NULL,
    dimension integer NOT NULL CHECK (dimension > 0),
    circuit_reason text,
    circuit_failures integer NOT NULL DEFAULT 0,
    circuit_at timestamptz,
    circuit_until timestamptz,
    index_until timestamptz,
    index_seconds float8,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    live_since timestamptz,
    PRIMARY KEY (vectorizer_id, number)
);
CREATE UNIQUE INDEX generation_live ON embed.generation (vectorizer_id) WHERE state = 'live';
CREATE UNIQUE INDEX generation_building ON embed.generation (vectorizer_id) WHERE state = 'building';
COMMENT ON COLUMN embed.generation.fields IS 'The source''s columns that the template names';
COMMENT ON COLUMN embed.generation.state IS
    'retired: kept to go back to. Its work is collected but not done, so that going back finds every change since';
COMMENT ON COLUMN embed.generation.circuit_reason IS
    'Why nothing is asked of the model: it or its access is not set up. One probe is let through after circuit_until';

COMMENT ON COLUMN embed.generation.index_until IS 'A worker is building its index until then at the latest: nothing of it is claimed meanwhile';
COMMENT ON COLUMN embed.generation.index_seconds IS 'What the last building of its index was thought to take, which did not come to its end';

CREATE TABLE embed.work (
    vectorizer_id integer NOT NULL,
    generation integer NOT NULL,
    key text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    operation "char" NOT NULL,
    priority smallint NOT NULL DEFAULT 0,
    attempts smallint NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT clock_timestamp(),
    queued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease bigint,
    lease_until timestamptz,
    last_error text,
    bell regclass,
    PRIMARY KEY (vectorizer_id, generation, key)
) WITH (
    fillfactor = 70,
    -- Every row is written three times and deleted: without this a drained queue would still be read as a full one.
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_analyze_scale_factor = 0.05
);
-- Every row is in it. The condition keeps it from being taken for finding keys: with statistics of an empty queue, that of all rows of
-- the generation one has the key seems as cheap as to go for it in the primary key.
CREATE INDEX work_due ON embed.work (vectorizer_id, generation, priority, not_before) WHERE priority < 100;
COMMENT ON COLUMN embed.work.version IS
    'The transaction that wrote it, so that a result can be told from the result of what the row was before. What one transaction writes '
    'twice nobody has seen between, and no number is drawn from a place that all writers share';
COMMENT ON COLUMN embed.work.operation IS 'u: embed the row as it is now. d: the row is gone';
COMMENT ON COLUMN embed.work.priority IS '0: changed. 5: found by reconcile. 9: backfill';
COMMENT ON COLUMN embed.work.bell IS 'The vectorizer''s embed.bell_<id>: the transaction that writes it here calls the worker when it commits';
COMMENT ON COLUMN embed.work.not_before IS 'When it may be claimed; of a claimed one, when its lease ends';

CREATE TABLE embed.dead (
    vectorizer_id integer NOT NULL,
    generation integer NOT NULL,
    key text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    attempts smallint NOT NULL,
    class text NOT NULL,
    reason text,
    died_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (vectorizer_id, generation, key),
    FOREIGN KEY (vectorizer_id, generation) REFERENCES embed.generation ON DELETE CASCADE
);
COMMENT ON TABLE embed.dead IS 'What is tried no more: until its row changes, or embed.retry_dead';

CREATE TABLE embed.backfill (
    vectorizer_id integer NOT NULL,
    generation integer NOT NULL,
    after_key text COLLATE "C",
    reached_end boolean NOT NULL DEFAULT false,
    skipped text[] NOT NULL DEFAULT '{}',
    priority smallint NOT NULL DEFAULT 9,
    enqueued bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (vectorizer_id, generation),
    FOREIGN KEY (vectorizer_id, generation) REFERENCES embed.generation ON DELETE CASCADE
);
COMMENT ON TABLE embed.backfill IS 'How far the rows that were there before are enqueued; no row: all of them';
COMMENT ON COLUMN embed.backfill.skipped IS 'Keys that a transaction in progress held: tried again';

CREATE TABLE embed.sweep (
    vectorizer_id integer NOT NULL,
    generation integer NOT NULL,
    version bigint NOT NULL,
    fence bigint NOT NULL,
    fenced boolean NOT NULL DEFAULT false,
    after_key text COLLATE "C",
    PRIMARY KEY (vectorizer_id, generation, version)
);
-- Refers to no generation: TRUNCATE would fail when one is dropped at the same time, or is not in its transaction's snapshot.
COMMENT ON TABLE embed.sweep IS 'After TRUNCATE: what was embedded before is to be compared with the source, and no result of before is taken';
COMMENT ON COLUMN embed.sweep.fence IS 'Rows of embed.work with a smaller version may be of before the TRUNCATE';
COMMENT ON COLUMN embed.sweep.fenced IS 'Every transaction that might not have seen this row has ended';

CREATE TABLE embed.limiter (
    name text PRIMARY KEY,
    ceiling float8 NOT NULL CHECK (ceiling > 0),
    rate float8 NOT NULL CHECK (rate > 0),
    wall float8,
    tokens float8 NOT NULL,
    filled_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    grown_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    wanting_at timestamptz,
    throttled_at timestamptz,
    throttled_rate float8,
    granted bigint NOT NULL DEFAULT 0,
    granted_before bigint NOT NULL DEFAULT 0,
    throttles bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 20);
COMMENT ON TABLE embed.limiter IS 'Requests per minute that a model takes, shared by everyone who asks it';
COMMENT ON COLUMN embed.limiter.ceiling IS 'The account''s quota: never more';
COMMENT ON COLUMN embed.limiter.rate IS 'What is asked for now: halved when the model refuses, grown while it does not';
COMMENT ON COLUMN embed.limiter.wall IS 'Where the quota seems to end: near it the rate grows slowly';
COMMENT ON COLUMN embed.limiter.throttled_rate IS 'The rate at which the model refused last';
COMMENT ON COLUMN embed.limiter.granted_before IS 'What had been granted when it refused last';

CREATE TABLE embed.run_stats (
    vectorizer_id integer NOT NULL,
    generation integer NOT NULL,
    minute timestamptz NOT NULL,
    rows bigint NOT NULL DEFAULT 0,
    chunks_embedded bigint NOT NULL DEFAULT 0,
    chunks_kept bigint NOT NULL DEFAULT 0,
    tokens bigint NOT NULL DEFAULT 0,
    calls bigint NOT NULL DEFAULT 0,
    throttles bigint NOT NULL DEFAULT 0,
    errors bigint NOT NULL DEFAULT 0,
    seconds float8 NOT NULL DEFAULT 0,
    PRIMARY KEY (vectorizer_id, generation, minute),
    FOREIGN KEY (vectorizer_id, generation) REFERENCES embed.generation ON DELETE CASCADE
) WITH (fillfactor = 50);

CREATE TABLE embed.reconciliation (
    vectorizer_id integer NOT NULL,
    generation integer NOT NULL,
    after_key text COLLATE "C",
    part text NOT NULL DEFAULT 'source' CHECK (part IN ('source', 'embeddings')),
    examined bigint NOT NULL DEFAULT 0,
    missing bigint NOT NULL DEFAULT 0,
    stale bigint NOT NULL DEFAULT 0,
    orphan bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    PRIMARY KEY (vectorizer_id, generation),
    FOREIGN KEY (vectorizer_id, generation) REFERENCES embed.generation ON DELETE CASCADE
);
COMMENT ON TABLE embed.reconciliation IS 'The comparison of source and embeddings that goes on, or the last that ended';

-- Vectors in S3 cannot be replaced under a condition. So each attempt writes keys of its own, and the database decides which of
-- them count: those in the generation's table of chunks are seen, garbage is deleted, an intent that ran out becomes garbage.
-- A key goes from intent to chunk to garbage, each in one transaction, and never back.
CREATE TABLE embed.s3_intent (
    vector_key text COLLATE "C" PRIMARY KEY,
    vectorizer_id integer NOT NULL,
    generation integer NOT NULL,
    index_arn text NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX s3_intent_expiry ON embed.s3_intent (expires_at);
COMMENT ON TABLE embed.s3_intent IS 'Keys that a worker is about to put; committed before it does, so that none is ever unknown';
COMMENT ON COLUMN embed.s3_intent.expires_at IS 'When no put of the key can arrive any more';
CREATE TABLE embed.s3_garbage (
    vector_key text COLLATE "C" PRIMARY KEY,
    vectorizer_id integer NOT NULL,
    generation integer NOT NULL,
    index_arn text NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    due_at timestamptz NOT NULL
);
CREATE INDEX s3_garbage_due ON embed.s3_garbage (due_at);
COMMENT ON TABLE embed.s3_garbage IS 'Keys that nobody sees any more, until a worker has deleted them';
COMMENT ON COLUMN embed.s3_garbage.due_at IS 'Of a key that a worker is deleting: when another may';

CREATE TABLE embed.s3_listing (
    index_arn text PRIMARY KEY,
    repair boolean NOT NULL,
    next_token text,
    lease_until timestamptz,
    listed bigint NOT NULL DEFAULT 0,
    orphan bigint NOT NULL DEFAULT 0,
    missing bigint NOT NULL DEFAULT 0,
    strange bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
);
COMMENT ON TABLE embed.s3_listing IS 'The comparison of an index with what is known of it that goes on, or the last that ended';
COMMENT ON COLUMN embed.s3_listing.strange IS 'Keys that no vectorizer made: counted, never deleted';
CREATE TABLE embed.s3_listed (
    index_arn text NOT NULL,
    vector_key text COLLATE "C" NOT NULL,
    PRIMARY KEY (index_arn, vector_key)
);
COMMENT ON TABLE embed.s3_listed IS 'What a listing that goes on has seen';
