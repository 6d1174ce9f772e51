-- The worked example's table. Applied as the master; owned by the owner of everything, read and written through its roles.
CREATE SCHEMA IF NOT EXISTS stdlib AUTHORIZATION vectordb_owner;
-- The master's since `vectordb remove-schema`, which leaves tables of one's own where they are.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_namespace WHERE nspname = 'stdlib' AND nspowner <> 'vectordb_owner'::regrole) THEN
        ALTER SCHEMA stdlib OWNER TO vectordb_owner;
        ALTER TABLE IF EXISTS stdlib.entries OWNER TO vectordb_owner;
        ALTER TABLE IF EXISTS stdlib.loaded OWNER TO vectordb_owner;
    END IF;
END
$$;
SET ROLE vectordb_owner;
CREATE TABLE IF NOT EXISTS stdlib.entries (
    id bigint PRIMARY KEY,
    module text NOT NULL,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('function', 'class', 'method')),
    signature text NOT NULL,
    doc text NOT NULL,
    embedding vector(256) NOT NULL,
    UNIQUE (module, name)
);
COMMENT ON TABLE stdlib.entries IS 'Public functions, classes and methods of the Python standard library';
-- Which corpus a store holds whole: written last, so a load that was killed is done again.
CREATE TABLE IF NOT EXISTS stdlib.loaded (
    store text PRIMARY KEY CHECK (store IN ('pgvector', 's3vectors')),
    corpus text NOT NULL
);
GRANT USAGE ON SCHEMA stdlib TO vectordb_reader, vectordb_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA stdlib TO vectordb_reader;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA stdlib TO vectordb_writer;
RESET ROLE;
