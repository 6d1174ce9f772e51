-- Who may use which index, and as whose: what members of vectordb_owner set. docs/access.md tells how they go together.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION s3vl.check_role(caller text, argument text, role_name text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF role_name IS NULL THEN
        PERFORM s3vl.raise_null(caller, argument);
    ELSIF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = role_name) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('%s: there is no role %I', caller, role_name),
            HINT = 'Names are taken as they are, with capitals and without quotes: as pg_roles shows them.';
    END IF;
END
$$;
COMMENT ON FUNCTION s3vl.check_role IS 'Internal: raises unless there is such a role';

CREATE OR REPLACE FUNCTION s3vl.check_privilege(caller text, privilege text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF privilege IS NULL THEN
        PERFORM s3vl.raise_null(caller, 'privilege');
    ELSIF privilege NOT IN ('read', 'write') THEN
        PERFORM s3vl.raise_invalid(caller, format('privilege must be read or write, not %L', privilege));
    END IF;
END
$$;
COMMENT ON FUNCTION s3vl.check_privilege IS 'Internal: raises unless it is read or write';

-- --- indexes

CREATE OR REPLACE FUNCTION s3vl.grant_index(index_name text, grantee text, privilege text DEFAULT 'read') RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 's3vl.grant_index';
    target constant s3vl.index_registry := s3vl.named_index(caller, index_name);
    functions constant text := CASE privilege WHEN 'write' THEN 'vectordb_writer' ELSE 'vectordb_reader' END;
    is_new boolean;
BEGIN
    PERFORM s3vl.check_role(caller, 'grantee', grantee), s3vl.check_privilege(caller, privilege);
    INSERT INTO s3vl.index_grants AS g (index_name, grantee, privilege)
    VALUES (target.index_name, grant_index.grantee, grant_index.privilege)
    ON CONFLICT DO NOTHING;
    is_new := FOUND;
    IF NOT pg_has_role(grantee::name, functions, 'MEMBER') AND NOT pg_has_role(grantee::name, 'vectordb_worker', 'MEMBER') THEN
        RAISE NOTICE USING
            MESSAGE = format('%I cannot call the functions yet', grantee),
            HINT = format('GRANT %s TO %I;', functions, grantee);
    END IF;
    RETURN is_new;
END
$$;
COMMENT ON FUNCTION s3vl.grant_index IS
    'The role and its members may read, or write, the index. For administrators. (name, role, read|write) → whether that is new';

CREATE OR REPLACE FUNCTION s3vl.revoke_index(index_name text, grantee text, privilege text DEFAULT 'read') RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 's3vl.revoke_index';
    target constant s3vl.index_registry := s3vl.named_index(caller, index_name);
    was_there boolean;
    other text;
BEGIN
    IF grantee IS NULL THEN  -- A role that is gone may be revoked from, too.
        PERFORM s3vl.raise_null(caller, 'grantee');
    END IF;
    PERFORM s3vl.check_privilege(caller, privilege);
    DELETE FROM s3vl.index_grants AS g
    WHERE g.index_name = target.index_name AND g.grantee = revoke_index.grantee AND g.privilege = revoke_index.privilege;
    was_there := FOUND;
    SELECT string_agg(quote_ident(g.grantee), ', ' ORDER BY g.grantee) INTO other
    FROM s3vl.index_grants AS g
    JOIN pg_roles AS r ON r.rolname = g.grantee
    JOIN pg_roles AS m ON m.rolname = revoke_index.grantee
    WHERE g.index_name = target.index_name AND g.privilege = revoke_index.privilege AND pg_has_role(m.oid, r.oid, 'MEMBER');
    IF other IS NOT NULL THEN
        RAISE NOTICE USING
            MESSAGE = format('%I may still %s the index %L as a member of %s', grantee, privilege, target.index_name, other),
            HINT = 'Revoke it from those, and grant it to the roles that are to keep it.';
    END IF;
    RETURN was_there;
END
$$;
COMMENT ON FUNCTION s3vl.revoke_index IS
    'Takes a grant back; no deployment gives it again. For administrators. (name, role, read|write) → whether it was there';

CREATE OR REPLACE FUNCTION s3vl.list_grants() RETURNS TABLE (index_name text, grantee text, privilege text, role_exists boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT g.index_name, g.grantee::text, g.privilege, EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = g.grantee)
    FROM s3vl.index_grants AS g
    ORDER BY 1, 2, 3
$$;
COMMENT ON FUNCTION s3vl.list_grants IS 'Which roles may read and write which indexes. For administrators';

CREATE OR REPLACE FUNCTION s3vl.assign_vectorizer(index_name text, vectorizer text) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    target constant s3vl.index_registry := s3vl.named_index('s3vl.assign_vectorizer', index_name);
BEGIN
    UPDATE s3vl.index_registry AS r
    SET vectorizer = nullif(assign_vectorizer.vectorizer, ''), updated_at = clock_timestamp()
    WHERE r.index_arn = target.index_arn;
    RETURN target.vectorizer IS DISTINCT FROM nullif(assign_vectorizer.vectorizer, '');
END
$$;
COMMENT ON FUNCTION s3vl.assign_vectorizer IS
    'The index belongs to the vectorizer: only vectordb_worker and administrators use it directly. NULL gives it back. '
    'For administrators. (name, vectorizer) → whether that is new';

-- --- tenants

CREATE OR REPLACE FUNCTION s3vl.scope_index(index_name text, tenant_key text) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 's3vl.scope_index';
    target constant s3vl.index_registry := s3vl.named_index(caller, index_name);
BEGIN
    IF tenant_key IS NULL THEN
        PERFORM s3vl.raise_null(caller, 'tenant_key');
    ELSIF length(tenant_key) NOT BETWEEN 1 AND 63 OR tenant_key LIKE '$%' THEN
        PERFORM s3vl.raise_invalid(caller, 'tenant_key must be a metadata key of 1 to 63 characters, not beginning with $');
    ELSIF tenant_key = ANY (target.non_filterable_keys) THEN
        PERFORM s3vl.raise_invalid(
            caller, format('the metadata key %L of the index %L is not filterable', tenant_key, target.index_name),
            'Which keys are not is fixed when an index is made: take another key, or make another index.'
        );
    END IF;
    UPDATE s3vl.index_registry AS r
    SET tenant_key = scope_index.tenant_key, updated_at = clock_timestamp()
    WHERE r.index_arn = target.index_arn;
    RETURN target.tenant_key IS DISTINCT FROM scope_index.tenant_key;
END
$$;
COMMENT ON FUNCTION s3vl.scope_index IS
    'From now on a session sees and changes only those vectors of the index whose metadata has one of its tenants at this key. '
    'For administrators. (name, metadata key) → whether that is new';

CREATE OR REPLACE FUNCTION s3vl.unscope_index(index_name text) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    target constant s3vl.index_registry := s3vl.named_index('s3vl.unscope_index', index_name);
BEGIN
    UPDATE s3vl.index_registry AS r SET tenant_key = NULL, updated_at = clock_timestamp() WHERE r.index_arn = target.index_arn;
    RETURN target.tenant_key IS NOT NULL;
END
$$;
COMMENT ON FUNCTION s3vl.unscope_index IS
    'Everybody with a grant sees all vectors of the index again. For administrators. (name) → whether it had a tenant key';

CREATE OR REPLACE FUNCTION s3vl.add_tenant(role_name text, tenant text) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 's3vl.add_tenant';
    -- Each is one of the 100 constraints that a filter may have; the caller's filter needs some, too.
    most constant integer := 50;
BEGIN
    PERFORM s3vl.check_role(caller, 'role_name', role_name);
    IF tenant IS NULL THEN
        PERFORM s3vl.raise_null(caller, 'tenant');
    ELSIF length(tenant) NOT BETWEEN 1 AND 1024 THEN
        PERFORM s3vl.raise_invalid(caller, 'tenant must have 1 to 1024 characters');
    END IF;
    INSERT INTO s3vl.tenants AS t (role_name, tenant) VALUES (add_tenant.role_name, add_tenant.tenant) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    ELSIF (SELECT count(*) > most FROM s3vl.tenants AS t WHERE t.role_name = add_tenant.role_name) THEN
        PERFORM s3vl.raise_invalid(
            caller, format('%I would be bound to more than %s tenants', role_name, most),
            'A filter has at most 100 constraints. An application that serves many tenants is trusted to name them: s3vl.trust_application.'
        );
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION s3vl.add_tenant IS
    'The login of exactly this name sees this tenant''s vectors, in every index with a tenant key. For administrators. '
    '(role, tenant) → whether that is new';

CREATE OR REPLACE FUNCTION s3vl.remove_tenant(role_name text, tenant text) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF role_name IS NULL OR tenant IS NULL THEN
        PERFORM s3vl.raise_null('s3vl.remove_tenant', CASE WHEN role_name IS NULL THEN 'role_name' ELSE 'tenant' END);
    END IF;
    DELETE FROM s3vl.tenants AS t WHERE t.role_name = remove_tenant.role_name AND t.tenant = remove_tenant.tenant;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION s3vl.remove_tenant IS
    'The login sees this tenant''s vectors no more. For administrators. (role, tenant) → whether it was bound to it';

CREATE OR REPLACE FUNCTION s3vl.list_tenants() RETURNS TABLE (role_name text, tenant text, role_exists boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.role_name::text, t.tenant, EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = t.role_name)
    FROM s3vl.tenants AS t
    ORDER BY 1, 2
$$;
COMMENT ON FUNCTION s3vl.list_tenants IS 'Which login is bound to which tenants. For administrators';

-- --- applications that serve many tenants under one login

CREATE OR REPLACE FUNCTION s3vl.trust_application(role_name text) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM s3vl.check_role('s3vl.trust_application', 'role_name', role_name);
    INSERT INTO s3vl.trusted_applications AS a (role_name) VALUES (trust_application.role_name) ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION s3vl.trust_application IS
    'Sessions of the login of exactly this name say whose they are by SET LOCAL s3vl.tenant, and must. For administrators. '
    '(role) → whether that is new';

CREATE OR REPLACE FUNCTION s3vl.distrust_application(role_name text) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF role_name IS NULL THEN
        PERFORM s3vl.raise_null('s3vl.distrust_application', 'role_name');
    END IF;
    DELETE FROM s3vl.trusted_applications AS a WHERE a.role_name = distrust_application.role_name;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION s3vl.distrust_application IS
    's3vl.tenant means nothing any more in sessions of the login. For administrators. (role) → whether it did';

CREATE OR REPLACE FUNCTION s3vl.list_trusted_applications() RETURNS TABLE (role_name text, role_exists boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.role_name::text, EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = a.role_name)
    FROM s3vl.trusted_applications AS a
    ORDER BY 1
$$;
COMMENT ON FUNCTION s3vl.list_trusted_applications IS 'The logins whose setting s3vl.tenant counts. For administrators';
