-- The type of vectors, and the way to Lambda.

-- In public, where applications find the type without a search path of their own. The functions of the bridge name it so.
CREATE EXTENSION IF NOT EXISTS vector SCHEMA public;

DO $$
DECLARE
    home text;
BEGIN
    SELECT n.nspname INTO home
    FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
    WHERE e.extname = 'vector';
    IF home <> 'public' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = pg_catalog.format('the extension vector is in the schema %I; it must be in public', home),
            HINT = 'ALTER EXTENSION vector SET SCHEMA public, then apply again.';
    END IF;
END
$$;

CREATE EXTENSION IF NOT EXISTS aws_lambda CASCADE;

-- Whoever may call aws_lambda may send anything to any function that the database's role allows. So only the owner may, and
-- everyone else goes through its functions.
GRANT USAGE ON SCHEMA aws_lambda TO vectordb_owner;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA aws_lambda TO vectordb_owner;
