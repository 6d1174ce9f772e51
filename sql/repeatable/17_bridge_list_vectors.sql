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
--
-- s3vl.list_all_vectors: all of an index, read in parallel, in no order.
--
-- CREATE TABLE copied AS SELECT * FROM s3vl.list_all_vectors('stdlib', return_data => true);
--
-- segments      1 to 16: how many parts of the index are read side by side. What is written meanwhile may be there or not

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
    scope json;
    token text := next_token;
    result json;
    answer record;
    page_rows integer;
BEGIN
    IF max_results IS NULL THEN
        PERFORM s3vl.raise_null(caller, 'max_results');
    ELSIF return_data IS NULL THEN
        PERFORM s3vl.raise_null(caller, 'return_data');
    ELSIF return_metadata IS NULL THEN
        PERFORM s3vl.raise_null(caller, 'return_metadata');
    ELSIF max_results NOT BETWEEN 1 AND 1000 THEN
        PERFORM s3vl.raise_invalid(caller, format('max_results must be from 1 to 1000, not %s', max_results));
    END IF;
    target := s3vl.opened_index(caller, index_name, index_arn, 'read');
    scope := s3vl.tenant_scope(caller, target);
    LOOP
        result := s3vl.invoke(caller, 'list_vectors', json_build_object(
            'index_arn', target.index_arn,
            'max_results', max_results,
            'next_token', token,
            'return_data', return_data,
            'return_metadata', return_metadata,
            'scope', scope
        ));
        BEGIN
            SELECT r.* INTO answer FROM json_to_record(result) AS r(vectors json, next_token text);
            IF answer.vectors IS NULL THEN
                PERFORM s3vl.raise_foreign(caller, 'it has no vectors');
            END IF;
            RETURN QUERY
            SELECT v.key::text,
                CASE WHEN return_data THEN s3vl.numbers(v.data, target.dimension) END,
                CASE WHEN return_metadata THEN coalesce(v.metadata::jsonb, '{}') END,
                answer.next_token,
                CASE WHEN list_vectors.next_token IS NULL AND answer.next_token IS NULL THEN json_array_length(answer.vectors) END
            FROM json_to_recordset(answer.vectors) AS v(key s3vl.wire_key, data s3vl.wire_data, metadata s3vl.wire_metadata);
            GET DIAGNOSTICS page_rows = ROW_COUNT;
        EXCEPTION
            WHEN data_exception OR integrity_constraint_violation THEN
                PERFORM s3vl.raise_misshapen(caller, SQLSTATE);
        END;
        IF page_rows > max_results OR (page_rows = 0 AND answer.next_token = token) THEN
            PERFORM s3vl.raise_foreign(caller, 'it has not the number of vectors that was agreed');
        END IF;
        -- A page of nobody's vectors that one may see has no row to carry its token: go on to one that has.
        EXIT WHEN page_rows > 0 OR answer.next_token IS NULL;
        token := answer.next_token;
    END LOOP;
END
$$;
COMMENT ON FUNCTION s3vl.list_vectors IS
    'One page of an index. Each row carries the next page''s token in response_next_token; NULL or no row is the end';
GRANT EXECUTE ON FUNCTION s3vl.list_vectors TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.list_all_vectors(
    index_name text DEFAULT NULL, index_arn text DEFAULT NULL, return_data boolean DEFAULT false,
    return_metadata boolean DEFAULT true, segments integer DEFAULT 8
) RETURNS TABLE (vector_id text, vector_data float8[], metadata jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100000 COST 10000000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 's3vl.list_all_vectors';
    target s3vl.index_registry;
    scope json;
    open_segments jsonb;
    result json;
    answer record;
    page_rows integer;
BEGIN
    IF return_data IS NULL THEN
        PERFORM s3vl.raise_null(caller, 'return_data');
    ELSIF return_metadata IS NULL THEN
        PERFORM s3vl.raise_null(caller, 'return_metadata');
    ELSIF segments IS NULL THEN
        PERFORM s3vl.raise_null(caller, 'segments');
    ELSIF segments NOT BETWEEN 1 AND 16 THEN
        PERFORM s3vl.raise_invalid(caller, format('segments must be from 1 to 16, not %s', segments));
    END IF;
    target := s3vl.opened_index(caller, index_name, index_arn, 'read');
    scope := s3vl.tenant_scope(caller, target);
    SELECT jsonb_agg(jsonb_build_object('index', n, 'next_token', NULL)) INTO open_segments
    FROM generate_series(0, segments - 1) AS n;
    WHILE jsonb_array_length(open_segments) > 0 LOOP
        result := s3vl.invoke(caller, 'list_segments', json_build_object(
            'index_arn', target.index_arn,
            'segment_count', list_all_vectors.segments,
            'segments', open_segments,
            'return_data', return_data,
            'return_metadata', return_metadata,
            'scope', scope
        ));
        BEGIN
            SELECT r.* INTO answer FROM json_to_record(result) AS r(vectors json, segments jsonb);
            IF answer.vectors IS NULL THEN
                PERFORM s3vl.raise_foreign(caller, 'it has no vectors');
            END IF;
            RETURN QUERY
            SELECT v.key::text,
                CASE WHEN return_data THEN s3vl.numbers(v.data, target.dimension) END,
                CASE WHEN return_metadata THEN coalesce(v.metadata::jsonb, '{}') END
            FROM json_to_recordset(answer.vectors) AS v(key s3vl.wire_key, data s3vl.wire_data, metadata s3vl.wire_metadata);
            GET DIAGNOSTICS page_rows = ROW_COUNT;
            -- Each part goes on from where it is: one that was not open, is there twice, or begins again is nonsense, and so is
            -- an answer that brings nothing on.
            IF answer.segments IS NULL
                OR (page_rows = 0 AND answer.segments = open_segments)
                OR EXISTS (
                    SELECT
                    FROM jsonb_to_recordset(answer.segments) AS s(index s3vl.wire_count, next_token text)
                    LEFT JOIN jsonb_to_recordset(open_segments) AS o(index integer, next_token text) ON o.index = s.index
                    GROUP BY s.index
                    HAVING count(*) > 1 OR bool_or(o.index IS NULL) OR bool_or(s.next_token IS NULL AND o.next_token IS NOT NULL)
                )
            THEN
                PERFORM s3vl.raise_foreign(caller, 'it does not say how to go on');
            END IF;
        EXCEPTION
            WHEN data_exception OR integrity_constraint_violation THEN
                PERFORM s3vl.raise_misshapen(caller, SQLSTATE);
        END;
        open_segments := answer.segments;
    END LOOP;
END
$$;
COMMENT ON FUNCTION s3vl.list_all_vectors IS
    'All vectors of an index, each once, in no order; segments (1 to 16) says how many parts of it are read in parallel';
GRANT EXECUTE ON FUNCTION s3vl.list_all_vectors TO vectordb_reader, vectordb_worker;
