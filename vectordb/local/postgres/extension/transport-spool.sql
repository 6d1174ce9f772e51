-- aws_lambda._invoke over files, where there is no C compiler: the request is a file in the spool folder beside the data directory, a
-- worker outside (spool.py) sends it to the Lambda service, and its reply is another file. The worker checks the arguments and words the
-- errors; here they are only raised. SECURITY DEFINER because files are written by superusers only; the folder comes from a setting
-- that nobody else can change.
-- Weaker than the C transport: a call takes about 4 ms more, errors carry one more line of CONTEXT, and anyone may set
-- aws_lambda.endpoint_override, to no effect.
CREATE OR REPLACE FUNCTION aws_lambda._invoke(
    function_name text, payload text, region text, invocation_type text, log_type text, context text, qualifier text,
    OUT status_code integer, OUT response text, OUT executed_version text, OUT log_result text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    folder CONSTANT text := current_setting('data_directory') || '/../spool';
    name CONSTANT text := folder || '/' || gen_random_uuid();
    timeouts integer[] := '{}';
    timeout_name text;
    deadline timestamptz;
    request text;
    reply text;
    head json;
BEGIN
    FOREACH timeout_name IN ARRAY ARRAY['aws_lambda.connect_timeout_ms', 'aws_lambda.request_timeout_ms'] LOOP
        timeouts := timeouts || current_setting(timeout_name)::integer;
        IF timeouts[cardinality(timeouts)] NOT BETWEEN 1 AND 900000 THEN
            RAISE EXCEPTION '% is outside the valid range for parameter "%" (1 .. 900000)', timeouts[cardinality(timeouts)], timeout_name
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
    END LOOP;
    IF (pg_stat_file(folder || '/worker', true)).size IS NULL THEN
        RAISE EXCEPTION 'invoke API failed' USING ERRCODE = 'connection_failure',
            DETAIL = 'AWS Lambda client returned ''Unable to connect to endpoint''.', HINT = 'The spool worker does not run.';
    END IF;

    request := json_build_object(
        'function_name', function_name, 'payload', payload, 'region', region, 'invocation_type', invocation_type,
        'log_type', log_type, 'context', context, 'qualifier', qualifier, 'connect_timeout_ms', timeouts[1], 'request_timeout_ms', timeouts[2]);
    EXECUTE format('COPY (SELECT %L) TO %L WITH (FORMAT text, ENCODING %L)', request, name || '.request', 'UTF8');

    -- The worker keeps the timeouts; this deadline is for a worker that has gone.
    deadline := clock_timestamp() + make_interval(secs => (timeouts[1] + timeouts[2] + 2000) / 1000.0);
    LOOP
        reply := pg_read_file(name || '.reply', 0, 1000000000, true);
        EXIT WHEN reply IS NOT NULL;
        IF clock_timestamp() > deadline THEN
            RAISE EXCEPTION 'invoke API failed' USING ERRCODE = 'connection_failure',
                DETAIL = 'AWS Lambda client returned ''curlCode: 28, Timeout was reached''.';
        END IF;
        PERFORM pg_sleep(0.0005);
    END LOOP;
    -- Emptied, the reply tells the worker that it was read and can go.
    EXECUTE format('COPY (SELECT WHERE false) TO %L', name || '.reply');

    head := split_part(reply, E'\n', 1)::json;
    IF head ->> 'detail' IS NOT NULL THEN
        RAISE EXCEPTION USING MESSAGE = head ->> 'message', ERRCODE = head ->> 'sqlstate', DETAIL = head ->> 'detail';
    ELSIF head ->> 'message' IS NOT NULL THEN
        RAISE EXCEPTION USING MESSAGE = head ->> 'message', ERRCODE = head ->> 'sqlstate';
    END IF;
    status_code := (head ->> 'status')::integer;
    executed_version := head ->> 'executed_version';
    log_result := head ->> 'log_result';
    IF (head ->> 'payload')::boolean THEN
        response := substr(reply, strpos(reply, E'\n') + 1);
    END IF;
END
$$;
