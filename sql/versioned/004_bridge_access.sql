-- Who may use which index, as whom, and when what the function remembers of an index is out of date.

SET LOCAL ROLE vectordb_owner;

ALTER TABLE s3vl.index_registry
    ADD COLUMN model text CHECK (model <> ''),
    ADD COLUMN non_filterable_keys text[],
    ADD COLUMN full_text_keys jsonb CHECK (jsonb_typeof(full_text_keys) = 'array'),
    ADD COLUMN tenant_key text CONSTRAINT tenant_key_form CHECK (length(tenant_key) BETWEEN 1 AND 63),
    ADD COLUMN vectorizer text CHECK (vectorizer <> ''),
    -- Cycles: a registration that only repeats one uses a number up as well.
    ADD COLUMN epoch_slot smallint NOT NULL
        GENERATED ALWAYS AS IDENTITY (START 0 MINVALUE 0 MAXVALUE 63 CYCLE);
COMMENT ON COLUMN s3vl.index_registry.model IS 'The embedding model that makes this index''s vectors, for s3vl.search_text';
COMMENT ON COLUMN s3vl.index_registry.non_filterable_keys IS 'Metadata keys that no filter may name, as the deployment declares them';
COMMENT ON COLUMN s3vl.index_registry.full_text_keys IS 'Metadata keys with full-text search: [{"key", "language"}]';
COMMENT ON COLUMN s3vl.index_registry.tenant_key IS
    'The metadata key that says whose a vector is. With one, a session sees its own tenants'' vectors only; NULL: no tenants';
COMMENT ON COLUMN s3vl.index_registry.vectorizer IS 'The vectorizer that fills this index; NULL: anybody with the grant may';
COMMENT ON COLUMN s3vl.index_registry.epoch_slot IS 'Which of the sequences s3vl.epoch_0 to s3vl.epoch_63 holds the index''s epoch';

CREATE TABLE s3vl.index_grants (
    index_name text NOT NULL REFERENCES s3vl.index_registry ON DELETE CASCADE ON UPDATE CASCADE,
    -- A name, so that a dump can be restored beside other roles. What a role of that name does not have, nobody has.
    grantee name NOT NULL,
    privilege text NOT NULL CONSTRAINT privilege_form CHECK (privilege IN ('read', 'write')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (index_name, grantee, privilege)
);
COMMENT ON TABLE s3vl.index_grants IS
    'Which roles, with all their members, may read or write which index; members of vectordb_owner may without';

CREATE TABLE s3vl.tenants (
    role_name name NOT NULL,
    tenant text NOT NULL CONSTRAINT tenant_form CHECK (length(tenant) BETWEEN 1 AND 1024),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (role_name, tenant)
);
COMMENT ON TABLE s3vl.tenants IS 'Whose vectors a login sees in indexes with a tenant key: the login''s own name, not that of a group';

CREATE TABLE s3vl.trusted_applications (
    role_name name PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE s3vl.trusted_applications IS
    'Logins that say themselves whose session it is, in the setting s3vl.tenant; from all others that setting means nothing';

-- What the first registration of an index gives (s3vl.register_index), for those that are registered already.
INSERT INTO s3vl.index_grants (index_name, grantee, privilege)
SELECT r.index_name, g.grantee, g.privilege
FROM s3vl.index_registry AS r
CROSS JOIN (
    VALUES ('vectordb_reader', 'read'), ('vectordb_writer', 'write'), ('vectordb_worker', 'read'), ('vectordb_worker', 'write')
) AS g(grantee, privilege);

-- The epochs of indexes. The function may remember results (off by default) under the epoch that a read brings along; a write
-- gives its index another one, so what was remembered before is never found again. An epoch has to
--   be the new one at once, for everybody, whatever becomes of the transaction that wrote: S3 Vectors keeps the vectors that a
--     transaction had put when it is rolled back, and a table's row would be the old one again. So: sequences.
--   be the new one on a replica, too. nextval writes to the log once for 32 numbers, so a replica sees the number jump ahead and
--     then stay for 31 writes. setval logs each call.
--   never come back. Counting with setval can: of two writes at once that both read 5, the slower may set 6 when the other has
--     gone on to 7. So an epoch is no count but a random number of 60 bits: nothing is read before, nothing can step back, and
--     one that was never there is as good as the next one.
--   cost no DDL: a sequence an index would have to be made at registration and dropped under the readers' locks. There are 64,
--     given out in turn (index_registry.epoch_slot). Of two indexes on one sequence each forgets what the other writes, too:
--     that costs a query, never a wrong answer.
DO $$
BEGIN
    FOR slot IN 0..63 LOOP
        EXECUTE pg_catalog.format('CREATE SEQUENCE s3vl.epoch_%s', slot);
    END LOOP;
END
$$;

-- Shapes of the answers of version 2 of the protocol.
CREATE DOMAIN s3vl.wire_score AS float8 CHECK (VALUE > '-Infinity' AND VALUE < 'Infinity');
CREATE DOMAIN s3vl.wire_scores AS jsonb
    CHECK (jsonb_typeof(VALUE) = 'object' AND NOT jsonb_path_exists(VALUE, '$.* ? (@.type() != "number")'));
-- A vector's numbers with commas between: no NULL, NaN, inf or Infinity; and the same as an array, from ('{' || data || '}').
CREATE DOMAIN s3vl.wire_data AS text CHECK (strpos(VALUE, 'n') = 0 AND strpos(VALUE, 'N') = 0);
CREATE DOMAIN s3vl.wire_embedding AS float8[] NOT NULL CHECK (array_ndims(VALUE) = 1);

-- What has another signature or another result from here on; the repeatable files make it anew. One that a view or something
-- else hangs on steps aside under another name, for repeatable/80_version_1.sql.
DO $$
DECLARE
    form text;
    old regprocedure;
BEGIN
    FOREACH form IN ARRAY ARRAY[
        's3vl.query_vectors(public.vector, text, text, integer, boolean, jsonb)',
        's3vl.query_vectors(float8[], text, text, integer, boolean, jsonb)',
        's3vl.query_vectors(public.halfvec, text, text, integer, boolean, jsonb)',
        's3vl.query_vectors(text, text, text, integer, boolean, jsonb)',
        's3vl.list_indexes()',
        's3vl.requested_index(text, text, text)',
        's3vl.registered_index(text, text)',
        's3vl.label_parallel(regprocedure)'
    ] LOOP
        old := pg_catalog.to_regprocedure(form);
        CONTINUE WHEN old IS NULL;
        BEGIN
            EXECUTE pg_catalog.format('DROP FUNCTION %s', old);
        EXCEPTION
            WHEN dependent_objects_still_exist THEN
                EXECUTE pg_catalog.format(
                    'ALTER FUNCTION %s RENAME TO %I',
                    old, (SELECT p.proname || '_of_version_1' FROM pg_catalog.pg_proc AS p WHERE p.oid = old)
                );
        END;
    END LOOP;
END
$$;

-- Of version 1: vectors came as arrays.
DROP DOMAIN s3vl.wire_vector, s3vl.wire_required_vector;
