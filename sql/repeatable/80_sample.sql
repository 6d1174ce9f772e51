-- Takes over from the AWS sample what versioned/000_adopt_the_sample.sql set aside, and drops what then nobody needs any more.
-- Without a schema s3vl_sample this does nothing. Runs as the master, to whom the sample's objects belong. docs/from-the-sample.md

-- Once: the registered indexes, the configuration, and who may use them. Later changes of these are made in s3vl.
DO $$
DECLARE
    done constant text := 'What is left of the AWS sample; s3vl has taken over';
    sample constant oid := (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 's3vl_sample');
    entry record;
    taken integer := 0;
    user_role record;
BEGIN
    IF sample IS NULL OR pg_catalog.obj_description(sample, 'pg_namespace') = done THEN
        RETURN;
    END IF;
    FOR entry IN
        SELECT r.index_name, r.index_arn, r.description, coalesce(r.is_active, true) AS is_active, r.created_at, r.updated_at
        FROM s3vl_sample.index_registry AS r
        ORDER BY r.index_name
    LOOP
        CONTINUE WHEN EXISTS (SELECT FROM s3vl.index_registry AS r WHERE r.index_name = entry.index_name);
        BEGIN
            PERFORM s3vl.register_index(entry.index_name, entry.index_arn, entry.description);
            UPDATE s3vl.index_registry AS r
            SET is_active = entry.is_active,
                created_at = coalesce(entry.created_at, r.created_at),
                updated_at = coalesce(entry.updated_at, r.updated_at)
            WHERE r.index_name = entry.index_name;
            taken := taken + 1;
        EXCEPTION
            WHEN invalid_parameter_value THEN
                RAISE WARNING 'the index % of the AWS sample is not taken over and stays in s3vl_sample.index_registry: %',
                    pg_catalog.quote_literal(entry.index_name), SQLERRM;
        END;
    END LOOP;

    FOR entry IN
        SELECT c.lambda_arn, c.timeout_seconds, c.created_at, c.updated_at
        FROM s3vl_sample.config AS c
        WHERE NOT EXISTS (SELECT FROM s3vl.config)
        ORDER BY c.updated_at DESC, c.id DESC
        LIMIT 1
    LOOP
        BEGIN
            INSERT INTO s3vl.config (lambda_arn, aws_region, timeout_seconds, created_at, updated_at)
            VALUES (
                entry.lambda_arn,
                pg_catalog.split_part(entry.lambda_arn, ':', 4),  -- the sample believed another column
                coalesce(entry.timeout_seconds, 30),
                coalesce(entry.created_at, pg_catalog.clock_timestamp()),
                coalesce(entry.updated_at, pg_catalog.clock_timestamp())
            );
        EXCEPTION
            WHEN check_violation THEN
                RAISE WARNING 'the configuration of the AWS sample is not taken over: % is not the ARN of a Lambda function',
                    pg_catalog.quote_literal(entry.lambda_arn);
        END;
    END LOOP;

    FOR user_role IN
        SELECT DISTINCT a.grantee, r.rolname
        FROM pg_catalog.pg_namespace AS n
        CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) AS a
        LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee
        WHERE n.oid = sample AND a.privilege_type = 'USAGE' AND a.grantee <> n.nspowner
        ORDER BY r.rolname
    LOOP
        IF user_role.grantee = 0 THEN
            RAISE WARNING 'everybody could use the AWS sample; the functions of s3vl are for members of vectordb_reader and vectordb_writer: '
                'GRANT vectordb_reader TO <role>;';
        ELSIF NOT pg_catalog.pg_has_role(user_role.grantee, 'vectordb_reader', 'MEMBER') THEN
            BEGIN
                EXECUTE pg_catalog.format('GRANT vectordb_reader TO %I', user_role.rolname);
                RAISE NOTICE 'the role % could use the AWS sample: it is a member of vectordb_reader now',
                    pg_catalog.quote_literal(user_role.rolname);
            EXCEPTION
                WHEN insufficient_privilege THEN
                    RAISE WARNING 'the role % could use the AWS sample and cannot be made a member of vectordb_reader: %',
                        pg_catalog.quote_literal(user_role.rolname), SQLERRM;
            END;
        END IF;
    END LOOP;

    EXECUTE pg_catalog.format('COMMENT ON SCHEMA s3vl_sample IS %L', done);
    RAISE NOTICE 'the schema of the AWS sample is taken over: % index(es)', taken;
END
$$;

-- Views on the sample's functions read from ours of the same name.
DO $$
BEGIN
    PERFORM s3vl.redirect_views(
        ARRAY(SELECT p.oid FROM pg_catalog.pg_proc AS p WHERE p.pronamespace = pg_catalog.to_regnamespace('s3vl_sample')),
        '\ms3vl_sample\.(query_vectors|get_vectors|list_vectors|configure|validate_config|get_config|register_index|resolve_index_arn'
            '|list_indexes|get_index_info|deactivate_index|activate_index|unregister_index)\(',
        's3vl.\1('
    );
END
$$;

-- What nothing hangs on any more goes; PostgreSQL names what something does hang on.
DO $$
DECLARE
    statement text;
    statements text[] := ARRAY[
        'DROP FUNCTION IF EXISTS s3vl_sample.query_vectors(float8[], text, text, integer, boolean, jsonb)',
        'DROP FUNCTION IF EXISTS s3vl_sample.get_vectors(text[], text, text, boolean, boolean)',
        'DROP FUNCTION IF EXISTS s3vl_sample.list_vectors(text, text, integer, text, boolean, boolean)',
        'DROP FUNCTION IF EXISTS s3vl_sample.configure(text, text, integer), s3vl_sample.validate_config(), s3vl_sample.get_config()',
        'DROP FUNCTION IF EXISTS s3vl_sample.register_index(text, text, text), s3vl_sample.resolve_index_arn(text)',
        'DROP FUNCTION IF EXISTS s3vl_sample.list_indexes(), s3vl_sample.get_index_info(text)',
        'DROP FUNCTION IF EXISTS s3vl_sample.deactivate_index(text), s3vl_sample.activate_index(text)',
        'DROP FUNCTION IF EXISTS s3vl_sample.unregister_index(text)',
        'DROP TYPE IF EXISTS s3vl_sample.search_result, s3vl_sample.query_result',
        'DROP TYPE IF EXISTS s3vl_sample.list_response, s3vl_sample.list_result',
        'DROP TABLE IF EXISTS s3vl_sample.config',
        'DROP FUNCTION IF EXISTS s3vl_sample.update_config_timestamp()'
    ];
    refused integer := 0;
    hangs text;
BEGIN
    IF pg_catalog.to_regnamespace('s3vl_sample') IS NULL THEN
        RETURN;
    END IF;
    IF pg_catalog.to_regclass('s3vl_sample.index_registry') IS NOT NULL THEN
        SELECT count(*) INTO refused
        FROM s3vl_sample.index_registry AS s
        WHERE NOT EXISTS (SELECT FROM s3vl.index_registry AS r WHERE r.index_name = s.index_name);
    END IF;
    IF refused = 0 THEN
        statements := statements || ARRAY[
            'DROP TABLE IF EXISTS s3vl_sample.index_registry',
            'DROP FUNCTION IF EXISTS s3vl_sample.update_index_registry_timestamp()',
            'DROP SCHEMA s3vl_sample'
        ];
    END IF;
    FOREACH statement IN ARRAY statements LOOP
        BEGIN
            EXECUTE statement;
        EXCEPTION
            WHEN dependent_objects_still_exist THEN
                GET STACKED DIAGNOSTICS hangs = PG_EXCEPTION_DETAIL;
                RAISE WARNING 'of the AWS sample remains: %', pg_catalog.replace(hangs, E'\n', '; ');
            WHEN insufficient_privilege THEN
                RAISE WARNING 'of the AWS sample remains what belongs to another role: %', SQLERRM;
        END;
    END LOOP;
    IF refused > 0 THEN
        RAISE WARNING 'the schema s3vl_sample stays for the % index(es) that are not taken over: register them under another name or '
            'ARN, then DROP SCHEMA s3vl_sample CASCADE;', refused;
    END IF;
END
$$;
