-- The worker function: which one it is, and asking it for vectors while the caller waits (lambda/embedder/synchronous.py).
--
--   EMB01  the embeddings could not be made; the message says why, never of what

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.configure(worker_arn text, has_queue boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF has_queue IS NULL THEN
        PERFORM embed.refuse_null('embed.configure', 'has_queue');
    ELSIF worker_arn !~ '^arn:aws[a-z0-9-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9$_-]{1,128})?$' THEN
        PERFORM embed.refuse(
            'embed.configure', format('%L is not the ARN of a Lambda function', worker_arn),
            'arn:<partition>:lambda:<region>:<account>:function:<name>, best followed by :<alias>. NULL: there is none.'
        );
    END IF;
    INSERT INTO embed.config AS c (worker_arn, has_queue) VALUES (worker_arn, has_queue)
    ON CONFLICT (singleton) DO UPDATE SET
        worker_arn = excluded.worker_arn, has_queue = excluded.has_queue, updated_at = clock_timestamp()
    WHERE (c.worker_arn, c.has_queue) IS DISTINCT FROM (excluded.worker_arn, excluded.has_queue);
END
$$;
COMMENT ON FUNCTION embed.configure IS
    'Names the worker function by its ARN (with alias), and whether it has a queue to send tickets to. For administrators. '
    'NULL: no function; workers are then containers, or called by a schedule';

CREATE OR REPLACE FUNCTION embed.deploy(worker_arn text, has_queue boolean) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    aborting text;
    others text;
BEGIN
    IF worker_arn = '' AND (SELECT c.worker_arn IS NOT NULL FROM embed.config AS c) THEN
        SELECT string_agg(v.name, ', ' ORDER BY v.name) FILTER (WHERE v.delivery @> '{"mode": "sync_lambda", "on_failure": "abort"}'),
            string_agg(v.name, ', ' ORDER BY v.name)
        INTO aborting, others FROM embed.vectorizer AS v;
        IF aborting IS NOT NULL THEN
            RAISE EXCEPTION USING
                ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = format('the worker function cannot be taken away: whoever writes the tables of %s would fail, as their delivery is sync_lambda with abort', aborting),
                HINT = 'For each of them: SELECT embed.alter_vectorizer(''<name>'', delivery => embed.deliver_scheduled()); or SELECT embed.drop_vectorizer(''<name>''); then deploy again.';
        ELSIF others IS NOT NULL THEN
            RAISE WARNING USING
                MESSAGE = format('SQL calls no worker any more: what changes in the tables of %s waits until a sweep or a container comes', others),
                HINT = 'Where there is none: SELECT embed.drop_vectorizer(''<name>'', keep_embeddings => true);';
        END IF;
    END IF;
    PERFORM embed.configure(nullif(worker_arn, ''), has_queue);
END
$$;
COMMENT ON FUNCTION embed.deploy IS 'Internal: what the deployment declares; worker_arn empty: no function, unless writes would fail without it';

CREATE OR REPLACE FUNCTION embed.worker_arn() RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT c.worker_arn FROM embed.config AS c $$;
COMMENT ON FUNCTION embed.worker_arn IS 'Internal: the worker function, or NULL';

CREATE OR REPLACE FUNCTION embed.unembedded(class text, problem text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'EMB01', MESSAGE = problem, DETAIL = 'class ' || class, HINT = CASE class
        WHEN 'configuration' THEN 'SELECT * FROM embed.validate_config(); says what the worker lacks, and vectordb doctor does.'
        WHEN 'throttle' THEN 'Again in a while; rate_per_minute in embed.status is what may be asked.'
        WHEN 'transient' THEN 'Again in a while; vectordb doctor asks the worker.'
        ELSE 'The model does not take this text.'
    END;
END
$$;
COMMENT ON FUNCTION embed.unembedded IS 'Internal: raises EMB01. class: throttle, transient, poison or configuration';

CREATE OR REPLACE FUNCTION embed.answered(documents jsonb, purpose text, config jsonb) RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    arn constant text := embed.worker_arn();
    answer json;
    state text;
BEGIN
    IF arn IS NULL THEN
        PERFORM embed.unembedded('configuration', 'no worker function is configured');
    END IF;
    BEGIN
        SELECT i.payload INTO answer
        FROM aws_lambda.invoke(arn, json_build_object('embed', documents, 'purpose', purpose, 'config', config)) AS i;
    EXCEPTION WHEN OTHERS THEN
        -- What it says may quote what was sent.
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE;
    END;
    IF state IS NOT NULL THEN
        PERFORM embed.unembedded('transient', format('the worker function did not answer (SQLSTATE %s)', state));
    ELSIF json_typeof(answer) IS DISTINCT FROM 'object' OR answer ->> 'ok' IS NULL THEN
        PERFORM embed.unembedded('transient', 'the worker function failed');
    ELSIF answer ->> 'ok' <> 'true' THEN
        PERFORM embed.unembedded(
            coalesce(answer #>> '{error,class}', 'transient'),
            format('%s: %s', answer #>> '{error,code}', left(answer #>> '{error,message}', 300))
        );
    ELSIF json_typeof(answer -> 'results') IS DISTINCT FROM 'array' THEN
        PERFORM embed.unembedded('transient', 'the answer of the worker function has no results');
    END IF;
    RETURN (answer -> 'results')::jsonb;
END
$$;
COMMENT ON FUNCTION embed.answered IS
    'Internal: the worker''s vectors of documents [{"key", "content", "fields"}]: [{"key", "chunks"} or {"key", "error"}], or EMB01';

CREATE OR REPLACE FUNCTION embed.debit(limiter text, count integer) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- What is older counts no more: the bucket holds a second's worth.
    DELETE FROM embed.limiter_debit AS d
    WHERE d.ctid = ANY (ARRAY(
        SELECT o.ctid FROM embed.limiter_debit AS o WHERE o.at < clock_timestamp() - interval '10 seconds' LIMIT 10 FOR UPDATE SKIP LOCKED
    ));
    INSERT INTO embed.limiter_debit (name, requests) VALUES (limiter, count);
END
$$;
COMMENT ON FUNCTION embed.debit IS 'Internal: takes permits within a user''s transaction, without a lock that others would wait for';

CREATE OR REPLACE FUNCTION embed.fold_debits(limiter text) RETURNS float8
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    WITH folded AS (
        DELETE FROM embed.limiter_debit AS d
        WHERE d.ctid = ANY (ARRAY(SELECT o.ctid FROM embed.limiter_debit AS o WHERE o.name = limiter FOR UPDATE SKIP LOCKED))
        RETURNING d.requests, d.at
    )
    SELECT coalesce(sum(f.requests) FILTER (WHERE f.at > clock_timestamp() - interval '2 seconds'), 0)::float8 FROM folded AS f
$$;
COMMENT ON FUNCTION embed.fold_debits IS 'Internal: the requests that users'' transactions made lately, each counted once';

CREATE OR REPLACE FUNCTION embed.may_ask(limiter text) RETURNS boolean
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    -- Nobody is waited for: a look at the bucket, which may owe up to a second's worth, or one request.
    SELECT coalesce(bool_and(
        least(greatest(1, l.rate / 60), l.tokens + l.rate / 60 * extract(epoch FROM clock_timestamp() - l.filled_at))
        - (
            SELECT coalesce(sum(d.requests), 0) FROM embed.limiter_debit AS d
            WHERE d.name = l.name AND d.at > greatest(l.filled_at, clock_timestamp() - interval '2 seconds')
        ) > -greatest(1, l.rate / 60)
    ), true)
    FROM embed.limiter AS l WHERE l.name = limiter
$$;
COMMENT ON FUNCTION embed.may_ask IS 'Internal: whether a user''s transaction may ask the model now';
