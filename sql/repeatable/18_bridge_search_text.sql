-- Search by words: full text (BM25), a vector and words together (hybrid), and a question in plain language.
--
-- SELECT * FROM s3vl.full_text_query('{"body": "compress a stream"}', 'stdlib');
-- SELECT * FROM s3vl.hybrid_query_vectors('[0.1, 0.2, 0.3]', '{"body": "compress a stream"}', 'stdlib', top_k => 5);
-- SELECT * FROM s3vl.search_text('How do I compress a stream?', 'stdlib');
-- SELECT * FROM s3vl.search_text('compress a stream', 'stdlib', full_text_keys => '{body}');
--
-- query_texts       {"metadata key": "words", ...}: 1 to 10 keys with full-text search, which the index declares as fullTextKeys, and
--                   1 to 1024 characters for each
-- query             text, which the function embeds with the model that the index is registered with
-- full_text_keys    for search_text: look for the words of the query in these keys, too
-- index_name | index_arn, top_k, return_metadata, metadata_filter    as for s3vl.query_vectors
--
-- The best first: by fused_score when a vector and words were asked, otherwise by bm25_score or distance. The service has no
-- weights to give.
-- fused_score       the ranks of both searches put together (reciprocal rank fusion); NULL where there was one search only
-- bm25_score        the sum of bm25_scores; NULL when the words did not find the vector
-- bm25_scores       {"metadata key": score, ...} of the keys in which the words were found
-- distance, similarity_score   as for s3vl.query_vectors; NULL when the search by vector did not find it

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION s3vl.wire_texts(caller text, query_texts jsonb) RETURNS json
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wrong text;
BEGIN
    IF query_texts IS NULL THEN
        PERFORM s3vl.raise_null(caller, 'query_texts');
    ELSIF jsonb_typeof(query_texts) <> 'object' OR query_texts = '{}' THEN
        PERFORM s3vl.raise_invalid(caller, 'query_texts must be a JSON object of metadata keys and the words to find in them');
    END IF;
    SELECT e.key INTO wrong
    FROM jsonb_each(query_texts) AS e
    WHERE jsonb_typeof(e.value) <> 'string' OR length(e.value #>> '{}') > 1024 OR e.value #>> '{}' !~ '[^[:space:]]'
    LIMIT 1;
    IF wrong IS NOT NULL THEN
        PERFORM s3vl.raise_invalid(caller, format('query_texts: the value of %L must be a text of 1 to 1024 characters', wrong));
    ELSIF (SELECT count(*) > 10 OR bool_or(length(k) NOT BETWEEN 1 AND 63) FROM jsonb_object_keys(query_texts) AS k) THEN
        PERFORM s3vl.raise_invalid(caller, 'query_texts must have 1 to 10 metadata keys of 1 to 63 characters');
    END IF;
    RETURN (SELECT json_agg(json_build_object('key', e.key, 'text', e.value)) FROM jsonb_each(query_texts) AS e);
END
$$;
COMMENT ON FUNCTION s3vl.wire_texts IS 'Internal: {"key": "words"} as the function takes it, or an error';

CREATE OR REPLACE FUNCTION s3vl.hybrid_query_vectors(
    query_vector public.vector, query_texts jsonb, index_name text DEFAULT NULL, index_arn text DEFAULT NULL,
    top_k integer DEFAULT 10, return_metadata boolean DEFAULT true, metadata_filter jsonb DEFAULT NULL
) RETURNS TABLE (
    vector_id text, fused_score float8, bm25_score float8, bm25_scores jsonb, distance float8, similarity_score float8, metadata jsonb
)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 COST 1000000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 's3vl.hybrid_query_vectors';
    texts json;
    target s3vl.index_registry;
BEGIN
    IF query_vector IS NULL THEN
        PERFORM s3vl.raise_null(caller, 'query_vector');
    END IF;
    PERFORM s3vl.check_search(caller, top_k, return_metadata, metadata_filter, NULL);
    texts := s3vl.wire_texts(caller, query_texts);
    target := s3vl.opened_index(caller, index_name, index_arn, 'read');
    PERFORM s3vl.check_dimension(caller, 'query_vector', query_vector, target);
    RETURN QUERY
    SELECT f.*
    FROM s3vl.found_vectors(
        caller, target, s3vl.base64(query_vector), texts, NULL, NULL, top_k, return_metadata, metadata_filter, NULL
    ) AS f;
END
$$;
COMMENT ON FUNCTION s3vl.hybrid_query_vectors(public.vector, jsonb, text, text, integer, boolean, jsonb) IS
    'The top_k best vectors by a vector and words together. query_texts: {"metadata key": "words"}';
GRANT EXECUTE ON FUNCTION s3vl.hybrid_query_vectors(public.vector, jsonb, text, text, integer, boolean, jsonb) TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.hybrid_query_vectors(
    query_vector float8[], query_texts jsonb, index_name text DEFAULT NULL, index_arn text DEFAULT NULL,
    top_k integer DEFAULT 10, return_metadata boolean DEFAULT true, metadata_filter jsonb DEFAULT NULL
) RETURNS TABLE (
    vector_id text, fused_score float8, bm25_score float8, bm25_scores jsonb, distance float8, similarity_score float8, metadata jsonb
)
LANGUAGE sql STABLE ROWS 10 COST 1000000
AS $$
    SELECT h.*
    FROM s3vl.hybrid_query_vectors(
        query_vector::public.vector, query_texts, index_name, index_arn, top_k, return_metadata, metadata_filter
    ) AS h
$$;
COMMENT ON FUNCTION s3vl.hybrid_query_vectors(float8[], jsonb, text, text, integer, boolean, jsonb) IS
    's3vl.hybrid_query_vectors for arrays of numbers';
GRANT EXECUTE ON FUNCTION s3vl.hybrid_query_vectors(float8[], jsonb, text, text, integer, boolean, jsonb) TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.hybrid_query_vectors(
    query_vector public.halfvec, query_texts jsonb, index_name text DEFAULT NULL, index_arn text DEFAULT NULL,
    top_k integer DEFAULT 10, return_metadata boolean DEFAULT true, metadata_filter jsonb DEFAULT NULL
) RETURNS TABLE (
    vector_id text, fused_score float8, bm25_score float8, bm25_scores jsonb, distance float8, similarity_score float8, metadata jsonb
)
LANGUAGE sql STABLE ROWS 10 COST 1000000
AS $$
    SELECT h.*
    FROM s3vl.hybrid_query_vectors(
        query_vector::public.vector, query_texts, index_name, index_arn, top_k, return_metadata, metadata_filter
    ) AS h
$$;
COMMENT ON FUNCTION s3vl.hybrid_query_vectors(public.halfvec, jsonb, text, text, integer, boolean, jsonb) IS
    's3vl.hybrid_query_vectors for halfvec';
GRANT EXECUTE ON FUNCTION s3vl.hybrid_query_vectors(public.halfvec, jsonb, text, text, integer, boolean, jsonb) TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.hybrid_query_vectors(
    query_vector text, query_texts jsonb, index_name text DEFAULT NULL, index_arn text DEFAULT NULL,
    top_k integer DEFAULT 10, return_metadata boolean DEFAULT true, metadata_filter jsonb DEFAULT NULL
) RETURNS TABLE (
    vector_id text, fused_score float8, bm25_score float8, bm25_scores jsonb, distance float8, similarity_score float8, metadata jsonb
)
LANGUAGE sql STABLE ROWS 10 COST 1000000
AS $$
    SELECT h.*
    FROM s3vl.hybrid_query_vectors(
        CASE
            WHEN pg_catalog.starts_with(query_vector, '{') THEN query_vector::pg_catalog.float8[]::public.vector
            ELSE query_vector::public.vector
        END,
        query_texts, index_name, index_arn, top_k, return_metadata, metadata_filter
    ) AS h
$$;
COMMENT ON FUNCTION s3vl.hybrid_query_vectors(text, jsonb, text, text, integer, boolean, jsonb) IS
    's3vl.hybrid_query_vectors for text: [0.1, 0.2] or {0.1, 0.2}';
GRANT EXECUTE ON FUNCTION s3vl.hybrid_query_vectors(text, jsonb, text, text, integer, boolean, jsonb) TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.full_text_query(
    query_texts jsonb, index_name text DEFAULT NULL, index_arn text DEFAULT NULL, top_k integer DEFAULT 10,
    return_metadata boolean DEFAULT true, metadata_filter jsonb DEFAULT NULL
) RETURNS TABLE (
    vector_id text, fused_score float8, bm25_score float8, bm25_scores jsonb, distance float8, similarity_score float8, metadata jsonb
)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 COST 1000000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 's3vl.full_text_query';
    texts json;
    target s3vl.index_registry;
BEGIN
    PERFORM s3vl.check_search(caller, top_k, return_metadata, metadata_filter, NULL);
    texts := s3vl.wire_texts(caller, query_texts);
    target := s3vl.opened_index(caller, index_name, index_arn, 'read');
    RETURN QUERY
    SELECT f.*
    FROM s3vl.found_vectors(caller, target, NULL, texts, NULL, NULL, top_k, return_metadata, metadata_filter, NULL) AS f;
END
$$;
COMMENT ON FUNCTION s3vl.full_text_query IS
    'The top_k best vectors by words in their metadata (BM25). query_texts: {"metadata key": "words"}';
GRANT EXECUTE ON FUNCTION s3vl.full_text_query TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.search_text(
    query text, index_name text DEFAULT NULL, index_arn text DEFAULT NULL, top_k integer DEFAULT 10,
    return_metadata boolean DEFAULT true, metadata_filter jsonb DEFAULT NULL, full_text_keys text[] DEFAULT NULL
) RETURNS TABLE (
    vector_id text, fused_score float8, bm25_score float8, bm25_scores jsonb, distance float8, similarity_score float8, metadata jsonb
)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 COST 1000000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 's3vl.search_text';
    target s3vl.index_registry;
BEGIN
    IF query IS NULL THEN
        PERFORM s3vl.raise_null(caller, 'query');
    ELSIF query !~ '[^[:space:]]' THEN
        PERFORM s3vl.raise_invalid(caller, 'query must not be empty');
    ELSIF full_text_keys IS NOT NULL THEN
        IF full_text_keys = '{}' OR EXISTS (SELECT FROM unnest(full_text_keys) AS k WHERE k IS NULL) THEN
            PERFORM s3vl.raise_invalid(caller, 'full_text_keys must name metadata keys; NULL searches by meaning alone');
        ELSIF length(query) > 1024 THEN
            PERFORM s3vl.raise_invalid(caller, format(
                'query has %s characters; with full_text_keys it must have at most 1024', length(query)
            ));
        END IF;
        full_text_keys := ARRAY(SELECT DISTINCT k FROM unnest(full_text_keys) AS k ORDER BY k);
        IF cardinality(full_text_keys) > 10 OR EXISTS (
            SELECT FROM unnest(full_text_keys) AS k WHERE length(k) NOT BETWEEN 1 AND 63
        ) THEN
            PERFORM s3vl.raise_invalid(caller, 'full_text_keys must be 1 to 10 metadata keys of 1 to 63 characters');
        END IF;
    END IF;
    PERFORM s3vl.check_search(caller, top_k, return_metadata, metadata_filter, NULL);
    target := s3vl.opened_index(caller, index_name, index_arn, 'read');
    IF target.model IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('%s: the index %L is registered without a model', caller, target.index_name),
            HINT = 'Give it the model that its vectors were made with (vectordb:indexes, model) and deploy; without one, embed the '
                'text yourself and use s3vl.query_vectors.';
    END IF;
    RETURN QUERY
    SELECT f.*
    FROM s3vl.found_vectors(
        caller, target, NULL, NULL, query, full_text_keys, top_k, return_metadata, metadata_filter, NULL
    ) AS f;
END
$$;
COMMENT ON FUNCTION s3vl.search_text IS
    'The top_k vectors nearest to a text, embedded with the index''s model; with full_text_keys, together with its words there';
GRANT EXECUTE ON FUNCTION s3vl.search_text TO vectordb_reader, vectordb_worker;
