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
-- vector_id         the key
-- distance          as the service says it: cosine distance, or euclidean distance; nearest first
-- similarity_score  cosine: 1 - distance. euclidean: NULL, because 1 - distance means nothing there
-- metadata          {} when the vector has none or return_metadata is false

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION s3vl.query_vectors(
    query_vector public.vector, index_name text DEFAULT NULL, index_arn text DEFAULT NULL, top_k integer DEFAULT 10,
    return_metadata boolean DEFAULT true, metadata_filter jsonb DEFAULT NULL
) RETURNS TABLE (vector_id text, distance float8, similarity_score float8, metadata jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 COST 1000000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 's3vl.query_vectors';
    target s3vl.index_registry;
    result json;
    answer record;
    token text;
    received integer := 0;
    page_rows integer;
    problem text;
BEGIN
    IF query_vector IS NULL OR top_k IS NULL OR return_metadata IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'null_value_not_allowed',
            MESSAGE = format(
                '%s: %s must not be NULL', caller,
                CASE WHEN query_vector IS NULL THEN 'query_vector' WHEN top_k IS NULL THEN 'top_k' ELSE 'return_metadata' END
            );
    ELSIF top_k NOT BETWEEN 1 AND 10000 THEN
        problem := format('top_k must be from 1 to 10000, not %s', top_k);
    ELSIF jsonb_typeof(metadata_filter) <> 'object' THEN
        problem := format('metadata_filter must be a JSON object, not %s', jsonb_typeof(metadata_filter));
    ELSIF public.vector_dims(query_vector) > 4096 THEN
        problem := format('query_vector has %s dimensions; S3 Vectors has at most 4096', public.vector_dims(query_vector));
    END IF;
    IF problem IS NULL THEN
        target := s3vl.requested_index(caller, index_name, index_arn);
        IF public.vector_dims(query_vector) <> target.dimension THEN
            problem := format(
                'query_vector has %s dimensions, the index %L has %s',
                public.vector_dims(query_vector), target.index_name, target.dimension
            );
        END IF;
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s: %s', caller, problem);
    END IF;

    LOOP
        result := s3vl.invoke(caller, 'query_vectors', json_build_object(
            'index_arn', target.index_arn,
            -- The text of a vector is a JSON array, with the shortest digits that give the same 32-bit floats.
            'query_vector', query_vector::text::json,
            'top_k', top_k,
            'return_metadata', return_metadata,
            'metadata_filter', metadata_filter,
            'next_token', token,
            'received', received
        ));
        BEGIN
            SELECT r.* INTO answer FROM json_to_record(result) AS r(metric text, vectors json, next_token text);
            IF answer.metric IS NULL OR answer.vectors IS NULL THEN
                PERFORM s3vl.raise_foreign(caller, 'it has no vectors');
            END IF;
            RETURN QUERY
            SELECT v.key::text, v.distance::float8,
                CASE answer.metric WHEN 'cosine' THEN 1 - v.distance END,
                coalesce(v.metadata::jsonb, '{}')
            FROM json_to_recordset(answer.vectors)
                AS v(key s3vl.wire_key, distance s3vl.wire_distance, metadata s3vl.wire_metadata);
            GET DIAGNOSTICS page_rows = ROW_COUNT;
        EXCEPTION
            WHEN untranslatable_character THEN
                PERFORM s3vl.raise_unrepresentable(caller);
            WHEN data_exception OR integrity_constraint_violation THEN
                PERFORM s3vl.raise_foreign(caller, 'its vectors have not the shape that was agreed');
        END;
        received := received + page_rows;
        token := answer.next_token;
        IF received > top_k OR (token IS NOT NULL AND page_rows = 0) THEN
            PERFORM s3vl.raise_foreign(caller, 'it has not the number of vectors that was agreed');
        END IF;
        -- An answer that would be too large, or take too long, ends early and says where to go on.
        EXIT WHEN token IS NULL OR received = top_k;
    END LOOP;
END
$$;
COMMENT ON FUNCTION s3vl.query_vectors(public.vector, text, text, integer, boolean, jsonb) IS
    'The top_k (1 to 10,000) nearest vectors of a registered index, nearest first. similarity_score is 1 - distance for cosine, '
    'NULL for euclidean';
GRANT EXECUTE ON FUNCTION s3vl.query_vectors(public.vector, text, text, integer, boolean, jsonb) TO vectordb_reader;
SELECT s3vl.label_parallel('s3vl.query_vectors(public.vector, text, text, integer, boolean, jsonb)');

-- The other forms run with the caller's rights, so that the planner can put the first one in their place: they cost nothing.
-- real[], numeric[] and integer[] find float8[]; a literal without a type finds text.

CREATE OR REPLACE FUNCTION s3vl.query_vectors(
    query_vector float8[], index_name text DEFAULT NULL, index_arn text DEFAULT NULL, top_k integer DEFAULT 10,
    return_metadata boolean DEFAULT true, metadata_filter jsonb DEFAULT NULL
) RETURNS TABLE (vector_id text, distance float8, similarity_score float8, metadata jsonb)
LANGUAGE sql STABLE ROWS 10 COST 1000000
AS $$
    SELECT q.vector_id, q.distance, q.similarity_score, q.metadata
    FROM s3vl.query_vectors(query_vector::public.vector, index_name, index_arn, top_k, return_metadata, metadata_filter) AS q
$$;
COMMENT ON FUNCTION s3vl.query_vectors(float8[], text, text, integer, boolean, jsonb) IS
    's3vl.query_vectors for arrays of numbers, which are rounded to 32-bit floats as the index holds them';
GRANT EXECUTE ON FUNCTION s3vl.query_vectors(float8[], text, text, integer, boolean, jsonb) TO vectordb_reader;
SELECT s3vl.label_parallel('s3vl.query_vectors(float8[], text, text, integer, boolean, jsonb)');

CREATE OR REPLACE FUNCTION s3vl.query_vectors(
    query_vector public.halfvec, index_name text DEFAULT NULL, index_arn text DEFAULT NULL, top_k integer DEFAULT 10,
    return_metadata boolean DEFAULT true, metadata_filter jsonb DEFAULT NULL
) RETURNS TABLE (vector_id text, distance float8, similarity_score float8, metadata jsonb)
LANGUAGE sql STABLE ROWS 10 COST 1000000
AS $$
    SELECT q.vector_id, q.distance, q.similarity_score, q.metadata
    FROM s3vl.query_vectors(query_vector::public.vector, index_name, index_arn, top_k, return_metadata, metadata_filter) AS q
$$;
COMMENT ON FUNCTION s3vl.query_vectors(public.halfvec, text, text, integer, boolean, jsonb) IS 's3vl.query_vectors for halfvec';
GRANT EXECUTE ON FUNCTION s3vl.query_vectors(public.halfvec, text, text, integer, boolean, jsonb) TO vectordb_reader;
SELECT s3vl.label_parallel('s3vl.query_vectors(public.halfvec, text, text, integer, boolean, jsonb)');

CREATE OR REPLACE FUNCTION s3vl.query_vectors(
    query_vector text, index_name text DEFAULT NULL, index_arn text DEFAULT NULL, top_k integer DEFAULT 10,
    return_metadata boolean DEFAULT true, metadata_filter jsonb DEFAULT NULL
) RETURNS TABLE (vector_id text, distance float8, similarity_score float8, metadata jsonb)
LANGUAGE sql STABLE ROWS 10 COST 1000000
AS $$
    SELECT q.vector_id, q.distance, q.similarity_score, q.metadata
    FROM s3vl.query_vectors(
        CASE
            WHEN pg_catalog.starts_with(query_vector, '{') THEN query_vector::pg_catalog.float8[]::public.vector
            ELSE query_vector::public.vector
        END,
        index_name, index_arn, top_k, return_metadata, metadata_filter
    ) AS q
$$;
COMMENT ON FUNCTION s3vl.query_vectors(text, text, text, integer, boolean, jsonb) IS
    's3vl.query_vectors for text: [0.1, 0.2] as a vector is written, or {0.1, 0.2} as an array';
GRANT EXECUTE ON FUNCTION s3vl.query_vectors(text, text, text, integer, boolean, jsonb) TO vectordb_reader;
SELECT s3vl.label_parallel('s3vl.query_vectors(text, text, text, integer, boolean, jsonb)');
