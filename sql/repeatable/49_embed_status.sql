-- embed.status: one row for each generation, all that is worth watching.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.count_of(relation text) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    guess float8;
    counted bigint;
BEGIN
    SELECT sum(greatest(c.reltuples, 0)) INTO guess FROM pg_class AS c
    WHERE c.oid = to_regclass(relation) OR c.oid IN (SELECT t.relid FROM pg_partition_tree(to_regclass(relation)) AS t WHERE t.isleaf);
    IF guess > 200000 THEN
        RETURN guess;
    ELSIF guess IS NULL THEN
        RETURN NULL;
    END IF;
    -- Counting the table of somebody else's could run code of its owner (42_embed_trust.sql).
    IF EXISTS (
        SELECT FROM pg_class AS c
        WHERE (c.oid = to_regclass(relation) OR c.oid IN (SELECT t.relid FROM pg_partition_tree(to_regclass(relation)) AS t)) AND NOT embed.is_trusted(c.relowner)
    ) THEN
        RETURN CASE WHEN guess > 0 THEN guess END;
    END IF;
    EXECUTE format('SELECT count(*) FROM %s', relation) INTO counted;
    RETURN counted;
EXCEPTION WHEN undefined_table OR insufficient_privilege THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION embed.count_of IS 'Internal: how many rows: of a large table, and of one whose owner is no member of vectordb_owner, as ANALYZE last saw it';

CREATE OR REPLACE FUNCTION embed.unfolded() RETURNS TABLE (vectorizer_id integer, generation integer, pending bigint, oldest timestamptz)
LANGUAGE plpgsql STABLE ROWS 10
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    IF (SELECT count(*) FROM (SELECT FROM embed.inbox LIMIT 10001) AS i) <= 10000 THEN
        RETURN QUERY
        SELECT i.vectorizer_id, g.number, count(*) FILTER (WHERE w.key IS NULL), min(i.oldest)
        FROM (SELECT n.vectorizer_id, n.key, min(n.queued_at) AS oldest FROM embed.inbox AS n GROUP BY n.vectorizer_id, n.key) AS i
        JOIN embed.generation AS g ON g.vectorizer_id = i.vectorizer_id
        LEFT JOIN embed.work AS w ON w.vectorizer_id = i.vectorizer_id AND w.generation = g.number AND w.key = i.key
        GROUP BY i.vectorizer_id, g.number;
    ELSE
        -- To tell which of them are of the same row would take seconds.
        RETURN QUERY
        SELECT i.vectorizer_id, g.number, i.pending, i.oldest
        FROM (SELECT n.vectorizer_id, count(*) AS pending, min(n.queued_at) AS oldest FROM embed.inbox AS n GROUP BY n.vectorizer_id) AS i
        JOIN embed.generation AS g ON g.vectorizer_id = i.vectorizer_id;
    END IF;
END
$$;
COMMENT ON FUNCTION embed.unfolded IS 'Internal: the rows that changed and are not in the queue yet; of more than 10,000 changes the changes';

DROP VIEW IF EXISTS embed.status;
DROP FUNCTION IF EXISTS embed.statuses();
CREATE OR REPLACE FUNCTION embed.statuses() RETURNS TABLE (
    name text, source text, state text, generation integer, generation_state text, model text, dimension integer, destination text,
    delivery text, pending bigint, leased bigint, delayed bigint, retrying bigint, dead bigint, dead_reason text, oldest_age interval,
    source_rows bigint, embedded_rows bigint, coverage float8, backfilling boolean, sweeping boolean,
    rows_per_second float8, tokens_per_second float8, calls_per_second float8, chunks_kept_ratio float8, throttles bigint, errors bigint,
    rate_per_minute float8, quota_per_minute float8, circuit text, circuit_until timestamptz,
    reconciled_at timestamptz, missing bigint, stale bigint, orphan bigint, unwatched_partitions bigint,
    hidden_garbage bigint, listed_at timestamptz, vectors_missing bigint, vectors_orphan bigint, vector_index text, problem text
)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 10
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
    SELECT v.name, coalesce((SELECT c.oid::regclass::text FROM pg_class AS c WHERE c.oid = v.source), 'dropped'),
        CASE WHEN v.state = 'active' AND g.circuit_reason IS NOT NULL THEN 'circuit' ELSE v.state END,
        g.number, g.state, g.embedding ->> 'model', g.dimension, g.destination ->> 'kind', v.delivery ->> 'mode',
        coalesce(w.pending, 0) + coalesce(c.pending, 0), coalesce(w.leased, 0), coalesce(w.delayed, 0), coalesce(w.retrying, 0), coalesce(d.dead, 0), d.reason, clock_timestamp() - least(w.oldest, c.oldest),
        n.source_rows, n.embedded_rows,
        CASE WHEN n.source_rows = 0 THEN 1 ELSE least(1, n.embedded_rows::float8 / n.source_rows) END,
        EXISTS (SELECT FROM embed.backfill AS b WHERE (b.vectorizer_id, b.generation) = (v.id, g.number)),
        EXISTS (SELECT FROM embed.sweep AS s WHERE (s.vectorizer_id, s.generation) = (v.id, g.number)),
        r.rows / r.elapsed, r.tokens / r.elapsed, r.calls / r.elapsed, r.kept, r.throttles, r.errors,
        l.rate, l.ceiling, g.circuit_reason, g.circuit_until,
        x.finished_at, x.missing, x.stale, x.orphan,
        (
            SELECT count(*) FROM pg_partition_tree(v.source) AS t
            WHERE NOT EXISTS (SELECT FROM pg_trigger AS tr WHERE tr.tgrelid = t.relid AND tr.tgname = format('embed_%s_insert', v.id))
        ),
        CASE WHEN g.destination ->> 'kind' = 's3_vectors' THEN
            (SELECT count(*) FROM embed.s3_garbage AS b WHERE (b.vectorizer_id, b.generation) = (v.id, g.number))
            + (SELECT count(*) FROM embed.s3_intent AS i WHERE (i.vectorizer_id, i.generation) = (v.id, g.number))
        END,
        i.finished_at, i.missing, i.orphan, (embed.index_state(v, g)).state, embed.source_problem(v, g)
    FROM embed.vectorizer AS v
    JOIN embed.generation AS g ON g.vectorizer_id = v.id
    LEFT JOIN embed.limiter AS l ON l.name = embed.limiter_name(g.embedding)
    LEFT JOIN embed.reconciliation AS x ON (x.vectorizer_id, x.generation) = (v.id, g.number) AND x.finished_at IS NOT NULL
    LEFT JOIN embed.s3_listing AS i ON i.index_arn = g.destination ->> 'arn' AND i.finished_at IS NOT NULL
    LEFT JOIN (
        -- Once for all: each generation by itself would read the whole queue.
        SELECT q.vectorizer_id, q.generation, count(*) AS pending, count(*) FILTER (WHERE q.lease_until > t.now) AS leased,
            count(*) FILTER (WHERE q.lease IS NULL AND q.not_before > t.now) AS delayed,
            count(*) FILTER (WHERE q.attempts > 0) AS retrying, min(q.queued_at) FILTER (WHERE q.priority < 10) AS oldest
        FROM embed.work AS q CROSS JOIN (SELECT clock_timestamp() AS now OFFSET 0) AS t GROUP BY q.vectorizer_id, q.generation
    ) AS w ON w.vectorizer_id = v.id AND w.generation = g.number
    LEFT JOIN embed.unfolded() AS c ON c.vectorizer_id = v.id AND c.generation = g.number
    CROSS JOIN LATERAL (
        SELECT count(*) AS dead, (array_agg(q.class || ': ' || coalesce(q.reason, '') ORDER BY q.died_at DESC))[1] AS reason
        FROM embed.dead AS q WHERE q.vectorizer_id = v.id AND q.generation = g.number
    ) AS d
    CROSS JOIN LATERAL (
        SELECT embed.count_of((SELECT c.oid::regclass::text FROM pg_class AS c WHERE c.oid = v.source)) AS source_rows,
            embed.count_of(embed.rows_table(v.name, g.number)) AS embedded_rows
    ) AS n
    CROSS JOIN LATERAL (
        -- The minute before, if there was work in it, and what has passed of this one.
        SELECT coalesce(sum(q.rows), 0) AS rows, coalesce(sum(q.tokens), 0) AS tokens, coalesce(sum(q.calls), 0) AS calls,
            coalesce(sum(q.throttles), 0)::bigint AS throttles, coalesce(sum(q.errors), 0)::bigint AS errors,
            sum(q.chunks_kept)::float8 / nullif(sum(q.chunks_kept + q.chunks_embedded), 0) AS kept,
            greatest(
                10, date_part('epoch', clock_timestamp() - coalesce(min(q.minute), date_trunc('minute', clock_timestamp())))
            ) AS elapsed
        FROM embed.run_figures AS q
        WHERE q.vectorizer_id = v.id AND q.generation = g.number AND q.minute >= date_trunc('minute', clock_timestamp()) - interval '1 minute'
    ) AS r
$$;
COMMENT ON FUNCTION embed.statuses IS 'Internal: the rows of embed.status';
GRANT EXECUTE ON FUNCTION embed.statuses TO vectordb_reader, vectordb_worker;

CREATE VIEW embed.status AS SELECT s.* FROM embed.statuses() AS s;
COMMENT ON VIEW embed.status IS
    'Each generation: pending counts all that is queued (of more than 10,000 changes that no worker has seen yet each change, else each row), leased and delayed are parts of it; dead_reason is the latest; rates are of the last minute or two; '
    'missing, stale and orphan are what the last reconciliation found, NULL when there was none; '
    'hidden_garbage: vectors of S3 Vectors that nobody sees and that are not deleted yet; vectors_missing and vectors_orphan: of its index, as last listed; '
    'vector_index: as of embed.indexes; problem: why the source is not watched or read as it was declared';
GRANT SELECT ON embed.status TO vectordb_reader, vectordb_worker;
