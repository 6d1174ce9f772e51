-- Batch inference: what workers call when a job is asked for, to take out of it what it embedded, and to give back what it did not.
--
-- Results are written by embed.finish under the job's lease and the version that was exported, so: never over a newer one, never of
-- a row that changed or went, never twice.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.batch_due(hold_seconds integer)
RETURNS TABLE (job embed.batch_job, config jsonb)
LANGUAGE plpgsql SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_id integer;
BEGIN
    SELECT j.id INTO found_id FROM embed.batch_job AS j
    WHERE j.state <> 'done' AND j.look_at <= clock_timestamp() AND j.held_until <= clock_timestamp()
        -- Of what is paused nothing is asked for.
        AND (j.state NOT IN ('exporting', 'submitting') OR j.ends_at <= clock_timestamp() OR NOT EXISTS (
            SELECT FROM embed.vectorizer AS v WHERE v.id = j.vectorizer_id AND v.state = 'paused'
        ))
    ORDER BY j.look_at LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF found_id IS NULL THEN
        RETURN;
    END IF;
    UPDATE embed.batch_job AS j SET holder = nextval('embed.lease'), held_until = clock_timestamp() + make_interval(secs => hold_seconds)
    WHERE j.id = found_id;
    RETURN QUERY
    SELECT j, CASE WHEN g.number IS NOT NULL THEN embed.configuration(v, g) END
    FROM embed.batch_job AS j
    LEFT JOIN embed.generation AS g ON (g.vectorizer_id, g.number) = (j.vectorizer_id, j.generation)
    LEFT JOIN embed.vectorizer AS v ON v.id = g.vectorizer_id
    WHERE j.id = found_id;
END
$$;
COMMENT ON FUNCTION embed.batch_due IS
    'For workers: a job that is to be looked at, which is theirs for hold_seconds; config NULL: its generation was dropped';
GRANT EXECUTE ON FUNCTION embed.batch_due TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.batch_step(
    id integer, holder bigint, state text, wait_seconds float8, arn text DEFAULT NULL, status text DEFAULT NULL, reason text DEFAULT NULL
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held constant embed.batch_job := embed.batch_held(id, holder);
BEGIN
    UPDATE embed.batch_job AS j SET
        state = batch_step.state, look_at = clock_timestamp() + make_interval(secs => wait_seconds), held_until = clock_timestamp(),
        arn = coalesce(batch_step.arn, j.arn), status = coalesce(batch_step.status, j.status), reason = coalesce(left(batch_step.reason, 500), j.reason),
        submitted_at = CASE WHEN batch_step.state = 'running' THEN coalesce(j.submitted_at, clock_timestamp()) ELSE j.submitted_at END,
        finished_at = CASE WHEN batch_step.state = 'done' THEN clock_timestamp() END
    WHERE j.id = held.id;
    IF batch_step.state = 'done' THEN
        DELETE FROM embed.batch_row AS r WHERE r.job_id = held.id;
    END IF;
END
$$;
COMMENT ON FUNCTION embed.batch_step IS 'For workers: what state the job is in now, and when to look at it again; it is free for others';
GRANT EXECUTE ON FUNCTION embed.batch_step TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.batch_rows(id integer, first integer, last integer)
RETURNS TABLE (first_record integer, records integer, key text, version bigint, digest text)
LANGUAGE sql SECURITY DEFINER ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT embed.fold();
    SELECT r.first_record, r.records, r.key, r.version, encode(r.digest, 'hex')
    FROM embed.batch_row AS r JOIN embed.batch_job AS j ON j.id = r.job_id
    JOIN embed.work AS w ON w.vectorizer_id = j.vectorizer_id AND w.generation = j.generation AND w.key = r.key
        AND w.version = r.version AND w.lease = j.lease
    WHERE r.job_id = batch_rows.id AND r.first_record BETWEEN (
        SELECT coalesce(max(b.first_record), 0) FROM embed.batch_row AS b WHERE b.job_id = batch_rows.id AND b.first_record <= batch_rows.first
    ) AND batch_rows.last
    ORDER BY r.first_record
$$;
COMMENT ON FUNCTION embed.batch_rows IS 'For workers: the rows that the records from first to last are of, and that are still the job''s';
GRANT EXECUTE ON FUNCTION embed.batch_rows TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.batch_imported(id integer, holder bigint, output text, output_offset bigint, imported bigint, hold_seconds integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job constant embed.batch_job := embed.batch_held(id, holder, hold_seconds);
BEGIN
    UPDATE embed.batch_job AS j
    SET output = batch_imported.output, output_offset = batch_imported.output_offset, imported = j.imported + batch_imported.imported
    WHERE j.id = job.id;
END
$$;
COMMENT ON FUNCTION embed.batch_imported IS 'For workers: how far the output is read';
GRANT EXECUTE ON FUNCTION embed.batch_imported TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.batch_return(id integer, holder bigint, keys text[] DEFAULT NULL, park boolean DEFAULT false, rows integer DEFAULT 5000) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    job constant embed.batch_job := embed.batch_held(id, holder);
    freed integer;
    left_over boolean;
BEGIN
    IF keys IS NULL THEN
        WITH held AS MATERIALIZED (
            SELECT w.key FROM embed.work AS w
            WHERE w.vectorizer_id = job.vectorizer_id AND w.generation = job.generation AND w.priority = 10 AND w.not_before = job.ends_at
                AND w.lease = job.lease
            LIMIT rows FOR UPDATE SKIP LOCKED
        )
        UPDATE embed.work AS w
        SET lease = NULL, lease_until = NULL, priority = 9, not_before = clock_timestamp(), queued_at = clock_timestamp()
        FROM held WHERE w.vectorizer_id = job.vectorizer_id AND w.generation = job.generation AND w.key = held.key;
    ELSE
        WITH held AS MATERIALIZED (
            SELECT w.key FROM embed.work AS w
            WHERE w.vectorizer_id = job.vectorizer_id AND w.generation = job.generation AND w.key = ANY (keys) AND w.lease = job.lease
            ORDER BY w.key FOR UPDATE SKIP LOCKED
        )
        UPDATE embed.work AS w
        SET lease = NULL, lease_until = NULL, priority = CASE WHEN park THEN 10 ELSE 9 END,
            not_before = CASE WHEN park THEN 'infinity' ELSE clock_timestamp() END, queued_at = clock_timestamp()
        FROM held WHERE w.vectorizer_id = job.vectorizer_id AND w.generation = job.generation AND w.key = held.key;
    END IF;
    GET DIAGNOSTICS freed = ROW_COUNT;
    UPDATE embed.batch_job AS j SET returned = j.returned + freed WHERE j.id = job.id AND freed > 0 AND NOT park;
    RETURN freed;
END
$$;
COMMENT ON FUNCTION embed.batch_return IS
    'For workers: rows that the job did not embed go the ordinary way, at lowest priority: these keys, or the next of all that are left. park: these keys wait for the next job. How many; those '
    'that a user''s transaction holds are passed over';
GRANT EXECUTE ON FUNCTION embed.batch_return TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.batch_left(id integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM embed.batch_job AS j JOIN embed.work AS w
            ON w.vectorizer_id = j.vectorizer_id AND w.generation = j.generation AND w.priority = 10 AND w.not_before = j.ends_at AND w.lease = j.lease
        WHERE j.id = batch_left.id
    )
$$;
COMMENT ON FUNCTION embed.batch_left IS 'For workers: whether rows are still under the job''s lease';
GRANT EXECUTE ON FUNCTION embed.batch_left TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.batch_tidy() RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ DELETE FROM embed.batch_job AS j WHERE j.state = 'done' AND j.finished_at < clock_timestamp() - interval '30 days' $$;
COMMENT ON FUNCTION embed.batch_tidy IS 'For workers, now and then: forgets jobs that ended a month ago';
GRANT EXECUTE ON FUNCTION embed.batch_tidy TO vectordb_worker;

DROP VIEW IF EXISTS embed.batch_status;
CREATE VIEW embed.batch_status AS
    SELECT j.id, v.name, j.generation, j.state, j.status, j.reason, j.rows, j.records, j.bytes, j.imported, j.returned, j.arn,
        j.created_at, j.submitted_at, j.finished_at, j.ends_at
    FROM embed.batch_job AS j LEFT JOIN embed.vectorizer AS v ON v.id = j.vectorizer_id;
COMMENT ON VIEW embed.batch_status IS
    'Batch inference jobs of the last month: status is Bedrock''s word; imported and returned count rows; the rows of one that says nothing go the '
    'ordinary way at ends_at';
GRANT SELECT ON embed.batch_status TO vectordb_reader, vectordb_worker;
