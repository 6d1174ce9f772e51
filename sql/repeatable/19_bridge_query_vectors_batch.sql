-- s3vl.query_vectors_batch: many queries in one call of the function, which asks the service for many of them at once.
--
-- SELECT * FROM s3vl.query_vectors_batch(ARRAY(SELECT embedding FROM question ORDER BY id), 'stdlib', top_k => 5);
--
-- A hundred queries one by one are a hundred calls of the function, one after the other. Here they are one.
--
-- query_vectors     an array of vector or halfvec, an array of numbers in two dimensions, or text of either form
-- query_no          which of them, from 1
-- rank              of the vector among what its query found, from 1
-- index_name | index_arn, top_k, return_metadata, metadata_filter, query_mode, and the other columns    as for s3vl.query_vectors
--
-- Any number of queries, none too: they are sent in slices that Lambda carries. Rows come in the order of query_no and rank.

SET LOCAL ROLE vectordb_owner;

-- SECURITY DEFINER for the sake of its errors: it reads nothing.
CREATE OR REPLACE FUNCTION s3vl.vector_array(caller text, argument text, vectors float8[]) RETURNS public.vector[]
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    row_numbers float8[];
    converted public.vector[] := '{}';
    message text;
BEGIN
    IF vectors IS NULL THEN
        PERFORM s3vl.raise_null(caller, argument);
    ELSIF cardinality(vectors) = 0 THEN
        RETURN '{}';
    ELSIF array_ndims(vectors) <> 2 THEN
        PERFORM s3vl.raise_invalid(
            caller, format('%s is an array of numbers and must have two dimensions: a row for each vector', argument)
        );
    END IF;
    BEGIN
        -- Not by subscripts: each slice would copy the whole array first.
        FOREACH row_numbers SLICE 1 IN ARRAY vectors LOOP
            converted := array_append(converted, row_numbers::public.vector);
        END LOOP;
    EXCEPTION
        WHEN data_exception OR program_limit_exceeded THEN  -- pgvector's: NULL, NaN, infinite, too large, too long
            GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
            PERFORM s3vl.raise_invalid(caller, format('%s[%s]: %s', argument, cardinality(converted) + 1, message));
    END;
    RETURN converted;
END
$$;
COMMENT ON FUNCTION s3vl.vector_array(text, text, float8[]) IS 'Internal: an array of numbers in two dimensions as vectors, one a row';
GRANT EXECUTE ON FUNCTION s3vl.vector_array(text, text, float8[]) TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.vector_array(caller text, argument text, vectors text) RETURNS public.vector[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        -- {{1,2},{3,4}} or [[1,2],[3,4]]; otherwise {"[1,2]","[3,4]"}, which is how vector[] is written.
        WHEN vectors ~ '^[[:space:]]*([{][[:space:]]*[{]|[[])' THEN s3vl.vector_array(caller, argument, translate(vectors, '[]', '{}')::float8[])
        ELSE vectors::public.vector[]
    END
$$;
COMMENT ON FUNCTION s3vl.vector_array(text, text, text) IS 'Internal: vectors written as text';
GRANT EXECUTE ON FUNCTION s3vl.vector_array(text, text, text) TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.checked_vectors(
    caller text, argument text, vectors public.vector[], target s3vl.index_registry
) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    dimension integer;
    wrong record;
BEGIN
    IF vectors IS NULL THEN
        PERFORM s3vl.raise_null(caller, argument);
    ELSIF cardinality(vectors) = 0 THEN
        RETURN;
    ELSIF array_ndims(vectors) <> 1 THEN
        PERFORM s3vl.raise_invalid(caller, format('%s must have one dimension, not %s', argument, array_ndims(vectors)));
    END IF;
    dimension := coalesce(target.dimension, public.vector_dims(vectors[array_lower(vectors, 1)]));
    SELECT u.place, public.vector_dims(u.vector) AS dimension INTO wrong
    FROM unnest(vectors) WITH ORDINALITY AS u(vector, place)
    WHERE public.vector_dims(u.vector) IS DISTINCT FROM dimension OR public.vector_dims(u.vector) > 4096
    LIMIT 1;
    IF wrong.place IS NULL THEN
        RETURN;
    ELSIF wrong.dimension IS NULL THEN
        PERFORM s3vl.raise_null(caller, format('%s[%s]', argument, wrong.place));
    ELSIF wrong.dimension > 4096 THEN
        PERFORM s3vl.raise_invalid(caller, format(
            '%s[%s] has %s dimensions; S3 Vectors has at most 4096', argument, wrong.place, wrong.dimension
        ));
    END IF;
    PERFORM s3vl.raise_invalid(caller, format(
        '%s[%s] has %s dimensions, %s %s', argument, wrong.place, wrong.dimension,
        CASE WHEN target.dimension IS NULL THEN 'the first one has' ELSE format('the index %L has', target.index_name) END, dimension
    ));
END
$$;
COMMENT ON FUNCTION s3vl.checked_vectors IS 'Internal: each of the vectors is there and fits the index, or an error that says which';

CREATE OR REPLACE FUNCTION s3vl.query_vectors_batch(
    query_vectors public.vector[], index_name text DEFAULT NULL, index_arn text DEFAULT NULL, top_k integer DEFAULT 10,
    return_metadata boolean DEFAULT true, metadata_filter jsonb DEFAULT NULL, query_mode text DEFAULT NULL
) RETURNS TABLE (
    query_no integer, rank integer, vector_id text, distance float8, similarity_score float8, metadata jsonb
)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1000 COST 10000000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 's3vl.query_vectors_batch';
    target s3vl.index_registry;
    scope json;
    epoch bigint;
    query_texts text[];
    slice_size integer;
    largest_slice integer;
    done integer := 0;
    result json;
    answer record;
    state text;
    message text;
    detail text;
    hint text;
    number integer;
BEGIN
    PERFORM s3vl.check_search(caller, top_k, return_metadata, metadata_filter, query_mode);
    target := s3vl.opened_index(caller, index_name, index_arn, 'read');
    PERFORM s3vl.checked_vectors(caller, 'query_vectors', query_vectors, target);
    scope := s3vl.tenant_scope(caller, target);
    IF cardinality(query_vectors) = 0 THEN
        RETURN;
    END IF;
    epoch := s3vl.write_epoch(target);
    query_texts := ARRAY(SELECT s3vl.base64(u) FROM unnest(query_vectors) AS u);
    -- Lambda takes 6 MB and gives 6 MB back: at least 100 bytes for each vector found. The function takes 1000 at most.
    largest_slice := greatest(1, least(
        1000,
        (5500000 - coalesce(octet_length(metadata_filter::text), 0)) / (octet_length(query_texts[1]) + 3),
        55000 / top_k
    ));
    slice_size := largest_slice;
    WHILE done < cardinality(query_texts) LOOP
        slice_size := least(slice_size, cardinality(query_texts) - done);
        BEGIN
            result := s3vl.invoke(caller, 'query_vectors_batch', json_build_object(
                'index_arn', target.index_arn,
                'query_vectors', query_texts[done + 1 : done + slice_size],
                'top_k', top_k,
                'return_metadata', return_metadata,
                'metadata_filter', metadata_filter,
                'query_mode', query_mode,
                'scope', scope,
                'epoch', epoch
            ));
        EXCEPTION
            WHEN OTHERS THEN
                GET STACKED DIAGNOSTICS
                    state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
                number := substring(message FROM ': query ([0-9]{1,4}): ');
                IF number IS NULL THEN
                    RAISE;
                END IF;
                -- The function counts the queries of the slice.
                message := regexp_replace(message, ': query [0-9]{1,4}: ', format(': query %s: ', number + done));
                RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message, DETAIL = detail, HINT = hint;
        END;
        BEGIN
            SELECT r.* INTO answer FROM json_to_record(result) AS r(metric text, results json, taken s3vl.wire_count);
            IF answer.results IS NULL
                OR (answer.metric IS NULL AND answer.taken > 0)
                OR answer.taken NOT BETWEEN 0 AND slice_size
                OR json_array_length(answer.results) <> answer.taken
                OR EXISTS (SELECT FROM json_array_elements(answer.results) AS e WHERE json_array_length(e) > top_k)
            THEN
                PERFORM s3vl.raise_foreign(caller, 'it has not the number of results that was agreed');
            END IF;
            RETURN QUERY
            SELECT done + q.number::integer, v.rank::integer, v.key::text, v.distance::float8,
                CASE answer.metric WHEN 'cosine' THEN 1 - v.distance END,
                coalesce(v.metadata::jsonb, '{}')
            FROM json_array_elements(answer.results) WITH ORDINALITY AS q(vectors, number)
            CROSS JOIN LATERAL ROWS FROM (
                json_to_recordset(q.vectors) AS (key s3vl.wire_key, distance s3vl.wire_distance, metadata s3vl.wire_metadata)
            ) WITH ORDINALITY AS v(key, distance, metadata, rank);
        EXCEPTION
            WHEN data_exception OR integrity_constraint_violation THEN
                PERFORM s3vl.raise_misshapen(caller, SQLSTATE);
        END;
        IF answer.taken = 0 THEN
            -- What the next query finds is too much for one answer: it is asked by itself, answer after answer.
            RETURN QUERY
            SELECT done + 1, f.rank::integer, f.vector_id, f.distance, f.similarity_score, f.metadata
            FROM s3vl.found_vectors(
                caller, target, query_texts[done + 1], NULL, NULL, NULL, top_k, return_metadata, metadata_filter, query_mode
            ) WITH ORDINALITY AS f(
                vector_id, fused_score, bm25_score, bm25_scores, distance, similarity_score, metadata, rank
            );
        END IF;
        done := done + greatest(answer.taken, 1);
        -- As many as were taken fit again, most likely; more would be asked of the service for nothing.
        slice_size := CASE
            WHEN answer.taken = slice_size THEN least(largest_slice, slice_size + slice_size / 4 + 1)
            ELSE greatest(answer.taken, 1)
        END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION s3vl.query_vectors_batch(public.vector[], text, text, integer, boolean, jsonb, text) IS
    'The top_k nearest vectors of each of many queries, in one call of the function: query_no and rank, from 1, say whose they are';
GRANT EXECUTE ON FUNCTION s3vl.query_vectors_batch(public.vector[], text, text, integer, boolean, jsonb, text) TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.query_vectors_batch(
    query_vectors public.halfvec[], index_name text DEFAULT NULL, index_arn text DEFAULT NULL, top_k integer DEFAULT 10,
    return_metadata boolean DEFAULT true, metadata_filter jsonb DEFAULT NULL, query_mode text DEFAULT NULL
) RETURNS TABLE (
    query_no integer, rank integer, vector_id text, distance float8, similarity_score float8, metadata jsonb
)
LANGUAGE sql STABLE ROWS 1000 COST 10000000
AS $$
    SELECT q.query_no, q.rank, q.vector_id, q.distance, q.similarity_score, q.metadata
    FROM s3vl.query_vectors_batch(
        query_vectors::public.vector[],
        index_name, index_arn, top_k, return_metadata, metadata_filter, query_mode
    ) AS q
$$;
COMMENT ON FUNCTION s3vl.query_vectors_batch(public.halfvec[], text, text, integer, boolean, jsonb, text) IS
    's3vl.query_vectors_batch for arrays of halfvec';
GRANT EXECUTE ON FUNCTION s3vl.query_vectors_batch(public.halfvec[], text, text, integer, boolean, jsonb, text) TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.query_vectors_batch(
    query_vectors float8[], index_name text DEFAULT NULL, index_arn text DEFAULT NULL, top_k integer DEFAULT 10,
    return_metadata boolean DEFAULT true, metadata_filter jsonb DEFAULT NULL, query_mode text DEFAULT NULL
) RETURNS TABLE (
    query_no integer, rank integer, vector_id text, distance float8, similarity_score float8, metadata jsonb
)
LANGUAGE sql STABLE ROWS 1000 COST 10000000
AS $$
    SELECT q.query_no, q.rank, q.vector_id, q.distance, q.similarity_score, q.metadata
    FROM s3vl.query_vectors_batch(
        s3vl.vector_array('s3vl.query_vectors_batch', 'query_vectors', query_vectors),
        index_name, index_arn, top_k, return_metadata, metadata_filter, query_mode
    ) AS q
$$;
COMMENT ON FUNCTION s3vl.query_vectors_batch(float8[], text, text, integer, boolean, jsonb, text) IS
    's3vl.query_vectors_batch for arrays of numbers in two dimensions';
GRANT EXECUTE ON FUNCTION s3vl.query_vectors_batch(float8[], text, text, integer, boolean, jsonb, text) TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.query_vectors_batch(
    query_vectors text, index_name text DEFAULT NULL, index_arn text DEFAULT NULL, top_k integer DEFAULT 10,
    return_metadata boolean DEFAULT true, metadata_filter jsonb DEFAULT NULL, query_mode text DEFAULT NULL
) RETURNS TABLE (
    query_no integer, rank integer, vector_id text, distance float8, similarity_score float8, metadata jsonb
)
LANGUAGE sql STABLE ROWS 1000 COST 10000000
AS $$
    SELECT q.query_no, q.rank, q.vector_id, q.distance, q.similarity_score, q.metadata
    FROM s3vl.query_vectors_batch(
        s3vl.vector_array('s3vl.query_vectors_batch', 'query_vectors', query_vectors),
        index_name, index_arn, top_k, return_metadata, metadata_filter, query_mode
    ) AS q
$$;
COMMENT ON FUNCTION s3vl.query_vectors_batch(text, text, text, integer, boolean, jsonb, text) IS
    's3vl.query_vectors_batch for text: {"[1, 2]", "[3, 4]"}, {{1, 2}, {3, 4}} or [[1, 2], [3, 4]]';
GRANT EXECUTE ON FUNCTION s3vl.query_vectors_batch(text, text, text, integer, boolean, jsonb, text) TO vectordb_reader, vectordb_worker;
