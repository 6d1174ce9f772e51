-- Batch inference: what an operator calls, and what workers call to put rows into jobs (57_embed_batch_import.sql: to take them out).
--
--   embed.batch_open → (batch_fill → batch_claim → batch_exported → batch_written)* → batch_submitting → batch_submitted
--
-- Rows that wait for a job are parked: rows of embed.work with priority 10 that are never due. Only as many are as the next job takes.

SET LOCAL ROLE vectordb_owner;

-- Bedrock User Guide, "Supported Regions and models for batch inference".
UPDATE embed.model AS m SET batch = true
WHERE m.provider = 'bedrock'
    AND m.model IN ('amazon.titan-embed-text-v2:0', 'amazon.titan-embed-image-v1', 'amazon.nova-2-multimodal-embeddings-v1:0')
    AND NOT m.batch;

CREATE OR REPLACE FUNCTION embed.deploy_batch(has_batch boolean) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO embed.config AS c (has_batch) VALUES (deploy_batch.has_batch)
    ON CONFLICT (singleton) DO UPDATE SET has_batch = excluded.has_batch, updated_at = clock_timestamp()
    WHERE c.has_batch <> excluded.has_batch
$$;
COMMENT ON FUNCTION embed.deploy_batch IS 'Internal: whether the deployment lets the worker make batch inference jobs';

CREATE OR REPLACE FUNCTION embed.check_batch(caller text, embedding jsonb) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM embed.model AS m
        WHERE m.batch AND m.provider = embedding ->> 'provider'
            AND m.model = regexp_replace(embedding ->> 'model', '^(us|us-gov|eu|apac|jp|au|ca|global)\.', '')
    ) THEN
        PERFORM embed.refuse(
            caller, format('Amazon Bedrock takes %s in no batch inference job', embedding ->> 'model'),
            'SELECT model FROM embed.model WHERE batch; or backfill => ''low''.'
        );
    ELSIF NOT EXISTS (SELECT FROM embed.config AS c WHERE c.has_batch) THEN
        PERFORM embed.refuse(
            caller, 'the worker may make no batch inference jobs', 'Set batch: true in vectordb:embedding and deploy; or backfill => ''low''.', '55000'
        );
    END IF;
END
$$;
COMMENT ON FUNCTION embed.check_batch IS 'Internal: refuses a backfill by batch that could not be done';

CREATE OR REPLACE FUNCTION embed.batch_backfill(name text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    vectorizer constant embed.vectorizer := embed.named('embed.batch_backfill', name);
    generation embed.generation;
BEGIN
    SELECT g.* INTO generation FROM embed.generation AS g
    WHERE g.vectorizer_id = vectorizer.id AND g.state IN ('live', 'building') ORDER BY g.state LIMIT 1;
    PERFORM embed.check_batch('embed.batch_backfill', generation.embedding);
    INSERT INTO embed.backfill AS b (vectorizer_id, generation, priority) VALUES (vectorizer.id, generation.number, 10)
    ON CONFLICT ON CONSTRAINT backfill_pkey DO UPDATE SET priority = 10;
    RETURN generation.number;
END
$$;
COMMENT ON FUNCTION embed.batch_backfill IS
    'Backfills by batch inference what is not embedded and not queued: of the generation that builds, or else of the live one. Its number';

CREATE OR REPLACE FUNCTION embed.batch_off(vectorizer_id integer, generation integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    unparked bigint;
BEGIN
    UPDATE embed.backfill AS b SET priority = 9
    WHERE (b.vectorizer_id, b.generation) = (batch_off.vectorizer_id, batch_off.generation) AND b.priority = 10;
    -- The row of the queue is locked only where nobody holds it: who holds it changes it, and then it is parked no more.
    WITH parked AS MATERIALIZED (
        SELECT w.key FROM embed.work AS w
        WHERE w.vectorizer_id = batch_off.vectorizer_id AND w.generation = batch_off.generation AND w.priority = 10 AND w.not_before = 'infinity'
        ORDER BY w.key FOR UPDATE SKIP LOCKED
    )
    UPDATE embed.work AS w SET priority = 9, not_before = clock_timestamp(), queued_at = clock_timestamp()
    FROM parked WHERE w.vectorizer_id = batch_off.vectorizer_id AND w.generation = batch_off.generation AND w.key = parked.key;
    GET DIAGNOSTICS unparked = ROW_COUNT;
    RETURN unparked;
END
$$;
COMMENT ON FUNCTION embed.batch_off IS 'For workers: what is left of a backfill goes the ordinary way, at lowest priority. Jobs that are asked for already go on';
GRANT EXECUTE ON FUNCTION embed.batch_off TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.batch_cancel(name text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    vectorizer constant embed.vectorizer := embed.named('embed.batch_cancel', name);
    asked integer;
BEGIN
    PERFORM embed.batch_off(vectorizer.id, g.number) FROM embed.generation AS g WHERE g.vectorizer_id = vectorizer.id;
    UPDATE embed.batch_job AS j SET stop_asked = true, look_at = clock_timestamp()
    WHERE j.vectorizer_id = vectorizer.id AND j.state IN ('exporting', 'submitting', 'running') AND NOT j.stop_asked;
    GET DIAGNOSTICS asked = ROW_COUNT;
    RETURN asked;
END
$$;
COMMENT ON FUNCTION embed.batch_cancel IS
    'Stops the batch inference jobs of a vectorizer: what they have embedded is taken, the rest goes the ordinary way. How many jobs';

CREATE OR REPLACE FUNCTION embed.batch_wanted(most_jobs integer) RETURNS TABLE (vectorizer_id integer, generation integer, config jsonb)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT v.id, g.number, embed.configuration(v, g)
    FROM embed.vectorizer AS v JOIN embed.generation AS g ON g.vectorizer_id = v.id
    WHERE v.state = 'active' AND g.state IN ('live', 'building') AND g.circuit_reason IS NULL
        AND EXISTS (SELECT FROM pg_class AS c WHERE c.oid = v.source)
        AND (
            EXISTS (SELECT FROM embed.backfill AS b WHERE (b.vectorizer_id, b.generation) = (v.id, g.number) AND b.priority = 10)
            OR EXISTS (
                SELECT FROM embed.work AS w
                WHERE w.vectorizer_id = v.id AND w.generation = g.number AND w.priority = 10 AND w.not_before = 'infinity'
            )
        )
        AND NOT EXISTS (
            SELECT FROM embed.batch_job AS j WHERE (j.vectorizer_id, j.generation) = (v.id, g.number) AND j.state IN ('exporting', 'submitting')
        )
        -- One that found every row in users' hands is not followed by another at once.
        AND NOT EXISTS (
            SELECT FROM embed.batch_job AS j
            WHERE (j.vectorizer_id, j.generation) = (v.id, g.number) AND j.records = 0 AND j.created_at > clock_timestamp() - interval '1 minute'
        )
        AND most_jobs > (
            SELECT count(*) FROM embed.batch_job AS j WHERE (j.vectorizer_id, j.generation) = (v.id, g.number) AND j.state IN ('running', 'importing')
        )
    ORDER BY g.state DESC, v.id
$$;
COMMENT ON FUNCTION embed.batch_wanted IS 'For workers: generations with rows for another job';
GRANT EXECUTE ON FUNCTION embed.batch_wanted TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.batch_open(vectorizer_id integer, generation integer, most_jobs integer, hours integer, hold_seconds integer)
RETURNS SETOF embed.batch_job
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- One at a time, and looked for when the lock is ours.
    IF NOT pg_try_advisory_xact_lock(hashtext('embed.batch_open'), batch_open.vectorizer_id) THEN
        RETURN;
    ELSIF NOT EXISTS (
        SELECT FROM embed.batch_wanted(most_jobs) AS w
        WHERE (w.vectorizer_id, w.generation) = (batch_open.vectorizer_id, batch_open.generation)
    ) THEN
        RETURN;
    END IF;
    RETURN QUERY
    INSERT INTO embed.batch_job AS j (vectorizer_id, generation, name, lease, holder, held_until, ends_at)
    VALUES (
        batch_open.vectorizer_id, batch_open.generation, 'vectordb-' || replace(gen_random_uuid()::text, '-', ''),
        nextval('embed.lease'), nextval('embed.lease'), clock_timestamp() + make_interval(secs => hold_seconds),
        -- A day to submit it and to read what came of it.
        clock_timestamp() + make_interval(hours => hours + 24)
    )
    RETURNING j.*;
END
$$;
COMMENT ON FUNCTION embed.batch_open IS 'For workers: begins a job, which is theirs for hold_seconds; none if another did';
GRANT EXECUTE ON FUNCTION embed.batch_open TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.batch_held(id integer, holder bigint, hold_seconds integer DEFAULT NULL) RETURNS embed.batch_job
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job embed.batch_job;
BEGIN
    -- Rows that changed are the job's no more.
    PERFORM embed.fold();
    UPDATE embed.batch_job AS j
    SET held_until = CASE WHEN hold_seconds IS NULL THEN j.held_until ELSE clock_timestamp() + make_interval(secs => hold_seconds) END
    WHERE j.id = batch_held.id AND j.holder = batch_held.holder AND j.state <> 'done'
    RETURNING j.* INTO job;
    IF job.id IS NULL THEN
        PERFORM embed.refuse('embed.batch', format('the job %s is another''s by now', id), 'Leave it alone.');
    END IF;
    RETURN job;
END
$$;
COMMENT ON FUNCTION embed.batch_held IS 'Internal: a job that the holder still holds, locked; or an error';

CREATE OR REPLACE FUNCTION embed.batch_fill(id integer, holder bigint, rows integer, OUT more boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job constant embed.batch_job := embed.batch_held(id, holder);
BEGIN
    more := EXISTS (
        SELECT FROM embed.backfill AS b WHERE (b.vectorizer_id, b.generation) = (job.vectorizer_id, job.generation) AND b.priority = 10
    );
    IF more AND rows > (
        SELECT count(*) FROM embed.work AS w
        WHERE w.vectorizer_id = job.vectorizer_id AND w.generation = job.generation AND w.priority = 10 AND w.not_before = 'infinity'
    ) THEN
        SELECT s.more INTO more FROM embed.backfill_slice(job.vectorizer_id, job.generation, rows) AS s;
    END IF;
END
$$;
COMMENT ON FUNCTION embed.batch_fill IS 'For workers: parks the next rows of the backfill for the job; more: there are others behind';
GRANT EXECUTE ON FUNCTION embed.batch_fill TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.batch_claim(id integer, holder bigint, count integer) RETURNS TABLE (key text, version bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- As in embed.claim.
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    job constant embed.batch_job := embed.batch_held(id, holder);
BEGIN
    RETURN QUERY
    WITH chosen AS MATERIALIZED (
        SELECT w.key FROM embed.work AS w
        WHERE w.vectorizer_id = job.vectorizer_id AND w.generation = job.generation AND w.priority = 10 AND w.not_before = 'infinity'
        ORDER BY w.vectorizer_id, w.generation, w.priority, w.not_before
        LIMIT count
        FOR UPDATE SKIP LOCKED
    )
    UPDATE embed.work AS w SET lease = job.lease, lease_until = job.ends_at, not_before = job.ends_at
    FROM chosen
    WHERE w.vectorizer_id = job.vectorizer_id AND w.generation = job.generation AND w.key = chosen.key
    RETURNING w.key, w.version;
END
$$;
COMMENT ON FUNCTION embed.batch_claim IS 'For workers: puts at most count parked rows under the job''s lease';
GRANT EXECUTE ON FUNCTION embed.batch_claim TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.batch_exported(id integer, holder bigint, items jsonb, hold_seconds integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job constant embed.batch_job := embed.batch_held(id, holder, hold_seconds);
    given integer;
BEGIN
    WITH placed AS (
        SELECT i.item, (i.item ->> 'records')::integer AS records,
            (job.records + sum((i.item ->> 'records')::integer) OVER (ORDER BY i.place) - (i.item ->> 'records')::integer)::integer AS first
        FROM jsonb_array_elements(items) WITH ORDINALITY AS i(item, place)
    ), stored AS (
        INSERT INTO embed.batch_row (job_id, first_record, records, key, version, digest)
        SELECT job.id, p.first, p.records, p.item ->> 'key', (p.item ->> 'version')::bigint, decode(p.item ->> 'digest', 'hex') FROM placed AS p
        RETURNING batch_row.records
    )
    SELECT coalesce(sum(s.records), 0) INTO given FROM stored AS s;
    UPDATE embed.batch_job AS j SET records = job.records + given WHERE j.id = job.id;
    RETURN job.records;
END
$$;
COMMENT ON FUNCTION embed.batch_exported IS
    'For workers, before the file is written: which rows its records are of. items: [{"key", "version", "records", "digest"}]. The number of the first '
    'record; no number is given twice';
GRANT EXECUTE ON FUNCTION embed.batch_exported TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.batch_written(id integer, holder bigint, through integer, bytes bigint, rows bigint, hold_seconds integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job constant embed.batch_job := embed.batch_held(id, holder, hold_seconds);
BEGIN
    UPDATE embed.batch_job AS j SET written = through, bytes = j.bytes + batch_written.bytes, rows = j.rows + batch_written.rows WHERE j.id = job.id;
END
$$;
COMMENT ON FUNCTION embed.batch_written IS 'For workers: the file with the records before `through` is in S3';
GRANT EXECUTE ON FUNCTION embed.batch_written TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.batch_resume_export(id integer, holder bigint) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job constant embed.batch_job := embed.batch_held(id, holder);
    parked integer;
BEGIN
    -- Its exporter died between two steps. What is not known to be in S3 is parked again; a file that arrives yet has numbers that are nobody's.
    DELETE FROM embed.batch_row AS r WHERE r.job_id = job.id AND r.first_record >= job.written;
    WITH held AS MATERIALIZED (
        SELECT w.key FROM embed.work AS w
        WHERE w.vectorizer_id = job.vectorizer_id AND w.generation = job.generation AND w.priority = 10 AND w.not_before = job.ends_at
            AND w.lease = job.lease AND NOT EXISTS (SELECT FROM embed.batch_row AS r WHERE r.job_id = job.id AND r.key = w.key)
        ORDER BY w.key FOR UPDATE OF w SKIP LOCKED
    )
    UPDATE embed.work AS w SET lease = NULL, lease_until = NULL, not_before = 'infinity'
    FROM held WHERE w.vectorizer_id = job.vectorizer_id AND w.generation = job.generation AND w.key = held.key;
    GET DIAGNOSTICS parked = ROW_COUNT;
    UPDATE embed.batch_job AS j SET written = j.records WHERE j.id = job.id;
    RETURN parked;
END
$$;
COMMENT ON FUNCTION embed.batch_resume_export IS 'For workers: parks again what an exporter that died had claimed and not written; how many rows';
GRANT EXECUTE ON FUNCTION embed.batch_resume_export TO vectordb_worker;
