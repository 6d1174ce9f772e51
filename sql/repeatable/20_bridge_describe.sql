-- What the service itself says of indexes; s3vl.list_indexes says what is registered here.
--
-- SELECT dimension, metric, index_mode, full_text_keys FROM s3vl.describe_index('stdlib');
--
-- s3vl.describe_index, one row:
-- registered_name   the name here; service_name is the one at the service
-- index_mode        CLASSIC or ENHANCED
-- full_text_keys    [{"key", "language", "status"}]: ACTIVE, or BUILDING while the service reads what was there before
-- encryption        AES256, aws:kms, or NULL: the bucket's
-- kms_key_arn       NULL unless the caller administers the bridge
--
-- s3vl.remote_indexes(), for administrators: the indexes of each bucket that a registered index is in
-- registered_as     its name here; NULL when it is not registered

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION s3vl.describe_index(index_name text DEFAULT NULL, index_arn text DEFAULT NULL) RETURNS TABLE (
    registered_name text, service_name text, bucket_name text, dimension integer, metric text, data_type text, index_mode text,
    non_filterable_keys text[], full_text_keys jsonb, encryption text, kms_key_arn text, created_at timestamptz
)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 COST 1000000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 's3vl.describe_index';
    target constant s3vl.index_registry := s3vl.opened_index(caller, index_name, index_arn, 'read');
    result constant json := s3vl.invoke(caller, 'describe_index', json_build_object('index_arn', target.index_arn));
BEGIN
    RETURN QUERY
    SELECT target.index_name, r.name::text, r.bucket::text, r.dimension::integer, r.metric::text, r.data_type::text, r.mode,
        r.non_filterable_keys, r.full_text_keys, r.encryption,
        CASE WHEN s3vl.administers() THEN r.kms_key_arn END,
        to_timestamp(r.created_at)
    FROM json_to_record(result) AS r(
        name s3vl.wire_key, bucket s3vl.wire_key, dimension s3vl.wire_count, metric s3vl.wire_key, data_type s3vl.wire_key, mode text,
        non_filterable_keys text[], full_text_keys jsonb, encryption text, kms_key_arn text, created_at s3vl.wire_distance
    )
    WHERE r.name = split_part(target.index_arn, '/', 4)
        AND r.bucket = target.bucket_name
        AND r.non_filterable_keys IS NOT NULL
        AND jsonb_typeof(r.full_text_keys) = 'array';
    IF NOT FOUND THEN
        PERFORM s3vl.raise_foreign(caller, 'it does not describe the index');
    END IF;
EXCEPTION
    WHEN data_exception OR integrity_constraint_violation THEN
        PERFORM s3vl.raise_misshapen(caller, SQLSTATE, 'it does not describe the index');
END
$$;
COMMENT ON FUNCTION s3vl.describe_index IS 'A registered index as the service describes it: one row';
GRANT EXECUTE ON FUNCTION s3vl.describe_index TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.remote_indexes() RETURNS TABLE (
    bucket_name text, service_name text, index_arn text, created_at timestamptz, registered_as text
)
LANGUAGE plpgsql STABLE ROWS 10 COST 1000000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 's3vl.remote_indexes';
    known_arn text;
    token text;
    result json;
    answer record;
BEGIN
    FOR known_arn IN
        SELECT min(r.index_arn)
        FROM s3vl.index_registry AS r
        WHERE r.is_active
        GROUP BY r.account_id, r.region, r.bucket_name
        ORDER BY r.bucket_name, r.region, r.account_id
    LOOP
        token := NULL;
        LOOP
            result := s3vl.invoke(caller, 'list_indexes', json_build_object('index_arn', known_arn, 'next_token', token));
            BEGIN
                SELECT r.* INTO answer FROM json_to_record(result) AS r(bucket s3vl.wire_key, indexes json, next_token text);
                IF answer.indexes IS NULL OR answer.next_token = token THEN
                    PERFORM s3vl.raise_foreign(caller, 'it does not list a bucket''s indexes');
                END IF;
                RETURN QUERY
                SELECT answer.bucket::text, i.name::text, i.arn::text, to_timestamp(i.created_at),
                    (
                        SELECT r.index_name FROM s3vl.index_registry AS r WHERE r.index_arn = i.arn
                        ORDER BY r.is_active DESC, r.index_name LIMIT 1
                    )
                FROM json_to_recordset(answer.indexes)
                    AS i(name s3vl.wire_key, arn s3vl.wire_key, created_at s3vl.wire_distance);
            EXCEPTION
                WHEN data_exception OR integrity_constraint_violation THEN
                    PERFORM s3vl.raise_misshapen(caller, SQLSTATE, 'it does not list a bucket''s indexes');
            END;
            token := answer.next_token;
            EXIT WHEN token IS NULL;
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION s3vl.remote_indexes IS
    'The indexes that the buckets of the registered ones hold, as the service lists them. For administrators';
