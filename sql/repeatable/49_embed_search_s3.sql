-- Searching an index of S3 Vectors: its candidates, nearest first, page by page. Which of them are seen is decided by embed.search,
-- with the rights of who asks.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.candidates(
    name text, query_vector public.vector, page_size integer, received integer, next_token text, metadata_filter jsonb
) RETURNS TABLE (vector_keys text[], distances float8[], following text)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 COST 1000000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 'embed.search';
    v constant embed.vectorizer := embed.named(caller, name);
    g constant embed.generation := embed.generation_in(caller, v, 'live');
    target constant s3vl.index_registry := embed.index_of(g.destination);
    login constant name := s3vl.login();
BEGIN
    IF g.destination ->> 'kind' <> 's3_vectors' THEN
        PERFORM embed.refuse(caller, format('the embeddings of %s are not in S3 Vectors', name));
    ELSIF target.is_active IS NOT TRUE THEN
        PERFORM embed.refuse(
            caller, format('the index of %s is %s', name, CASE WHEN target.index_arn IS NULL THEN 'not registered any more' ELSE 'deactivated' END),
            'The deployment registers what vectordb:indexes declares.', '55000'
        );
    ELSIF NOT (SELECT bool_and(has_column_privilege(login, v.source, c, 'SELECT')) FROM unnest(v.content_columns || g.fields) AS c) THEN
        -- How near a vector is to a column's text says what is in it.
        PERFORM embed.refuse(caller, format('%I may not SELECT from %s', login, v.source), format('GRANT SELECT ON %s TO %I;', v.source, login), '42501');
    ELSIF target.tenant_key IS NULL AND NOT pg_has_role(login, 'vectordb_owner', 'MEMBER')
        AND (SELECT c.relrowsecurity FROM pg_class AS c WHERE c.oid = v.source) THEN
        -- Rows that a policy hides would not be shown, but how near they are to a vector could be asked for.
        PERFORM embed.refuse(
            caller, format('%s has row-level security, and the index of %s no tenant key that would keep the rows of others apart', v.source, name),
            'Give the index a tenant key (s3vl.scope_index) that is one of the vectorizer''s metadata, or choose embed.to_table.', '0A000'
        );
    END IF;
    RETURN QUERY
    SELECT p.keys, p.distances, p.following
    FROM s3vl.target_page(
        caller, target, s3vl.tenant_scope(caller, target), query_vector, 10000, page_size, received, next_token, metadata_filter, false
    ) AS p;
END
$$;
COMMENT ON FUNCTION embed.candidates IS 'Internal: one page of the nearest keys of the live generation''s index, seen or not';
GRANT EXECUTE ON FUNCTION embed.candidates TO vectordb_reader;

CREATE OR REPLACE FUNCTION embed.manifest_plan(v embed.vectorizer, g embed.generation, filter text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format(
        'SELECT array_agg(f.key ORDER BY f.place), array_agg(f.chunk_number ORDER BY f.place), '
        'array_agg(f.chunk ORDER BY f.place), array_agg(f.distance ORDER BY f.place) FROM ('
        'SELECT %1$s::jsonb AS key, m.chunk_number, m.chunk, c.distance, c.place '
        'FROM ROWS FROM (unnest($2), unnest($3)) WITH ORDINALITY AS c(vector_key, distance, place) '
        'JOIN %2$s AS m ON m.vector_key = c.vector_key JOIN (%3$s) AS s ON %4$s JOIN %5$s AS e ON %6$s '
        'WHERE e.embed_hash = s.embed_hash%7$s ORDER BY c.place LIMIT $4) AS f',
        embed.key_of(v.keys, 'm'), embed.chunks_table(v.name, g.number), embed.source_select(v, g), embed.key_equal(v.keys, 's', 'm'),
        embed.rows_table(v.name, g.number), embed.key_equal(v.keys, 'e', 'm'), embed.kept_by(v, filter, 'm')
    )
$$;
COMMENT ON FUNCTION embed.manifest_plan IS
    'Internal: the statement that keeps of candidates ($2: keys, $3: distances) the first $4 that are chunks of rows as they are now, and as the filter ($1: its values) wants them';

CREATE OR REPLACE FUNCTION embed.search_candidates(plan text, name text, query_vector public.vector, k integer, metadata_filter jsonb, filter_values jsonb)
RETURNS TABLE (key jsonb, chunk_number integer, chunk text, distance float8)
LANGUAGE plpgsql STABLE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most constant integer := 10000;  -- all that the service ranks
    largest_page constant integer := 2000;
    page record;
    token text;
    keys jsonb[];
    numbers integer[];
    chunks text[];
    distances float8[];
    found_rows integer := 0;
    received integer := 0;
    page_size integer := k + k / 5 + 10;
BEGIN
    LOOP
        -- The service reads a hundred at a time, so less saves nothing.
        page_size := least((page_size + 99) / 100 * 100, largest_page, most - received);
        SELECT c.* INTO page FROM embed.candidates(name, query_vector, page_size, received, token, metadata_filter) AS c;
        EXECUTE plan INTO keys, numbers, chunks, distances USING filter_values, page.vector_keys, page.distances, k - found_rows;
        RETURN QUERY SELECT f.* FROM unnest(keys, numbers, chunks, distances) AS f;
        found_rows := found_rows + coalesce(cardinality(keys), 0);
        received := received + cardinality(page.vector_keys);
        token := page.following;
        EXIT WHEN found_rows >= k OR token IS NULL OR received >= most;
        -- As many as are missing, at the rate so far and a fifth more.
        page_size := least(1.2 * (k - found_rows) * received / greatest(found_rows, 1), largest_page);
    END LOOP;
END
$$;
COMMENT ON FUNCTION embed.search_candidates IS
    'Internal: candidates, page after page, until k are found among them that are seen, with the rights of the caller, or the index has no more';
GRANT EXECUTE ON FUNCTION embed.search_candidates TO vectordb_reader;
