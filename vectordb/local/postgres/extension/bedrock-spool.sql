-- aws_bedrock.invoke_model over files, where there is no C compiler: as aws_lambda._invoke does it (transport-spool.sql), whose
-- weaknesses it shares.
CREATE OR REPLACE FUNCTION aws_bedrock.invoke_model(
    model_id varchar, content_type text, accept_type text, model_input text, OUT model_output varchar)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    folder CONSTANT text := current_setting('data_directory') || '/../spool';
    name CONSTANT text := folder || '/' || gen_random_uuid();
    deadline timestamptz;
    reply text;
    head json;
BEGIN
    IF (pg_stat_file(folder || '/worker', true)).size IS NULL THEN
        RAISE EXCEPTION 'invoke API failed' USING ERRCODE = 'connection_failure',
            DETAIL = 'AWS Bedrock client returned ''Unable to connect to endpoint''.', HINT = 'The spool worker does not run.';
    END IF;
    EXECUTE format('COPY (SELECT %L) TO %L WITH (FORMAT text, ENCODING %L)',
        json_build_object('service', 'bedrock', 'model_id', model_id, 'content_type', content_type, 'accept_type', accept_type,
            'model_input', model_input),
        name || '.request', 'UTF8');

    -- The worker keeps the timeouts (1 and 60 seconds); this deadline is for a worker that has gone.
    deadline := clock_timestamp() + interval '63 seconds';
    LOOP
        reply := pg_read_file(name || '.reply', 0, 1000000000, true);
        EXIT WHEN reply IS NOT NULL;
        IF clock_timestamp() > deadline THEN
            RAISE EXCEPTION 'invoke API failed' USING ERRCODE = 'connection_failure',
                DETAIL = 'AWS Bedrock client returned ''curlCode: 28, Timeout was reached''.';
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
    model_output := substr(reply, strpos(reply, E'\n') + 1);
END
$$;
