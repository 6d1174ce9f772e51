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

-- A row for each transaction that wants to ring, there from its statement to its commit: the trigger on it is what rings. So a
-- transaction rings once whatever number of rows it writes, and one that is rolled back does not.
CREATE UNLOGGED TABLE embed.bell (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    vectorizer_id integer NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- A user's transaction that took permits from embed.limiter would hold its row until it ends, and everybody else would wait.
CREATE UNLOGGED TABLE embed.limiter_debit (
    name text NOT NULL,
    requests integer NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE embed.limiter_debit IS 'Requests to a model from within users'' transactions, which embed.permits takes into account';
