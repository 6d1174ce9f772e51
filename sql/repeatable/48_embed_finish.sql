-- Writing results: one transaction, and only for rows that are still what was embedded.
--
-- The rows of the queue are locked in the order of their keys, and those that a user's transaction holds are passed over: a worker
-- that waited for one while it held another would be a deadlock for the user who wants both.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.finish_chunks(v embed.vectorizer, g embed.generation, items jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    chunks constant text := embed.chunks_table(v.name, g.number);
    names constant text := embed.key_names(v.keys);
    parts constant text := embed.key_parts(v.keys, 'i.j');
BEGIN
    -- What is at its place with its hash stays untouched. A chunk that only moved takes its vector along.
    EXECUTE format(
        'INSERT INTO %1$s AS c (%2$s, chunk_number, chunk, chunk_hash, embedding) '
        'SELECT %3$s, n.place, n.text, n.hash, coalesce(n.embedding::public.%6$I, ('
        '    SELECT c.embedding FROM %1$s AS c WHERE (%4$s) = (%3$s) AND c.chunk_hash = n.hash LIMIT 1)) '
        'FROM (SELECT (t.item ->> ''key'')::jsonb AS j, t.item -> ''chunks'' AS chunks FROM jsonb_array_elements($1) AS t(item)) AS i '
        'CROSS JOIN LATERAL (SELECT (e.place - 1)::integer AS place, e.chunk ->> ''text'' AS text, decode(e.chunk ->> ''hash'', ''hex'') AS hash, '
        '    e.chunk ->> ''embedding'' AS embedding FROM jsonb_array_elements(i.chunks) WITH ORDINALITY AS e(chunk, place)) AS n '
        'WHERE NOT EXISTS (SELECT FROM %1$s AS c WHERE (%4$s, c.chunk_number) = (%3$s, n.place) AND c.chunk_hash = n.hash) '
        'ON CONFLICT (%2$s, chunk_number) DO UPDATE SET chunk = excluded.chunk, chunk_hash = excluded.chunk_hash, embedding = excluded.embedding',
        chunks, names, parts, embed.key_names(v.keys, 'c'), NULL, g.destination ->> 'type'
    ) USING items;
    EXECUTE format(
        'DELETE FROM %1$s AS c USING (SELECT (t.item ->> ''key'')::jsonb AS j, jsonb_array_length(t.item -> ''chunks'') AS count '
        'FROM jsonb_array_elements($1) AS t(item)) AS i WHERE (%2$s) = (%3$s) AND c.chunk_number >= i.count',
        chunks, embed.key_names(v.keys, 'c'), parts
    ) USING items;
END
$$;
COMMENT ON FUNCTION embed.finish_chunks IS 'Internal: a table''s chunks become those of the items';

CREATE OR REPLACE FUNCTION embed.incomplete(v embed.vectorizer, g embed.generation, items jsonb) RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    lacking text[];
BEGIN
    EXECUTE format(
        'SELECT array_agg(DISTINCT t.item ->> ''key'') FROM jsonb_array_elements($1) AS t(item) '
        'CROSS JOIN LATERAL (SELECT (t.item ->> ''key'')::jsonb AS j) AS i CROSS JOIN LATERAL jsonb_array_elements(t.item -> ''chunks'') AS e(chunk) '
        'WHERE ' || CASE g.destination ->> 'kind'
            WHEN 'table' THEN 'e.chunk ->> ''embedding'' IS NULL AND '
                'NOT EXISTS (SELECT FROM %1$s AS c WHERE (%2$s) = (%3$s) AND c.chunk_hash = decode(e.chunk ->> ''hash'', ''hex''))'
            -- A vector whose intent ran out may be deleted in this moment.
            WHEN 's3_vectors' THEN 'CASE WHEN e.chunk ->> ''vector_key'' IS NULL '
                'THEN NOT EXISTS (SELECT FROM %1$s AS c WHERE (%2$s) = (%3$s) AND c.chunk_hash = decode(e.chunk ->> ''hash'', ''hex'')) '
                'ELSE NOT EXISTS (SELECT FROM embed.s3_intent AS n WHERE n.vector_key = e.chunk ->> ''vector_key'' '
                '    AND (n.vectorizer_id, n.generation) = ($2, $3)) END'
            ELSE 'e.chunk ->> ''embedding'' IS NULL'
        END,
        embed.chunks_table(v.name, g.number), embed.key_names(v.keys, 'c'), embed.key_parts(v.keys, 'i.j')
    ) INTO lacking USING items, v.id, g.number;
    RETURN coalesce(lacking, '{}');
END
$$;
COMMENT ON FUNCTION embed.incomplete IS 'Internal: the keys of items that keep a vector that is not stored';

CREATE OR REPLACE FUNCTION embed.finish_column(v embed.vectorizer, g embed.generation, items jsonb) RETURNS text[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    passed_over text[];
BEGIN
    PERFORM embed.assert_harmless('embed.finish', v, g, true);
    -- A row that a user holds is passed over, as in the queue. One that is gone has nothing to write.
    EXECUTE format(
        'WITH wanted AS MATERIALIZED (SELECT t.item ->> ''key'' AS key, (t.item ->> ''key'')::jsonb AS j, t.item #>> ''{chunks,0,embedding}'' AS embedding '
        '    FROM jsonb_array_elements($1) AS t(item)), '
        'held AS MATERIALIZED (SELECT i.key, i.embedding, i.j FROM wanted AS i JOIN %1$s AS s ON (%2$s) = (%3$s) ORDER BY i.key FOR NO KEY UPDATE OF s SKIP LOCKED), '
        'written AS (UPDATE %1$s AS s SET %4$I = i.embedding::public.%5$I FROM held AS i WHERE (%2$s) = (%3$s)) '
        'SELECT array_agg(i.key) FROM wanted AS i WHERE NOT EXISTS (SELECT FROM held AS h WHERE h.key = i.key) '
        'AND EXISTS (SELECT FROM %1$s AS s WHERE (%2$s) = (%3$s))',
        v.source, embed.key_names(v.keys, 's'), embed.key_parts(v.keys, 'i.j'), g.destination ->> 'column',
        (SELECT t.typname FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
         WHERE a.attrelid = v.source AND a.attname = g.destination ->> 'column')
    ) INTO passed_over USING items;
    RETURN coalesce(passed_over, '{}');
END
$$;
COMMENT ON FUNCTION embed.finish_column IS 'Internal: the column''s vectors become those of the items; the keys that a user holds';

CREATE OR REPLACE FUNCTION embed.reach_source(v embed.vectorizer, g embed.generation) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms'
AS $$
BEGIN
    IF g.destination ->> 'kind' = 'column' THEN
        PERFORM embed.assert_harmless('embed.finish', v, g, true);
        -- Before any row of the queue is locked: who has locked the table (TRUNCATE, ALTER TABLE) must not wait for us in turn.
        EXECUTE format('UPDATE %s SET %I = NULL WHERE false', v.source, g.destination ->> 'column');
    ELSE
        -- Or whoever builds an index of it.
        EXECUTE format('LOCK TABLE ONLY %s IN ROW EXCLUSIVE MODE', embed.chunks_table(v.name, g.number));
    END IF;
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END
$$;
COMMENT ON FUNCTION embed.reach_source IS 'Internal: whether the destination can be written now, and if so keeps it so';

CREATE OR REPLACE FUNCTION embed.finish(vectorizer_id integer, generation integer, items jsonb)
RETURNS TABLE (key text, outcome text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- As in embed.claim.
SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    o record;
    held text[];
    places tid[];
    locked text[];
    swept text[];
    lacking text[];
    passed_over text[] := '{}';
    writing jsonb;
    written text[];
BEGIN
    SELECT f.v, f.g INTO o FROM embed.opened('embed.finish', vectorizer_id, generation) AS f;
    IF items IS NULL OR jsonb_typeof(items) <> 'array' THEN
        PERFORM embed.refuse('embed.finish', 'items must be a JSON array');
    ELSIF NOT embed.reach_source(o.v, o.g) THEN
        RETURN QUERY SELECT i ->> 'key', 'locked' FROM jsonb_array_elements(items) AS i;
        RETURN;
    END IF;
    -- Shared: embed.fence_sweeps waits for those who may not have seen that the source was truncated.
    PERFORM pg_advisory_xact_lock_shared(hashtext('embed.sweep'), finish.vectorizer_id);

    SELECT coalesce(array_agg(h.key), '{}'), array_agg(h.place) INTO held, places
    FROM jsonb_to_recordset(items) AS i(key text, version bigint)
    JOIN embed.held(
        finish.vectorizer_id, finish.generation,
        ARRAY(SELECT t ->> 'key' FROM jsonb_array_elements(items) AS t), ARRAY(SELECT (t -> 'lease')::bigint FROM jsonb_array_elements(items) AS t)
    ) AS h ON h.key = i.key AND h.version = i.version;
    SELECT coalesce(array_agg(i.key), '{}') INTO locked
    FROM jsonb_to_recordset(items) AS i(key text, version bigint, lease bigint)
    CROSS JOIN LATERAL (
        SELECT FROM embed.work AS w
        WHERE w.vectorizer_id = finish.vectorizer_id AND w.generation = finish.generation AND w.key = i.key AND w.version = i.version AND w.lease = i.lease
        OFFSET 0
    ) AS w
    WHERE i.key <> ALL (held);

    -- What was embedded before a TRUNCATE may be of a row that is gone: it is looked at again.
    SELECT coalesce(array_agg(i.key), '{}') INTO swept
    FROM jsonb_to_recordset(items) AS i(key text, version bigint, chunks jsonb)
    WHERE i.key = ANY (held) AND i.chunks <> '[]' AND i.version < (
        SELECT max(s.fence) FROM embed.sweep AS s WHERE s.vectorizer_id = finish.vectorizer_id AND s.generation = finish.generation
    );
    IF (o.g).destination ->> 'kind' = 's3_vectors' THEN
        PERFORM embed.hold_intents(items);
    END IF;
    lacking := embed.incomplete(o.v, o.g, (SELECT coalesce(jsonb_agg(i), '[]') FROM jsonb_array_elements(items) AS i WHERE i ->> 'key' = ANY (held)));
    SELECT coalesce(jsonb_agg(i), '[]') INTO writing
    FROM jsonb_array_elements(items) AS i
    WHERE i ->> 'key' = ANY (held) AND i ->> 'key' <> ALL (swept) AND i ->> 'key' <> ALL (lacking);

    IF (o.g).destination ->> 'kind' = 'column' THEN
        passed_over := embed.finish_column(o.v, o.g, writing);
        SELECT coalesce(jsonb_agg(i), '[]') INTO writing FROM jsonb_array_elements(writing) AS i WHERE i ->> 'key' <> ALL (passed_over);
    ELSIF (o.g).destination ->> 'kind' = 's3_vectors' THEN
        PERFORM embed.finish_manifest(o.v, o.g, writing);
        -- What was put for rows that are another's by now, or for these in vain.
        PERFORM embed.waste_intents((
            SELECT jsonb_agg(i) FROM jsonb_array_elements(items) AS i
            WHERE i ->> 'key' = ANY (swept || lacking) OR i ->> 'key' <> ALL (held || locked)
        ));
    ELSE
        PERFORM embed.finish_chunks(o.v, o.g, writing);
    END IF;
    PERFORM embed.mark_embedded(o.v, o.g, writing);

    written := ARRAY(SELECT i ->> 'key' FROM jsonb_array_elements(writing) AS i);
    DELETE FROM embed.work AS w
    WHERE w.ctid = ANY (ARRAY(SELECT h.place FROM unnest(held, places) AS h(key, place) WHERE h.key = ANY (written)));
    DELETE FROM embed.dead AS d
    WHERE d.vectorizer_id = finish.vectorizer_id AND d.generation = finish.generation AND d.key = ANY (written);
    UPDATE embed.work AS w SET
        lease = NULL, lease_until = NULL, not_before = clock_timestamp(),
        version = CASE WHEN w.key = ANY (swept) THEN txid_current() ELSE w.version END
    WHERE w.ctid = ANY (ARRAY(SELECT h.place FROM unnest(held, places) AS h(key, place) WHERE h.key = ANY (swept || lacking)));
    IF (o.g).circuit_reason IS NOT NULL AND writing <> '[]' THEN
        UPDATE embed.generation AS g SET circuit_reason = NULL, circuit_at = NULL, circuit_until = NULL, circuit_failures = 0
        WHERE g.vectorizer_id = finish.vectorizer_id AND g.number = finish.generation;
    END IF;
    RETURN QUERY
    SELECT i.key, CASE
        WHEN i.key = ANY (lacking) AND i.key <> ALL (swept) THEN 'incomplete'
        WHEN i.key = ANY (passed_over) THEN 'locked'
        WHEN i.key = ANY (held) AND i.key <> ALL (swept) THEN 'done'
        WHEN i.key = ANY (locked) THEN 'locked'
        ELSE 'changed'
    END
    FROM jsonb_to_recordset(items) AS i(key text);
END
$$;
COMMENT ON FUNCTION embed.finish IS
    'For workers: writes what was embedded. items: [{"key", "version", "lease", "source_hash", "chunks": [{"hash", "text", "embedding": "[...]" '
    'or null to keep the one that is stored}]}]; of S3 Vectors "vector_key" (embed.intend) in the place of "embedding". done; changed: drop it; locked: a user holds the row, try again soon; '
    'incomplete: a vector to keep is not stored, the row will be claimed again';
GRANT EXECUTE ON FUNCTION embed.finish TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.mark_embedded(v embed.vectorizer, g embed.generation, items jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rows_name constant text := embed.rows_table(v.name, g.number);
    names constant text := embed.key_names(v.keys);
    parts constant text := embed.key_parts(v.keys, 'i.j');
    parsed constant text := 'SELECT (t.item ->> ''key'')::jsonb AS j, (t.item ->> ''version'')::bigint AS version, '
        'decode(t.item ->> ''source_hash'', ''hex'') AS hash, jsonb_array_length(t.item -> ''chunks'') AS count '
        'FROM jsonb_array_elements($1) AS t(item)';
BEGIN
    -- A row that has nothing to embed is done as well; one that is gone is no row.
    EXECUTE format(
        'DELETE FROM %1$s AS e USING (%2$s) AS i WHERE i.hash IS NULL AND (%3$s) = (%4$s)',
        rows_name, parsed, embed.key_names(v.keys, 'e'), parts
    ) USING items;
    EXECUTE format(
        'INSERT INTO %1$s AS e (%2$s, embed_version, embed_hash, embed_chunks) SELECT %3$s, i.version, i.hash, i.count FROM (%4$s) AS i '
        'WHERE i.hash IS NOT NULL ON CONFLICT (%2$s) DO UPDATE SET '
        'embed_version = excluded.embed_version, embed_hash = excluded.embed_hash, embed_chunks = excluded.embed_chunks, embed_at = excluded.embed_at',
        rows_name, names, parts, parsed
    ) USING items;
END
$$;
COMMENT ON FUNCTION embed.mark_embedded IS 'Internal: of which version and content a row''s embeddings are';

CREATE OR REPLACE FUNCTION embed.record(vectorizer_id integer, generation integer, stats jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO embed.run_stats AS r (vectorizer_id, generation, minute, rows, chunks_embedded, chunks_kept, tokens, calls, throttles, errors, seconds)
    SELECT g.vectorizer_id, g.number, date_trunc('minute', clock_timestamp()), coalesce(s.rows, 0), coalesce(s.chunks_embedded, 0),
        coalesce(s.chunks_kept, 0), coalesce(s.tokens, 0), coalesce(s.calls, 0), coalesce(s.throttles, 0), coalesce(s.errors, 0), coalesce(s.seconds, 0)
    FROM embed.generation AS g, jsonb_to_record(stats) AS s(
        rows bigint, chunks_embedded bigint, chunks_kept bigint, tokens bigint, calls bigint, throttles bigint, errors bigint, seconds float8
    )
    WHERE (g.vectorizer_id, g.number) = (record.vectorizer_id, record.generation)
    ON CONFLICT ON CONSTRAINT run_stats_pkey DO UPDATE SET
        rows = r.rows + excluded.rows, chunks_embedded = r.chunks_embedded + excluded.chunks_embedded,
        chunks_kept = r.chunks_kept + excluded.chunks_kept, tokens = r.tokens + excluded.tokens, calls = r.calls + excluded.calls,
        throttles = r.throttles + excluded.throttles, errors = r.errors + excluded.errors, seconds = r.seconds + excluded.seconds
$$;
COMMENT ON FUNCTION embed.record IS 'For workers: what was done, added to this minute''s row';
GRANT EXECUTE ON FUNCTION embed.record TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.fold_notes() RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    WITH folded AS (
        DELETE FROM embed.run_note AS n
        WHERE n.ctid = ANY (ARRAY(SELECT o.ctid FROM embed.run_note AS o LIMIT 10000 FOR UPDATE SKIP LOCKED))
        RETURNING n.*
    )
    INSERT INTO embed.run_stats AS r (vectorizer_id, generation, minute, rows, chunks_embedded, calls, errors, seconds)
    SELECT g.vectorizer_id, g.number, date_trunc('minute', f.at), sum(f.rows), sum(f.chunks_embedded), sum(f.calls), sum(f.errors), sum(f.seconds)
    FROM folded AS f JOIN embed.generation AS g ON g.vectorizer_id = f.vectorizer_id AND g.number = f.generation
    GROUP BY 1, 2, 3
    ON CONFLICT ON CONSTRAINT run_stats_pkey DO UPDATE SET
        rows = r.rows + excluded.rows, chunks_embedded = r.chunks_embedded + excluded.chunks_embedded,
        calls = r.calls + excluded.calls, errors = r.errors + excluded.errors, seconds = r.seconds + excluded.seconds
$$;
COMMENT ON FUNCTION embed.fold_notes IS 'Internal: adds to the statistics what was embedded within users'' statements';

CREATE OR REPLACE FUNCTION embed.notes() RETURNS SETOF embed.run_note
LANGUAGE plpgsql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- A replica has nothing of it, and refuses to look.
    IF NOT pg_is_in_recovery() THEN
        RETURN QUERY SELECT n.* FROM embed.run_note AS n;
    END IF;
END
$$;
COMMENT ON FUNCTION embed.notes IS 'Internal: what is not yet added to the statistics';

DROP VIEW IF EXISTS embed.run_figures;
CREATE VIEW embed.run_figures AS
SELECT r.* FROM embed.run_stats AS r
UNION ALL
SELECT n.vectorizer_id, n.generation, date_trunc('minute', n.at), n.rows, n.chunks_embedded, 0, 0, n.calls, 0, n.errors, n.seconds FROM embed.notes() AS n;
COMMENT ON VIEW embed.run_figures IS 'The statistics, with what is not yet added to them; a minute may have several rows';
