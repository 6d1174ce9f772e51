-- One call of the bridge function: request and answer as lambda/bridge/protocol.py describes them, version 2.
--
-- An answer counts only if it repeats protocol version, operation and nonce of the request: a placeholder, another function,
-- an older version or half an answer is an error, never an empty result.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION s3vl.milliseconds(setting text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    -- As current_setting shows a time in milliseconds: 3000, 3000ms, 30s, 15min; empty when there is no such setting.
    SELECT CASE
        WHEN setting ~ '^[0-9]+$' THEN setting::integer
        WHEN setting ~ '^[0-9]+ ?(ms|s|min|h)$' THEN (extract(epoch FROM setting::interval) * 1000)::integer
    END
$$;
COMMENT ON FUNCTION s3vl.milliseconds IS 'Internal: a setting of a time as a number';

CREATE OR REPLACE FUNCTION s3vl.base64(vector public.vector) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
AS $$
    -- vector_send: the dimension and 16 unused bits, then the numbers as big-endian 32-bit floats. encode breaks its lines.
    -- All names are qualified and nothing is pinned, so that the planner can put this into the caller's expression.
    SELECT pg_catalog.replace(
        pg_catalog.encode(pg_catalog.substr(public.vector_send(vector), 5), 'base64'), E'\n', ''
    )
$$;
COMMENT ON FUNCTION s3vl.base64 IS 'Internal: a vector as the function takes it';

CREATE OR REPLACE FUNCTION s3vl.invoke(caller text, operation text, arguments json) RETURNS json
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET debug_print_plan = off  -- a caller's would show the function's ARN, and messages before ARNs are taken out of them
AS $$
DECLARE
    configuration s3vl.config;
    request_timeout_ms integer;
    timeout_ms integer;
    nonce constant text := gen_random_uuid();
    payload json;
    answer record;
    refusal record;
    state text;
    message text;
    detail text;
BEGIN
    SELECT c.* INTO configuration FROM s3vl.config AS c;
    IF configuration.lambda_arn IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('%s: no function is configured', caller),
            HINT = 'The deployment does it (pulumi up); by hand, as an administrator: '
                'SELECT s3vl.configure(''<ARN of the function>'');';
    END IF;
    timeout_ms := configuration.timeout_seconds * 1000;
    request_timeout_ms := s3vl.milliseconds(current_setting('aws_lambda.request_timeout_ms', true));
    IF request_timeout_ms IS NOT NULL THEN
        -- The function is to give up first, because it can say why: half a second goes to the way there and back.
        timeout_ms := least(timeout_ms, greatest(request_timeout_ms - 500, request_timeout_ms / 2, 1));
    END IF;

    BEGIN
        SELECT i.payload INTO payload
        FROM aws_lambda.invoke(
            configuration.lambda_arn,
            json_build_object('v', 2, 'operation', operation, 'nonce', nonce, 'timeout_ms', timeout_ms, 'arguments', arguments)
        ) AS i;
        IF json_typeof(payload) = 'object' THEN
            SELECT r.* INTO answer
            FROM json_to_record(payload) AS r(
                v json, operation text, nonce text, request_id text, ok json, result json, error json
            );
            SELECT r.* INTO refusal
            FROM json_to_record(CASE WHEN json_typeof(answer.error) = 'object' THEN answer.error ELSE '{}' END)
                AS r(code text, message text, request_id text);
        END IF;
    EXCEPTION
        -- Not a cancelled statement: WHEN OTHERS leaves that out.
        WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
            IF state = '22P05' THEN
                PERFORM s3vl.raise_unrepresentable(caller);
            ELSIF state = '22021' OR (state = '22P02' AND message ILIKE '%json%') THEN
                PERFORM s3vl.raise_foreign(caller, 'it is not JSON');
            END IF;
            PERFORM s3vl.raise_invocation(caller, state, message, detail);
    END;

    IF payload IS NULL THEN
        PERFORM s3vl.raise_foreign(caller, 'it is empty');
    ELSIF json_typeof(payload) <> 'object' THEN
        PERFORM s3vl.raise_foreign(caller, 'it is no object');
    ELSIF answer.v IS NULL THEN
        PERFORM s3vl.raise_foreign(caller, 'it has no protocol version');
    ELSIF answer.v::text <> '2' THEN
        PERFORM s3vl.raise_foreign(caller, 'it is of another protocol version than 2', 'S3V02');
    ELSIF answer.operation IS DISTINCT FROM operation OR answer.nonce IS DISTINCT FROM nonce THEN
        PERFORM s3vl.raise_foreign(caller, 'it answers another request');
    ELSIF answer.ok::text = 'true' AND json_typeof(answer.result) = 'object' THEN
        RETURN answer.result;
    ELSIF answer.ok::text = 'false' AND refusal.code <> '' AND refusal.message IS NOT NULL THEN
        PERFORM s3vl.raise_refusal(caller, refusal.code, refusal.message, refusal.request_id, answer.request_id);
    END IF;
    PERFORM s3vl.raise_foreign(caller, 'it has neither a result nor an error');
END
$$;
COMMENT ON FUNCTION s3vl.invoke IS 'Internal: one operation of the bridge function; its result, or an error';
