-- The columns of a query that a caller passes as text.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION s3vl.column_types(
    caller text, argument text, query text, column_count integer, takes_keys boolean DEFAULT false
) RETURNS pg_catalog.regtype[]
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    names constant text[] := ('{c1,c2,c3,c4}'::pg_catalog.text[])[: column_count];
    -- A join that finds nothing knows the columns' types without running the query. The line break: it may end with a comment.
    statement constant text := pg_catalog.format(
        E'SELECT ARRAY[pg_catalog.pg_typeof(q.%s)] AS types FROM (SELECT) AS one LEFT JOIN (%s\n) AS q(%s) ON false',
        pg_catalog.array_to_string(names, '), pg_catalog.pg_typeof(q.'), query, pg_catalog.array_to_string(names, ', ')
    );
    found_types record;
BEGIN
    -- FOR, because EXECUTE by itself would take several statements.
    IF takes_keys THEN
        FOR found_types IN EXECUTE statement USING '{}'::pg_catalog.text[] LOOP
            RETURN found_types.types;
        END LOOP;
    ELSE
        FOR found_types IN EXECUTE statement LOOP
            RETURN found_types.types;
        END LOOP;
    END IF;
EXCEPTION
    WHEN invalid_column_reference THEN
        -- Fewer columns than names. It may be the query's own mistake as well (ORDER BY 7): then every number fails, and one
        -- column says why.
        IF column_count > 1 THEN
            RETURN NULL;
        END IF;
        RAISE;
    WHEN syntax_error OR feature_not_supported OR invalid_cursor_definition THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = pg_catalog.format('%s: %s must be one SELECT: %s', caller, argument, SQLERRM);
END
$$;
COMMENT ON FUNCTION s3vl.column_types IS
    'Internal: the types of the first columns of a caller''s query, with the caller''s rights; NULL when there are fewer';
GRANT EXECUTE ON FUNCTION s3vl.column_types TO vectordb_reader, vectordb_worker;
