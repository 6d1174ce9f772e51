-- Functions of version 1 of the bridge that versioned/004_bridge_access.sql could not drop because something hangs on them. What
-- still does in the end gets the new functions' rows, with the caller's rights: version 1 had no grants to ask for.
-- Where there are none this does nothing. Runs as the master, to whom the views may belong.

DO $$
DECLARE
    old regprocedure;
    name text;
    hangs text;
BEGIN
    PERFORM s3vl.redirect_views(
        ARRAY(
            SELECT p.oid FROM pg_catalog.pg_proc AS p
            WHERE p.pronamespace = 's3vl'::regnamespace AND p.proname LIKE '%\_of\_version\_1'
        ),
        '\ms3vl\.([a-z_]+)_of_version_1\(',
        's3vl.\1('
    );
    FOR old, name IN
        SELECT p.oid::regprocedure, p.proname FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 's3vl'::regnamespace AND p.proname LIKE '%\_of\_version\_1'
        ORDER BY 1 DESC
    LOOP
        BEGIN
            EXECUTE pg_catalog.format('DROP FUNCTION %s', old);
        EXCEPTION
            WHEN dependent_objects_still_exist THEN
                GET STACKED DIAGNOSTICS hangs = PG_EXCEPTION_DETAIL;
                EXECUTE pg_catalog.format(
                    'CREATE OR REPLACE FUNCTION s3vl.%I(%s) RETURNS %s LANGUAGE sql STABLE COST 1000000 AS %L',
                    name, pg_catalog.pg_get_function_arguments(old), pg_catalog.pg_get_function_result(old),
                    CASE name
                        WHEN 'list_indexes_of_version_1' THEN
                            'SELECT index_name, index_arn, description, bucket_name, region, account_id, created_at, updated_at, is_active '
                            'FROM s3vl.list_indexes()'
                        ELSE
                            'SELECT vector_id, distance, similarity_score, metadata FROM '
                            's3vl.query_vectors(query_vector, index_name, index_arn, top_k, return_metadata, metadata_filter)'
                    END
                );
                RAISE WARNING 'a function of version 1 remains until what hangs on it is made again: %',
                    pg_catalog.replace(hangs, E'\n', '; ');
        END;
    END LOOP;
END
$$;
