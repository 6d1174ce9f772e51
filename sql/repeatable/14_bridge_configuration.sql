-- Which function the bridge calls, whether it answers, and what the deployment tells.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION s3vl.elapsed_ms(since timestamptz, until timestamptz) RETURNS integer
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT round(extract(epoch FROM until - since) * 1000)::integer $$;
COMMENT ON FUNCTION s3vl.elapsed_ms IS 'Internal: whole milliseconds between two times, however far apart';

CREATE OR REPLACE FUNCTION s3vl.validate_config() RETURNS TABLE (
    is_valid boolean, lambda_arn text, aws_region text, error_message text, response_time_ms integer
)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 COST 1000000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    configuration s3vl.config;
    started timestamptz;
    problem text;
    detail text;
    hint text;
BEGIN
    SELECT c.* INTO configuration FROM s3vl.config AS c;
    started := clock_timestamp();
    BEGIN
        PERFORM s3vl.invoke('s3vl.validate_config', 'availability_check', '{}');
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS problem = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    END;
    RETURN QUERY SELECT
        problem IS NULL,
        -- Of the table: what a variable holds would stand in the plan, which debug_print_plan shows to every caller.
        CASE WHEN s3vl.administers() THEN (SELECT c.lambda_arn FROM s3vl.config AS c) END,
        configuration.aws_region,
        problem || coalesce(E'\nDETAIL: ' || nullif(detail, ''), '') || coalesce(E'\nHINT: ' || nullif(hint, ''), ''),
        CASE WHEN configuration.lambda_arn IS NOT NULL THEN s3vl.elapsed_ms(started, clock_timestamp()) END;
END
$$;
COMMENT ON FUNCTION s3vl.validate_config IS
    'Calls the function and says whether it answers as it should; never an error. lambda_arn is shown to administrators only';
GRANT EXECUTE ON FUNCTION s3vl.validate_config TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.get_config() RETURNS TABLE (
    lambda_arn text, aws_region text, timeout_seconds integer, created_at timestamp, updated_at timestamp,
    config_age_hours numeric, last_validation_status text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 COST 1000000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    configuration s3vl.config;
    check_result record;
BEGIN
    SELECT c.* INTO configuration FROM s3vl.config AS c;
    IF configuration.lambda_arn IS NULL THEN
        RAISE NOTICE USING
            MESSAGE = 's3vl.get_config: no function is configured',
            HINT = 'The deployment does it (pulumi up); by hand, as an administrator: '
                'SELECT s3vl.configure(''<ARN of the function>'');';
        RETURN;
    END IF;
    SELECT v.lambda_arn, v.error_message INTO check_result FROM s3vl.validate_config() AS v;
    RETURN QUERY SELECT
        check_result.lambda_arn,  -- NULL unless an administrator asks
        configuration.aws_region,
        configuration.timeout_seconds,
        configuration.created_at::timestamp,
        configuration.updated_at::timestamp,
        round(extract(epoch FROM clock_timestamp() - configuration.updated_at) / 3600, 1),
        CASE WHEN check_result.error_message IS NULL THEN 'HEALTHY' ELSE 'ERROR: ' || check_result.error_message END;
END
$$;
COMMENT ON FUNCTION s3vl.get_config IS
    'How the bridge is configured, since how many hours, and whether the function answers (it is called). '
    'lambda_arn is shown to administrators only';
GRANT EXECUTE ON FUNCTION s3vl.get_config TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.configure(
    lambda_arn text, aws_region text DEFAULT NULL, timeout_seconds integer DEFAULT 30
) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own_region constant text := split_part(lambda_arn, ':', 4);
    check_result record;
BEGIN
    IF lambda_arn IS NULL OR timeout_seconds IS NULL THEN
        PERFORM s3vl.raise_null('s3vl.configure', CASE WHEN lambda_arn IS NULL THEN 'lambda_arn' ELSE 'timeout_seconds' END);
    ELSIF lambda_arn !~ '^arn:aws[a-z0-9-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9$_-]{1,128})?$' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('s3vl.configure: %L is not the ARN of a Lambda function', lambda_arn),
            HINT = 'arn:<partition>:lambda:<region>:<account>:function:<name>, best followed by :<alias>.';
    ELSIF aws_region <> own_region THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('s3vl.configure: aws_region is %L but the function is in %L', aws_region, own_region),
            HINT = 'Leave aws_region out: the ARN says it.';
    ELSIF timeout_seconds NOT BETWEEN 1 AND 900 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('s3vl.configure: timeout_seconds must be from 1 to 900, not %s', timeout_seconds);
    END IF;
    INSERT INTO s3vl.config AS c (lambda_arn, aws_region, timeout_seconds)
    VALUES (configure.lambda_arn, own_region, configure.timeout_seconds)
    ON CONFLICT (singleton) DO UPDATE SET
        lambda_arn = excluded.lambda_arn,
        aws_region = excluded.aws_region,
        timeout_seconds = excluded.timeout_seconds,
        updated_at = clock_timestamp();
    SELECT v.is_valid, v.error_message INTO check_result FROM s3vl.validate_config() AS v;
    IF NOT check_result.is_valid THEN
        RAISE WARNING USING
            MESSAGE = format('the function is configured but does not answer as it should: %s', check_result.error_message),
            HINT = 'SELECT * FROM s3vl.validate_config() tries it again.';
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION s3vl.configure IS
    'Names the function that the bridge calls, by its ARN (with alias); the region comes from it. For administrators. '
    'Warns when the function does not answer. timeout_seconds bounds each call, as aws_lambda.request_timeout_ms does';

CREATE OR REPLACE FUNCTION s3vl.deploy(function_arn text, indexes jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    declared_index record;
    kept_key text;
    dropped text;
BEGIN
    FOR declared_index IN
        SELECT i.name, i.arn, i.dimension, i.metric, i.model,
            i."nonFilterableKeys" AS non_filterable_keys, i."fullTextKeys" AS full_text_keys, i."tenantKey" AS tenant_key
        FROM jsonb_to_recordset(indexes) AS i(
            name text, arn text, dimension integer, metric text, model text, "nonFilterableKeys" text[], "fullTextKeys" jsonb,
            "tenantKey" text
        )
    LOOP
        PERFORM s3vl.register_index(declared_index.name, declared_index.arn);
        UPDATE s3vl.index_registry AS r
        SET declared = true,
            dimension = declared_index.dimension,
            metric = declared_index.metric,
            model = declared_index.model,
            non_filterable_keys = declared_index.non_filterable_keys,
            full_text_keys = declared_index.full_text_keys
        WHERE r.index_name = declared_index.name
        RETURNING r.tenant_key INTO kept_key;
        IF declared_index.tenant_key IS NOT NULL THEN
            PERFORM s3vl.scope_index(declared_index.name, declared_index.tenant_key);
        ELSIF kept_key IS NOT NULL THEN
            RAISE NOTICE USING
                MESSAGE = format('the index %L keeps its tenant key %L, which the deployment does not declare', declared_index.name, kept_key),
                HINT = format('To let every reader see all of it: SELECT s3vl.unscope_index(%L);', declared_index.name);
        END IF;
    END LOOP;
    FOR dropped IN
        UPDATE s3vl.index_registry AS r
        SET is_active = false, updated_at = clock_timestamp()
        WHERE r.declared AND r.is_active
            AND NOT EXISTS (SELECT FROM jsonb_to_recordset(indexes) AS i(name text) WHERE i.name = r.index_name)
        RETURNING r.index_name
    LOOP
        RAISE NOTICE 'the index % is declared no more: deactivated', quote_literal(dropped);
    END LOOP;
    -- Last, because it tries the function.
    IF function_arn = '' THEN
        DELETE FROM s3vl.config;
    ELSE
        PERFORM s3vl.configure(function_arn);
    END IF;
END
$$;
COMMENT ON FUNCTION s3vl.deploy IS
    'Internal: what the deployment declares. function_arn (empty: none) and [{"name", "arn", "dimension", "metric", "model"?, '
    '"nonFilterableKeys"?, "fullTextKeys"?, "tenantKey"?}]';
