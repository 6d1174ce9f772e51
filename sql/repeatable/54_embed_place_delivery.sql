-- Going from one way of delivery to another while rows are written: what is checked, placed and scheduled.
--
-- A change takes effect with the transaction that makes it. Who wrote before has enqueued as it was then, and the queue is the same in
-- every way of delivery.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.check_delivery(
    caller text, source regclass, content_columns text[], embedding jsonb, template text, destination jsonb, delivery jsonb
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    mode constant text := delivery ->> 'mode';
    -- Looked up in the catalog: a name would be an error without USAGE on its schema.
    invoking constant oid := (
        SELECT p.oid FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE n.nspname = 'aws_bedrock' AND p.proname = 'invoke_model' LIMIT 1
    );
    instead constant text := 'embed.deliver_sync_lambda() embeds within the statement, too.';
    generated text;
BEGIN
    IF mode = 'sync_lambda' AND destination ->> 'kind' = 's3_vectors' THEN
        PERFORM embed.refuse(
            caller, 'sync_lambda cannot write to S3 Vectors, which takes no part in a transaction',
            'embed.deliver_event(), embed.deliver_queue() or embed.deliver_scheduled().'
        );
    ELSIF mode = 'sync_lambda' AND embed.worker_arn() IS NULL THEN
        PERFORM embed.refuse(
            caller, 'sync_lambda needs the worker function, and none is configured',
            'The deployment does it (pulumi up); by hand, as an administrator: SELECT embed.configure(''<ARN of the function>'');', '55000'
        );
    ELSIF mode <> 'in_transaction' THEN
        RETURN;
    END IF;
    SELECT a.attname INTO generated FROM pg_attribute AS a
    WHERE a.attrelid = source AND a.attname = ANY (content_columns) AND a.attgenerated <> '' LIMIT 1;
    IF embedding ->> 'provider' <> 'bedrock' THEN
        PERFORM embed.refuse(caller, format('in_transaction asks models of Amazon Bedrock, not %s', embedding ->> 'provider'), instead);
    ELSIF embed.model_request(embedding, 'x', 'document') IS NULL THEN
        PERFORM embed.refuse(caller, format('in_transaction does not know how to ask %s', embedding ->> 'model'), instead);
    ELSIF embedding ->> 'region' IS NOT NULL THEN
        PERFORM embed.refuse(caller, 'in_transaction asks models in the database''s own region only', 'Leave region out. ' || instead);
    ELSIF template IS NOT NULL THEN
        PERFORM embed.refuse(caller, 'in_transaction takes no template', 'Put it into the content, as in title || '': '' || body. ' || instead);
    ELSIF generated IS NOT NULL THEN
        PERFORM embed.refuse(
            caller, format('in_transaction cannot see the generated column %I: it is made after the row''s vector', generated),
            'Put its expression into the content. ' || instead
        );
    ELSIF invoking IS NULL AND NOT EXISTS (SELECT FROM pg_available_extensions AS e WHERE e.name = 'aws_ml') THEN
        PERFORM embed.refuse(
            caller, 'in_transaction needs the extension aws_ml, which this server does not have: Aurora PostgreSQL has it, RDS for PostgreSQL has not',
            instead, '0A000'
        );
    ELSIF invoking IS NULL OR NOT has_schema_privilege('vectordb_owner', 'aws_bedrock', 'USAGE')
        OR NOT has_function_privilege('vectordb_owner', invoking, 'EXECUTE') THEN
        PERFORM embed.refuse(
            caller, 'in_transaction needs the extension aws_ml, and vectordb_owner must be allowed to use it',
            'As the master: CREATE EXTENSION IF NOT EXISTS aws_ml CASCADE; GRANT USAGE ON SCHEMA aws_bedrock TO vectordb_owner; '
            'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA aws_bedrock TO vectordb_owner; the cluster needs a role for the feature Bedrock.', '55000'
        );
    END IF;
END
$$;
COMMENT ON FUNCTION embed.check_delivery IS 'Internal: refuses a way of delivery that cannot work here, and says what to use instead';

CREATE OR REPLACE FUNCTION embed.prepare_delivery(vectorizer_id integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
AS $$
BEGIN
    EXECUTE format('CREATE SEQUENCE IF NOT EXISTS embed.bell_%s', vectorizer_id);
    EXECUTE format('COMMENT ON SEQUENCE embed.bell_%s IS %L', vectorizer_id, 'Until when embed.ring is silent, in milliseconds since 1970');
    EXECUTE format('CREATE SEQUENCE IF NOT EXISTS embed.rung_%s', vectorizer_id);
    EXECUTE format('COMMENT ON SEQUENCE embed.rung_%s IS %L', vectorizer_id, 'When embed.ring called the worker last, in milliseconds since 1970');
    PERFORM embed.write_capture(vectorizer_id);
    IF (SELECT v.delivery ->> 'mode' FROM embed.vectorizer AS v WHERE v.id = vectorizer_id) <> 'in_transaction' THEN
        -- With its trigger.
        EXECUTE format('DROP FUNCTION IF EXISTS embed.embed_row_%s() CASCADE', vectorizer_id);
    END IF;
END
$$;
COMMENT ON FUNCTION embed.prepare_delivery IS 'Internal: the owner''s part of embed.place_delivery';

CREATE OR REPLACE FUNCTION embed.cron_schedule(seconds integer) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- pg_cron knows 1 to 59 seconds, and what divides an hour or a day; never more seldom than was asked for.
    SELECT CASE
        WHEN seconds < 60 THEN format('%s seconds', seconds)
        WHEN seconds < 3600 THEN format('*/%s * * * *', (SELECT max(m) FROM unnest(ARRAY[1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30]) AS m WHERE m * 60 <= seconds))
        WHEN seconds < 86400 THEN format('0 */%s * * *', (SELECT max(h) FROM unnest(ARRAY[1, 2, 3, 4, 6, 8, 12]) AS h WHERE h * 3600 <= seconds))
        ELSE '0 0 * * *'
    END
$$;
COMMENT ON FUNCTION embed.cron_schedule IS 'Internal: the schedule of pg_cron that comes nearest to so many seconds';

CREATE OR REPLACE FUNCTION embed.job_name(vectorizer_id integer) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT format('embed_%s', vectorizer_id) $$;
COMMENT ON FUNCTION embed.job_name IS 'Internal: the name of a vectorizer''s job of pg_cron';

CREATE OR REPLACE FUNCTION embed.place_job(vectorizer_id integer, seconds integer) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job constant text := embed.job_name(vectorizer_id);
    mine boolean;
BEGIN
    -- Without pg_cron in this database, or for who may not use it, there is EventBridge Scheduler.
    IF NOT coalesce((SELECT has_schema_privilege(n.oid, 'USAGE') FROM pg_namespace AS n WHERE n.nspname = 'cron'), false)
        OR NOT EXISTS (SELECT FROM pg_extension AS e WHERE e.extname = 'pg_cron') THEN
        RETURN;
    END IF;
    -- A job runs as who made it, and that must be a login; so this is not the owner's function. Another administrator's job takes
    -- itself off (embed.run_job).
    EXECUTE 'SELECT EXISTS (SELECT FROM cron.job AS j WHERE j.jobname = $1 AND j.username = current_user)' INTO mine USING job;
    IF seconds IS NOT NULL THEN
        EXECUTE 'SELECT cron.schedule($1, $2, $3)' USING job, embed.cron_schedule(seconds), format('SELECT embed.run_job(%s)', vectorizer_id);
    ELSIF mine THEN
        EXECUTE 'SELECT cron.unschedule($1)' USING job;
    END IF;
END
$$;
COMMENT ON FUNCTION embed.place_job IS 'Internal: makes, changes or (NULL) removes the job of pg_cron, where there is pg_cron';

CREATE OR REPLACE FUNCTION embed.is_scheduled(vectorizer_id integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT EXISTS (SELECT FROM embed.vectorizer AS v WHERE v.id = vectorizer_id AND v.delivery ->> 'mode' = 'scheduled') $$;
COMMENT ON FUNCTION embed.is_scheduled IS 'Internal: whether a vectorizer is delivered by schedule';

CREATE OR REPLACE FUNCTION embed.has_work(vectorizer_id integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM embed.generation AS g
        WHERE g.vectorizer_id = has_work.vectorizer_id AND g.state IN ('live', 'building') AND (
            EXISTS (
                SELECT FROM embed.work AS w
                WHERE w.vectorizer_id = g.vectorizer_id AND w.generation = g.number AND w.priority < 100 AND w.not_before <= clock_timestamp()
            )
            OR EXISTS (SELECT FROM embed.inbox AS i WHERE i.vectorizer_id = g.vectorizer_id)
            OR EXISTS (SELECT FROM embed.backfill AS b WHERE b.vectorizer_id = g.vectorizer_id AND b.generation = g.number)
            OR EXISTS (SELECT FROM embed.sweep AS s WHERE s.vectorizer_id = g.vectorizer_id AND s.generation = g.number)
        )
    )
$$;
COMMENT ON FUNCTION embed.has_work IS 'Internal: whether a worker would find something';

CREATE OR REPLACE FUNCTION embed.wake(vectorizer_id integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT embed.is_scheduled(vectorizer_id) AND embed.has_work(vectorizer_id) THEN
        PERFORM embed.ring_later(vectorizer_id);
    END IF;
END
$$;
COMMENT ON FUNCTION embed.wake IS 'Internal: rings for what no change of a row has put there: a backfill, what is tried again, what waited through a pause';

CREATE OR REPLACE FUNCTION embed.run_job(vectorizer_id integer) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT embed.is_scheduled(vectorizer_id) THEN
        PERFORM embed.place_job(vectorizer_id, NULL);
        RETURN 'not scheduled any more';
    ELSIF NOT embed.has_work(vectorizer_id) THEN
        RETURN 'nothing to do';
    END IF;
    RETURN CASE WHEN embed.ring(vectorizer_id) THEN 'worker called' ELSE 'worker not called' END;
END
$$;
COMMENT ON FUNCTION embed.run_job IS 'What the job of pg_cron runs: calls the worker when there is work';

CREATE OR REPLACE FUNCTION embed.place_delivery(vectorizer_id integer) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v embed.vectorizer;
BEGIN
    SELECT f.* INTO v FROM embed.vectorizer AS f WHERE f.id = vectorizer_id;
    IF current_setting('lock_timeout') = '0' THEN
        PERFORM set_config('lock_timeout', '10s', true);
    END IF;
    PERFORM embed.prepare_delivery(vectorizer_id);
    IF v.delivery ->> 'mode' = 'in_transaction' THEN
        -- By its name after the table's own: what those write is what is embedded.
        EXECUTE format(
            'CREATE OR REPLACE TRIGGER zz_embed_%1$s_row BEFORE INSERT OR UPDATE ON %2$s FOR EACH ROW EXECUTE FUNCTION embed.embed_row_%1$s()',
            v.id, v.source
        );
    END IF;
    PERFORM embed.wake(v.id);
    PERFORM embed.place_job(v.id, CASE v.delivery ->> 'mode' WHEN 'scheduled' THEN (v.delivery ->> 'every_seconds')::integer END);
    IF embed.worker_arn() IS NULL AND v.delivery ->> 'mode' IN ('event', 'queue') THEN
        RAISE NOTICE USING
            MESSAGE = format('no worker function is configured: nothing rings for %s, and only a schedule or a container finds what is queued', v.name),
            HINT = 'A deployment with vectordb:embedding has one and names it; by hand, as an administrator: SELECT embed.configure(''<ARN of the function>'');';
    END IF;
END
$$;
COMMENT ON FUNCTION embed.place_delivery IS 'Internal: triggers and jobs as the delivery wants them. As its caller, who needs TRIGGER on the source';

CREATE OR REPLACE FUNCTION embed.drop_delivery(vectorizer_id integer) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
AS $$
BEGIN
    EXECUTE format('DROP SEQUENCE IF EXISTS embed.bell_%1$s, embed.rung_%1$s', vectorizer_id);
    EXECUTE format('DROP FUNCTION IF EXISTS embed.embed_row_%s() CASCADE', vectorizer_id);
END
$$;
COMMENT ON FUNCTION embed.drop_delivery IS 'Internal: removes what embed.place_delivery made; a job of pg_cron takes itself off at its next run';
