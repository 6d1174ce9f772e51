-- s3vl.get_vectors: vectors by their keys.
--
-- SELECT * FROM s3vl.get_vectors(ARRAY['17', '4'], 'stdlib');
--
-- One row for each distinct key, in the order in which the keys were given, found or not. Any number of keys: the function
-- answers with as many as an answer holds and is asked again for the rest.
-- embedding   NULL when the vector was not found or include_vector_data is false
-- metadata    {} when the vector was not found, has none, or include_metadata is false

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION s3vl.numbers(data text, dimension integer) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- The text holds the service's own digits: 64 bits keep what it wrote.
    vector constant s3vl.wire_embedding := '{' || data || '}';
BEGIN
    IF cardinality(vector) <> dimension THEN
        RAISE EXCEPTION USING ERRCODE = 'array_subscript_error', MESSAGE = 'a vector of another dimension than the index''s';
    END IF;
    RETURN vector;
END
$$;
COMMENT ON FUNCTION s3vl.numbers IS
    'Internal: a vector of an answer, written as numbers between commas. What is none, or has another dimension, raises a data '
    'exception; an unknown dimension (NULL) is not compared';

CREATE OR REPLACE FUNCTION s3vl.get_vectors(
    vector_ids text[], index_name text DEFAULT NULL, index_arn text DEFAULT NULL, include_vector_data boolean DEFAULT true,
    include_metadata boolean DEFAULT true
) RETURNS TABLE (vector_id text, embedding float8[], metadata jsonb, found boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 COST 1000000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 's3vl.get_vectors';
    -- With 1,024 bytes a key, however escaped, less than the 6 MB that Lambda takes.
    slice_size constant integer := 900;
    target s3vl.index_registry;
    scope json;
    keys text[];
    slice text[];
    position integer := 1;
    result json;
    answer record;
    page_rows integer;
BEGIN
    IF vector_ids IS NULL THEN
        PERFORM s3vl.raise_null(caller, 'vector_ids');
    ELSIF include_vector_data IS NULL THEN
        PERFORM s3vl.raise_null(caller, 'include_vector_data');
    ELSIF include_metadata IS NULL THEN
        PERFORM s3vl.raise_null(caller, 'include_metadata');
    END IF;
    SELECT array_agg(k.key ORDER BY k.place) INTO keys
    FROM (SELECT u.key, min(u.place) AS place FROM unnest(vector_ids) WITH ORDINALITY AS u(key, place) GROUP BY u.key) AS k;
    IF array_position(keys, NULL) IS NOT NULL THEN
        PERFORM s3vl.raise_invalid(caller, 'vector_ids must not contain NULL');
    ELSIF EXISTS (SELECT FROM unnest(keys) AS u(key) WHERE length(u.key) NOT BETWEEN 1 AND 1024) THEN
        PERFORM s3vl.raise_invalid(caller, 'each of vector_ids must have 1 to 1024 characters');
    END IF;
    target := s3vl.opened_index(caller, index_name, index_arn, 'read');
    scope := s3vl.tenant_scope(caller, target);

    WHILE position <= cardinality(keys) LOOP
        slice := keys[position : position + slice_size - 1];
        result := s3vl.invoke(caller, 'get_vectors', json_build_object(
            'index_arn', target.index_arn,
            'keys', slice,
            'return_data', include_vector_data,
            'return_metadata', include_metadata,
            'scope', scope
        ));
        BEGIN
            SELECT r.* INTO answer FROM json_to_record(result) AS r(vectors json, taken s3vl.wire_count);
            IF answer.vectors IS NULL OR answer.taken NOT BETWEEN 1 AND cardinality(slice) THEN
                PERFORM s3vl.raise_foreign(caller, 'it does not say which keys it has taken');
            END IF;
            slice := slice[: answer.taken];
            RETURN QUERY
            SELECT k.key,
                CASE WHEN include_vector_data AND v.key IS NOT NULL THEN s3vl.numbers(v.data, target.dimension) END,
                coalesce(v.metadata::jsonb, '{}'),
                v.key IS NOT NULL
            FROM unnest(slice) WITH ORDINALITY AS k(key, place)
            -- Full: a key that is there twice, or was not asked for, is a row too many.
            FULL JOIN json_to_recordset(answer.vectors) AS v(key s3vl.wire_key, data s3vl.wire_data, metadata s3vl.wire_metadata)
                ON v.key = k.key
            ORDER BY k.place;
            GET DIAGNOSTICS page_rows = ROW_COUNT;
        EXCEPTION
            WHEN data_exception OR integrity_constraint_violation THEN
                PERFORM s3vl.raise_misshapen(caller, SQLSTATE);
        END;
        IF page_rows <> answer.taken THEN
            PERFORM s3vl.raise_foreign(caller, 'it has a key twice, or one that was not asked for');
        END IF;
        position := position + page_rows;
    END LOOP;
END
$$;
COMMENT ON FUNCTION s3vl.get_vectors IS
    'Vectors by their keys: one row for each distinct key, in the order given; found says whether it exists';
GRANT EXECUTE ON FUNCTION s3vl.get_vectors TO vectordb_reader, vectordb_worker;
