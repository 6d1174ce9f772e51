-- What the ways of delivery remember: whom to call, who is to be called at commit, and what users' transactions asked of a model.

SET LOCAL ROLE vectordb_owner;

CREATE TABLE embed.config (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    worker_arn text CONSTRAINT worker_arn_form CHECK (
        worker_arn ~ '^arn:aws[a-z0-9-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9$_-]{1,128})?$'
    ),
    has_queue boolean NOT NULL DEFAULT false,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE embed.config IS 'The worker function: one row, written by embed.configure';
COMMENT ON COLUMN embed.config.has_queue IS 'The worker has a queue of Amazon SQS to send tickets to';

-- What rings when all else that is deferred to the commit is done, and though no row of embed.work says so: after TRUNCATE, or when a
-- vectorizer is changed. A row is there from its statement to the commit.
CREATE UNLOGGED TABLE embed.bell (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    vectorizer_id integer NOT NULL,
    bell regclass NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- A user's transaction that took permits from embed.limiter would hold its row until it ends, and everybody else would wait.
CREATE UNLOGGED TABLE embed.limiter_debit (
    name text NOT NULL,
    requests integer NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE embed.limiter_debit IS 'Requests to a model from within users'' transactions, which embed.permits takes into account';

-- As with permits: a user's transaction that added to this minute's row of embed.run_stats would let all others wait for its end.
CREATE UNLOGGED TABLE embed.run_note (
    vectorizer_id integer NOT NULL,
    generation integer NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    rows bigint NOT NULL DEFAULT 0,
    chunks_embedded bigint NOT NULL DEFAULT 0,
    calls bigint NOT NULL DEFAULT 0,
    errors bigint NOT NULL DEFAULT 0,
    seconds float8 NOT NULL DEFAULT 0
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE embed.run_note IS 'What was embedded within users'' statements, until embed.fold_notes adds it to embed.run_stats';

-- Written by each worker that looks for work, and there for everybody at once: whether a bell has been answered.
CREATE SEQUENCE embed.looked;
COMMENT ON SEQUENCE embed.looked IS 'When a worker looked last, in milliseconds since 1970';
