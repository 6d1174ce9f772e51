-- Whether the worker can be called and gets into the database: a bell for no vectorizer goes the whole way and does nothing.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.validate_config(expected_arn text DEFAULT NULL, expected_queue boolean DEFAULT NULL)
RETURNS TABLE (is_valid boolean, error_message text, hint text, response_time_ms integer)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    started constant timestamptz := clock_timestamp();
    setup embed.config;
    answer json;
    said text;
    detail text;
BEGIN
    SELECT c.* INTO setup FROM embed.config AS c;
    IF setup.worker_arn IS NULL THEN
        error_message := 'no worker function is configured';
        hint := 'The deployment does it (pulumi up); by hand, as an administrator: SELECT embed.configure(''<ARN of the function>'');';
    ELSIF setup.worker_arn <> expected_arn THEN
        error_message := 'SQL calls another worker function than the deployment''s';
        hint := format('Somebody called embed.configure: SELECT embed.configure(%L, %L);', expected_arn, coalesce(expected_queue, setup.has_queue));
    ELSIF setup.has_queue <> expected_queue THEN
        error_message := format('SQL was told that the worker has %s queue', CASE WHEN setup.has_queue THEN 'a' ELSE 'no' END);
        hint := format('Somebody called embed.configure: SELECT embed.configure(%L, %L);', setup.worker_arn, expected_queue);
    ELSE
        BEGIN
            SELECT i.payload INTO answer FROM aws_lambda.invoke(setup.worker_arn, '{"vectorizer": 0}'::json) AS i;
            IF json_typeof(answer) IS DISTINCT FROM 'object' OR answer ->> 'complete' IS DISTINCT FROM 'true' THEN
                said := coalesce(answer ->> 'errorMessage', 'its answer is none of a worker');
            END IF;
        EXCEPTION
            WHEN external_routine_exception THEN
                -- What the function raised stands in the detail.
                GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
                said := coalesce(substring(detail FROM '(?:UnavailableError|SettingsError): [^"]{1,200}'), 'see its log');
            WHEN OTHERS THEN
                -- Its words name roles and functions, which are shown to administrators.
                GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
                error_message := 'the worker function cannot be called: '
                    || CASE WHEN pg_has_role(session_user, 'vectordb_owner', 'MEMBER') THEN concat_ws(' ', SQLERRM, detail) ELSE 'SQLSTATE ' || SQLSTATE END;
                hint := 'The database''s role for Lambda has to allow lambda:InvokeFunction on the function''s alias, and the endpoint `lambda` has to let it '
                    'through: pulumi up --refresh.';
        END;
    END IF;
    IF said IS NOT NULL THEN
        error_message := 'the worker function failed: ' || left(said, 300);
        hint := CASE
            WHEN said LIKE 'UnavailableError%' THEN
                'It does not get into the database: its login vectordb_embedder (LOGIN, rds_iam, vectordb_worker), rds-db:connect in its role, '
                'and the security groups between the two; `pulumi up --refresh` puts them back. Its log says more.'
            ELSE format('Its log says more: aws logs tail /aws/lambda/%s --since 10m', split_part(setup.worker_arn, ':', 7))
        END;
    END IF;
    is_valid := error_message IS NULL;
    response_time_ms := extract(epoch FROM clock_timestamp() - started) * 1000;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION embed.validate_config IS
    'Calls the worker function, which logs in to this database and finds nothing to do. expected_arn and expected_queue: what the deployment '
    'says, to be held against what SQL was told';
GRANT EXECUTE ON FUNCTION embed.validate_config TO vectordb_reader;
