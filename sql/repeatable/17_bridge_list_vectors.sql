-- s3vl.list_vectors: an index page by page.
--
-- SELECT * FROM s3vl.list_vectors(index_name => 'stdlib', max_results => 500);
-- SELECT * FROM s3vl.list_vectors(index_name => 'stdlib', max_results => 500, next_token => '<response_next_token of the last call>');
--
-- Every row of a page carries the token of the next page in response_next_token; NULL there, or no row at all, is the end. A page
-- may have fewer rows than max_results (1 to 1000) and yet be followed by another: go by the token. A page without rows is never
-- followed by one with rows.
-- vector_data   NULL unless return_data
-- metadata      NULL unless return_metadata; {} when the vector has none
-- total_count   how many vectors the index has, when this one page is all of it; otherwise NULL, because the service does not count

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION s3vl.list_vectors(
    index_arn text DEFAULT NULL, index_name text DEFAULT NULL, max_results integer DEFAULT 100, next_token text DEFAULT NULL,
    return_data boolean DEFAULT false, return_metadata boolean DEFAULT true
) RETURNS TABLE (vector_id text, vector_data float8[], metadata jsonb, response_next_token text, total_count integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 COST 1000000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 's3vl.list_vectors';
    target s3vl.index_registry;
    result json;
    answer record;
    page_rows integer;
BEGIN
    IF max_results IS NULL OR return_data IS NULL OR return_metadata IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'null_value_not_allowed',
            MESSAGE = format(
                '%s: %s must not be NULL', caller,
                CASE
                    WHEN max_results IS NULL THEN 'max_results'
                    WHEN return_data IS NULL THEN 'return_data'
                    ELSE 'return_metadata'
                END
            );
    ELSIF max_results NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('%s: max_results must be from 1 to 1000, not %s', caller, max_results);
    END IF;
    target := s3vl.requested_index(caller, index_name, index_arn);
    result := s3vl.invoke(caller, 'list_vectors', json_build_object(
        'index_arn', target.index_arn,
        'max_results', max_results,
        'next_token', next_token,
        'return_data', return_data,
        'return_metadata', return_metadata
    ));
    BEGIN
        SELECT r.* INTO answer FROM json_to_record(result) AS r(vectors json, next_token text);
        IF answer.vectors IS NULL THEN
            PERFORM s3vl.raise_foreign(caller, 'it has no vectors');
        END IF;
        RETURN QUERY
        SELECT v.key::text,
            CASE WHEN return_data THEN v.data::s3vl.wire_required_vector::float8[] END,
            CASE WHEN return_metadata THEN coalesce(v.metadata::jsonb, '{}') END,
            answer.next_token,
            CASE WHEN list_vectors.next_token IS NULL AND answer.next_token IS NULL THEN json_array_length(answer.vectors) END
        FROM json_to_recordset(answer.vectors) AS v(key s3vl.wire_key, data s3vl.wire_vector, metadata s3vl.wire_metadata);
        GET DIAGNOSTICS page_rows = ROW_COUNT;
    EXCEPTION
        WHEN untranslatable_character THEN
            PERFORM s3vl.raise_unrepresentable(caller);
        WHEN data_exception OR integrity_constraint_violation THEN
            PERFORM s3vl.raise_foreign(caller, 'its vectors have not the shape that was agreed');
    END;
    IF page_rows > max_results OR (page_rows = 0 AND answer.next_token IS NOT NULL) THEN
        PERFORM s3vl.raise_foreign(caller, 'it has not the number of vectors that was agreed');
    END IF;
END
$$;
COMMENT ON FUNCTION s3vl.list_vectors IS
    'One page of an index. Each row carries the next page''s token in response_next_token; NULL or no row is the end';
GRANT EXECUTE ON FUNCTION s3vl.list_vectors TO vectordb_reader;
SELECT s3vl.label_parallel('s3vl.list_vectors(text, text, integer, text, boolean, boolean)');
