-- Backfill by batch inference: jobs of Amazon Bedrock that embed many rows at once, hours later, for half the price.
--
-- A row that is in a job is a row of embed.work, like one that a worker has claimed: priority 10, under the job's lease. Whatever
-- changes the row takes the lease away, and the ordinary way embeds it at once; what the job says of it is then not taken. A job that
-- says nothing loses its rows to the ordinary way when its lease ends.

SET LOCAL ROLE vectordb_owner;

ALTER TABLE embed.model ADD COLUMN batch boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN embed.model.batch IS 'Amazon Bedrock takes it in batch inference jobs';
ALTER TABLE embed.config ADD COLUMN has_batch boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN embed.config.has_batch IS 'The worker may make batch inference jobs';

COMMENT ON COLUMN embed.work.priority IS '0: changed. 5: found by reconcile. 9: backfill. 10: in a batch inference job, or waiting for one';

CREATE TABLE embed.batch_job (
    id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    -- No foreign key: a job is to be stopped, and its files deleted, also when what it was made for is gone.
    vectorizer_id integer NOT NULL,
    generation integer NOT NULL,
    name text NOT NULL UNIQUE,
    lease bigint NOT NULL UNIQUE,
    state text NOT NULL DEFAULT 'exporting'
        CHECK (state IN ('exporting', 'submitting', 'running', 'importing', 'cleaning', 'done')),
    records integer NOT NULL DEFAULT 0,
    written integer NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    arn text,
    status text,
    reason text,
    stop_asked boolean NOT NULL DEFAULT false,
    output text COLLATE "C",
    output_offset bigint NOT NULL DEFAULT 0,
    rows bigint NOT NULL DEFAULT 0,
    imported bigint NOT NULL DEFAULT 0,
    returned bigint NOT NULL DEFAULT 0,
    holder bigint NOT NULL,
    held_until timestamptz NOT NULL,
    look_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ends_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    submitted_at timestamptz,
    finished_at timestamptz
);
CREATE INDEX batch_job_open ON embed.batch_job (look_at) WHERE state <> 'done';
COMMENT ON TABLE embed.batch_job IS 'Batch inference jobs: each is written here before it is asked for';
COMMENT ON COLUMN embed.batch_job.name IS 'The job''s name and its request token: asked for twice it is one job';
COMMENT ON COLUMN embed.batch_job.lease IS 'Of its rows in embed.work';
COMMENT ON COLUMN embed.batch_job.records IS 'Numbers of records that are given; each is given once';
COMMENT ON COLUMN embed.batch_job.written IS 'Records up to this number are in S3, or their rows were given back';
COMMENT ON COLUMN embed.batch_job.output IS 'The file of the output that is being read; output_offset: in bytes, what lies before is done with';
COMMENT ON COLUMN embed.batch_job.holder IS 'Who works on it: nothing that another says of it counts';
COMMENT ON COLUMN embed.batch_job.ends_at IS 'When its rows go the ordinary way, whatever became of the job';

CREATE TABLE embed.batch_row (
    job_id integer NOT NULL REFERENCES embed.batch_job ON DELETE CASCADE,
    first_record integer NOT NULL,
    records integer NOT NULL CHECK (records > 0),
    key text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (job_id, first_record)
);
COMMENT ON TABLE embed.batch_row IS 'Which records of a job are of which row; digest: of the hashes of its chunks, as they were exported';
