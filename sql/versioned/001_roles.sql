-- Who owns and who may what. The groups cannot log in; the logins are made from the configuration (repeatable/95_users.sql).
--
--   vectordb_owner    owns every object of the bridge and is the only one that may call aws_lambda
--   vectordb_reader   searches
--   vectordb_writer   a reader that also changes vectors
--   vectordb_worker   background work, as the queue of embeddings
--
-- Roles belong to the whole server, not to this database: they may be there already.

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['vectordb_owner', 'vectordb_reader', 'vectordb_writer', 'vectordb_worker'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = name) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', name);
        END IF;
    END LOOP;
    -- The master is no superuser. Since PostgreSQL 16 the creator of a role may only administer it; to make objects that
    -- belong to the owner it needs SET, and INHERIT to look after them.
    EXECUTE pg_catalog.format('GRANT vectordb_owner TO %I WITH INHERIT TRUE, SET TRUE', :{master});
END
$$;

GRANT vectordb_reader TO vectordb_writer;

-- What the owner makes is closed until a file opens it. PostgreSQL gives EXECUTE on every new function to PUBLIC.
ALTER DEFAULT PRIVILEGES FOR ROLE vectordb_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

DO $$
BEGIN
    EXECUTE pg_catalog.format('REVOKE ALL ON DATABASE %I FROM PUBLIC', pg_catalog.current_database());
    EXECUTE pg_catalog.format(
        'GRANT CONNECT, TEMPORARY ON DATABASE %I TO vectordb_owner, vectordb_reader, vectordb_worker',
        pg_catalog.current_database()
    );
    EXECUTE pg_catalog.format('GRANT CREATE ON DATABASE %I TO vectordb_owner', pg_catalog.current_database());
END
$$;

-- So since PostgreSQL 15; a database that was upgraded from before still lets everyone in.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
