-- The destination S3 Vectors: the index of a generation, and the table that says which of its vectors are seen.
--
-- embeddings.<vectorizer>_generation_<n> has a chunk's key in the index in the place of its vector. Whoever may read the source
-- may read it, under the source's row-level security, like the chunks of any other destination.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.metadata_columns(destination jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT ARRAY(SELECT m FROM jsonb_array_elements_text(coalesce(destination -> 'metadata', '[]')) AS m ORDER BY m) $$;
COMMENT ON FUNCTION embed.metadata_columns IS 'Internal: the source''s columns that go with the vectors';

CREATE OR REPLACE FUNCTION embed.metadata_of(destination jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce('jsonb_strip_nulls(jsonb_build_object(' || string_agg(format('%L, %I', m, m), ', ' ORDER BY m) || '))', 'NULL::jsonb')
    FROM unnest(embed.metadata_columns(destination)) AS m
$$;
COMMENT ON FUNCTION embed.metadata_of IS 'Internal: the expression of a row''s metadata; a column that is NULL is left out, because the service has none';

CREATE OR REPLACE FUNCTION embed.index_of(destination jsonb) RETURNS s3vl.index_registry
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r FROM s3vl.index_registry AS r
    WHERE r.index_arn = destination ->> 'arn'
    ORDER BY r.is_active DESC, r.index_name = destination ->> 'index' DESC, r.index_name
    LIMIT 1
$$;
COMMENT ON FUNCTION embed.index_of IS 'Internal: what is registered of a destination''s index';

CREATE OR REPLACE FUNCTION embed.described(destination jsonb) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN destination ->> 'kind' = 's3_vectors' THEN destination || jsonb_build_object(
        'region', split_part(destination ->> 'arn', ':', 4), 'metric', i.metric, 'non_filterable', coalesce(i.non_filterable_keys, '{}')
    ) ELSE destination END
    FROM embed.index_of(destination) AS i
$$;
COMMENT ON FUNCTION embed.described IS 'Internal: a destination with what a worker has to know of its index';

CREATE OR REPLACE FUNCTION embed.placed(caller text, destination jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    target s3vl.index_registry;
BEGIN
    IF destination ->> 'kind' <> 's3_vectors' THEN
        RETURN destination;
    END IF;
    target := s3vl.named_index(caller, destination ->> 'index');
    -- By its ARN: a name may be another index's tomorrow, and the vectors are in this one.
    RETURN destination || jsonb_build_object('arn', target.index_arn);
END
$$;
COMMENT ON FUNCTION embed.placed IS 'Internal: a destination with the ARN of its index, or an error';

CREATE OR REPLACE FUNCTION embed.check_index(caller text, source regclass, embedding jsonb, destination jsonb) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    target constant s3vl.index_registry := s3vl.named_index(caller, destination ->> 'index');
    metadata constant text[] := embed.metadata_columns(destination);
    dimension constant integer := (embedding ->> 'dimension')::integer;
    wrong record;
    problem text;
    hint text;
BEGIN
    SELECT m.name, format_type(a.atttypid, a.atttypmod) AS type INTO wrong
    FROM unnest(metadata) AS m(name)
    LEFT JOIN pg_attribute AS a ON a.attrelid = source AND a.attname = m.name AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_type AS t ON t.oid = a.atttypid
    LEFT JOIN pg_type AS e ON e.oid = t.typelem AND t.typcategory = 'A'
    -- Numbers, texts, booleans, times, enums and arrays of them; uuid and inet as text.
    WHERE coalesce(e.typcategory, t.typcategory, 'X') NOT IN ('N', 'S', 'B', 'D', 'E', 'I', 'T')
        AND coalesce(e.oid, t.oid, 0) <> 'uuid'::regtype
    LIMIT 1;
    IF NOT target.is_active THEN
        problem := format('the index %L is deactivated', target.index_name);
    ELSIF dimension > 4096 OR dimension <> target.dimension THEN
        problem := format('the model gives %s dimensions, the index %L has %s', dimension, target.index_name, coalesce(target.dimension::text, 'at most 4096'));
        hint := 'Declare an index of that dimension in vectordb:indexes, or choose another dimension of the model.';
    ELSIF wrong.name IS NOT NULL THEN
        problem := CASE WHEN wrong.type IS NULL THEN format('%s has no column %I', source, wrong.name)
            ELSE format('the column %I is of type %s, which metadata cannot have', wrong.name, wrong.type) END;
        hint := 'Metadata are texts, numbers, booleans and arrays of these.';
    ELSIF cardinality(metadata) > 50 OR cardinality(metadata) <> (SELECT count(DISTINCT m) FROM unnest(metadata) AS m) THEN
        problem := 'metadata may name at most 50 columns, each once';
    ELSIF target.tenant_key IS NOT NULL AND target.tenant_key <> ALL (metadata) THEN
        problem := format('the index %L has the tenant key %L, which is not among the metadata', target.index_name, target.tenant_key);
        hint := format('embed.to_s3_vectors(%L, metadata => ''{%I}''), where %2$I is the column that says whose a row is.', target.index_name, target.tenant_key);
    END IF;
    IF problem IS NOT NULL THEN
        PERFORM embed.refuse(caller, problem, hint);
    END IF;
END
$$;
COMMENT ON FUNCTION embed.check_index IS 'Internal: refuses an index that does not fit the model, the source or the metadata';

CREATE OR REPLACE FUNCTION embed.take_index(caller text, vectorizer_name text, index_name text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    target constant s3vl.index_registry := s3vl.named_index(caller, index_name);
BEGIN
    IF target.vectorizer <> vectorizer_name THEN
        PERFORM embed.refuse(
            caller, format('the index %L belongs to the vectorizer %L', index_name, target.vectorizer),
            format('One that was dropped gives it back when workers have deleted its vectors; to take it before: SELECT s3vl.assign_vectorizer(%L, NULL);', index_name),
            '55000'
        );
    END IF;
    PERFORM s3vl.assign_vectorizer(index_name, vectorizer_name);
END
$$;
COMMENT ON FUNCTION embed.take_index IS 'Internal: from now on only the vectorizer writes to the index, and only embed.search reads it';

CREATE OR REPLACE FUNCTION embed.build_manifest(v embed.vectorizer, g embed.generation) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    chunks constant text := embed.chunks_table(v.name, g.number);
    names constant text := embed.key_names(v.keys);
BEGIN
    EXECUTE format('CREATE TABLE %s AS SELECT %s FROM %s WITH NO DATA', chunks, names, v.source);
    EXECUTE format(
        'ALTER TABLE %s ADD COLUMN chunk_number integer NOT NULL, ADD COLUMN chunk text NOT NULL, ADD COLUMN chunk_hash bytea NOT NULL, '
        'ADD COLUMN vector_key text COLLATE "C" NOT NULL, ADD COLUMN stored_at timestamptz NOT NULL DEFAULT clock_timestamp(), '
        'ADD PRIMARY KEY (%s, chunk_number)', chunks, names
    );
    -- Not unique: two chunks of a row that say the same may share a vector.
    EXECUTE format('CREATE INDEX ON %s (vector_key)', chunks);
    EXECUTE format(
        'COMMENT ON TABLE %s IS %L', chunks, format('Vectorizer %s: which vectors of the index %s are those of generation %s', v.name, g.destination ->> 'index', g.number)
    );
END
$$;
COMMENT ON FUNCTION embed.build_manifest IS 'Internal: makes the table that decides which vectors of the index are seen';

CREATE OR REPLACE FUNCTION embed.waste_generation(vectorizer_id integer, number integer) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    o record;
BEGIN
    SELECT f.v, f.g INTO o FROM embed.opened('embed.drop_generation', vectorizer_id, number) AS f;
    IF (o.g).destination ->> 'kind' = 's3_vectors' THEN
        EXECUTE format(
            'INSERT INTO embed.s3_garbage (vector_key, vectorizer_id, generation, index_arn, due_at) '
            'SELECT DISTINCT c.vector_key, $1, $2, $3, clock_timestamp() + interval ''1 minute'' FROM %s AS c ON CONFLICT DO NOTHING',
            embed.chunks_table((o.v).name, number)
        ) USING vectorizer_id, number, (o.g).destination ->> 'arn';
        DELETE FROM embed.s3_listing AS l WHERE l.index_arn = (o.g).destination ->> 'arn';
        DELETE FROM embed.s3_listed AS l WHERE l.index_arn = (o.g).destination ->> 'arn';
    END IF;
END
$$;
COMMENT ON FUNCTION embed.waste_generation IS 'Internal: a generation''s vectors become garbage. Its intents do so by themselves, when nothing can be put any more';

CREATE OR REPLACE FUNCTION embed.give_index_back(arn text) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    -- As long as there is garbage in it nobody may read it directly.
    UPDATE s3vl.index_registry AS r SET vectorizer = NULL, updated_at = clock_timestamp()
    WHERE r.index_arn = arn AND r.vectorizer IS NOT NULL
        AND NOT EXISTS (SELECT FROM embed.s3_garbage AS b WHERE b.index_arn = arn)
        AND NOT EXISTS (SELECT FROM embed.s3_intent AS i WHERE i.index_arn = arn)
        AND NOT EXISTS (SELECT FROM embed.generation AS g WHERE g.destination ->> 'arn' = arn)
        -- Vectors that were kept when their vectorizer was dropped are still its own.
        AND NOT EXISTS (
            SELECT FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'vector_key'
            WHERE c.relnamespace = 'embeddings'::regnamespace AND c.relkind = 'r' AND c.relname ~ format('^%s_generation_[0-9]+$', r.vectorizer)
                AND NOT EXISTS (
                    SELECT FROM embed.generation AS g JOIN embed.vectorizer AS v ON v.id = g.vectorizer_id
                    WHERE format('%s_generation_%s', v.name, g.number) = c.relname
                )
        )
$$;
COMMENT ON FUNCTION embed.give_index_back IS 'Internal: an index that no generation uses, and that holds no garbage, is anybody''s again';
