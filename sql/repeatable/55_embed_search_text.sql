-- Searching by text: the question's vector is made by the live generation's own model, told that it is a question.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.query_vector(name text, query text) RETURNS public.vector
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
    IF query IS NULL THEN
        PERFORM embed.refuse_null(caller, 'query');
    ELSIF query !~ '[^[:space:]]' THEN
        PERFORM embed.refuse(caller, 'query has no visible character');
    END IF;
    IF v.delivery ->> 'mode' = 'in_transaction' THEN
        PERFORM embed.debit(limiter, 1);
        RETURN embed.ask_model(g.embedding, query, 'query');
    END IF;
    answer := embed.answered(jsonb_build_array(jsonb_build_object('key', 'query', 'content', query)), 'query', embed.configuration(v, g)) -> 0;
    IF answer #>> '{chunks,0,embedding}' IS NULL THEN
        PERFORM embed.unembedded(coalesce(answer #>> '{error,class}', 'transient'), coalesce(left(answer #>> '{error,message}', 300), 'there is no vector in the answer'));
    END IF;
    PERFORM embed.debit(limiter, 1);
    RETURN (answer #>> '{chunks,0,embedding}')::public.vector;
END
$$;
COMMENT ON FUNCTION embed.query_vector IS
    'A question''s vector by the model of the live generation, asked through the worker function, or by aws_ml where the delivery is in_transaction. '
    'EMB01: it could not be made. Not on a replica';
GRANT EXECUTE ON FUNCTION embed.query_vector TO vectordb_reader;

CREATE OR REPLACE FUNCTION embed.search_text(name text, query text, k integer DEFAULT 10)
RETURNS TABLE (key jsonb, chunk_number integer, chunk text, distance float8)
LANGUAGE sql ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$ SELECT s.* FROM embed.search(name, embed.query_vector(name, query), k) AS s $$;
COMMENT ON FUNCTION embed.search_text IS 'As embed.search, of a question in words';
GRANT EXECUTE ON FUNCTION embed.search_text TO vectordb_reader;
