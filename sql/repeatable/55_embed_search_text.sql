-- Searching by text: the question's vector is made by the live generation's own model, told that it is a question.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.question(name text, query text, OUT generation integer, OUT query_vector public.vector)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 'embed.query_vector';
    v constant embed.vectorizer := embed.named(caller, name);
    g constant embed.generation := embed.generation_in(caller, v, 'live');
    limiter constant text := embed.limiter_name(g.embedding);
    answer jsonb;
BEGIN
    generation := g.number;
    IF query IS NULL THEN
        PERFORM embed.refuse_null(caller, 'query');
    ELSIF query !~ '[^[:space:]]' THEN
        PERFORM embed.refuse(caller, 'query has no visible character');
    END IF;
    IF v.delivery ->> 'mode' = 'in_transaction' THEN
        PERFORM embed.debit(limiter, 1);
        query_vector := embed.ask_model(g.embedding, query, 'query');
        RETURN;
    END IF;
    answer := embed.answered(jsonb_build_array(jsonb_build_object('key', 'query', 'content', query)), 'query', embed.configuration(v, g)) -> 0;
    IF answer #>> '{chunks,0,embedding}' IS NULL THEN
        PERFORM embed.unembedded(coalesce(answer #>> '{error,class}', 'transient'), coalesce(left(answer #>> '{error,message}', 300), 'there is no vector in the answer'));
    END IF;
    PERFORM embed.debit(limiter, 1);
    query_vector := (answer #>> '{chunks,0,embedding}')::public.vector;
END
$$;
COMMENT ON FUNCTION embed.question IS 'Internal: a question''s vector, and the generation whose model made it';
GRANT EXECUTE ON FUNCTION embed.question TO vectordb_reader;

CREATE OR REPLACE FUNCTION embed.query_vector(name text, query text) RETURNS public.vector
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$ SELECT q.query_vector FROM embed.question(name, query) AS q $$;
COMMENT ON FUNCTION embed.query_vector IS
    'A question''s vector by the model of the live generation, asked through the worker function, or by aws_ml where the delivery is in_transaction. '
    'EMB01: it could not be made. Not on a replica';
GRANT EXECUTE ON FUNCTION embed.query_vector TO vectordb_reader;

CREATE OR REPLACE FUNCTION embed.live_generation(name text) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT g.number FROM embed.vectorizer AS v JOIN embed.generation AS g ON g.vectorizer_id = v.id AND g.state = 'live'
    WHERE v.name = live_generation.name
$$;
COMMENT ON FUNCTION embed.live_generation IS 'Internal: the number of the generation that is searched';
GRANT EXECUTE ON FUNCTION embed.live_generation TO vectordb_reader;

CREATE OR REPLACE FUNCTION embed.search_text(
    name text, query text, k integer DEFAULT 10, metadata_filter jsonb DEFAULT NULL, filter text DEFAULT NULL, filter_values jsonb DEFAULT NULL
) RETURNS TABLE (key jsonb, chunk_number integer, chunk text, distance float8)
LANGUAGE plpgsql ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    asked record;
BEGIN
    LOOP
        SELECT q.generation, q.query_vector INTO asked FROM embed.question(name, query) AS q;
        -- While the model was asked another generation may have become the live one, to whose vectors this one says nothing. The two
        -- functions are STABLE, so they see one moment; and in a transaction that sees one moment only, nothing changes in between.
        RETURN QUERY
        SELECT s.* FROM (SELECT embed.live_generation(name) AS number OFFSET 0) AS live
        CROSS JOIN LATERAL embed.search(name, asked.query_vector, k, metadata_filter, filter, filter_values) AS s
        WHERE live.number = asked.generation;
        EXIT WHEN FOUND OR embed.live_generation(name) = asked.generation;
    END LOOP;
END
$$;
COMMENT ON FUNCTION embed.search_text IS 'As embed.search, of a question in words';
GRANT EXECUTE ON FUNCTION embed.search_text TO vectordb_reader;

-- For each vectorizer two functions of its own, with the key's columns in their types: something to join by.

CREATE OR REPLACE FUNCTION embed.make_searches(vectorizer_id integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v constant embed.vectorizer := (SELECT f FROM embed.vectorizer AS f WHERE f.id = vectorizer_id);
    way record;
BEGIN
    IF EXISTS (
        SELECT FROM jsonb_to_recordset(v.keys) AS k(name text)
        WHERE k.name IN ('query', 'query_vector', 'k', 'metadata_filter', 'filter', 'filter_values', 'chunk_number', 'chunk', 'distance')
    ) THEN
        RETURN;
    END IF;
    FOR way IN SELECT w.* FROM (VALUES ('search', 'query_vector public.vector', 'STABLE'), ('search_text', 'query text', 'VOLATILE')) AS w(name, query, volatility) LOOP
        EXECUTE format(
            'CREATE OR REPLACE FUNCTION embeddings.%1$I(%2$s, k integer DEFAULT 10, filter text DEFAULT NULL, filter_values jsonb DEFAULT NULL, '
            'metadata_filter jsonb DEFAULT NULL) RETURNS TABLE (%3$s, chunk_number integer, chunk text, distance float8) '
            'LANGUAGE sql %4$s ROWS 10 SET search_path = pg_catalog, pg_temp AS %5$L',
            format('%s_%s', v.name, way.name), way.query,
            (SELECT string_agg(format('%I %s', k.name, k.type), ', ' ORDER BY k.place) FROM ROWS FROM (jsonb_to_recordset(v.keys) AS (name text, type text)) WITH ORDINALITY AS k(name, type, place)),
            way.volatility,
            format(
                ' SELECT %s, s.chunk_number, s.chunk, s.distance FROM embed.%I(%L, $1, k, metadata_filter, filter, filter_values) AS s ',
                embed.key_parts(v.keys, 's.key'), way.name, v.name
            )
        );
        EXECUTE format('GRANT EXECUTE ON FUNCTION embeddings.%I TO vectordb_reader', format('%s_%s', v.name, way.name));
        EXECUTE format(
            'COMMENT ON FUNCTION embeddings.%I IS %L', format('%s_%s', v.name, way.name),
            format('As embed.%s of %s, with the columns of the primary key in place of key', way.name, v.name)
        );
    END LOOP;
END
$$;
COMMENT ON FUNCTION embed.make_searches IS 'Internal: makes a vectorizer''s own functions to search, unless a key column has the name of an argument';

CREATE OR REPLACE FUNCTION embed.drop_searches(vectorizer_name text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made regprocedure;
BEGIN
    FOR made IN
        SELECT p.oid::regprocedure FROM pg_proc AS p
        WHERE p.pronamespace = 'embeddings'::regnamespace AND p.proname IN (vectorizer_name || '_search', vectorizer_name || '_search_text')
    LOOP
        EXECUTE format('DROP FUNCTION %s', made);
    END LOOP;
END
$$;
COMMENT ON FUNCTION embed.drop_searches IS 'Internal: the opposite of embed.make_searches';
