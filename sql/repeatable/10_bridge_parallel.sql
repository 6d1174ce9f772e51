-- Who asks. Because of how that is found out, no function of the bridge runs beside the workers of a parallel query: all of them
-- are PARALLEL UNSAFE, which is what PostgreSQL takes a function for that says nothing. (The file has the
-- name of what it held before: a ledger that knows it would warn of a file that is gone.)

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION s3vl.login() RETURNS name
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- VACUUM, ANALYZE, CREATE INDEX, REINDEX, CLUSTER and REFRESH MATERIALIZED VIEW run the functions of a table's owner, as that
    -- owner, in the session of whoever gives the command: an administrator, or autovacuum, which is a superuser. PostgreSQL then
    -- refuses certain commands, and whether it does is all that tells. Where nothing is listened to this one does nothing.
    UNLISTEN s3vl_login;
    RETURN session_user;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = 'functions of s3vl cannot run inside VACUUM, ANALYZE, CREATE INDEX, REINDEX, CLUSTER or REFRESH MATERIALIZED VIEW',
            DETAIL = 'These run them as the owner of the table, in a session that may be another''s.',
            HINT = 'Keep results in a table (CREATE TABLE AS, INSERT) instead of a materialized view, and call none in an index.';
END
$$;
COMMENT ON FUNCTION s3vl.login IS
    'Internal: who asks, session_user. An error where the code that runs may be another''s than the session';

CREATE OR REPLACE FUNCTION s3vl.administers() RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN pg_has_role(s3vl.login(), 'vectordb_owner', 'MEMBER');
END
$$;
COMMENT ON FUNCTION s3vl.administers IS 'Internal: whether the login is a member of vectordb_owner';
