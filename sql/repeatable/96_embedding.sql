-- The embedding worker's login, and what the deployment declares of it (vectordb:embedding). Applied again whenever that changes.
--
-- The login is the worker's alone: it has an IAM token, never a password, and may call what works on the queue. Without a worker it cannot
-- log in. Runs as the master, because the owner of objects makes no roles.

DO $$
DECLARE
    made_here constant text := pg_catalog.format('Login of the embedding worker of the vectordb deployment in the database %s', pg_catalog.current_database());
    wanted constant boolean := pg_catalog.jsonb_typeof(:{embedding}::jsonb) = 'object';
    found text;
    there boolean;
    setting text;
    amount text;
BEGIN
    SELECT true, pg_catalog.shobj_description(r.oid, 'pg_authid') INTO there, found
    FROM pg_catalog.pg_roles AS r WHERE r.rolname = 'vectordb_embedder';
    IF NOT wanted THEN
        IF found = made_here AND (SELECT r.rolcanlogin FROM pg_catalog.pg_roles AS r WHERE r.rolname = 'vectordb_embedder') THEN
            ALTER ROLE vectordb_embedder NOLOGIN;
            -- The worker went with this deployment. One that an administrator has named by embed.configure stays.
            PERFORM pg_catalog.set_config('vectordb.worker_went', 'true', true);
        END IF;
        RETURN;
    ELSIF there AND found IS DISTINCT FROM made_here THEN
        RAISE EXCEPTION USING
            ERRCODE = 'duplicate_object',
            MESSAGE = 'the role vectordb_embedder exists and was not made by the deployment of this database',
            DETAIL = 'With rds_iam a role can log in by token only, so a role of somebody else''s is never taken over.',
            HINT = 'Drop the role, or leave vectordb:embedding out.';
    ELSIF there THEN
        ALTER ROLE vectordb_embedder LOGIN;
    ELSE
        CREATE ROLE vectordb_embedder LOGIN;
        EXECUTE pg_catalog.format('COMMENT ON ROLE vectordb_embedder IS %L', made_here);
    END IF;
    GRANT vectordb_worker TO vectordb_embedder;
    -- A worker that is killed leaves its session; and an open session keeps an Aurora cluster from pausing (Aurora User Guide, auto-pause).
    -- Lambda freezes an environment between calls and keeps it for a while, with its session.
    FOR setting, amount IN
        VALUES ('statement_timeout', '60s'), ('lock_timeout', '5s'), ('idle_in_transaction_session_timeout', '30s'), ('idle_session_timeout', '90s')
    LOOP
        EXECUTE pg_catalog.format('ALTER ROLE vectordb_embedder SET %I = %L', setting, amount);
    END LOOP;
    -- Last: from here on the role logs in by IAM token only.
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'rds_iam') THEN
        GRANT rds_iam TO vectordb_embedder;
    ELSE
        RAISE WARNING 'there is no role rds_iam: vectordb_embedder cannot log in';
    END IF;
END
$$;

SET LOCAL ROLE vectordb_owner;

SELECT embed.deploy(
    coalesce(:{embedding}::jsonb ->> 'functionArn', ''), coalesce((:{embedding}::jsonb ->> 'queue')::boolean, false)
)
WHERE jsonb_typeof(:{embedding}::jsonb) = 'object' OR current_setting('vectordb.worker_went', true) = 'true';
SELECT embed.deploy_batch(coalesce((:{embedding}::jsonb ->> 'batch')::boolean, false));
SELECT embed.declare(coalesce(:{embedding}::jsonb -> 'vectorizers', '[]'));
