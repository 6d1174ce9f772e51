-- s3vl.query_vectors: the nearest vectors of an index.
--
-- SELECT * FROM s3vl.query_vectors('[0.1, 0.2, 0.3]', 'stdlib', top_k => 5, metadata_filter => '{"module": "gzip"}');
--
-- query_vector      vector, halfvec, an array of numbers, or text of either form
-- index_name | index_arn   a registered index
-- top_k             1 to 10,000. The service gives 100 at a time, about 65 ms each; fewer rows come only if the index (or what
--                   the filter leaves of it) has fewer
-- metadata_filter   a JSON object, as the service takes it:
--                   https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-metadata-filtering.html
-- query_mode        CLASSIC or ENHANCED; NULL is the index's own
-- vector_id         the key
-- distance          as the service says it: cosine distance, or euclidean distance; nearest first
-- similarity_score  cosine: 1 - distance. euclidean: NULL, because 1 - distance means nothing there
-- metadata          {} when the vector has none or return_metadata is false

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION s3vl.check_search(
    caller text, top_k integer, return_metadata boolean, metadata_filter jsonb, query_mode text
) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF top_k IS NULL THEN
        PERFORM s3vl.raise_null(caller, 'top_k');
    ELSIF return_metadata IS NULL THEN
        PERFORM s3vl.raise_null(caller, 'return_metadata');
    ELSIF top_k NOT BETWEEN 1 AND 10000 THEN
        PERFORM s3vl.raise_invalid(caller, format('top_k must be from 1 to 10000, not %s', top_k));
    ELSIF jsonb_typeof(metadata_filter) <> 'object' THEN
        PERFORM s3vl.raise_invalid(caller, format('metadata_filter must be a JSON object, not %s', jsonb_typeof(metadata_filter)));
    ELSIF query_mode NOT IN ('CLASSIC', 'ENHANCED') THEN
        PERFORM s3vl.raise_invalid(caller, 'query_mode must be CLASSIC, ENHANCED or NULL, which is the index''s own mode');
    END IF;
END
$$;
COMMENT ON FUNCTION s3vl.check_search IS 'Internal: what every search takes is as it must be, or an error';

CREATE OR REPLACE FUNCTION s3vl.check_dimension(
    caller text, argument text, vector public.vector, target s3vl.index_registry
) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    dimension constant integer := public.vector_dims(vector);
BEGIN
    IF dimension > 4096 THEN
        PERFORM s3vl.raise_invalid(caller, format('%s has %s dimensions; S3 Vectors has at most 4096', argument, dimension));
    ELSIF dimension <> target.dimension THEN
        PERFORM s3vl.raise_invalid(caller, format(
            '%s has %s dimensions, the index %L has %s', argument, dimension, target.index_name, target.dimension
        ));
    END IF;
END
$$;
COMMENT ON FUNCTION s3vl.check_dimension IS 'Internal: a vector fits the index, or an error';

CREATE OR REPLACE FUNCTION s3vl.found_vectors(
    caller text, target s3vl.index_registry, query_vector text, query_texts json, question text, full_text_keys text[],
    top_k integer, return_metadata boolean, metadata_filter jsonb, query_mode text
) RETURNS TABLE (
    vector_id text, fused_score float8, bm25_score float8, bm25_scores jsonb, distance float8, similarity_score float8, metadata jsonb
)
LANGUAGE plpgsql STABLE ROWS 10 COST 1000000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- A call cannot be counted on to be cancelled on its way: 500 vectors are five pages of the service, a third of a second.
    answer_limit constant integer := 500;
    scored constant boolean := query_texts IS NOT NULL OR full_text_keys IS NOT NULL;
    scope constant json := s3vl.tenant_scope(caller, target);
    epoch constant bigint := s3vl.write_epoch(target);
    result json;
    answer record;
    token text;
    received integer := 0;
    page_rows integer;
BEGIN
    LOOP
        IF question IS NOT NULL AND received = 0 THEN
            result := s3vl.invoke(caller, 'search_text', json_build_object(
                'index_arn', target.index_arn,
                'text', question,
                'model', target.model,
                'dimension', target.dimension,
                'full_text_keys', full_text_keys,
                'top_k', top_k,
                'limit', answer_limit,
                'return_metadata', return_metadata,
                'metadata_filter', metadata_filter,
                'query_mode', query_mode,
                'scope', scope,
                'epoch', epoch
            ));
        ELSE
            result := s3vl.invoke(caller, 'query_vectors', json_build_object(
                'index_arn', target.index_arn,
                'query_vector', query_vector,
                'query_texts', query_texts,
                'top_k', top_k,
                'limit', answer_limit,
                'received', received,
                'next_token', token,
                'return_metadata', return_metadata,
                'metadata_filter', metadata_filter,
                'query_mode', query_mode,
                'scope', scope,
                'epoch', epoch
            ));
        END IF;
        BEGIN
            SELECT r.* INTO answer
            FROM json_to_record(result) AS r(metric text, vectors json, next_token text, query_vector text);
            IF answer.metric IS NULL OR answer.vectors IS NULL THEN
                PERFORM s3vl.raise_foreign(caller, 'it has no vectors');
            END IF;
            IF scored THEN
                RETURN QUERY
                SELECT v.key::text, v.fused::float8,
                    (SELECT sum(s.value::float8) FROM jsonb_each_text(v.bm25) AS s),
                    coalesce(v.bm25::jsonb, '{}'),
                    -- Whatever found the vector has a score for it.
                    CASE WHEN v.fused IS NULL AND v.bm25 IS NULL THEN v.distance::s3vl.wire_distance ELSE v.distance END::float8,
                    CASE answer.metric WHEN 'cosine' THEN 1 - v.distance END,
                    coalesce(v.metadata::jsonb, '{}')
                FROM json_to_recordset(answer.vectors) AS v(
                    key s3vl.wire_key, fused s3vl.wire_score, bm25 s3vl.wire_scores, distance s3vl.wire_score, metadata s3vl.wire_metadata
                );
            ELSE
                RETURN QUERY
                SELECT v.key::text, NULL::float8, NULL::float8, '{}'::jsonb, v.distance::float8,
                    CASE answer.metric WHEN 'cosine' THEN 1 - v.distance END,
                    coalesce(v.metadata::jsonb, '{}')
                FROM json_to_recordset(answer.vectors)
                    AS v(key s3vl.wire_key, distance s3vl.wire_distance, metadata s3vl.wire_metadata);
            END IF;
            GET DIAGNOSTICS page_rows = ROW_COUNT;
        EXCEPTION
            WHEN data_exception OR integrity_constraint_violation THEN
                PERFORM s3vl.raise_misshapen(caller, SQLSTATE);
        END;
        received := received + page_rows;
        token := answer.next_token;
        IF page_rows > answer_limit OR received > top_k OR (token IS NOT NULL AND page_rows = 0) THEN
            PERFORM s3vl.raise_foreign(caller, 'it has not the number of vectors that was agreed');
        END IF;
        -- An answer that would be too large, or take too long, ends early and says where to go on.
        EXIT WHEN token IS NULL OR received = top_k;
        IF question IS NOT NULL AND query_vector IS NULL THEN
            query_vector := answer.query_vector;
            IF query_vector IS NULL THEN
                PERFORM s3vl.raise_foreign(caller, 'it leads on without the vector of the text');
            END IF;
            SELECT json_agg(json_build_object('key', k.key, 'text', question) ORDER BY k.place) INTO query_texts
            FROM unnest(full_text_keys) WITH ORDINALITY AS k(key, place);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION s3vl.found_vectors IS
    'Internal: the rows of a search by a vector (base64), by texts, by both, or by a question that the function embeds';

CREATE OR REPLACE FUNCTION s3vl.query_vectors(
    query_vector public.vector, index_name text DEFAULT NULL, index_arn text DEFAULT NULL, top_k integer DEFAULT 10,
    return_metadata boolean DEFAULT true, metadata_filter jsonb DEFAULT NULL, query_mode text DEFAULT NULL
) RETURNS TABLE (vector_id text, distance float8, similarity_score float8, metadata jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 COST 1000000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 's3vl.query_vectors';
    target s3vl.index_registry;
BEGIN
    IF query_vector IS NULL THEN
        PERFORM s3vl.raise_null(caller, 'query_vector');
    END IF;
    PERFORM s3vl.check_search(caller, top_k, return_metadata, metadata_filter, query_mode);
    target := s3vl.opened_index(caller, index_name, index_arn, 'read');
    PERFORM s3vl.check_dimension(caller, 'query_vector', query_vector, target);
    RETURN QUERY
    SELECT f.vector_id, f.distance, f.similarity_score, f.metadata
    FROM s3vl.found_vectors(
        caller, target, s3vl.base64(query_vector), NULL, NULL, NULL, top_k, return_metadata, metadata_filter, query_mode
    ) AS f;
END
$$;
COMMENT ON FUNCTION s3vl.query_vectors(public.vector, text, text, integer, boolean, jsonb, text) IS
    'The top_k (1 to 10,000) nearest vectors of a registered index, nearest first. similarity_score is 1 - distance for cosine, '
    'NULL for euclidean';
GRANT EXECUTE ON FUNCTION s3vl.query_vectors(public.vector, text, text, integer, boolean, jsonb, text) TO vectordb_reader, vectordb_worker;

-- The other forms run with the caller's rights, so that the planner can put the first one in their place: they cost nothing.
-- real[], numeric[] and integer[] find float8[]; a literal without a type finds text.

CREATE OR REPLACE FUNCTION s3vl.query_vectors(
    query_vector float8[], index_name text DEFAULT NULL, index_arn text DEFAULT NULL, top_k integer DEFAULT 10,
    return_metadata boolean DEFAULT true, metadata_filter jsonb DEFAULT NULL, query_mode text DEFAULT NULL
) RETURNS TABLE (vector_id text, distance float8, similarity_score float8, metadata jsonb)
LANGUAGE sql STABLE ROWS 10 COST 1000000
AS $$
    SELECT q.vector_id, q.distance, q.similarity_score, q.metadata
    FROM s3vl.query_vectors(
        query_vector::public.vector, index_name, index_arn, top_k, return_metadata, metadata_filter, query_mode
    ) AS q
$$;
COMMENT ON FUNCTION s3vl.query_vectors(float8[], text, text, integer, boolean, jsonb, text) IS
    's3vl.query_vectors for arrays of numbers, which are rounded to 32-bit floats as the index holds them';
GRANT EXECUTE ON FUNCTION s3vl.query_vectors(float8[], text, text, integer, boolean, jsonb, text) TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.query_vectors(
    query_vector public.halfvec, index_name text DEFAULT NULL, index_arn text DEFAULT NULL, top_k integer DEFAULT 10,
    return_metadata boolean DEFAULT true, metadata_filter jsonb DEFAULT NULL, query_mode text DEFAULT NULL
) RETURNS TABLE (vector_id text, distance float8, similarity_score float8, metadata jsonb)
LANGUAGE sql STABLE ROWS 10 COST 1000000
AS $$
    SELECT q.vector_id, q.distance, q.similarity_score, q.metadata
    FROM s3vl.query_vectors(
        query_vector::public.vector, index_name, index_arn, top_k, return_metadata, metadata_filter, query_mode
    ) AS q
$$;
COMMENT ON FUNCTION s3vl.query_vectors(public.halfvec, text, text, integer, boolean, jsonb, text) IS 's3vl.query_vectors for halfvec';
GRANT EXECUTE ON FUNCTION s3vl.query_vectors(public.halfvec, text, text, integer, boolean, jsonb, text) TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.query_vectors(
    query_vector text, index_name text DEFAULT NULL, index_arn text DEFAULT NULL, top_k integer DEFAULT 10,
    return_metadata boolean DEFAULT true, metadata_filter jsonb DEFAULT NULL, query_mode text DEFAULT NULL
) RETURNS TABLE (vector_id text, distance float8, similarity_score float8, metadata jsonb)
LANGUAGE sql STABLE ROWS 10 COST 1000000
AS $$
    SELECT q.vector_id, q.distance, q.similarity_score, q.metadata
    FROM s3vl.query_vectors(
        CASE
            WHEN pg_catalog.starts_with(query_vector, '{') THEN query_vector::pg_catalog.float8[]::public.vector
            ELSE query_vector::public.vector
        END,
        index_name, index_arn, top_k, return_metadata, metadata_filter, query_mode
    ) AS q
$$;
COMMENT ON FUNCTION s3vl.query_vectors(text, text, text, integer, boolean, jsonb, text) IS
    's3vl.query_vectors for text: [0.1, 0.2] as a vector is written, or {0.1, 0.2} as an array';
GRANT EXECUTE ON FUNCTION s3vl.query_vectors(text, text, text, integer, boolean, jsonb, text) TO vectordb_reader, vectordb_worker;
