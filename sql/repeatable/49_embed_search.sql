-- Searching: by the live generation, joined to the source, so that nobody sees a vector of a row that changed, is gone or is hidden.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.query_model(name text) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT embed.configuration(v, embed.generation_in('embed.query_model', v, 'live')) FROM embed.named('embed.query_model', query_model.name) AS v
$$;
COMMENT ON FUNCTION embed.query_model IS 'The configuration of the live generation: what a query''s text is to be embedded with';
GRANT EXECUTE ON FUNCTION embed.query_model TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE FUNCTION embed.kept_by(v embed.vectorizer, filter text, row_name text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Within its own parentheses, where nothing but the source's columns has a name of its own. A comment at its end ends there, too.
    SELECT CASE WHEN filter IS NULL THEN '' ELSE format(
        E' AND EXISTS (SELECT FROM %s AS %I WHERE %s AND (%s\n))', v.source, c.relname, embed.key_equal(v.keys, quote_ident(c.relname), row_name), filter
    ) END
    FROM (SELECT (SELECT c.relname FROM pg_class AS c WHERE c.oid = v.source) AS relname) AS c
$$;
COMMENT ON FUNCTION embed.kept_by IS 'Internal: that the row of a vector is one that a caller''s condition keeps, evaluated with the caller''s rights';

CREATE OR REPLACE FUNCTION embed.search_plan(name text, filter text, OUT nearest text, OUT exact text, OUT dimension integer, OUT kind text, OUT source regclass, OUT shared regclass)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 'embed.search';
    v constant embed.vectorizer := embed.named(caller, name);
    g constant embed.generation := embed.generation_in(caller, v, 'live');
    place record;
    statement text;
    distance text;
BEGIN
    dimension := g.dimension;
    source := v.source;
    shared := embed.rows_table(v.name, g.number);
    kind := g.destination ->> 'kind';
    IF NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = v.source) THEN
        PERFORM embed.refuse(caller, format('the source of %s was dropped', name), format('SELECT embed.drop_vectorizer(%L);', name), '55000');
    ELSIF kind = 's3_vectors' THEN
        nearest := embed.manifest_plan(v, g, filter);
        RETURN;
    END IF;
    SELECT * INTO place FROM embed.vector_column(v, g);
    distance := format('embed_c.%I OPERATOR(public.%s) $2::public.%I', place.name, place.operator, place.type);
    -- %s stays for the order: what an index gives, or what none can.
    statement := format(
        'WITH embed_near AS MATERIALIZED ('
        'SELECT %1$s, %2$s, %3$s AS embed_distance FROM %4$s AS embed_c WHERE embed_c.%5$I IS NOT NULL%6$s ORDER BY embed_order LIMIT $3), embed_good AS ('
        'SELECT %7$s::jsonb AS key, n.embed_number, coalesce(n.embed_chunk, s.embed_content) AS chunk, n.embed_distance::float8 AS distance '
        'FROM embed_near AS n JOIN (%8$s) AS s ON %9$s JOIN %10$s AS e ON %11$s '
        'WHERE e.embed_hash = s.embed_hash ORDER BY n.embed_distance LIMIT $4) '
        'SELECT (SELECT count(*) FROM embed_near), array_agg(f.key ORDER BY f.distance), array_agg(f.embed_number ORDER BY f.distance), '
        'array_agg(f.chunk ORDER BY f.distance), array_agg(f.distance ORDER BY f.distance) FROM embed_good AS f',
        embed.key_names(v.keys, 'embed_c'),
        CASE kind WHEN 'table' THEN 'embed_c.chunk_number AS embed_number, embed_c.chunk AS embed_chunk' ELSE '0 AS embed_number, NULL::text AS embed_chunk' END,
        distance, CASE kind WHEN 'table' THEN embed.chunks_table(v.name, g.number) ELSE v.source::text END, place.name,
        embed.kept_by(v, filter, 'embed_c'),
        embed.key_of(v.keys, 'n'), embed.source_select(v, g), embed.key_equal(v.keys, 's', 'n'),
        embed.rows_table(v.name, g.number), embed.key_equal(v.keys, 'e', 'n')
    );
    nearest := replace(statement, 'ORDER BY embed_order', 'ORDER BY ' || distance);
    exact := replace(statement, 'ORDER BY embed_order', format('ORDER BY (%s) + 0', distance));
END
$$;
COMMENT ON FUNCTION embed.search_plan IS
    'Internal: the statement that searches the live generation, and the one that does so without an index. $1: what the filter was given, $2: the vector, '
    '$3: how many to look at, $4: how many to give';

CREATE OR REPLACE FUNCTION embed.tune_scan(looked_at integer) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wide constant integer := least(greatest(200, 2 * looked_at), 1000);  -- 1000 is the most that pgvector takes
BEGIN
    -- A session that asks for more keeps it.
    IF coalesce(current_setting('hnsw.ef_search', true)::integer, 0) < wide THEN
        PERFORM set_config('hnsw.ef_search', wide::text, true);
    END IF;
    -- From pgvector 0.8 on; rows that a condition or a policy leaves out are then made up for.
    IF current_setting('hnsw.iterative_scan', true) = 'off' THEN
        PERFORM set_config('hnsw.iterative_scan', 'relaxed_order', true);
    END IF;
END
$$;
COMMENT ON FUNCTION embed.tune_scan IS 'Internal: lets an HNSW index look far enough for so many rows, in this transaction';

CREATE OR REPLACE FUNCTION embed.has_index(name text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(bool_or(x.ready), false)
    FROM embed.named('embed.search', has_index.name) AS v CROSS JOIN embed.generation_in('embed.search', v, 'live') AS g CROSS JOIN embed.index_members(v, g) AS x
$$;
COMMENT ON FUNCTION embed.has_index IS 'Internal: whether searches may have been by an index, which may find too little';

CREATE OR REPLACE FUNCTION embed.search(
    name text, query_vector public.vector, k integer DEFAULT 10, metadata_filter jsonb DEFAULT NULL, filter text DEFAULT NULL, filter_values jsonb DEFAULT NULL
) RETURNS TABLE (key jsonb, chunk_number integer, chunk text, distance float8)
LANGUAGE plpgsql STABLE ROWS 10
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC' SET datestyle = 'ISO, MDY' SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex'
AS $$
DECLARE
    plan record;
    looked_at bigint;
    keys jsonb[];
    numbers integer[];
    chunks text[];
    distances float8[];
    depth integer;
    by_index boolean := true;
    width constant text := current_setting('hnsw.ef_search', true);
    iterative constant text := current_setting('hnsw.iterative_scan', true);
BEGIN
    IF name IS NULL OR query_vector IS NULL OR k IS NULL THEN
        PERFORM embed.refuse_null('embed.search', CASE WHEN name IS NULL THEN 'name' WHEN query_vector IS NULL THEN 'query_vector' ELSE 'k' END);
    ELSIF k NOT BETWEEN 1 AND 10000 THEN
        PERFORM embed.refuse('embed.search', format('k must be from 1 to 10000, not %s', k));
    END IF;
    SELECT p.* INTO plan FROM embed.search_plan(name, filter) AS p;
    IF NOT has_table_privilege(plan.shared, 'SELECT') THEN
        PERFORM embed.refuse(
            'embed.search', format('%I may not read the embeddings of %s', current_user, name),
            CASE WHEN has_any_column_privilege(plan.source, 'SELECT')
                THEN format('Whoever may SELECT from all of %s may, since the last SELECT embed.refresh(%L) by an administrator.', plan.source, name)
                ELSE format('As an administrator: GRANT SELECT ON %s TO %I; SELECT embed.refresh(%L);', plan.source, current_user, name) END, '42501'
        );
    END IF;
    IF public.vector_dims(query_vector) <> plan.dimension THEN
        PERFORM embed.refuse(
            'embed.search', format('query_vector has %s dimensions, the live generation of %s has %s', public.vector_dims(query_vector), name, plan.dimension),
            'embed.query_model says which model embeds queries now.'
        );
    END IF;
    IF plan.kind = 's3_vectors' THEN
        RETURN QUERY SELECT f.* FROM embed.search_candidates(plan.nearest, name, query_vector, k, metadata_filter, filter_values) AS f;
        RETURN;
    ELSIF metadata_filter IS NOT NULL THEN
        PERFORM embed.refuse(
            'embed.search', format('the embeddings of %s are not in S3 Vectors: metadata_filter means nothing there', name),
            'filter is a condition on the columns of the source.'
        );
    END IF;
    depth := k + 10;
    PERFORM embed.tune_scan(depth);
    LOOP
        -- What changed since is left out; so more are looked at than are wanted, and more still when too many were left out.
        EXECUTE CASE WHEN by_index THEN plan.nearest ELSE plan.exact END INTO looked_at, keys, numbers, chunks, distances
        USING filter_values, query_vector, depth, k;
        EXIT WHEN cardinality(keys) >= k OR depth >= 100000;
        IF by_index AND (looked_at < depth OR depth > 1000) AND embed.has_index(name) THEN
            -- The index gave up before there were enough; there may be more.
            by_index := false;
        ELSE
            EXIT WHEN looked_at < depth;
            depth := depth * 4;
        END IF;
    END LOOP;
    IF width IS NOT NULL THEN
        PERFORM set_config('hnsw.ef_search', width, true);
    END IF;
    IF iterative IS NOT NULL THEN
        PERFORM set_config('hnsw.iterative_scan', iterative, true);
    END IF;
    RETURN QUERY SELECT f.* FROM unnest(keys, numbers, chunks, distances) AS f;
END
$$;
COMMENT ON FUNCTION embed.search IS
    'The k nearest chunks of the live generation, nearest first. As its caller, who needs SELECT on the source. key: the primary key''s values. '
    'distance: as the destination says (inner_product: its negative). A row that changed and is not embedded yet is left out. metadata_filter: '
    'of S3 Vectors only, as s3vl.query_vectors takes it. filter: a condition on the columns of the source; $1 in it is filter_values, where values of '
    'users belong, as in lang = $1 ->> ''lang''. It sees pg_catalog only, so name the schema of other functions, and a time without a zone is UTC';
GRANT EXECUTE ON FUNCTION embed.search, embed.search_plan, embed.tune_scan, embed.has_index, embed.refuse, embed.refuse_null TO vectordb_reader;
