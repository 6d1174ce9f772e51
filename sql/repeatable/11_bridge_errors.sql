-- Every error of the bridge has an SQLSTATE of its kind, so that a program can tell what to do: correct the call, wait and
-- try again, or wake somebody up. This file is the one place where they are listed.
--
--   22004  an argument is NULL that must not be
--   22023  an argument is wrong: found here, by the function, or by the service (ValidationException)
--   22P05  a key or metadata holds U+0000, which PostgreSQL's text cannot
--   42501  not allowed: the caller in the database (no grant on the index, no tenant, another tenant's key), the database at
--          Lambda, or the function at S3 Vectors or Amazon Bedrock
--   42704  there is no such index, role, function or model
--   42809  the index belongs to a vectorizer: search it through that
--   53000  a quota of the service
--   53400  too many requests: wait, then try again
--   54000  an answer or a request larger than Lambda carries
--   55000  something must be set up first: no configuration, index deactivated, key of the index disabled, model not ready
--   58000  the service or the function failed: try again, then look into the function's log
--   08006  the database did not reach the function, or it did not answer in time
--   S3V01  what answered is not the bridge function, or its answer is damaged
--   S3V02  the function speaks another version of the protocol
--
-- 57014 (cancelled, statement timeout) comes from PostgreSQL and passes through; so does 22000 (a NaN or infinity in a vector) of
-- pgvector. HINT says what to do, DETAIL holds request ids and, when a write ended in the middle, how far it came: then the
-- SQLSTATE is that of what ended it. ARNs are shown to members of vectordb_owner only; values of vectors and metadata to nobody.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION s3vl.refusals() RETURNS TABLE (code text, state text, hint text)
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    VALUES
    -- The service's: its model, s3vectors/2025-07-15.
    ('ValidationException', '22023', 'Correct the argument that the message names.'),
    ('AccessDeniedException', '42501',
        'The function''s role needs the operation on the index (s3vectors:QueryVectors, with a filter or metadata GetVectors, too; '
        'PutVectors; DeleteVectors; ListVectors), kms:Decrypt and GenerateDataKey on its key, and bedrock:InvokeModel on its model.'),
    ('NotFoundException', '42704', 'The index is registered here but not in S3 Vectors. Deploy again.'),
    ('ConflictException', '55000', 'Wait until the change of the index is done, then try again.'),
    ('ServiceQuotaExceededException', '53000', 'Ask AWS for a higher quota of S3 Vectors.'),
    ('TooManyRequestsException', '53400', 'Wait a moment, then try again; ask for fewer queries at once.'),
    ('RequestTimeoutException', '58000', 'Try again.'),
    ('InternalServerException', '58000', 'Try again.'),
    ('ServiceUnavailableException', '58000', 'Try again.'),
    ('KmsDisabledException', '55000', 'The index''s key is disabled: enable it in AWS KMS.'),
    ('KmsInvalidKeyUsageException', '55000', 'The index''s key is not for encryption: the index must be made anew.'),
    ('KmsInvalidStateException', '55000', 'The index''s key is being deleted or imported: look at it in AWS KMS.'),
    ('KmsNotFoundException', '55000', 'The index''s key is gone.'),
    -- What every service of AWS says of credentials that it does not take: the function's, not the database's.
    ('ExpiredTokenException', '58000', 'Try again: Lambda renews the credentials of the function''s role.'),
    ('InvalidSignatureException', '58000', 'Try again; if it stays, look into the function''s log under the request id.'),
    ('UnrecognizedClientException', '42501',
        'The function''s role was replaced, or the account has not enabled the region: enable it, or deploy the function again.'),
    -- Those of Amazon Bedrock that S3 Vectors does not have: InvokeModel in its model, bedrock-runtime/2023-09-30.
    ('ThrottlingException', '53400', 'Wait a moment, then try again; ask AWS for a higher quota of the model in Amazon Bedrock.'),
    ('ModelNotReadyException', '55000', 'The model is being started: wait a minute, then try again.'),
    ('ModelTimeoutException', '58000', 'Try again, with a shorter text.'),
    ('ModelErrorException', '58000', 'Try again; if it stays, try the model in the console of Amazon Bedrock.'),
    ('ModelStreamErrorException', '58000', 'Try again.'),
    ('ResourceNotFoundException', '42704', 'There is no such model in this region: correct the model of the index in vectordb:indexes.'),
    -- The function's own: lambda/bridge/protocol.py.
    ('TenantMismatch', '42501', 'Vectors of other tenants can neither be changed nor replaced: choose other keys.'),
    ('ModelNotAllowed', '42501', 'The model is registered here but not given to the function. Deploy again: pulumi up.'),
    ('InvalidRequest', '22023', 'Correct the argument that the message names.'),
    ('UnsupportedProtocol', 'S3V02', 'Deploy the function and the SQL files of one version: pulumi up.'),
    ('IndexNotAllowed', '42501', 'The index is registered here but not given to the function. Deploy again: pulumi up.'),
    ('BridgeMisconfigured', '55000', 'Deploy the function again: pulumi up.'),
    ('DeadlineExceeded', '58000',
        'Try again; if it happens often, raise aws_lambda.request_timeout_ms and the function''s timeout below it.'),
    ('ResponseTooLarge', '54000', 'Ask for less: without vector data, or without metadata.'),
    ('ServiceUnreachable', '58000', 'Try again; if it stays, look into the function''s log under the request id.'),
    ('ServiceCallFailed', '58000', 'Look into the function''s log under the request id.'),
    ('ServiceContradiction', '58000', 'Try again.'),
    ('UnexpectedError', '58000', 'Look into the function''s log under the request id.')
$$;
COMMENT ON FUNCTION s3vl.refusals IS 'Internal: error code → SQLSTATE and what to do';

CREATE OR REPLACE FUNCTION s3vl.shown(message text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF s3vl.administers() THEN
        RETURN message;
    END IF;
    -- Without a backslash, as every text in these functions: a session's standard_conforming_strings says what that means.
    RETURN regexp_replace(message, 'arn:aws[^][:space:]"'',;)}]*', '(ARN withheld)', 'g');
END
$$;
COMMENT ON FUNCTION s3vl.shown IS 'Internal: a message without ARNs, unless the caller administers the bridge';

CREATE OR REPLACE FUNCTION s3vl.raise_refusal(
    caller text, code text, message text, service_request_id text, function_request_id text
) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    refusal record;
BEGIN
    SELECT r.state, r.hint INTO refusal FROM s3vl.refusals() AS r WHERE r.code = raise_refusal.code;
    RAISE EXCEPTION USING
        -- An error that the service did not have when this was written.
        ERRCODE = coalesce(refusal.state, '58000'),
        MESSAGE = format('%s: %s: %s', caller, code, s3vl.shown(message)),
        DETAIL = format(
            'Request id of the service: %s. Request id of the function: %s.',
            coalesce(service_request_id, 'none'), coalesce(nullif(function_request_id, ''), 'none')
        ),
        HINT = coalesce(refusal.hint, 'Look into the function''s log under the request id.');
END
$$;
COMMENT ON FUNCTION s3vl.raise_refusal IS 'Internal: raises what the function or the service refused';

CREATE OR REPLACE FUNCTION s3vl.raise_partial(
    caller text, verb text, done integer, total integer, first_key text, last_key text,
    state text, message text, detail text, hint text
) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- The keys are the caller's own: those that this call was given.
    RAISE EXCEPTION USING
        ERRCODE = state,
        MESSAGE = CASE WHEN starts_with(message, caller || ':') THEN message ELSE format('%s: %s', caller, s3vl.shown(message)) END,
        DETAIL = concat_ws(
            ' ',
            CASE
                WHEN done = 0 THEN format('None of %s vectors is known to be %s.', total, verb)
                ELSE format(
                    '%s of %s vectors were %s: the first %s of vector_ids, from %L to %L.', done, total, verb, done, first_key, last_key
                )
            END,
            nullif(detail, '')
        ),
        HINT = concat_ws(' ', 'Calling it again with all of them is safe: a vector is put, and deleted, by its key.', nullif(hint, ''));
END
$$;
COMMENT ON FUNCTION s3vl.raise_partial IS
    'Internal: raises what ended a write in the middle, with how far it came. state, message, detail and hint are those of its end';

CREATE OR REPLACE FUNCTION s3vl.raise_null(caller text, argument text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'null_value_not_allowed',
        MESSAGE = format('%s: %s must not be NULL', caller, argument);
END
$$;
COMMENT ON FUNCTION s3vl.raise_null IS 'Internal: raises 22004';

CREATE OR REPLACE FUNCTION s3vl.raise_invalid(caller text, problem text, hint text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF hint IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s: %s', caller, problem);
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s: %s', caller, problem), HINT = hint;
END
$$;
COMMENT ON FUNCTION s3vl.raise_invalid IS 'Internal: raises 22023';

CREATE OR REPLACE FUNCTION s3vl.raise_foreign(caller text, problem text, state text DEFAULT 'S3V01') RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = state,
        MESSAGE = format('%s: the answer is not the bridge function''s: %s', caller, problem),
        DETAIL = 'Nothing of the answer was used.',
        HINT = 'Deploy the function and the SQL files of one version (pulumi up); s3vl.configure names the function that is called.';
END
$$;
COMMENT ON FUNCTION s3vl.raise_foreign IS 'Internal: raises S3V01 or S3V02';

CREATE OR REPLACE FUNCTION s3vl.raise_unrepresentable(caller text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'untranslatable_character',
        MESSAGE = format('%s: a key or metadata of the answer holds U+0000, which PostgreSQL''s text cannot', caller),
        HINT = 'Ask without metadata; if a key holds it, read the index with an AWS SDK.';
END
$$;
COMMENT ON FUNCTION s3vl.raise_unrepresentable IS 'Internal: raises 22P05';

CREATE OR REPLACE FUNCTION s3vl.raise_misshapen(
    caller text, state text, problem text DEFAULT 'its vectors have not the shape that was agreed'
) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF state = '22P05' THEN
        PERFORM s3vl.raise_unrepresentable(caller);
    END IF;
    PERFORM s3vl.raise_foreign(caller, problem);
END
$$;
COMMENT ON FUNCTION s3vl.raise_misshapen IS
    'Internal: raises what reading an answer failed with: 22P05, or S3V01 for every other data exception and integrity violation';

CREATE OR REPLACE FUNCTION s3vl.raise_invocation(caller text, state text, message text, detail text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- AWS documents two messages (PostgreSQL-Lambda-errors.html); what stands in their DETAIL is told apart by its words.
    unreached constant boolean := message = 'invoke API failed';
    failed constant boolean := message = 'lambda invocation failed';
    own_state text;
    own_message text;
    hint text;
BEGIN
    IF unreached AND detail ~* '(TooManyRequests|Rate exceeded|ConcurrentInvocationLimit|concurren)' THEN
        own_state := '53400';
        own_message := 'Lambda refuses more calls of the function for now';
        hint := 'Wait a moment, then try again; if it happens often, raise the function''s or the account''s concurrency.';
    ELSIF unreached AND detail ~* '(not authorized|AccessDenied|security token|UnrecognizedClient|ExpiredToken|credentials)' THEN
        own_state := '42501';
        own_message := 'the database may not call the function';
        hint := 'The role associated with the cluster under the feature "Lambda" needs lambda:InvokeFunction on exactly the ARN '
            'that s3vl.configure was given, alias included.';
    ELSIF unreached AND detail ~* '(Function not found|ResourceNotFound|Cannot find|does not exist)' THEN
        own_state := '42704';
        own_message := 'there is no such function';
        hint := 'Deploy again (pulumi up), or give s3vl.configure the ARN of the function''s alias.';
    ELSIF unreached AND detail ~* '(RequestTooLarge|must be smaller|exceeded maximum)' THEN
        own_state := '54000';
        own_message := 'the request is larger than Lambda carries';
        hint := 'Ask with fewer keys at once.';
    ELSIF unreached AND detail ~* 'time.?out' THEN
        own_state := '08006';
        own_message := 'the function did not answer in time';
        hint := 'Try again: a function that was idle starts slowly. If it stays, raise aws_lambda.request_timeout_ms above the '
            'function''s timeout, and check that the security groups let the database reach the lambda endpoint.';
    ELSIF unreached THEN
        own_state := '08006';
        own_message := 'the database could not call the function';
        hint := 'Check the interface endpoint of Lambda, the security groups between it and the database (443), the role '
            'associated under the feature "Lambda", and aws_lambda.connect_timeout_ms.';
    ELSIF failed AND detail ~* '(ResponseSizeTooLarge|payload size exceeded)' THEN
        own_state := '54000';
        own_message := 'the answer is larger than Lambda carries';
        hint := 'Ask for less: a smaller top_k, or without metadata.';
    ELSIF failed AND detail ~* '(timed out|Sandbox.Timedout)' THEN
        own_state := '58000';
        own_message := 'the function ran out of time';
        hint := 'Try again; if it happens often, give the function more time, below aws_lambda.request_timeout_ms.';
    ELSIF failed THEN
        own_state := '58000';
        own_message := 'the function failed';
        hint := 'Look into the function''s log; if the function was changed by hand, deploy it again: pulumi up.';
    ELSIF state IN ('3F000', '42883') THEN
        own_state := '55000';
        own_message := 'aws_lambda is not installed';
        hint := 'Apply the SQL files: vectordb migrate apply.';
    ELSIF state = '42501' THEN
        own_state := '42501';
        own_message := 'the bridge has lost its right to call aws_lambda';
        hint := 'As the master: GRANT USAGE ON SCHEMA aws_lambda TO vectordb_owner; '
            'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA aws_lambda TO vectordb_owner;';
    ELSE
        own_state := state;
        own_message := message;
        hint := 'SELECT * FROM s3vl.validate_config() shows whether the function answers at all.';
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = own_state,
        MESSAGE = format('%s: %s', caller, s3vl.shown(own_message)),
        DETAIL = left(s3vl.shown(coalesce(nullif(detail, ''), message)), 500),
        HINT = hint;
END
$$;
COMMENT ON FUNCTION s3vl.raise_invocation IS 'Internal: raises what aws_lambda.invoke failed with';
