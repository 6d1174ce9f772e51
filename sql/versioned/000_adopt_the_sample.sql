-- The AWS sample sample-rds-lambda-s3vector-integration keeps its objects in a schema s3vl, too. Where it was installed, its schema
-- steps aside under the name s3vl_sample; repeatable/80_sample.sql then takes over what is in it. docs/from-the-sample.md
--
-- Its registry has a column id, which ours never had. Anywhere else this file does nothing.

DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_attribute AS a
        JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = 's3vl' AND c.relname = 'index_registry' AND a.attname = 'id' AND NOT a.attisdropped
    ) THEN
        RETURN;
    ELSIF EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 's3vl_sample') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'duplicate_schema',
            MESSAGE = 'the schema s3vl is the AWS sample''s and cannot step aside: there is a schema s3vl_sample already',
            HINT = 'Rename or drop s3vl_sample, then apply again.';
    END IF;
    -- What refers to its objects, as views do, goes on referring to them.
    ALTER SCHEMA s3vl RENAME TO s3vl_sample;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = 'the schema s3vl is the AWS sample''s and cannot step aside: ' || SQLERRM,
            HINT = pg_catalog.format(
                'As its owner: ALTER SCHEMA s3vl OWNER TO %I; and the same for its tables and functions. Then apply again.', current_user
            );
END
$$;
