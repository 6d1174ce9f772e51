-- What workers call for S3 Vectors: before a put, in finish, and to delete what nobody sees.
--
--   intend → PutVectors → finish;   garbage → DeleteVectors → collected;   listing → ListVectors → listed
--
-- Keys are `vectorizer.generation/digest of the key/version.lease/chunk`: of one attempt each, so that nothing is ever overwritten,
-- and deleting what an attempt left can never meet what another one made.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.s3_grace() RETURNS interval
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
-- AWS takes a request for at most 15 minutes after it was signed, and workers sign none after their lease: what arrives later,
-- because its sender was stopped or the network held it, is refused. One minute more for clocks.
AS $$ SELECT interval '16 minutes' $$;
COMMENT ON FUNCTION embed.s3_grace IS 'Internal: how long after a lease ended a put of it may still arrive';

CREATE OR REPLACE FUNCTION embed.intend(vectorizer_id integer, generation integer, items jsonb) RETURNS TABLE (key text, prefix text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    o record;
BEGIN
    SELECT f.v, f.g INTO o FROM embed.opened('embed.intend', vectorizer_id, generation) AS f;
    IF (o.g).destination ->> 'kind' <> 's3_vectors' THEN
        PERFORM embed.refuse('embed.intend', format('generation %s of %s is not in S3 Vectors', generation, (o.v).name));
    END IF;
    PERFORM embed.fold();
    RETURN QUERY
    WITH held AS MATERIALIZED (
        SELECT i.key, i.chunks, w.lease_until, format(
            '%s.%s/%s/%s.%s/', w.vectorizer_id, w.generation, left(encode(sha256(convert_to(i.key, 'UTF8')), 'hex'), 32), i.version, i.lease
        ) AS prefix
        FROM jsonb_to_recordset(items) AS i(key text, version bigint, lease bigint, chunks integer[])
        JOIN embed.work AS w ON w.vectorizer_id = intend.vectorizer_id AND w.generation = intend.generation
            AND w.key = i.key AND w.version = i.version AND w.lease = i.lease
        -- By its keys whatever the statistics of the queue say.
        WHERE w.lease_until > clock_timestamp() AND w.key = ANY (ARRAY(SELECT j ->> 'key' FROM jsonb_array_elements(items) AS j))
    ), noted AS (
        -- Twice under one lease is an error: the first may be garbage by now.
        INSERT INTO embed.s3_intent (vector_key, vectorizer_id, generation, index_arn, expires_at)
        SELECT h.prefix || c, intend.vectorizer_id, intend.generation, (o.g).destination ->> 'arn', h.lease_until + embed.s3_grace()
        FROM held AS h, unnest(h.chunks) AS c
    )
    SELECT h.key, h.prefix FROM held AS h;
END
$$;
COMMENT ON FUNCTION embed.intend IS
    'For workers, once for each lease, before PutVectors: items [{"key", "version", "lease", "chunks": [numbers]}]; of those that are still held, '
    'what their vectors'' keys begin with, before the chunk''s number. No put may be signed after the lease that there was';
GRANT EXECUTE ON FUNCTION embed.intend TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.put_keys(items jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(array_agg(c ->> 'vector_key'), '{}')
    FROM jsonb_array_elements(items) AS i, jsonb_array_elements(i -> 'chunks') AS c
    WHERE c ->> 'vector_key' IS NOT NULL
$$;
COMMENT ON FUNCTION embed.put_keys IS 'Internal: the keys that were put for these items';

CREATE OR REPLACE FUNCTION embed.hold_intents(items jsonb) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    -- Whoever collects passes these over, from now to the end of the transaction.
    SELECT FROM embed.s3_intent AS i WHERE i.vector_key = ANY (embed.put_keys(items)) ORDER BY i.vector_key FOR UPDATE
$$;
COMMENT ON FUNCTION embed.hold_intents IS 'Internal: locks the intents of items';

CREATE OR REPLACE FUNCTION embed.waste_intents(items jsonb) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    -- Their put has ended, so they can be deleted at once.
    WITH vain AS (
        DELETE FROM embed.s3_intent AS i WHERE i.vector_key = ANY (embed.put_keys(items))
        RETURNING i.vector_key, i.vectorizer_id, i.generation, i.index_arn
    )
    INSERT INTO embed.s3_garbage (vector_key, vectorizer_id, generation, index_arn, due_at)
    SELECT v.vector_key, v.vectorizer_id, v.generation, v.index_arn, clock_timestamp() FROM vain AS v
    ON CONFLICT DO NOTHING
$$;
COMMENT ON FUNCTION embed.waste_intents IS 'Internal: what was put for items in vain becomes garbage';

CREATE OR REPLACE FUNCTION embed.finish_manifest(v embed.vectorizer, g embed.generation, items jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    chunks constant text := embed.chunks_table(v.name, g.number);
    names constant text := embed.key_names(v.keys);
    its constant text := embed.key_names(v.keys, 'c');
    parts constant text := embed.key_parts(v.keys, 'i.j');
    parsed constant text := 'SELECT (t.item ->> ''key'')::jsonb AS j, t.item -> ''chunks'' AS chunks FROM jsonb_array_elements($1) AS t(item)';
    before text[];
BEGIN
    IF items = '[]' THEN
        RETURN;
    END IF;
    EXECUTE format('SELECT coalesce(array_agg(c.vector_key), ''{}'') FROM (%s) AS i JOIN %s AS c ON (%s) = (%s)', parsed, chunks, its, parts)
    INTO before USING items;
    -- A chunk that only moved, or whose neighbours changed, keeps its vector.
    EXECUTE format(
        'INSERT INTO %1$s AS c (%2$s, chunk_number, chunk, chunk_hash, vector_key) '
        'SELECT %3$s, n.place, n.text, n.hash, coalesce(n.vector_key, ('
        '    SELECT c.vector_key FROM %1$s AS c WHERE (%4$s) = (%3$s) AND c.chunk_hash = n.hash ORDER BY c.chunk_number LIMIT 1)) '
        'FROM (%5$s) AS i '
        'CROSS JOIN LATERAL (SELECT (e.place - 1)::integer AS place, e.chunk ->> ''text'' AS text, decode(e.chunk ->> ''hash'', ''hex'') AS hash, '
        '    e.chunk ->> ''vector_key'' AS vector_key FROM jsonb_array_elements(i.chunks) WITH ORDINALITY AS e(chunk, place)) AS n '
        'WHERE n.vector_key IS NOT NULL OR NOT EXISTS ('
        '    SELECT FROM %1$s AS c WHERE (%4$s, c.chunk_number) = (%3$s, n.place) AND c.chunk_hash = n.hash) '
        'ON CONFLICT (%2$s, chunk_number) DO UPDATE SET '
        'chunk = excluded.chunk, chunk_hash = excluded.chunk_hash, vector_key = excluded.vector_key, stored_at = excluded.stored_at',
        chunks, names, parts, its, parsed
    ) USING items;
    EXECUTE format(
        'DELETE FROM %s AS c USING (%s) AS i WHERE (%s) = (%s) AND c.chunk_number >= jsonb_array_length(i.chunks)', chunks, parsed, its, parts
    ) USING items;
    -- A search that is under way may have begun before this, and find the old ones only.
    EXECUTE format(
        'INSERT INTO embed.s3_garbage (vector_key, vectorizer_id, generation, index_arn, due_at) '
        'SELECT DISTINCT b.key, $2, $3, $4, clock_timestamp() + interval ''1 minute'' FROM unnest($1) AS b(key) '
        'WHERE NOT EXISTS (SELECT FROM %s AS c WHERE c.vector_key = b.key) ON CONFLICT DO NOTHING', chunks
    ) USING before, v.id, g.number, g.destination ->> 'arn';
    DELETE FROM embed.s3_intent AS i WHERE i.vector_key = ANY (embed.put_keys(items));
    -- The bridge's cache holds answers without the new vectors.
    PERFORM s3vl.advance_epoch((embed.index_of(g.destination)).index_name);
END
$$;
COMMENT ON FUNCTION embed.finish_manifest IS 'Internal: the vectors that are seen of the items'' rows become theirs; those of before become garbage';

-- --- garbage

CREATE OR REPLACE FUNCTION embed.garbage(count integer DEFAULT 500) RETURNS TABLE (index_arn text, vector_keys text[])
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH expired AS (
        DELETE FROM embed.s3_intent AS i
        WHERE i.vector_key = ANY (ARRAY(
            SELECT x.vector_key FROM embed.s3_intent AS x WHERE x.expires_at <= clock_timestamp() ORDER BY x.expires_at LIMIT 5000 FOR UPDATE SKIP LOCKED
        ))
        RETURNING i.vector_key, i.vectorizer_id, i.generation, i.index_arn
    )
    INSERT INTO embed.s3_garbage (vector_key, vectorizer_id, generation, index_arn, due_at)
    SELECT e.vector_key, e.vectorizer_id, e.generation, e.index_arn, clock_timestamp() FROM expired AS e
    ON CONFLICT DO NOTHING;

    WITH taken AS (
        UPDATE embed.s3_garbage AS b SET due_at = clock_timestamp() + interval '5 minutes'
        WHERE b.vector_key = ANY (ARRAY(
            SELECT x.vector_key FROM embed.s3_garbage AS x WHERE x.due_at <= clock_timestamp() ORDER BY x.due_at LIMIT count FOR UPDATE SKIP LOCKED
        ))
        RETURNING b.index_arn, b.vector_key
    )
    SELECT t.index_arn, array_agg(t.vector_key ORDER BY t.vector_key) FROM taken AS t GROUP BY t.index_arn
$$;
COMMENT ON FUNCTION embed.garbage IS
    'For workers: at most count keys to delete, by index; they are this worker''s for five minutes. When they are deleted: embed.collected';
GRANT EXECUTE ON FUNCTION embed.garbage TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.collected(index_arn text, vector_keys text[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    removed integer;
BEGIN
    DELETE FROM embed.s3_garbage AS b WHERE b.vector_key = ANY (vector_keys) AND b.index_arn = collected.index_arn;
    GET DIAGNOSTICS removed = ROW_COUNT;
    PERFORM s3vl.advance_epoch(r.index_name) FROM s3vl.index_registry AS r WHERE r.index_arn = collected.index_arn LIMIT 1;
    PERFORM embed.give_index_back(collected.index_arn);
    RETURN removed;
END
$$;
COMMENT ON FUNCTION embed.collected IS 'For workers: these keys are deleted; how many were garbage';
GRANT EXECUTE ON FUNCTION embed.collected TO vectordb_worker;

-- --- listings: what is in the index, against what is known

CREATE OR REPLACE FUNCTION embed.relist(arn text, repair boolean) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO embed.s3_listing AS l (index_arn, repair) VALUES (arn, relist.repair)
    ON CONFLICT (index_arn) DO UPDATE SET
        repair = excluded.repair, next_token = NULL, lease_until = NULL, listed = 0, orphan = 0, missing = 0, strange = 0,
        started_at = excluded.started_at, finished_at = NULL;
    DELETE FROM embed.s3_listed AS s WHERE s.index_arn = arn;
END
$$;
COMMENT ON FUNCTION embed.relist IS 'Internal: has the workers list an index, from its beginning';

CREATE OR REPLACE FUNCTION embed.listing() RETURNS TABLE (index_arn text, started_at timestamptz, next_token text)
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE embed.s3_listing AS l SET lease_until = clock_timestamp() + interval '1 minute'
    WHERE l.index_arn = (
        SELECT x.index_arn FROM embed.s3_listing AS x
        WHERE x.finished_at IS NULL AND (x.lease_until IS NULL OR x.lease_until <= clock_timestamp())
        ORDER BY x.started_at LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING l.index_arn, l.started_at, l.next_token
$$;
COMMENT ON FUNCTION embed.listing IS 'For workers: the index whose next page of ListVectors is to be told to embed.listed within a minute; no row: none';
GRANT EXECUTE ON FUNCTION embed.listing TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.unseen(generation embed.generation, name text, started_at timestamptz) RETURNS TABLE (keys text[], vector_keys text[])
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT coalesce(array_agg(DISTINCT %s), ''{}''), coalesce(array_agg(c.vector_key), ''{}'') FROM %s AS c WHERE c.stored_at < $1 '
        'AND NOT EXISTS (SELECT FROM embed.s3_listed AS l WHERE l.index_arn = $2 AND l.vector_key = c.vector_key)',
        embed.key_of((SELECT v.keys FROM embed.vectorizer AS v WHERE v.id = generation.vectorizer_id), 'c'), embed.chunks_table(name, generation.number)
    ) USING started_at, generation.destination ->> 'arn';
END
$$;
COMMENT ON FUNCTION embed.unseen IS 'Internal: of a generation, the rows with vectors that a listing should have seen and did not';

CREATE OR REPLACE FUNCTION embed.end_listing(progress embed.s3_listing) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    going record;
    lost record;
    absent bigint := 0;
BEGIN
    FOR going IN
        SELECT v.name, g FROM embed.generation AS g JOIN embed.vectorizer AS v ON v.id = g.vectorizer_id
        WHERE g.destination ->> 'arn' = progress.index_arn
    LOOP
        SELECT u.* INTO lost FROM embed.unseen(going.g, going.name, progress.started_at) AS u;
        absent := absent + cardinality(lost.vector_keys);
        IF progress.repair AND lost.keys <> '{}' THEN
            -- What is not there must not be kept when the row is embedded again.
            EXECUTE format('DELETE FROM %s AS c WHERE c.vector_key = ANY ($1)', embed.chunks_table(going.name, (going.g).number)) USING lost.vector_keys;
            PERFORM embed.enqueue_keys((going.g).vectorizer_id, (going.g).number, lost.keys, 'u', 5);
        END IF;
    END LOOP;
    DELETE FROM embed.s3_listed AS s WHERE s.index_arn = progress.index_arn;
    UPDATE embed.s3_listing AS l SET missing = absent, next_token = NULL, finished_at = clock_timestamp() WHERE l.index_arn = progress.index_arn;
END
$$;
COMMENT ON FUNCTION embed.end_listing IS 'Internal: which vectors that should be there are not';

CREATE OR REPLACE FUNCTION embed.listed(index_arn text, started_at timestamptz, token text, vector_keys text[], next_token text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    progress embed.s3_listing;
    going record;
    -- In this order: a key goes from intent to chunk to garbage, and must not slip through between two looks.
    unknown text[] := ARRAY(SELECT k FROM unnest(vector_keys) AS k WHERE NOT EXISTS (SELECT FROM embed.s3_intent AS i WHERE i.vector_key = k));
    ours text[];
BEGIN
    SELECT l.* INTO progress FROM embed.s3_listing AS l WHERE l.index_arn = listed.index_arn FOR UPDATE;
    IF progress.index_arn IS NULL OR progress.finished_at IS NOT NULL
        OR (progress.started_at, progress.next_token) IS DISTINCT FROM (listed.started_at, token) THEN
        RETURN false;  -- another worker went on with it, or it began anew
    END IF;
    INSERT INTO embed.s3_listed (index_arn, vector_key) SELECT listed.index_arn, k FROM unnest(vector_keys) AS k ON CONFLICT DO NOTHING;
    FOR going IN
        SELECT v.name, g.number FROM embed.generation AS g JOIN embed.vectorizer AS v ON v.id = g.vectorizer_id
        WHERE g.destination ->> 'arn' = listed.index_arn
    LOOP
        EXECUTE format(
            'SELECT coalesce(array_agg(u), ''{}'') FROM unnest($1) AS u WHERE NOT EXISTS (SELECT FROM %s AS c WHERE c.vector_key = u)',
            embed.chunks_table(going.name, going.number)
        ) INTO unknown USING unknown;
    END LOOP;
    unknown := ARRAY(SELECT u FROM unnest(unknown) AS u WHERE NOT EXISTS (SELECT FROM embed.s3_garbage AS b WHERE b.vector_key = u));
    ours := ARRAY(SELECT u FROM unnest(unknown) AS u WHERE u ~ '^[0-9]+[.][0-9]+/[0-9a-f]{32}/[0-9]+[.][0-9]+/[0-9]+$');
    IF progress.repair THEN
        INSERT INTO embed.s3_garbage (vector_key, vectorizer_id, generation, index_arn, due_at)
        SELECT u, split_part(u, '.', 1)::integer, split_part(split_part(u, '/', 1), '.', 2)::integer, listed.index_arn, clock_timestamp()
        FROM unnest(ours) AS u ON CONFLICT DO NOTHING;
    END IF;
    UPDATE embed.s3_listing AS l SET
        next_token = listed.next_token, lease_until = NULL, listed = l.listed + cardinality(vector_keys),
        orphan = l.orphan + cardinality(ours), strange = l.strange + cardinality(unknown) - cardinality(ours)
    WHERE l.index_arn = listed.index_arn;
    IF listed.next_token IS NULL THEN
        PERFORM embed.end_listing(progress);
    END IF;
    RETURN listed.next_token IS NOT NULL;
END
$$;
COMMENT ON FUNCTION embed.listed IS
    'For workers: the keys of the page after token, and where the next begins; unknown ones become garbage when the listing repairs. Whether there is more';
GRANT EXECUTE ON FUNCTION embed.listed TO vectordb_worker;
