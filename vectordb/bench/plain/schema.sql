-- The plain bridge's side in the database: schema `plain`, beside the project's own.

CREATE SCHEMA plain;

CREATE TABLE plain.config (
    id serial PRIMARY KEY,
    lambda_arn text NOT NULL,
    updated_at timestamp NOT NULL DEFAULT now()
);

CREATE TABLE plain.index_registry (
    id serial PRIMARY KEY,
    index_name text NOT NULL UNIQUE,
    index_arn text NOT NULL,
    is_active boolean NOT NULL DEFAULT true
);

CREATE FUNCTION plain.index_arn_of(name text) RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    found_arn text;
BEGIN
    IF name LIKE 'arn:aws:s3vectors:%' THEN
        RETURN name;
    END IF;
    SELECT r.index_arn INTO found_arn FROM plain.index_registry AS r WHERE r.index_name = name AND r.is_active;
    IF found_arn IS NULL THEN
        RAISE EXCEPTION 'index % is not registered', name;
    END IF;
    RETURN found_arn;
END
$$;

-- The answer's result, after one call of the function.
CREATE FUNCTION plain.invoke(request text) RETURNS json
LANGUAGE plpgsql
AS $$
DECLARE
    configuration record;
    response text;
    document json;
BEGIN
    SELECT * INTO configuration FROM plain.config ORDER BY updated_at DESC LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no function is configured';
    END IF;
    SELECT payload INTO response FROM aws_lambda.invoke(configuration.lambda_arn, request::jsonb);
    IF response IS NULL THEN
        RAISE EXCEPTION 'the function answered nothing';
    END IF;
    document := response::json;
    IF (document ->> 'success')::boolean IS NOT TRUE THEN
        RAISE EXCEPTION 'the function failed: %', document -> 'error' ->> 'message';
    END IF;
    RETURN document -> 'result';
END
$$;

CREATE FUNCTION plain.query_vectors(
    query_vector float8[], index_name text, top_k integer DEFAULT 10, return_metadata boolean DEFAULT true,
    metadata_filter jsonb DEFAULT NULL
) RETURNS TABLE (vector_id text, distance float8, similarity_score float8, metadata jsonb)
LANGUAGE plpgsql
AS $$
DECLARE
    request text;
    entry record;
BEGIN
    IF array_length(query_vector, 1) IS NULL OR top_k IS NULL OR top_k < 1 THEN
        RAISE EXCEPTION 'a vector and a positive top_k are needed';
    END IF;
    request := json_build_object(
        'operation', 'query_vectors',
        'index_arn', plain.index_arn_of(index_name),
        'query_vector', array_to_json(query_vector),
        'top_k', top_k,
        'return_metadata', return_metadata
    )::text;
    IF metadata_filter IS NOT NULL THEN
        request := (request::jsonb || jsonb_build_object('metadata_filter', metadata_filter))::text;
    END IF;
    FOR entry IN SELECT e.value FROM json_array_elements(plain.invoke(request)) AS e(value) LOOP
        vector_id := entry.value ->> 'vector_id';
        distance := (entry.value ->> 'distance')::float8;
        similarity_score := (entry.value ->> 'similarity_score')::float8;
        metadata := coalesce((entry.value ->> 'metadata')::jsonb, '{}');
        RETURN NEXT;
    END LOOP;
END
$$;

CREATE FUNCTION plain.get_vectors(
    vector_ids text[], index_name text, include_vector_data boolean DEFAULT true, include_metadata boolean DEFAULT true
) RETURNS TABLE (vector_id text, embedding float8[], metadata jsonb, is_found boolean)
LANGUAGE plpgsql
AS $$
DECLARE
    request text;
    entry record;
BEGIN
    IF array_length(vector_ids, 1) IS NULL THEN
        RAISE EXCEPTION 'keys are needed';
    END IF;
    request := json_build_object(
        'operation', 'get_vectors',
        'index_arn', plain.index_arn_of(index_name),
        'vector_ids', array_to_json(vector_ids),
        'include_vector_data', include_vector_data,
        'include_metadata', include_metadata
    )::text;
    FOR entry IN SELECT e.value FROM json_array_elements(plain.invoke(request)) AS e(value) LOOP
        vector_id := entry.value ->> 'vector_id';
        is_found := coalesce((entry.value ->> 'found')::boolean, false);
        embedding := CASE
            WHEN is_found AND entry.value ->> 'embedding' IS NOT NULL
            THEN string_to_array(btrim(entry.value ->> 'embedding', '[]'), ',')::float8[]
        END;
        metadata := coalesce((entry.value ->> 'metadata')::jsonb, '{}');
        RETURN NEXT;
    END LOOP;
END
$$;
