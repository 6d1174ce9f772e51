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

CREATE OR REPLACE FUNCTION embed.search_plan(name text, OUT statement text, OUT dimension integer, OUT kind text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 'embed.search';
    v constant embed.vectorizer := embed.named(caller, name);
    g constant embed.generation := embed.generation_in(caller, v, 'live');
    vectors text;
BEGIN
    dimension := g.dimension;
    kind := g.destination ->> 'kind';
    IF kind = 's3_vectors' THEN
        statement := embed.manifest_plan(v, g);
        RETURN;
    END IF;
    SELECT format(
        'SELECT %1$s, %2$s, c.%3$I OPERATOR(public.%4$s) $1::public.%5$s AS embed_distance FROM %6$s AS c WHERE c.%3$I IS NOT NULL '
        'ORDER BY c.%3$I OPERATOR(public.%4$s) $1::public.%5$s LIMIT $2',
        embed.key_names(v.keys, 'c'),
        CASE kind WHEN 'table' THEN 'c.chunk_number AS embed_number, c.chunk AS embed_chunk' ELSE '0 AS embed_number, NULL::text AS embed_chunk' END,
        CASE kind WHEN 'table' THEN 'embedding' ELSE g.destination ->> 'column' END,
        CASE g.destination ->> 'distance' WHEN 'cosine' THEN '<=>' WHEN 'euclidean' THEN '<->' ELSE '<#>' END,
        CASE kind WHEN 'table' THEN g.destination ->> 'type' ELSE (
            SELECT t.typname FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
            WHERE a.attrelid = v.source AND a.attname = g.destination ->> 'column'
        ) END,
        CASE kind WHEN 'table' THEN embed.chunks_table(v.name, g.number) ELSE v.source::text END
    ) INTO vectors;
    statement := format(
        'WITH embed_near AS MATERIALIZED (%1$s), embed_good AS ('
        'SELECT %2$s::jsonb AS key, n.embed_number, coalesce(n.embed_chunk, s.embed_content) AS chunk, n.embed_distance::float8 AS distance '
        'FROM embed_near AS n JOIN (%3$s) AS s ON %4$s JOIN %5$s AS e ON %6$s '
        'WHERE e.embed_hash = s.embed_hash ORDER BY n.embed_distance LIMIT $3) '
        'SELECT (SELECT count(*) FROM embed_near), array_agg(f.key ORDER BY f.distance), array_agg(f.embed_number ORDER BY f.distance), '
        'array_agg(f.chunk ORDER BY f.distance), array_agg(f.distance ORDER BY f.distance) FROM embed_good AS f',
        vectors, embed.key_of(v.keys, 'n'), embed.source_select(v, g), embed.key_equal(v.keys, 's', 'n'),
        embed.rows_table(v.name, g.number), embed.key_equal(v.keys, 'e', 'n')
    );
END
$$;
COMMENT ON FUNCTION embed.search_plan IS 'Internal: the statement that searches the live generation. $1: the vector, $2: how many to look at, $3: how many to give';

CREATE OR REPLACE FUNCTION embed.search(name text, query_vector public.vector, k integer DEFAULT 10, metadata_filter jsonb DEFAULT NULL)
RETURNS TABLE (key jsonb, chunk_number integer, chunk text, distance float8)
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
BEGIN
    IF name IS NULL OR query_vector IS NULL OR k IS NULL THEN
        PERFORM embed.refuse_null('embed.search', CASE WHEN name IS NULL THEN 'name' WHEN query_vector IS NULL THEN 'query_vector' ELSE 'k' END);
    ELSIF k NOT BETWEEN 1 AND 10000 THEN
        PERFORM embed.refuse('embed.search', format('k must be from 1 to 10000, not %s', k));
    END IF;
    SELECT p.* INTO plan FROM embed.search_plan(name) AS p;
    IF public.vector_dims(query_vector) <> plan.dimension THEN
        PERFORM embed.refuse(
            'embed.search', format('query_vector has %s dimensions, the live generation of %s has %s', public.vector_dims(query_vector), name, plan.dimension),
            'embed.query_model says which model embeds queries now.'
        );
    END IF;
    IF plan.kind = 's3_vectors' THEN
        RETURN QUERY SELECT f.* FROM embed.search_candidates(plan.statement, name, query_vector, k, metadata_filter) AS f;
        RETURN;
    ELSIF metadata_filter IS NOT NULL THEN
        PERFORM embed.refuse('embed.search', format('the embeddings of %s are not in S3 Vectors: metadata_filter means nothing there', name));
    END IF;
    depth := k + 10;
    LOOP
        -- What changed since is left out; so more are looked at than are wanted, and more still when too many were left out.
        EXECUTE plan.statement INTO looked_at, keys, numbers, chunks, distances USING query_vector, depth, k;
        EXIT WHEN cardinality(keys) >= k OR looked_at < depth OR depth >= 100000;
        depth := depth * 4;
    END LOOP;
    RETURN QUERY SELECT f.* FROM unnest(keys, numbers, chunks, distances) AS f;
END
$$;
COMMENT ON FUNCTION embed.search IS
    'The k nearest chunks of the live generation, nearest first. As its caller, who needs SELECT on the source. key: the primary key''s values. '
    'distance: as the destination says (inner_product: its negative). A row that changed and is not embedded yet is left out. metadata_filter: '
    'of S3 Vectors only, as s3vl.query_vectors takes it';
GRANT EXECUTE ON FUNCTION embed.search, embed.search_plan, embed.refuse, embed.refuse_null TO vectordb_reader;
