-- The registry of indexes: names for ARNs, and the list of what may be used at all.
--
-- Of an ARN's two names each has its own grants; what protects the vectors (tenant key, vectorizer) belongs to the ARN and is
-- the same for all its names.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION s3vl.first_grants(index_arn text, index_name text) RETURNS TABLE (grantee name, privilege text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- A second name for an ARN opens no more than the first did.
    WITH known AS (
        SELECT r.index_name FROM s3vl.index_registry AS r
        WHERE r.index_arn = first_grants.index_arn AND r.index_name <> first_grants.index_name
    )
    SELECT DISTINCT g.grantee, g.privilege FROM s3vl.index_grants AS g JOIN known USING (index_name)
    UNION ALL
    SELECT g.grantee, g.privilege
    FROM (
        VALUES
        ('vectordb_reader', 'read'), ('vectordb_writer', 'write'), ('vectordb_worker', 'read'), ('vectordb_worker', 'write')
    ) AS g(grantee, privilege)
    WHERE NOT EXISTS (SELECT FROM known)
$$;
COMMENT ON FUNCTION s3vl.first_grants IS 'Internal: what the first registration of a name gives';

CREATE OR REPLACE FUNCTION s3vl.register_index(
    index_name_param text, index_arn_param text, description_param text DEFAULT NULL
) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF index_name_param IS NULL OR index_arn_param IS NULL THEN
        PERFORM s3vl.raise_null(
            's3vl.register_index', CASE WHEN index_name_param IS NULL THEN 'index_name_param' ELSE 'index_arn_param' END
        );
    END IF;
    INSERT INTO s3vl.index_registry (index_name, index_arn, description)
    VALUES (index_name_param, index_arn_param, description_param)
    ON CONFLICT (index_name) DO NOTHING;
    IF FOUND THEN
        -- Once: what an administrator takes away stays away when the index is declared again.
        INSERT INTO s3vl.index_grants (index_name, grantee, privilege)
        SELECT index_name_param, g.grantee, g.privilege
        FROM s3vl.first_grants(index_arn_param, index_name_param) AS g;
    ELSE
        UPDATE s3vl.index_registry AS r
        SET index_arn = index_arn_param,
            description = coalesce(description_param, r.description),
            -- They are another index's now. The tenant key and the vectorizer stay: nothing opens by itself.
            dimension = CASE WHEN r.index_arn = index_arn_param THEN r.dimension END,
            metric = CASE WHEN r.index_arn = index_arn_param THEN r.metric END,
            model = CASE WHEN r.index_arn = index_arn_param THEN r.model END,
            non_filterable_keys = CASE WHEN r.index_arn = index_arn_param THEN r.non_filterable_keys END,
            full_text_keys = CASE WHEN r.index_arn = index_arn_param THEN r.full_text_keys END,
            is_active = true,
            updated_at = clock_timestamp()
        WHERE r.index_name = index_name_param;
    END IF;
    -- Another name of an ARN that is known.
    UPDATE s3vl.index_registry AS r
    SET tenant_key = coalesce(known.tenant_key, r.tenant_key), vectorizer = coalesce(known.vectorizer, r.vectorizer)
    FROM (
        SELECT max(o.tenant_key) AS tenant_key, max(o.vectorizer) AS vectorizer
        FROM s3vl.index_registry AS o
        WHERE o.index_arn = index_arn_param AND o.index_name <> index_name_param
    ) AS known
    WHERE r.index_name = index_name_param AND (known.tenant_key IS NOT NULL OR known.vectorizer IS NOT NULL);
    PERFORM s3vl.advance_epoch(index_name_param);
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
    'Gives an S3 Vectors index a name for SQL, or changes or reactivates it. The first time, vectordb_reader may read it, '
    'vectordb_writer write it and vectordb_worker both. For administrators. (name, ARN, description) → true';

CREATE OR REPLACE FUNCTION s3vl.named_index(caller text, index_name_param text) RETURNS s3vl.index_registry
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_index s3vl.index_registry;
BEGIN
    IF index_name_param IS NULL THEN
        PERFORM s3vl.raise_null(caller, 'index_name');
    END IF;
    SELECT r.* INTO found_index FROM s3vl.index_registry AS r WHERE r.index_name = index_name_param;
    IF found_index.index_name IS NULL THEN
        PERFORM s3vl.raise_unknown_index(caller, index_name_param);
    END IF;
    RETURN found_index;
END
$$;
COMMENT ON FUNCTION s3vl.named_index IS 'Internal: the index of a name, active or not, for whoever administers it; or an error';

CREATE OR REPLACE FUNCTION s3vl.unregister_index(index_name_param text) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    target constant s3vl.index_registry := s3vl.named_index('s3vl.unregister_index', index_name_param);
BEGIN
    DELETE FROM s3vl.index_registry AS r WHERE r.index_name = target.index_name;
    IF target.declared THEN
        RAISE NOTICE USING
            MESSAGE = format('the index %L is declared by the deployment, which will register it again', target.index_name),
            HINT = 'Take it out of vectordb:indexes, or use s3vl.revoke_index, which a deployment leaves alone.';
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION s3vl.unregister_index IS
    'Takes an index out of the registry, with its grants and its tenant key; the vectors stay. For administrators. (name) → true';

CREATE OR REPLACE FUNCTION s3vl.deactivate_index(index_name_param text) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    target constant s3vl.index_registry := s3vl.named_index('s3vl.deactivate_index', index_name_param);
BEGIN
    UPDATE s3vl.index_registry AS r SET is_active = false, updated_at = clock_timestamp() WHERE r.index_name = target.index_name;
    RETURN true;
END
$$;
COMMENT ON FUNCTION s3vl.deactivate_index IS 'Nobody can use the index until it is activated again. For administrators. (name) → true';

CREATE OR REPLACE FUNCTION s3vl.activate_index(index_name_param text) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    target constant s3vl.index_registry := s3vl.named_index('s3vl.activate_index', index_name_param);
BEGIN
    UPDATE s3vl.index_registry AS r SET is_active = true, updated_at = clock_timestamp() WHERE r.index_name = target.index_name;
    RETURN true;
END
$$;
COMMENT ON FUNCTION s3vl.activate_index IS 'The index can be used again. For administrators. (name) → true';

-- What a reader may see: the indexes that it may read. Their ARNs are no secret to whoever may search them; they say which bucket.

CREATE OR REPLACE FUNCTION s3vl.resolve_index_arn(index_name_param text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF index_name_param IS NULL THEN
        PERFORM s3vl.raise_null('s3vl.resolve_index_arn', 'index_name_param');
    END IF;
    RETURN (s3vl.granted_index('s3vl.resolve_index_arn', index_name_param, 'read')).index_arn;
END
$$;
COMMENT ON FUNCTION s3vl.resolve_index_arn IS 'The ARN of a registered, active index that the session may read, by its name (or its ARN)';
GRANT EXECUTE ON FUNCTION s3vl.resolve_index_arn TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.list_indexes() RETURNS TABLE (
    index_name text, index_arn text, description text, bucket_name text, region text, account_id text,
    -- Without a zone, as the sample has them: in the session's. now() - created_at is right in every zone.
    created_at timestamp, updated_at timestamp, is_active boolean
)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.index_name, r.index_arn, r.description, r.bucket_name, r.region, r.account_id,
        r.created_at::timestamp, r.updated_at::timestamp, r.is_active
    FROM s3vl.index_registry AS r
    WHERE s3vl.may(r.index_name, 'read')
    ORDER BY r.is_active DESC, r.index_name
$$;
COMMENT ON FUNCTION s3vl.list_indexes IS 'The registered indexes that the session may read, active ones first';
GRANT EXECUTE ON FUNCTION s3vl.list_indexes TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.get_index_info(index_name_param text) RETURNS TABLE (
    index_name text, index_arn text, description text, bucket_name text, region text, account_id text,
    created_at timestamp, updated_at timestamp, is_active boolean
)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT l.* FROM s3vl.list_indexes() AS l WHERE l.index_name = index_name_param;
    IF NOT FOUND THEN
        RAISE NOTICE 's3vl.get_index_info: the index % is not registered, or not for you', quote_nullable(index_name_param);
    END IF;
END
$$;
COMMENT ON FUNCTION s3vl.get_index_info IS 'What is registered of one index; no row and a notice when it is not, or not for the session';
GRANT EXECUTE ON FUNCTION s3vl.get_index_info TO vectordb_reader, vectordb_worker;
