-- The registry of indexes: names for ARNs, and the list of what may be used at all.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION s3vl.register_index(
    index_name_param text, index_arn_param text, description_param text DEFAULT NULL
) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF index_name_param IS NULL OR index_arn_param IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'null_value_not_allowed',
            MESSAGE = 's3vl.register_index: index_name_param and index_arn_param must not be NULL';
    END IF;
    INSERT INTO s3vl.index_registry AS r (index_name, index_arn, description)
    VALUES (index_name_param, index_arn_param, description_param)
    ON CONFLICT (index_name) DO UPDATE SET
        index_arn = excluded.index_arn,
        description = coalesce(excluded.description, r.description),
        -- They are another index's now.
        dimension = CASE WHEN r.index_arn = excluded.index_arn THEN r.dimension END,
        metric = CASE WHEN r.index_arn = excluded.index_arn THEN r.metric END,
        is_active = true,
        updated_at = clock_timestamp();
    RETURN true;
EXCEPTION
    WHEN check_violation THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = CASE
                WHEN index_name_param !~ '^[A-Za-z0-9][A-Za-z0-9._-]{1,63}$'
                THEN format('s3vl.register_index: %L is no name for an index', index_name_param)
                ELSE format('s3vl.register_index: %L is not the ARN of an S3 Vectors index', index_arn_param)
            END,
            HINT = 'A name has 2 to 64 letters, digits, dots, hyphens and underscores and begins with a letter or digit. An ARN is '
                'arn:<partition>:s3vectors:<region>:<account>:bucket/<bucket>/index/<index>.';
END
$$;
COMMENT ON FUNCTION s3vl.register_index IS
    'Gives an S3 Vectors index a name for SQL, or changes or reactivates it. For administrators. (name, ARN, description) → true';

CREATE OR REPLACE FUNCTION s3vl.registered_index(caller text, name_or_arn text) RETURNS s3vl.index_registry
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_index s3vl.index_registry;
    is_arn constant boolean := name_or_arn LIKE 'arn:%';
BEGIN
    SELECT r.* INTO found_index
    FROM s3vl.index_registry AS r
    WHERE CASE WHEN is_arn THEN r.index_arn = name_or_arn ELSE r.index_name = name_or_arn END
    ORDER BY r.is_active DESC, r.index_name
    LIMIT 1;
    IF found_index.index_name IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = CASE
                WHEN is_arn THEN format('%s: the index of that ARN is not registered', caller)
                ELSE format('%s: the index %L is not registered', caller, name_or_arn)
            END,
            HINT = 'SELECT index_name FROM s3vl.list_indexes(); '
                'the deployment registers what the configuration vectordb:indexes declares.';
    ELSIF NOT found_index.is_active THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('%s: the index %L is deactivated', caller, found_index.index_name),
            HINT = 'It is declared no more in vectordb:indexes. Declare it and deploy, '
                'or, as an administrator, s3vl.register_index it again.';
    END IF;
    RETURN found_index;
END
$$;
COMMENT ON FUNCTION s3vl.registered_index IS 'Internal: the active index of a name or ARN, or an error';

CREATE OR REPLACE FUNCTION s3vl.requested_index(caller text, index_name text, index_arn text) RETURNS s3vl.index_registry
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (index_name IS NULL) = (index_arn IS NULL) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format(
                '%s: give either index_name or index_arn; %s given',
                caller, CASE WHEN index_name IS NULL THEN 'none was' ELSE 'both were' END
            );
    ELSIF index_arn IS NOT NULL AND index_arn NOT LIKE 'arn:%' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('%s: index_arn must be an ARN; a name goes into index_name', caller);
    END IF;
    RETURN s3vl.registered_index(caller, coalesce(index_name, index_arn));
END
$$;
COMMENT ON FUNCTION s3vl.requested_index IS 'Internal: the index that a call names by exactly one of name and ARN';

CREATE OR REPLACE FUNCTION s3vl.resolve_index_arn(index_name_param text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF index_name_param IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'null_value_not_allowed',
            MESSAGE = 's3vl.resolve_index_arn: index_name_param must not be NULL';
    END IF;
    RETURN (s3vl.registered_index('s3vl.resolve_index_arn', index_name_param)).index_arn;
END
$$;
COMMENT ON FUNCTION s3vl.resolve_index_arn IS 'The ARN of a registered, active index, by its name (or its ARN)';
GRANT EXECUTE ON FUNCTION s3vl.resolve_index_arn TO vectordb_reader;

CREATE OR REPLACE FUNCTION s3vl.list_indexes() RETURNS TABLE (
    index_name text, index_arn text, description text, bucket_name text, region text, account_id text,
    created_at timestamptz, updated_at timestamptz, is_active boolean
)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.index_name, r.index_arn, r.description, r.bucket_name, r.region, r.account_id, r.created_at, r.updated_at, r.is_active
    FROM s3vl.index_registry AS r
    ORDER BY r.is_active DESC, r.index_name
$$;
COMMENT ON FUNCTION s3vl.list_indexes IS 'The registered indexes, active ones first';
GRANT EXECUTE ON FUNCTION s3vl.list_indexes TO vectordb_reader;
