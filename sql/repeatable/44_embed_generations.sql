-- Generations: the tables of one, who may read them, and the view of the live one.
--
-- embeddings.<vectorizer>_generation_<n>_rows  one row for each key that is embedded: of which version and content
-- embeddings.<vectorizer>_generation_<n>       its chunks and vectors (destination table), or their keys in the index (S3 Vectors)
-- embeddings.<vectorizer>                      the view of the live generation (or where the destination says)

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.chunks_table(vectorizer_name text, generation integer) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT format('embeddings.%I', format('%s_generation_%s', vectorizer_name, generation)) $$;
COMMENT ON FUNCTION embed.chunks_table IS 'Internal: the name of a generation''s table of chunks';

CREATE OR REPLACE FUNCTION embed.rows_table(vectorizer_name text, generation integer) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT format('embeddings.%I', format('%s_generation_%s_rows', vectorizer_name, generation)) $$;
COMMENT ON FUNCTION embed.rows_table IS 'Internal: the name of a generation''s table of embedded rows';

CREATE OR REPLACE FUNCTION embed.view_name(vectorizer_name text, destination jsonb) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    parts constant text[] := parse_ident(coalesce(destination ->> 'view', 'embeddings.' || vectorizer_name));
BEGIN
    IF cardinality(parts) <> 2 THEN
        PERFORM embed.refuse('embed.to_table', format('the view %L must be given as schema.name', destination ->> 'view'));
    ELSIF NOT has_schema_privilege('vectordb_owner', parts[1], 'CREATE') THEN
        PERFORM embed.refuse(
            'embed.to_table', format('vectordb_owner may not make a view in the schema %I', parts[1]),
            format('GRANT USAGE, CREATE ON SCHEMA %I TO vectordb_owner; or leave view_name out: embeddings.%s.', parts[1], vectorizer_name),
            '42501'
        );
    END IF;
    RETURN format('%I.%I', parts[1], parts[2]);
END
$$;
COMMENT ON FUNCTION embed.view_name IS 'Internal: the view of a vectorizer''s live generation';

CREATE OR REPLACE FUNCTION embed.share_generation(vectorizer_id integer, number integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    vectorizer embed.vectorizer;
    generation embed.generation;
    chunks text;
    target text;
    reader record;
BEGIN
    SELECT v.* INTO vectorizer FROM embed.vectorizer AS v WHERE v.id = vectorizer_id;
    SELECT g.* INTO generation FROM embed.generation AS g WHERE (g.vectorizer_id, g.number) = (share_generation.vectorizer_id, share_generation.number);
    chunks := embed.chunks_table(vectorizer.name, number);
    FOR target IN
        SELECT t FROM unnest(ARRAY[
            embed.rows_table(vectorizer.name, number), chunks,
            CASE generation.state WHEN 'live' THEN embed.view_name(vectorizer.name, generation.destination) END
        ]) AS t
        WHERE to_regclass(t) IS NOT NULL
    LOOP
        FOR reader IN
            SELECT CASE p.grantee WHEN 0 THEN 'PUBLIC' ELSE p.grantee::regrole::text END AS name, bool_or(p.reads) AS reads
            FROM (
                SELECT a.grantee, true AS reads
                FROM pg_class AS c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS a
                WHERE c.oid = vectorizer.source AND a.privilege_type = 'SELECT'
                UNION ALL
                SELECT a.grantee, false FROM pg_class AS c, aclexplode(c.relacl) AS a WHERE c.oid = target::regclass
            ) AS p
            WHERE p.grantee <> 'vectordb_owner'::regrole
            GROUP BY p.grantee
        LOOP
            IF reader.reads THEN
                EXECUTE format('GRANT SELECT ON %s TO %s', target, reader.name);
                EXECUTE format('GRANT USAGE ON SCHEMA embeddings TO %s', reader.name);
            ELSE
                EXECUTE format('REVOKE ALL ON %s FROM %s', target, reader.name);
            END IF;
        END LOOP;
    END LOOP;
    -- A chunk is a piece of its row, and by its hash what a row says can be guessed: whoever the row is hidden from must see neither.
    FOREACH target IN ARRAY ARRAY[chunks, embed.rows_table(vectorizer.name, number)] LOOP
        CONTINUE WHEN to_regclass(target) IS NULL;
        IF EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = target::regclass AND p.polname = 'of_the_source') THEN
            EXECUTE format('DROP POLICY of_the_source ON %s', target);
        END IF;
        IF (SELECT c.relrowsecurity FROM pg_class AS c WHERE c.oid = vectorizer.source) THEN
            EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
            EXECUTE format(
                'CREATE POLICY of_the_source ON %1$s FOR SELECT USING (EXISTS (SELECT FROM %2$s AS embed_source WHERE %3$s))',
                target, vectorizer.source, embed.key_equal(vectorizer.keys, 'embed_source', split_part(target, '.', 2))
            );
        ELSIF (SELECT c.relrowsecurity FROM pg_class AS c WHERE c.oid = target::regclass) THEN
            EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', target);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION embed.share_generation IS
    'Internal: lets those who may SELECT the source, and nobody else, read its embeddings, under the source''s row-level security';

CREATE OR REPLACE FUNCTION embed.share_anew() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '250ms'
AS $$
DECLARE
    stale record;
    shared integer := 0;
BEGIN
    FOR stale IN
        SELECT g.vectorizer_id, g.number
        FROM embed.generation AS g JOIN embed.vectorizer AS v ON v.id = g.vectorizer_id JOIN pg_class AS s ON s.oid = v.source
        JOIN pg_class AS r ON r.oid = to_regclass(embed.rows_table(v.name, g.number))
        WHERE s.relrowsecurity <> r.relrowsecurity OR ARRAY(
            SELECT DISTINCT a.grantee FROM aclexplode(coalesce(s.relacl, acldefault('r', s.relowner))) AS a
            WHERE a.privilege_type = 'SELECT' AND a.grantee <> 'vectordb_owner'::regrole ORDER BY 1
        ) <> ARRAY(SELECT DISTINCT a.grantee FROM aclexplode(r.relacl) AS a WHERE a.privilege_type = 'SELECT' AND a.grantee <> 'vectordb_owner'::regrole ORDER BY 1)
    LOOP
        BEGIN
            PERFORM embed.share_generation(stale.vectorizer_id, stale.number);
            shared := shared + 1;
        EXCEPTION WHEN OTHERS THEN
            -- At the next sweep.
            RAISE LOG 'embed.share_anew: generation % of vectorizer % (SQLSTATE %)', stale.number, stale.vectorizer_id, SQLSTATE;
        END;
    END LOOP;
    RETURN shared;
END
$$;
COMMENT ON FUNCTION embed.share_anew IS
    'For workers, at each sweep: shares the embeddings of sources whose readers or row-level security changed, as embed.refresh does; how many generations';
GRANT EXECUTE ON FUNCTION embed.share_anew TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.build_tables(vectorizer_id integer, number integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    vectorizer embed.vectorizer;
    generation embed.generation;
    names text;
    chunks text;
BEGIN
    SELECT v.* INTO vectorizer FROM embed.vectorizer AS v WHERE v.id = vectorizer_id;
    SELECT g.* INTO generation FROM embed.generation AS g WHERE (g.vectorizer_id, g.number) = (build_tables.vectorizer_id, build_tables.number);
    names := embed.key_names(vectorizer.keys);
    EXECUTE format('CREATE TABLE %s AS SELECT %s FROM %s WITH NO DATA', embed.rows_table(vectorizer.name, number), names, vectorizer.source);
    EXECUTE format(
        'ALTER TABLE %s ADD COLUMN embed_version bigint NOT NULL, ADD COLUMN embed_hash bytea, ADD COLUMN embed_chunks integer NOT NULL, '
        'ADD COLUMN embed_at timestamptz NOT NULL DEFAULT clock_timestamp(), ADD PRIMARY KEY (%s)',
        embed.rows_table(vectorizer.name, number), names
    );
    IF generation.destination ->> 'kind' = 'table' THEN
        chunks := embed.chunks_table(vectorizer.name, number);
        EXECUTE format('CREATE TABLE %s AS SELECT %s FROM %s WITH NO DATA', chunks, names, vectorizer.source);
        EXECUTE format(
            'ALTER TABLE %s ADD COLUMN chunk_number integer NOT NULL, ADD COLUMN chunk text NOT NULL, ADD COLUMN chunk_hash bytea NOT NULL, '
            'ADD COLUMN embedding public.%I(%s) NOT NULL, ADD PRIMARY KEY (%s, chunk_number)',
            chunks, generation.destination ->> 'type', generation.dimension, names
        );
        EXECUTE format('COMMENT ON TABLE %s IS %L', chunks, format('Vectorizer %s: chunks of generation %s', vectorizer.name, number));
        IF generation.destination ->> 'index' = 'hnsw' THEN
            PERFORM embed.build_index(vectorizer_id, number);
        END IF;
    ELSIF generation.destination ->> 'kind' = 's3_vectors' THEN
        PERFORM embed.build_manifest(vectorizer, generation);
    END IF;
    PERFORM embed.share_generation(vectorizer_id, number);
END
$$;
COMMENT ON FUNCTION embed.build_tables IS 'Internal: makes the tables of a generation';

CREATE OR REPLACE FUNCTION embed.show_live(vectorizer_id integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    vectorizer embed.vectorizer;
    live embed.generation;
    shown text;
    type_now text;
BEGIN
    SELECT v.* INTO vectorizer FROM embed.vectorizer AS v WHERE v.id = vectorizer_id;
    SELECT g.* INTO live FROM embed.generation AS g WHERE g.vectorizer_id = show_live.vectorizer_id AND g.state = 'live';
    PERFORM embed.make_searches(vectorizer_id);
    IF live.destination ->> 'kind' IS DISTINCT FROM 'table' THEN
        RETURN;
    END IF;
    shown := embed.view_name(vectorizer.name, live.destination);
    SELECT a.atttypid::regtype::text INTO type_now
    FROM pg_attribute AS a WHERE a.attrelid = to_regclass(shown) AND a.attname = 'embedding';
    IF type_now IS NULL AND to_regclass(shown) IS NOT NULL THEN
        PERFORM embed.refuse('embed.to_table', format('%s is there already', shown), 'Give another view_name.');
    ELSIF type_now NOT LIKE '%' || (live.destination ->> 'type') THEN
        -- A view's column keeps its type; what depends on the view would be lost, so PostgreSQL refuses then.
        EXECUTE format('DROP VIEW %s', shown);
    END IF;
    -- Without its length the type is the same in every generation, and views of this one go on. security_invoker: who reads it is
    -- who is asked for the right, and for row-level security.
    EXECUTE format(
        'CREATE OR REPLACE VIEW %s WITH (security_invoker = true) AS SELECT %s, chunk_number, chunk, embedding::public.%I AS embedding FROM %s',
        shown, embed.key_names(vectorizer.keys), live.destination ->> 'type', embed.chunks_table(vectorizer.name, live.number)
    );
    EXECUTE format('COMMENT ON VIEW %s IS %L', shown, format('Embeddings of %s by the vectorizer %s', vectorizer.source, vectorizer.name));
    PERFORM embed.share_generation(vectorizer_id, live.number);
END
$$;
COMMENT ON FUNCTION embed.show_live IS 'Internal: lets the view show the live generation';

CREATE OR REPLACE FUNCTION embed.drop_generation(vectorizer_id integer, number integer, keep_embeddings boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    vectorizer_name text;
    arn constant text := (
        SELECT g.destination ->> 'arn' FROM embed.generation AS g WHERE (g.vectorizer_id, g.number) = (drop_generation.vectorizer_id, drop_generation.number)
    );
BEGIN
    SELECT v.name INTO vectorizer_name FROM embed.vectorizer AS v WHERE v.id = vectorizer_id;
    IF NOT keep_embeddings THEN
        PERFORM embed.waste_generation(vectorizer_id, number);
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS %s', embed.rows_table(vectorizer_name, number));
    IF NOT keep_embeddings THEN
        EXECUTE format('DROP TABLE IF EXISTS %s', embed.chunks_table(vectorizer_name, number));
    END IF;
    DELETE FROM embed.generation AS g WHERE (g.vectorizer_id, g.number) = (drop_generation.vectorizer_id, drop_generation.number);
    DELETE FROM embed.sweep AS s WHERE (s.vectorizer_id, s.generation) = (drop_generation.vectorizer_id, drop_generation.number);
    PERFORM embed.give_index_back(arn);
END
$$;
COMMENT ON FUNCTION embed.drop_generation IS 'Internal: removes a generation with its tables. What is queued for it stays for embed.tidy: a user may hold it';
