-- Whether a function of the bridge may run beside the workers of a parallel query.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION s3vl.label_parallel(function regprocedure) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- The functions catch errors, which needs a subtransaction. Before PostgreSQL 17 none can begin while parallel workers
    -- run, not even in the leader ("cannot start subtransactions during a parallel operation").
    EXECUTE format(
        'ALTER FUNCTION %s PARALLEL %s',
        function,
        CASE WHEN current_setting('server_version_num')::integer >= 170000 THEN 'RESTRICTED' ELSE 'UNSAFE' END
    );
END
$$;
COMMENT ON FUNCTION s3vl.label_parallel IS 'Internal: PARALLEL RESTRICTED where that is true, UNSAFE before PostgreSQL 17';
