-- What is enqueued not by a trigger but by going through a table: backfill, the sweep after TRUNCATE, reconciliation, dead rows.
--
-- All of it goes in slices, each a short transaction of its own, from where the last one ended. A key that a user's transaction has
-- enqueued and not committed is not waited for: the user might wait for a key of the same slice.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.enqueue_keys(
    vectorizer_id integer, generation integer, keys text[], operation "char", priority integer,
    OUT enqueued bigint, OUT tried integer, OUT skipped text[]
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '20ms'
AS $$
DECLARE
    size integer := cardinality(keys);
    waits integer := 0;
    inserted bigint;
BEGIN
    enqueued := 0;
    tried := 0;
    skipped := '{}';
    -- Half as many after each wait, twice as many after each success: what is held is found and left out, the rest goes in.
    WHILE tried < cardinality(keys) AND waits < 20 LOOP
        BEGIN
            INSERT INTO embed.work (vectorizer_id, generation, key, version, operation, priority, not_before)
            SELECT enqueue_keys.vectorizer_id, enqueue_keys.generation, k, txid_current(), enqueue_keys.operation, enqueue_keys.priority,
                CASE enqueue_keys.priority WHEN 10 THEN 'infinity' ELSE clock_timestamp() END
            FROM unnest(keys[tried + 1:tried + size]) AS k
            ORDER BY k
            ON CONFLICT DO NOTHING;
            GET DIAGNOSTICS inserted = ROW_COUNT;
            enqueued := enqueued + inserted;
            tried := least(tried + size, cardinality(keys));
            size := size * 2;
        EXCEPTION WHEN lock_not_available THEN
            waits := waits + 1;
            IF size = 1 THEN
                tried := tried + 1;
                skipped := skipped || keys[tried];
            END IF;
            size := greatest(1, size / 2);
        END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION embed.enqueue_keys IS
    'Internal: enqueues what is not queued already. tried: how many keys were; skipped: those of them that a transaction in progress holds';

CREATE OR REPLACE FUNCTION embed.after_condition(keys jsonb, row_name text, after_key text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN after_key IS NULL THEN 'true'
        ELSE format('(%s) > (%s)', embed.key_names(keys, row_name), embed.key_parts(keys, format('%L::jsonb', after_key)))
    END
$$;
COMMENT ON FUNCTION embed.after_condition IS 'Internal: that a row comes after a key, in the order of the primary key';

CREATE OR REPLACE FUNCTION embed.backfill_slice(vectorizer_id integer, generation integer, rows integer DEFAULT 5000, OUT enqueued bigint, OUT more boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    o record;
    progress embed.backfill;
    keys text[];
    fresh text[];
    result record;
BEGIN
    enqueued := 0;
    SELECT b.* INTO progress FROM embed.backfill AS b
    WHERE (b.vectorizer_id, b.generation) = (backfill_slice.vectorizer_id, backfill_slice.generation)
    FOR UPDATE SKIP LOCKED;
    IF progress.generation IS NULL THEN
        more := EXISTS (SELECT FROM embed.backfill AS b WHERE (b.vectorizer_id, b.generation) = (backfill_slice.vectorizer_id, backfill_slice.generation));
        RETURN;
    END IF;
    SELECT f.v, f.g INTO o FROM embed.opened('embed.backfill_slice', vectorizer_id, generation) AS f;
    PERFORM embed.assert_harmless('embed.backfill_slice', o.v, o.g);
    IF progress.skipped <> '{}' THEN
        SELECT * INTO result FROM embed.enqueue_keys(vectorizer_id, generation, progress.skipped, 'u', progress.priority);
        enqueued := result.enqueued;
        progress.skipped := result.skipped || progress.skipped[result.tried + 1:];
    END IF;
    IF NOT progress.reached_end AND cardinality(progress.skipped) < 10000 THEN
        EXECUTE format(
            'SELECT array_agg(p.key ORDER BY p.place), array_agg(p.key ORDER BY p.place) FILTER (WHERE NOT p.embedded) FROM ('
            'SELECT %1$s AS key, row_number() OVER () AS place, EXISTS (SELECT FROM %2$s AS e WHERE %3$s) AS embedded '
            'FROM (SELECT %4$s FROM %5$s AS s WHERE %6$s ORDER BY %4$s LIMIT $1) AS s) AS p',
            embed.key_of((o.v).keys, 's'), embed.rows_table((o.v).name, generation), embed.key_equal((o.v).keys, 'e', 's'),
            embed.key_names((o.v).keys, 's'), (o.v).source, embed.after_condition((o.v).keys, 's', progress.after_key)
        ) INTO keys, fresh USING rows;
        SELECT * INTO result FROM embed.enqueue_keys(vectorizer_id, generation, coalesce(fresh, '{}'), 'u', progress.priority);
        enqueued := enqueued + result.enqueued;
        progress.skipped := progress.skipped || result.skipped;
        IF result.tried = cardinality(coalesce(fresh, '{}')) THEN
            progress.reached_end := coalesce(cardinality(keys), 0) < rows;
            progress.after_key := coalesce(keys[cardinality(keys)], progress.after_key);
        ELSIF result.tried > 0 THEN
            progress.after_key := fresh[result.tried];
        END IF;
    END IF;
    more := NOT progress.reached_end OR progress.skipped <> '{}';
    IF more THEN
        UPDATE embed.backfill AS b SET
            after_key = progress.after_key, reached_end = progress.reached_end, skipped = progress.skipped,
            enqueued = b.enqueued + backfill_slice.enqueued
        WHERE (b.vectorizer_id, b.generation) = (backfill_slice.vectorizer_id, backfill_slice.generation);
    ELSE
        DELETE FROM embed.backfill AS b WHERE (b.vectorizer_id, b.generation) = (backfill_slice.vectorizer_id, backfill_slice.generation);
    END IF;
END
$$;
COMMENT ON FUNCTION embed.backfill_slice IS 'For workers: enqueues the next rows that were there before the vectorizer; more: call again';
GRANT EXECUTE ON FUNCTION embed.backfill_slice TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.orphans(o_v embed.vectorizer, generation integer, after_key text, rows integer, OUT last_key text, OUT seen integer, OUT gone text[])
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
-- For the keys of the inbox, however many there are.
SET work_mem = '64MB'
AS $$
BEGIN
    EXECUTE format(
        'SELECT (array_agg(p.key ORDER BY p.place DESC))[1], count(*), coalesce(array_agg(p.key ORDER BY p.place) FILTER (WHERE p.gone AND NOT EXISTS ('
        'SELECT FROM embed.work AS w WHERE w.vectorizer_id = $2 AND w.generation = $3 AND w.key = p.key) '
        'AND p.key NOT IN (SELECT i.key FROM embed.inbox AS i WHERE i.vectorizer_id = $2)), ''{}'') FROM ('
        'SELECT %1$s AS key, row_number() OVER () AS place, NOT EXISTS (SELECT FROM %2$s AS s WHERE %3$s) AS gone '
        'FROM (SELECT %4$s FROM %5$s AS e WHERE %6$s ORDER BY %4$s LIMIT $1) AS e) AS p',
        embed.key_of(o_v.keys, 'e'), o_v.source, embed.key_equal(o_v.keys, 's', 'e'), embed.key_names(o_v.keys, 'e'),
        embed.rows_table(o_v.name, generation), embed.after_condition(o_v.keys, 'e', after_key)
    ) INTO last_key, seen, gone USING rows, o_v.id, generation;
END
$$;
COMMENT ON FUNCTION embed.orphans IS 'Internal: of the next embedded rows, those that are gone from the source and not queued';

CREATE OR REPLACE FUNCTION embed.fence_sweeps(vectorizer_id integer, generation integer) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM embed.sweep AS s WHERE (s.vectorizer_id, s.generation) = (fence_sweeps.vectorizer_id, fence_sweeps.generation) AND NOT s.fenced
    ) THEN
        -- Once this is ours, every embed.finish that may not have seen the TRUNCATE has ended.
        PERFORM pg_advisory_xact_lock(hashtext('embed.sweep'), vectorizer_id);
        UPDATE embed.sweep AS s SET fenced = true
        WHERE (s.vectorizer_id, s.generation) = (fence_sweeps.vectorizer_id, fence_sweeps.generation) AND NOT s.fenced;
        RETURN false;  -- in a transaction of its own: nobody waits longer than this
    END IF;
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END
$$;
COMMENT ON FUNCTION embed.fence_sweeps IS 'Internal: whether the results of before a TRUNCATE are all written';

CREATE OR REPLACE FUNCTION embed.overtake(v embed.vectorizer, generation integer, version bigint) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    all_taken boolean;
BEGIN
    EXECUTE format(
        'WITH late AS MATERIALIZED (SELECT w.ctid AS place FROM embed.work AS w '
        '    WHERE w.vectorizer_id = $1 AND w.generation = $2 AND w.version < $3 AND w.lease IS NOT NULL '
        '    AND NOT EXISTS (SELECT FROM %s AS s WHERE (%s) = (%s))), '
        'held AS MATERIALIZED (SELECT w.ctid AS place FROM embed.work AS w WHERE w.ctid = ANY (ARRAY(SELECT l.place FROM late AS l)) FOR UPDATE SKIP LOCKED), '
        'taken AS (UPDATE embed.work AS w SET lease = NULL, lease_until = NULL, not_before = clock_timestamp() '
        '    WHERE w.ctid = ANY (ARRAY(SELECT h.place FROM held AS h)) RETURNING 1) '
        'SELECT (SELECT count(*) FROM late) = (SELECT count(*) FROM taken)',
        v.source, embed.key_names(v.keys, 's'), embed.key_parts(v.keys, 'w.key::jsonb')
    ) INTO all_taken USING v.id, generation, version;
    IF NOT all_taken THEN
        PERFORM pg_sleep(0.02);
    END IF;
    RETURN all_taken;
END
$$;
COMMENT ON FUNCTION embed.overtake IS
    'Internal: takes rows that are gone from workers that claimed them before a TRUNCATE, and may have read them before; whether it got all. What '
    'others hold is passed over';

CREATE OR REPLACE FUNCTION embed.sweep_slice(vectorizer_id integer, generation integer, rows integer DEFAULT 5000, OUT swept bigint, OUT more boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    o record;
    progress embed.sweep;
    part record;
    result record;
BEGIN
    swept := 0;
    more := true;
    IF NOT embed.fence_sweeps(vectorizer_id, generation) THEN
        RETURN;
    END IF;
    SELECT s.* INTO progress FROM embed.sweep AS s
    WHERE (s.vectorizer_id, s.generation) = (sweep_slice.vectorizer_id, sweep_slice.generation)
    ORDER BY s.version DESC LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF progress.generation IS NULL THEN
        more := EXISTS (SELECT FROM embed.sweep AS s WHERE (s.vectorizer_id, s.generation) = (sweep_slice.vectorizer_id, sweep_slice.generation));
        RETURN;
    END IF;
    SELECT f.v, f.g INTO o FROM embed.opened('embed.sweep_slice', vectorizer_id, generation) AS f;
    PERFORM embed.assert_harmless('embed.sweep_slice', o.v, o.g);
    SELECT * INTO part FROM embed.orphans(o.v, generation, progress.after_key, rows);
    -- Not as deleted: meanwhile one may have come back and be embedded, within its own statement. Who works on it looks whether it is there.
    SELECT * INTO result FROM embed.enqueue_keys(vectorizer_id, generation, part.gone, 'u', 0);
    swept := result.enqueued;
    -- Whatever was skipped is queued by who holds it, or still an orphan when this comes by again.
    IF result.tried = cardinality(part.gone) AND result.skipped = '{}' AND part.seen < rows THEN
        -- A result of before that comes when this is forgotten would be taken.
        IF NOT embed.overtake(o.v, generation, (
            SELECT max(s.fence) FROM embed.sweep AS s
            WHERE (s.vectorizer_id, s.generation) = (sweep_slice.vectorizer_id, sweep_slice.generation) AND s.version <= progress.version
        )) THEN
            RETURN;
        END IF;
        EXECUTE format(
            'DELETE FROM embed.dead AS d WHERE d.vectorizer_id = $1 AND d.generation = $2 AND NOT EXISTS (SELECT FROM %s AS s WHERE (%s) = (%s))',
            (o.v).source, embed.key_names((o.v).keys, 's'), embed.key_parts((o.v).keys, 'd.key::jsonb')
        ) USING vectorizer_id, generation;
        DELETE FROM embed.sweep AS s
        WHERE (s.vectorizer_id, s.generation) = (sweep_slice.vectorizer_id, sweep_slice.generation) AND s.version <= progress.version;
        more := false;
    ELSIF result.tried = cardinality(part.gone) AND result.skipped = '{}' THEN
        UPDATE embed.sweep AS s SET after_key = part.last_key
        WHERE (s.vectorizer_id, s.generation, s.version) = (sweep_slice.vectorizer_id, sweep_slice.generation, progress.version);
    END IF;
END
$$;
COMMENT ON FUNCTION embed.sweep_slice IS 'For workers: after TRUNCATE, enqueues the removal of the next rows that are gone; more: call again';
GRANT EXECUTE ON FUNCTION embed.sweep_slice TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.tidy(rows integer DEFAULT 5000) RETURNS integer
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT embed.fold_notes();
    SELECT embed.fold_for(interval '2 s');
    WITH stray AS (
        DELETE FROM embed.work AS w
        WHERE w.ctid = ANY (ARRAY(
            SELECT x.ctid FROM embed.work AS x
            WHERE NOT EXISTS (SELECT FROM embed.generation AS g WHERE (g.vectorizer_id, g.number) = (x.vectorizer_id, x.generation))
            LIMIT rows FOR UPDATE SKIP LOCKED
        ))
        RETURNING 1
    ), swept AS (
        DELETE FROM embed.sweep AS s
        WHERE NOT EXISTS (SELECT FROM embed.generation AS g WHERE (g.vectorizer_id, g.number) = (s.vectorizer_id, s.generation))
    ), old AS (
        DELETE FROM embed.run_stats AS r WHERE r.minute < clock_timestamp() - interval '7 days'
    )
    SELECT count(*)::integer FROM stray
$$;
COMMENT ON FUNCTION embed.tidy IS 'For workers, now and then: removes the work of generations that are gone, and statistics older than a week';
GRANT EXECUTE ON FUNCTION embed.tidy TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.advance(vectorizer_id integer, generation integer, rows integer DEFAULT 5000, OUT enqueued bigint, OUT swept bigint, OUT more boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    part record;
BEGIN
    enqueued := 0;
    swept := 0;
    -- What goes by batch inference is fetched by those who make the jobs (57_embed_batch.sql).
    more := EXISTS (
        SELECT FROM embed.backfill AS b WHERE (b.vectorizer_id, b.generation) = (advance.vectorizer_id, advance.generation) AND b.priority < 10
    );
    IF EXISTS (SELECT FROM embed.sweep AS s WHERE (s.vectorizer_id, s.generation) = (advance.vectorizer_id, advance.generation)) THEN
        SELECT * INTO part FROM embed.sweep_slice(vectorizer_id, generation, rows);
        swept := part.swept;
        more := more OR part.more;
    ELSIF more THEN
        SELECT * INTO part FROM embed.backfill_slice(vectorizer_id, generation, rows);
        enqueued := part.enqueued;
        more := part.more;
    END IF;
END
$$;
COMMENT ON FUNCTION embed.advance IS 'For workers: one slice of the sweep, or else of the backfill; more: call again';
GRANT EXECUTE ON FUNCTION embed.advance TO vectordb_worker;

CREATE OR REPLACE PROCEDURE embed.backfill(name text, rows integer DEFAULT 5000)
LANGUAGE plpgsql
AS $$
DECLARE
    going record;
    part record;
BEGIN
    -- It commits, so it can pin no search_path: every name is qualified, every operator pg_catalog's own.
    FOR going IN
        SELECT g.vectorizer_id, g.number FROM embed.generation AS g
        WHERE g.vectorizer_id OPERATOR(pg_catalog.=) (embed.named('embed.backfill', backfill.name)).id
    LOOP
        LOOP
            SELECT * INTO part FROM embed.advance(going.vectorizer_id, going.number, rows);
            COMMIT;
            EXIT WHEN NOT part.more;
            IF part.enqueued OPERATOR(pg_catalog.=) 0 THEN
                PERFORM pg_catalog.pg_sleep(0.05);
            END IF;
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON PROCEDURE embed.backfill IS 'Enqueues at once, in slices that commit, what workers would enqueue bit by bit. Not within a transaction';

CREATE OR REPLACE FUNCTION embed.retry_dead(name text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    vectorizer constant embed.vectorizer := embed.named('embed.retry_dead', name);
    going record;
    result record;
    retried bigint := 0;
BEGIN
    FOR going IN
        SELECT d.generation, array_agg(d.key ORDER BY d.key) AS keys FROM embed.dead AS d WHERE d.vectorizer_id = vectorizer.id GROUP BY d.generation
    LOOP
        SELECT * INTO result FROM embed.enqueue_keys(vectorizer.id, going.generation, going.keys, 'u', 5);
        DELETE FROM embed.dead AS d
        WHERE d.vectorizer_id = vectorizer.id AND d.generation = going.generation
            AND d.key = ANY (going.keys[:result.tried]) AND d.key <> ALL (result.skipped);
        retried := retried + result.enqueued;
    END LOOP;
    PERFORM embed.wake(vectorizer.id);
    RETURN retried;
END
$$;
COMMENT ON FUNCTION embed.retry_dead IS 'Tries again what was given up, when its cause is mended; how many';
