-- Reconciliation: source and embeddings compared, for whatever went past the triggers (session_replication_role, partitions that were
-- attached, hands in the tables). What is queued or dead is known and not counted. Repairing is enqueuing.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.differences(
    o_v embed.vectorizer, o_g embed.generation, after_key text, rows integer,
    OUT last_key text, OUT seen integer, OUT missing text[], OUT stale text[]
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
-- For the keys of the inbox, however many there are.
SET work_mem = '64MB'
-- The content's fields as embed.content writes them.
SET timezone = 'UTC' SET datestyle = 'ISO, MDY' SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex'
AS $$
DECLARE
    keys constant jsonb := o_v.keys;
    held text;
BEGIN
    -- Whether what is said to be embedded is there: each chunk, or the column's vector.
    held := CASE o_g.destination ->> 'kind'
        WHEN 'column' THEN format(
            '(SELECT count(t.%I) FROM %s AS t WHERE %s)', o_g.destination ->> 'column', o_v.source, embed.key_equal(keys, 't', 'p')
        )
        ELSE format(
            '(SELECT count(*) FROM %s AS c WHERE %s)', embed.chunks_table(o_v.name, o_g.number), embed.key_equal(keys, 'c', 'p')
        )
    END;
    EXECUTE format(
        'SELECT (array_agg(d.key ORDER BY d.place DESC))[1], count(*), '
        'coalesce(array_agg(d.key ORDER BY d.place) FILTER (WHERE d.missing AND NOT d.known), ''{}''), '
        'coalesce(array_agg(d.key ORDER BY d.place) FILTER (WHERE d.stale AND NOT d.known), ''{}'') FROM ('
        'SELECT p.place, p.key, e.embed_version IS NULL AND p.embed_content IS NOT NULL OR e.embed_chunks > held.count AS missing, '
        'e.embed_hash <> p.embed_hash OR e.embed_chunks < held.count AS stale, '
        'EXISTS (SELECT FROM embed.work AS w WHERE w.vectorizer_id = $2 AND w.generation = $3 AND w.key = p.key) '
        'OR p.key IN (SELECT i.key FROM embed.inbox AS i WHERE i.vectorizer_id = $2) '
        'OR EXISTS (SELECT FROM embed.dead AS d WHERE d.vectorizer_id = $2 AND d.generation = $3 AND d.key = p.key) AS known '
        'FROM (SELECT s.*, %1$s AS key, row_number() OVER (ORDER BY %2$s) AS place '
        '    FROM (%3$s WHERE %4$s ORDER BY %2$s LIMIT $1) AS s) AS p '
        'LEFT JOIN %5$s AS e ON %6$s CROSS JOIN LATERAL (SELECT %7$s AS count) AS held) AS d',
        embed.key_of(keys, 's'), embed.key_names(keys, 's'), embed.source_select(o_v, o_g), embed.after_condition(keys, 's', after_key),
        embed.rows_table(o_v.name, o_g.number), embed.key_equal(keys, 'e', 'p'), held
    ) INTO last_key, seen, missing, stale USING rows, o_v.id, o_g.number;
END
$$;
COMMENT ON FUNCTION embed.differences IS 'Internal: of the next rows of the source, those that are not embedded, and those that are as they were before';

CREATE OR REPLACE FUNCTION embed.stray_chunks(o_v embed.vectorizer, o_g embed.generation) RETURNS text[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET work_mem = '64MB'
AS $$
DECLARE
    strays text[] := '{}';
BEGIN
    IF o_g.destination ->> 'kind' <> 'column' THEN
        EXECUTE format(
            'SELECT coalesce(array_agg(DISTINCT %1$s), ''{}'') FROM %2$s AS c WHERE NOT EXISTS (SELECT FROM %3$s AS e WHERE %4$s) '
            'AND NOT EXISTS (SELECT FROM %5$s AS s WHERE %6$s)',
            embed.key_of(o_v.keys, 'c'), embed.chunks_table(o_v.name, o_g.number), embed.rows_table(o_v.name, o_g.number),
            embed.key_equal(o_v.keys, 'e', 'c'), o_v.source, embed.key_equal(o_v.keys, 's', 'c')
        ) INTO strays;
    END IF;
    RETURN ARRAY(
        SELECT k FROM unnest(strays) AS k
        WHERE NOT EXISTS (SELECT FROM embed.work AS w WHERE w.vectorizer_id = o_v.id AND w.generation = o_g.number AND w.key = k)
            AND k NOT IN (SELECT i.key FROM embed.inbox AS i WHERE i.vectorizer_id = o_v.id)
    );
END
$$;
COMMENT ON FUNCTION embed.stray_chunks IS 'Internal: keys of chunks that neither the source nor the table of embedded rows has';

CREATE OR REPLACE FUNCTION embed.reconcile_slice(
    name text, repair boolean DEFAULT false, rows integer DEFAULT 5000, generation integer DEFAULT NULL,
    OUT examined bigint, OUT missing bigint, OUT stale bigint, OUT orphan bigint, OUT repaired bigint, OUT more boolean
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 'embed.reconcile';
    v constant embed.vectorizer := embed.named(caller, name);
    g embed.generation;
    progress embed.reconciliation;
    part record;
    strays text[] := '{}';
    result record;
BEGIN
    g := embed.generation_in(caller, v, 'live');
    IF generation IS NOT NULL THEN
        SELECT f.g INTO g FROM embed.opened(caller, v.id, generation) AS f;
    END IF;
    PERFORM embed.assert_harmless(caller, v, g);
    INSERT INTO embed.reconciliation AS r (vectorizer_id, generation) VALUES (v.id, g.number)
    ON CONFLICT ON CONSTRAINT reconciliation_pkey DO UPDATE SET
        after_key = NULL, part = 'source', examined = 0, missing = 0, stale = 0, orphan = 0, started_at = clock_timestamp(), finished_at = NULL
    WHERE r.finished_at IS NOT NULL;
    SELECT r.* INTO progress FROM embed.reconciliation AS r WHERE (r.vectorizer_id, r.generation) = (v.id, g.number) FOR UPDATE;

    missing := 0;
    stale := 0;
    orphan := 0;
    repaired := 0;
    more := true;
    IF progress.part = 'source' THEN
        SELECT * INTO part FROM embed.differences(v, g, progress.after_key, rows);
        missing := cardinality(part.missing);
        stale := cardinality(part.stale);
        IF repair THEN
            SELECT * INTO result FROM embed.enqueue_keys(v.id, g.number, part.missing || part.stale, 'u', 5);
            repaired := result.enqueued;
        END IF;
    ELSE
        SELECT * INTO part FROM embed.orphans(v, g.number, progress.after_key, rows);
        more := part.seen >= rows;
        IF NOT more THEN
            strays := embed.stray_chunks(v, g);
            IF g.destination ->> 'kind' = 's3_vectors' THEN
                PERFORM embed.relist(g.destination ->> 'arn', repair);
            END IF;
        END IF;
        orphan := cardinality(part.gone) + cardinality(strays);
        IF repair THEN
            SELECT * INTO result FROM embed.enqueue_keys(v.id, g.number, part.gone || strays, 'u', 5);
            repaired := result.enqueued;
        END IF;
    END IF;
    examined := part.seen;
    UPDATE embed.reconciliation AS r SET
        part = CASE WHEN part.seen < rows THEN 'embeddings' ELSE progress.part END,
        after_key = CASE WHEN part.seen < rows THEN NULL ELSE part.last_key END,
        examined = r.examined + reconcile_slice.examined, missing = r.missing + reconcile_slice.missing,
        stale = r.stale + reconcile_slice.stale, orphan = r.orphan + reconcile_slice.orphan,
        finished_at = CASE WHEN NOT more THEN clock_timestamp() END
    WHERE (r.vectorizer_id, r.generation) = (v.id, g.number);
END
$$;
COMMENT ON FUNCTION embed.reconcile_slice IS
    'Compares the next rows of the source, then the next embedded rows, from where the last call ended; repair: enqueues what differs. more: call again';
GRANT EXECUTE ON FUNCTION embed.reconcile_slice TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.reconcile(name text, repair boolean DEFAULT false, generation integer DEFAULT NULL, rows integer DEFAULT 5000)
RETURNS TABLE (examined bigint, missing bigint, stale bigint, orphan bigint, repaired bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    part record;
BEGIN
    UPDATE embed.reconciliation AS r SET finished_at = clock_timestamp()
    WHERE r.vectorizer_id = (embed.named('embed.reconcile', reconcile.name)).id AND r.finished_at IS NULL;
    examined := 0;
    missing := 0;
    stale := 0;
    orphan := 0;
    repaired := 0;
    LOOP
        SELECT * INTO part FROM embed.reconcile_slice(name, repair, rows, generation);
        examined := examined + part.examined;
        missing := missing + part.missing;
        stale := stale + part.stale;
        orphan := orphan + part.orphan;
        repaired := repaired + part.repaired;
        EXIT WHEN NOT part.more;
    END LOOP;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION embed.reconcile IS
    'Compares the whole source with its embeddings (the live generation''s, or another''s); repair: enqueues what is missing, stale or orphan. '
    'For large tables call embed.reconcile_slice again and again. An index of S3 Vectors is then listed by the workers, bit by bit; '
    'embed.status says what they found';
