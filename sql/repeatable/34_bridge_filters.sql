-- Filters for metadata_filter.
--
-- SELECT s3vl.filter_in('module', 'gzip', 'bz2');                       {"module": {"$in": ["gzip", "bz2"]}}
-- SELECT s3vl.filter_in('id', ARRAY(SELECT id FROM mine));              numbers stay numbers
-- SELECT s3vl.filter_and(s3vl.filter_in('kind', 'class'), $1);          both; NULL and {} are no condition

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION s3vl.filter_in(key text, items anyarray) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET extra_float_digits = 1  -- every digit: a caller's setting may leave some out, and the filter would find nothing
AS $$
DECLARE
    -- Each value counts in the service's limit, so each is named once.
    listed jsonb;
    wrong text;
    problem text;
    hint text;
BEGIN
    SELECT jsonb_agg(d.value ORDER BY d.place), min(jsonb_typeof(d.value)) FILTER (
        WHERE jsonb_typeof(d.value) NOT IN ('string', 'number', 'boolean')
    ) INTO listed, wrong
    FROM (
        SELECT e.value, min(e.place) AS place FROM jsonb_array_elements(to_jsonb(items)) WITH ORDINALITY AS e(value, place) GROUP BY 1
    ) AS d;
    IF key IS NULL OR items IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'null_value_not_allowed',
            MESSAGE = format('s3vl.filter_in: %s must not be NULL', CASE WHEN key IS NULL THEN 'key' ELSE 'items' END);
    ELSIF key = '' OR starts_with(key, '$') THEN
        problem := format('%L is no metadata key', key);
    ELSIF listed IS NULL THEN
        problem := 'there is no value';
        hint := 'The service has no filter that nothing meets: leave the query out.';
    ELSIF wrong IS NOT NULL THEN
        problem := format('the values must be texts, numbers or booleans; one is %s', CASE wrong WHEN 'null' THEN 'NULL' ELSE wrong END);
    ELSIF jsonb_array_length(listed) > 100 THEN
        problem := format('%s values; a filter of the service has at most 100', jsonb_array_length(listed));
        hint := 'Use s3vl.search_join, which asks the database which candidates to keep.';
    ELSE
        RETURN jsonb_build_object(key, jsonb_build_object('$in', listed));
    END IF;
    problem := format('s3vl.filter_in: %s', problem);
    IF hint IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = problem;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = problem, HINT = hint;
END
$$;
COMMENT ON FUNCTION s3vl.filter_in(text, anyarray) IS 'A metadata_filter: the key has one of the values, at most 100';
GRANT EXECUTE ON FUNCTION s3vl.filter_in(text, anyarray) TO vectordb_reader, vectordb_worker;

-- Values side by side. An array without VARIADIC finds the function above.

CREATE OR REPLACE FUNCTION s3vl.filter_in(key text, VARIADIC items text[]) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT s3vl.filter_in(key, items) $$;
COMMENT ON FUNCTION s3vl.filter_in(text, text[]) IS 's3vl.filter_in for texts side by side';
GRANT EXECUTE ON FUNCTION s3vl.filter_in(text, text[]) TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.filter_in(key text, VARIADIC items numeric[]) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT s3vl.filter_in(key, items) $$;
COMMENT ON FUNCTION s3vl.filter_in(text, numeric[]) IS 's3vl.filter_in for numbers side by side';
GRANT EXECUTE ON FUNCTION s3vl.filter_in(text, numeric[]) TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.filter_and(VARIADIC filters jsonb[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    conditions jsonb;
    wrong text;
BEGIN
    SELECT jsonb_agg(f.filter ORDER BY f.place), min(jsonb_typeof(f.filter)) FILTER (WHERE jsonb_typeof(f.filter) <> 'object')
    INTO conditions, wrong
    FROM unnest(filters) WITH ORDINALITY AS f(filter, place)
    WHERE f.filter <> '{}';
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('s3vl.filter_and: each filter must be a JSON object or NULL; one is %s', wrong);
    END IF;
    RETURN CASE
        WHEN jsonb_array_length(conditions) = 1 THEN conditions -> 0
        WHEN conditions IS NOT NULL THEN jsonb_build_object('$and', conditions)
    END;
END
$$;
COMMENT ON FUNCTION s3vl.filter_and IS
    'A metadata_filter that meets all of some. NULL and {} are no condition; of none comes NULL, which is no filter';
GRANT EXECUTE ON FUNCTION s3vl.filter_and TO vectordb_reader, vectordb_worker;
