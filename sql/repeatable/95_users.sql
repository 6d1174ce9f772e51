-- The logins that the configuration names (vectordb:users). Each logs in with an IAM token, never with a password, and has what
-- its access gives: reader, writer, or admin, who also administers the bridge. Applied again whenever the list changes.
--
-- A login that leaves the list keeps what it owns but can log in no more and has no group; a role that this file did not make
-- is never touched. Runs as the master, because the owner of objects makes no roles.

DO $$
DECLARE
    -- Roles belong to the whole server: another database's are not ours to lock out.
    made_here constant text := pg_catalog.format('Login of the vectordb deployment in the database %s', pg_catalog.current_database());
    all_groups constant text[] := ARRAY['vectordb_reader', 'vectordb_writer', 'vectordb_owner'];
    login record;
    group_name text;
    setting text;
    amount text;
    gone text;
    comment_found text;
    exists_already boolean;
BEGIN
    FOR gone IN
        SELECT r.rolname
        FROM pg_catalog.pg_roles AS r
        WHERE pg_catalog.shobj_description(r.oid, 'pg_authid') = made_here
            AND NOT EXISTS (SELECT FROM pg_catalog.jsonb_to_recordset(:{users}::jsonb) AS u(name text) WHERE u.name = r.rolname)
            AND r.rolcanlogin
    LOOP
        EXECUTE pg_catalog.format('ALTER ROLE %I NOLOGIN', gone);
        FOR group_name IN  -- only its own: PostgreSQL warns of what was never granted
            SELECT g.rolname
            FROM pg_catalog.pg_auth_members AS m
            JOIN pg_catalog.pg_roles AS g ON g.oid = m.roleid
            WHERE m.member = pg_catalog.quote_ident(gone)::regrole AND g.rolname = ANY (all_groups)
        LOOP
            EXECUTE pg_catalog.format('REVOKE %I FROM %I', group_name, gone);
        END LOOP;
        RAISE NOTICE 'the user % is configured no more: it cannot log in again; sessions that are open stay',
            pg_catalog.quote_literal(gone);
    END LOOP;

    FOR login IN
        SELECT u.name, u.access,
            CASE u.access
                WHEN 'reader' THEN ARRAY['vectordb_reader']
                WHEN 'writer' THEN ARRAY['vectordb_writer']
                WHEN 'admin' THEN ARRAY['vectordb_writer', 'vectordb_owner']
            END AS groups
        FROM pg_catalog.jsonb_to_recordset(:{users}::jsonb) AS u(name text, access text)
    LOOP
        SELECT true, pg_catalog.shobj_description(r.oid, 'pg_authid') INTO exists_already, comment_found
        FROM pg_catalog.pg_roles AS r WHERE r.rolname = login.name;
        IF login.groups IS NULL THEN
            RAISE EXCEPTION USING
                ERRCODE = 'invalid_parameter_value',
                MESSAGE = pg_catalog.format('the user %L has the access %L', login.name, login.access),
                HINT = 'Access is reader, writer or admin (configuration vectordb:users).';
        ELSIF exists_already AND comment_found IS DISTINCT FROM made_here THEN
            RAISE EXCEPTION USING
                ERRCODE = 'duplicate_object',
                MESSAGE = pg_catalog.format('the role %I exists and was not made by the deployment', login.name),
                DETAIL = 'With rds_iam a role can log in by token only, so a role of somebody else''s is never taken over.',
                HINT = 'Choose another name in vectordb:users, or drop the role.';
        END IF;

        IF exists_already THEN
            EXECUTE pg_catalog.format('ALTER ROLE %I LOGIN', login.name);
        ELSE
            EXECUTE pg_catalog.format('CREATE ROLE %I LOGIN', login.name);
            EXECUTE pg_catalog.format('COMMENT ON ROLE %I IS %L', login.name, made_here);
        END IF;
        FOREACH group_name IN ARRAY all_groups LOOP
            IF group_name = ANY (login.groups) THEN
                EXECUTE pg_catalog.format('GRANT %I TO %I', group_name, login.name);
            ELSIF EXISTS (
                SELECT FROM pg_catalog.pg_auth_members AS m
                WHERE m.roleid = group_name::regrole AND m.member = pg_catalog.quote_ident(login.name)::regrole
            ) THEN
                EXECUTE pg_catalog.format('REVOKE %I FROM %I', group_name, login.name);
            END IF;
        END LOOP;

        -- What a runaway query, a wait for a lock or a forgotten transaction may hold up, by access; whoever needs more raises it
        -- with SET. An administrator's statements run long, and the sessions are a person's: one that was left open over
        -- lunch goes, because any open session keeps an Aurora cluster from pausing (Aurora User Guide, auto-pause). Readers
        -- and writers are pools as well, whose idle connections are theirs to close.
        FOR setting, amount IN
            SELECT l.setting, CASE login.access WHEN 'reader' THEN l.reader WHEN 'writer' THEN l.writer ELSE l.admin END
            FROM (
                VALUES
                    ('statement_timeout', '30s', '5min', '0'),
                    ('lock_timeout', '5s', '5s', '5s'),
                    ('idle_in_transaction_session_timeout', '60s', '60s', '10min'),
                    ('idle_session_timeout', '0', '0', '1h')
            ) AS l(setting, reader, writer, admin)
        LOOP
            EXECUTE pg_catalog.format('ALTER ROLE %I SET %I = %L', login.name, setting, amount);
        END LOOP;

        -- Last: from here on the role logs in by IAM token only.
        IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'rds_iam') THEN
            EXECUTE pg_catalog.format('GRANT rds_iam TO %I', login.name);
        ELSE
            RAISE WARNING 'there is no role rds_iam: % cannot log in', pg_catalog.quote_literal(login.name);
        END IF;
    END LOOP;
END
$$;
