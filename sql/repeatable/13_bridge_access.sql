-- Which index a call may use, and whose vectors it sees there.
--
-- Who asks is always session_user, by s3vl.login: SET ROLE, a function of the caller's that is SECURITY DEFINER, and settings change
-- nothing about it; SET SESSION AUTHORIZATION needs a superuser. current_user is vectordb_owner here, whoever called.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION s3vl.may(index_name text, privilege text) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    login constant name := s3vl.login();
BEGIN
    RETURN pg_has_role(login, 'vectordb_owner', 'MEMBER') OR EXISTS (
        SELECT FROM s3vl.index_grants AS g
        JOIN pg_roles AS r ON r.rolname = g.grantee
        WHERE g.index_name = may.index_name AND g.privilege = may.privilege AND pg_has_role(login, r.oid, 'MEMBER')
    );
END
$$;
COMMENT ON FUNCTION s3vl.may IS 'Internal: whether the login has the privilege (read, write) on the index, itself or as a member';

CREATE OR REPLACE FUNCTION s3vl.raise_unknown_index(caller text, name_or_arn text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'undefined_object',
        MESSAGE = CASE
            WHEN name_or_arn LIKE 'arn:%' THEN format('%s: the index of that ARN is not registered', caller)
            ELSE format('%s: the index %L is not registered', caller, name_or_arn)
        END,
        HINT = 'SELECT index_name FROM s3vl.list_indexes(); '
            'the deployment registers what the configuration vectordb:indexes declares.';
END
$$;
COMMENT ON FUNCTION s3vl.raise_unknown_index IS 'Internal: raises 42704';

CREATE OR REPLACE FUNCTION s3vl.granted_index(caller text, name_or_arn text, privilege text) RETURNS s3vl.index_registry
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_index s3vl.index_registry;
    is_arn constant boolean := name_or_arn LIKE 'arn:%';
    login constant name := s3vl.login();
BEGIN
    IF is_arn THEN
        -- Of several names, one that serves.
        SELECT r.* INTO found_index
        FROM s3vl.index_registry AS r
        WHERE r.index_arn = name_or_arn
        ORDER BY s3vl.may(r.index_name, privilege) DESC, r.is_active DESC, r.index_name
        LIMIT 1;
    ELSE
        SELECT r.* INTO found_index FROM s3vl.index_registry AS r WHERE r.index_name = name_or_arn;
    END IF;
    IF found_index.index_name IS NULL THEN
        PERFORM s3vl.raise_unknown_index(caller, name_or_arn);
    ELSIF NOT s3vl.may(found_index.index_name, privilege) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = format(
                '%s: %I has not been granted to %s %s', caller, login, privilege,
                CASE WHEN is_arn THEN 'the index of that ARN' ELSE format('the index %L', name_or_arn) END
            ),
            HINT = format(
                'An administrator grants it to a role: SELECT s3vl.grant_index(%L, %L, %L);',
                CASE WHEN is_arn THEN '<index>' ELSE name_or_arn END, login, privilege
            );
    ELSIF NOT found_index.is_active THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('%s: the index %L is deactivated', caller, found_index.index_name),
            HINT = 'When it is declared no more in vectordb:indexes: declare it and deploy. '
                'Otherwise, as an administrator: SELECT s3vl.activate_index(''<index>'');';
    END IF;
    RETURN found_index;
END
$$;
COMMENT ON FUNCTION s3vl.granted_index IS 'Internal: the active index of a name or ARN that the login has the privilege on, or an error';

CREATE OR REPLACE FUNCTION s3vl.opened_index(caller text, index_name text, index_arn text, privilege text)
RETURNS s3vl.index_registry
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    target s3vl.index_registry;
BEGIN
    IF (index_name IS NULL) = (index_arn IS NULL) THEN
        PERFORM s3vl.raise_invalid(caller, format(
            'give either index_name or index_arn; %s given', CASE WHEN index_name IS NULL THEN 'none was' ELSE 'both were' END
        ));
    ELSIF index_arn IS NOT NULL AND index_arn NOT LIKE 'arn:%' THEN
        PERFORM s3vl.raise_invalid(caller, 'index_arn must be an ARN; a name goes into index_name');
    END IF;
    target := s3vl.granted_index(caller, coalesce(index_name, index_arn), privilege);
    IF target.vectorizer IS NOT NULL
        AND NOT pg_has_role(s3vl.login(), 'vectordb_worker', 'MEMBER')
        AND NOT s3vl.administers()
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'wrong_object_type',
            MESSAGE = format('%s: the index %L belongs to the vectorizer %L', caller, target.index_name, target.vectorizer),
            HINT = format(
                'embed.search(%L, ...) searches it, and only among the rows of its table that you may see; the vectorizer alone '
                'writes to it.', target.vectorizer
            );
    END IF;
    RETURN target;
END
$$;
COMMENT ON FUNCTION s3vl.opened_index IS
    'Internal: the index that a call names by exactly one of name and ARN, for reading or writing (privilege), or an error';

CREATE OR REPLACE FUNCTION s3vl.tenant_scope(caller text, target s3vl.index_registry) RETURNS json
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    login constant name := s3vl.login();
    own text[];
    named text;
BEGIN
    IF target.tenant_key IS NULL OR pg_has_role(login, 'vectordb_owner', 'MEMBER') THEN
        RETURN NULL;
    ELSIF target.vectorizer IS NOT NULL AND pg_has_role(login, 'vectordb_worker', 'MEMBER') THEN
        RETURN NULL;  -- It brings every tenant's rows, and nobody else gets here.
    END IF;
    SELECT array_agg(t.tenant ORDER BY t.tenant) INTO own FROM s3vl.tenants AS t WHERE t.role_name = login;
    IF EXISTS (SELECT FROM s3vl.trusted_applications AS a WHERE a.role_name = login) THEN
        named := nullif(current_setting('s3vl.tenant', true), '');
        IF named IS NULL THEN
            RAISE EXCEPTION USING
                ERRCODE = 'insufficient_privilege',
                MESSAGE = format('%s: the session does not say whose vectors of the index %L it is to see', caller, target.index_name),
                HINT = format(
                    'The application %I is trusted to say it, in each transaction: SET LOCAL s3vl.tenant = ''<tenant>'';', login
                );
        ELSIF named <> ALL (own) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'insufficient_privilege',
                MESSAGE = format('%s: s3vl.tenant is none of the tenants of the application %I', caller, login),
                HINT = 'SELECT s3vl.add_tenant(''<role>'', ''<tenant>''); without any, an application may name them all.';
        END IF;
        own := ARRAY[named];
    ELSIF own IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = format('%s: the index %L holds the vectors of tenants, and %I is bound to none', caller, target.index_name, login),
            HINT = format('An administrator binds the login: SELECT s3vl.add_tenant(%L, ''<tenant>'');', login);
    END IF;
    RETURN json_build_object('key', target.tenant_key, 'values', own);
END
$$;
COMMENT ON FUNCTION s3vl.tenant_scope IS
    'Internal: {"key", "values"}: the vectors whose metadata has one of the values at the key are the session''s; NULL: all are';

CREATE OR REPLACE FUNCTION s3vl.write_epoch(target s3vl.index_registry) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Of the sequence's own row, as it is now: no snapshot, no lock to wait for, and a replica has it, too. 0: never written.
    RETURN coalesce(pg_sequence_last_value(('s3vl.epoch_' || target.epoch_slot)::regclass), 0);
END
$$;
COMMENT ON FUNCTION s3vl.write_epoch IS 'Internal: changes with every write to the index through the bridge (versioned/004_bridge_access.sql)';

CREATE OR REPLACE FUNCTION s3vl.advance_epoch(index_name text) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
    -- The last 15 hexadecimal digits of a random UUID are random: 60 bits.
    SELECT setval(
        ('s3vl.epoch_' || r.epoch_slot)::regclass,
        ('x' || right(replace(gen_random_uuid()::text, '-', ''), 15))::bit(60)::bigint + 1
    )
    FROM s3vl.index_registry AS r
    WHERE r.index_arn = (SELECT n.index_arn FROM s3vl.index_registry AS n WHERE n.index_name = advance_epoch.index_name)
$$;
COMMENT ON FUNCTION s3vl.advance_epoch IS 'Internal: another epoch for the index, under each of its names, at once and never rolled back';
