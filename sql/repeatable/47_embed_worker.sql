-- What workers call, up to the writing of results (48_embed_finish.sql). Each call is one short transaction.
--
--   available → claim → content → stored → (permits, the model) → finish, or fail, or release; renew meanwhile
--
-- Each of them but content and stored first folds into the queue what changed meanwhile (47_embed_fold.sql).
--
-- A claim is a lease: a number and an end. Whatever changes the row, or claims it after the end, takes the lease away, and nothing
-- that is said under a lease that was taken away counts.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.configuration(v embed.vectorizer, g embed.generation) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
        'name', v.name, 'state', g.state, 'chunking', g.chunking, 'template', g.template, 'fields', to_jsonb(g.fields),
        'embedding', g.embedding, 'destination', embed.described(g.destination), 'delivery', v.delivery, 'limits', v.limits,
        'limiter', embed.limiter_name(g.embedding), 'model_limits', (
            SELECT to_jsonb(m) - '{provider,model,dimensions}'::text[]
            FROM embed.model AS m
            WHERE m.provider = g.embedding ->> 'provider'
                AND m.model = regexp_replace(g.embedding ->> 'model', '^(us|us-gov|eu|apac|jp|au|ca|global)\.', '')
        )
    )
$$;
COMMENT ON FUNCTION embed.configuration IS 'Internal: all that a worker has to know of a generation';

CREATE OR REPLACE FUNCTION embed.available() RETURNS TABLE (
    vectorizer_id integer, generation integer, pending integer, slices boolean, config jsonb
)
LANGUAGE plpgsql SECURITY DEFINER ROWS 10
SET search_path = pg_catalog, pg_temp
-- As in embed.claim.
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
DECLARE
    candidate record;
BEGIN
    -- Whatever rang before this has been heard: what is committed from now on, and is not found, may ring again.
    PERFORM setval('embed.looked', embed.milliseconds());
    PERFORM embed.fold_for(interval '1 s');
    FOR candidate IN
        SELECT v, g, g.vectorizer_id AS id, g.number, g.circuit_reason IS NOT NULL AS open
        FROM embed.vectorizer AS v JOIN embed.generation AS g ON g.vectorizer_id = v.id
        WHERE v.state = 'active' AND g.state IN ('live', 'building')
            AND (g.circuit_until IS NULL OR g.circuit_until <= clock_timestamp())
            AND (g.index_until IS NULL OR g.index_until <= clock_timestamp())
            AND EXISTS (SELECT FROM pg_class AS c WHERE c.oid = v.source)
        ORDER BY g.state DESC, g.vectorizer_id, g.number
    LOOP
        SELECT count(*) INTO pending FROM (
            SELECT FROM embed.work AS w
            WHERE w.vectorizer_id = candidate.id AND w.generation = candidate.number AND w.priority < 100 AND w.not_before <= clock_timestamp()
            LIMIT 10001
        ) AS due;
        slices := EXISTS (SELECT FROM embed.backfill AS b WHERE (b.vectorizer_id, b.generation) = (candidate.id, candidate.number) AND b.priority < 10)
            OR EXISTS (SELECT FROM embed.sweep AS s WHERE (s.vectorizer_id, s.generation) = (candidate.id, candidate.number));
        CONTINUE WHEN pending = 0 AND NOT slices;
        IF candidate.open THEN
            -- One caller gets the probe; the next may try when its time is over.
            UPDATE embed.generation AS g SET circuit_until = clock_timestamp() + interval '1 minute'
            WHERE (g.vectorizer_id, g.number) = (candidate.id, candidate.number) AND g.circuit_until <= clock_timestamp();
            CONTINUE WHEN NOT FOUND;
        END IF;
        vectorizer_id := candidate.id;
        generation := candidate.number;
        config := embed.configuration(candidate.v, candidate.g);
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION embed.available IS
    'For workers: where there is work now, live generations first. pending is counted to 10001; slices: embed.advance has something to do';
GRANT EXECUTE ON FUNCTION embed.available TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.claim(vectorizer_id integer, generation integer, count integer, lease_seconds integer)
RETURNS TABLE (key text, version bigint, operation text, lease bigint, attempts integer)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- The queue is empty when its statistics are taken and full when it matters.
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET jit = off
AS $$
DECLARE
    ends timestamptz;
    places tid[];
BEGIN
    IF NOT EXISTS (
        SELECT FROM embed.vectorizer AS v JOIN embed.generation AS g ON g.vectorizer_id = v.id
        WHERE v.id = claim.vectorizer_id AND g.number = claim.generation AND v.state = 'active' AND g.state IN ('live', 'building')
            AND (g.index_until IS NULL OR g.index_until <= clock_timestamp())
    ) THEN
        RETURN;
    END IF;
    PERFORM embed.fold();
    lease := nextval('embed.lease');
    ends := clock_timestamp() + make_interval(secs => lease_seconds);
    -- The source is not looked at here: the row of the queue would be as it is now, the source's as it was when the statement began.
    SELECT array_agg(chosen.place) INTO places
    FROM (
        SELECT w.ctid AS place FROM embed.work AS w
        WHERE w.vectorizer_id = claim.vectorizer_id AND w.generation = claim.generation AND w.priority < 100 AND w.not_before <= clock_timestamp()
        ORDER BY w.vectorizer_id, w.generation, w.priority, w.not_before
        LIMIT count
        FOR UPDATE SKIP LOCKED
    ) AS chosen;
    RETURN QUERY
    UPDATE embed.work AS w SET lease = claim.lease, lease_until = ends, not_before = ends
    WHERE w.ctid = ANY (places)
    RETURNING w.key, w.version, w.operation::text, w.lease, w.attempts::integer;
END
$$;
COMMENT ON FUNCTION embed.claim IS 'For workers: leases at most count rows that are due, most urgent first';
GRANT EXECUTE ON FUNCTION embed.claim TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.opened(caller text, vectorizer_id integer, generation integer, OUT v embed.vectorizer, OUT g embed.generation)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT f.* INTO v FROM embed.vectorizer AS f WHERE f.id = vectorizer_id;
    SELECT f.* INTO g FROM embed.generation AS f WHERE f.vectorizer_id = opened.vectorizer_id AND f.number = opened.generation;
    IF g.number IS NULL THEN
        PERFORM embed.refuse(
            caller, format('there is no generation %s of vectorizer %s', generation, vectorizer_id), 'It was dropped: ask embed.available.', '42704'
        );
    END IF;
END
$$;
COMMENT ON FUNCTION embed.opened IS 'Internal: a vectorizer and its generation, or an error';

CREATE OR REPLACE FUNCTION embed.hash_of(content text, fields text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT format('sha256(convert_to(coalesce(%s, '''') || coalesce(%s::text, ''''), ''UTF8''))', content, fields) $$;
COMMENT ON FUNCTION embed.hash_of IS 'Internal: the expression of the hash of content and fields';

CREATE OR REPLACE FUNCTION embed.source_select(v embed.vectorizer, g embed.generation) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Sorted by key whatever the order of the names. White space alone gives no embedding.
    SELECT format(
        'SELECT s.*, %s AS embed_hash FROM (SELECT %s, CASE WHEN (%s)::text COLLATE "C" ~ ''[^[:space:]]'' THEN (%s)::text END AS embed_content, %s AS embed_fields, %s AS embed_metadata FROM %s) AS s',
        embed.hash_of('s.embed_content', CASE WHEN embed.metadata_columns(g.destination) = '{}' THEN 's.embed_fields' ELSE 'concat(s.embed_fields, s.embed_metadata)' END), embed.key_names(v.keys), v.content, v.content,
        CASE WHEN g.fields = '{}' THEN 'NULL::jsonb' ELSE (SELECT 'jsonb_build_object(' || string_agg(format('%L, %s', f, embed.text_of(v.source, f)), ', ' ORDER BY f) || ')' FROM unnest(g.fields) AS f) END,
        embed.metadata_of(g.destination), v.source
    )
$$;
COMMENT ON FUNCTION embed.source_select IS 'Internal: the source''s rows with key, embed_content, embed_fields and embed_hash';

CREATE OR REPLACE FUNCTION embed.content(vectorizer_id integer, generation integer, keys text[])
RETURNS TABLE (key text, content text, fields jsonb, source_hash text, metadata jsonb)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC' SET datestyle = 'ISO, MDY' SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex'
AS $$
DECLARE
    o record;
BEGIN
    -- embed.refresh changes the expression when nobody reads by it.
    PERFORM pg_advisory_xact_lock_shared(hashtext('embed.content'), vectorizer_id);
    SELECT f.v, f.g INTO o FROM embed.opened('embed.content', vectorizer_id, generation) AS f;
    PERFORM embed.assert_harmless('embed.content', o.v, o.g);
    RETURN QUERY EXECUTE format(
        'SELECT k.key, s.embed_content, coalesce(s.embed_fields, ''{}''), encode(s.embed_hash, ''hex''), s.embed_metadata '
        'FROM unnest($1) AS k(key) CROSS JOIN LATERAL (SELECT k.key::jsonb AS j) AS j JOIN LATERAL (%s WHERE (%s) = (%s)) AS s ON true',
        embed.source_select(o.v, o.g), embed.key_names((o.v).keys, 's'), embed.key_parts((o.v).keys, 'j.j')
    ) USING keys;
END
$$;
COMMENT ON FUNCTION embed.content IS
    'For workers, after claim: what to embed, and for S3 Vectors the metadata. No row: the row is gone. NULL: nothing to embed. Not in the '
    'statement that claims';
GRANT EXECUTE ON FUNCTION embed.content TO vectordb_worker;

DROP FUNCTION IF EXISTS embed.stored(integer, integer, text[]);
CREATE FUNCTION embed.stored(vectorizer_id integer, generation integer, keys text[])
RETURNS TABLE (key text, chunk integer, hash text, length integer)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    o record;
BEGIN
    SELECT f.v, f.g INTO o FROM embed.opened('embed.stored', vectorizer_id, generation) AS f;
    IF (o.g).destination ->> 'kind' IN ('table', 's3_vectors') THEN
        RETURN QUERY EXECUTE format(
            'SELECT k.key, c.chunk_number, encode(c.chunk_hash, ''hex''), length(c.chunk) '
            'FROM unnest($1) AS k(key) CROSS JOIN LATERAL (SELECT k.key::jsonb AS j) AS j JOIN %s AS c ON (%s) = (%s)',
            embed.chunks_table((o.v).name, generation), embed.key_names((o.v).keys, 'c'), embed.key_parts((o.v).keys, 'j.j')
        ) USING keys;
    END IF;
END
$$;
COMMENT ON FUNCTION embed.stored IS 'For workers: the chunks that are stored of these keys, with their length in characters; those need no embedding again';
GRANT EXECUTE ON FUNCTION embed.stored TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.held(vectorizer_id integer, generation integer, keys text[], leases bigint[])
RETURNS TABLE (key text, version bigint, attempts integer, place tid)
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
-- As in embed.claim.
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
    SELECT embed.fold();
    -- Key by key, so that the time does not depend on how much is queued, whatever the statistics say of that.
    SELECT w.key, w.version, w.attempts::integer, w.place
    FROM (SELECT k.key, k.lease FROM unnest(keys, leases) AS k(key, lease) ORDER BY k.key) AS k
    CROSS JOIN LATERAL (
        SELECT w.*, w.ctid AS place FROM embed.work AS w
        WHERE w.vectorizer_id = held.vectorizer_id AND w.generation = held.generation AND w.key = k.key AND w.lease = k.lease
        FOR UPDATE SKIP LOCKED
    ) AS w
$$;
COMMENT ON FUNCTION embed.held IS
    'Internal: of these keys those that are still under these leases, now locked, and their places for the statements that follow. What '
    'another transaction holds is passed over';

CREATE OR REPLACE FUNCTION embed.renew(vectorizer_id integer, generation integer, keys text[], leases bigint[], lease_seconds integer)
RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    places constant tid[] := ARRAY(SELECT h.place FROM embed.held(vectorizer_id, generation, keys, leases) AS h);
    ends constant timestamptz := clock_timestamp() + make_interval(secs => lease_seconds);
BEGIN
    RETURN QUERY UPDATE embed.work AS w SET lease_until = ends, not_before = ends WHERE w.ctid = ANY (places) RETURNING w.key;
END
$$;
COMMENT ON FUNCTION embed.renew IS 'For workers: longer leases for the keys that are still held, which are returned';
GRANT EXECUTE ON FUNCTION embed.renew TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.release(vectorizer_id integer, generation integer, keys text[], leases bigint[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    places constant tid[] := ARRAY(SELECT h.place FROM embed.held(vectorizer_id, generation, keys, leases) AS h);
BEGIN
    UPDATE embed.work AS w SET lease = NULL, lease_until = NULL, not_before = clock_timestamp() WHERE w.ctid = ANY (places);
    RETURN cardinality(places);
END
$$;
COMMENT ON FUNCTION embed.release IS 'For workers: gives back what was claimed, for others to claim at once; how many';
GRANT EXECUTE ON FUNCTION embed.release TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.fail(
    vectorizer_id integer, generation integer, keys text[], leases bigint[], class text, message text, delay_seconds float8 DEFAULT NULL
) RETURNS TABLE (key text, outcome text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    o record;
    held record;
    fail_reason constant text := left(message, 500);
BEGIN
    IF class IS NULL OR class NOT IN ('throttle', 'transient', 'poison', 'configuration') THEN
        PERFORM embed.refuse('embed.fail', format('class must be one of throttle, transient, poison, configuration, not %L', class));
    END IF;
    SELECT f.v, f.g INTO o FROM embed.opened('embed.fail', vectorizer_id, generation) AS f;
    SELECT coalesce(array_agg(h.key), '{}') AS keys, coalesce(array_agg(h.key) FILTER (WHERE h.dies), '{}') AS dying,
        array_agg(h.place) FILTER (WHERE h.dies) AS dying_places, array_agg(h.place) FILTER (WHERE NOT h.dies) AS places
    INTO held
    FROM (
        SELECT r.*, class = 'poison' OR class = 'transient' AND r.attempts + 1 >= ((o.v).limits ->> 'max_attempts')::integer AS dies
        FROM embed.held(vectorizer_id, generation, keys, leases) AS r
    ) AS h;
    WITH gone AS (
        DELETE FROM embed.work AS w WHERE w.ctid = ANY (held.dying_places) RETURNING w.*
    )
    INSERT INTO embed.dead AS d (vectorizer_id, generation, key, version, attempts, class, reason)
    SELECT gone.vectorizer_id, gone.generation, gone.key, gone.version, gone.attempts + 1, fail.class, fail_reason FROM gone
    ON CONFLICT ON CONSTRAINT dead_pkey DO UPDATE SET
        version = excluded.version, attempts = excluded.attempts, class = excluded.class, reason = excluded.reason, died_at = excluded.died_at;
    UPDATE embed.work AS w SET
        lease = NULL, lease_until = NULL, last_error = fail_reason,
        attempts = w.attempts + CASE class WHEN 'transient' THEN 1 ELSE 0 END,
        not_before = clock_timestamp() + make_interval(secs => coalesce(delay_seconds, CASE class
            WHEN 'transient' THEN least(2 ^ (w.attempts + 1), 300) * (0.5 + random() / 2)
            WHEN 'throttle' THEN 1 + random()
            ELSE 0
        END))
    WHERE w.ctid = ANY (held.places);
    IF class = 'throttle' THEN
        PERFORM embed.throttled(embed.limiter_name((o.g).embedding));
    ELSIF class = 'configuration' THEN
        UPDATE embed.generation AS g SET
            circuit_reason = fail_reason, circuit_failures = g.circuit_failures + 1, circuit_at = clock_timestamp(),
            circuit_until = clock_timestamp() + make_interval(secs => least(60 * 2 ^ least(g.circuit_failures, 6), 3600))
        WHERE (g.vectorizer_id, g.number) = (fail.vectorizer_id, fail.generation)
            -- Workers that fail together fail once.
            AND (g.circuit_reason IS NULL OR g.circuit_at < clock_timestamp() - interval '5 seconds');
    END IF;
    RETURN QUERY SELECT k, CASE WHEN k = ANY (held.dying) THEN 'dead' WHEN k = ANY (held.keys) THEN 'retry' ELSE 'lost' END FROM unnest(keys) AS k;
END
$$;
COMMENT ON FUNCTION embed.fail IS
    'For workers: these could not be embedded. throttle: later. transient: later, dead after max_attempts. poison: dead. '
    'configuration: opens the generation''s circuit. What comes back as lost changed or is another''s';
GRANT EXECUTE ON FUNCTION embed.fail TO vectordb_worker;
