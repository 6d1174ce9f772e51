-- How far s3vl.copy_to_index has come, and the key that binds the pages of s3vl.search_join to their query.

SET LOCAL ROLE vectordb_owner;

CREATE TABLE s3vl.copies (
    role_name text NOT NULL,
    job text NOT NULL CONSTRAINT job_length CHECK (length(job) BETWEEN 1 AND 200),
    index_name text NOT NULL,
    index_arn text NOT NULL,
    query_digest text NOT NULL,
    last_key text COLLATE "C",
    vectors bigint NOT NULL DEFAULT 0 CHECK (vectors >= 0),
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    PRIMARY KEY (role_name, job)
);
COMMENT ON TABLE s3vl.copies IS 'The named jobs of s3vl.copy_to_index, each role''s own: where the next call goes on';
COMMENT ON COLUMN s3vl.copies.role_name IS 'session_user, who runs the query with its own rights';
COMMENT ON COLUMN s3vl.copies.query_digest IS 'SHA-256 of the query and the session''s tenants: under one name only the same goes on';
COMMENT ON COLUMN s3vl.copies.last_key IS 'Everything up to this key, in the order of COLLATE "C", is in the index';

CREATE TABLE s3vl.page_key (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    secret bytea NOT NULL CHECK (octet_length(secret) >= 32)
);
COMMENT ON TABLE s3vl.page_key IS 'Signs the tokens of s3vl.query_page. A new secret ends only searches that are under way';
INSERT INTO s3vl.page_key (secret)
SELECT sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8'));
