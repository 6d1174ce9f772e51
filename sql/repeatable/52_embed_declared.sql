-- Vectorizers of the configuration: embed.declare takes what the deployment says, embed.apply_declared makes it so as far as it can.
--
-- The tables are the users' own and may come later than the deployment: what is missing waits and is applied by the next deployment that
-- changes something, or by SELECT * FROM embed.apply_declared().

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.apply_declaration(declaration embed.declaration) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 'embed.apply_declared';
    given constant jsonb := declaration.given;
    source constant regclass := (given ->> 'source')::regclass;
    existing embed.vectorizer;
    newest embed.generation;
    embedding constant jsonb := embed.checked_embedding(caller, given -> 'embedding');
    same boolean;
BEGIN
    SELECT v.* INTO existing FROM embed.vectorizer AS v WHERE v.name = declaration.name;
    IF existing.id IS NULL THEN
        PERFORM embed.create_vectorizer(
            name => declaration.name, source => source, content => given ->> 'content', chunking => given -> 'chunking',
            template => given ->> 'template', embedding => embedding, destination => given -> 'destination',
            delivery => given -> 'delivery', limits => given -> 'limits', backfill => given ->> 'backfill'
        );
        RETURN NULL;
    ELSIF existing.source <> source THEN
        RETURN format('it reads %s; embed.drop_vectorizer(%L) and apply again', existing.source::regclass, declaration.name);
    ELSIF existing.content <> (SELECT e.expression FROM embed.content_expression(caller, source, given ->> 'content') AS e) THEN
        RETURN format('its content is %s; embed.drop_vectorizer(%L) and apply again', existing.content, declaration.name);
    END IF;
    -- A generation that builds is what was declared last; the live one stays until embed.cutover.
    SELECT g.* INTO newest
    FROM embed.generation AS g
    WHERE g.vectorizer_id = existing.id AND g.state IN ('building', 'live')
    ORDER BY g.state = 'building' DESC, g.number DESC
    LIMIT 1;
    same := newest.embedding = embedding AND newest.chunking = given -> 'chunking' AND newest.template IS NOT DISTINCT FROM given ->> 'template'
        AND newest.destination @> (given -> 'destination');
    IF NOT same AND newest.state = 'building' THEN
        RETURN format('generation %s is building with other settings; embed.cutover or embed.abandon ends that', newest.number);
    ELSIF same THEN
        -- In terms of the live generation, so that none is begun.
        PERFORM embed.alter_vectorizer(name => declaration.name, delivery => given -> 'delivery', limits => given -> 'limits');
    ELSE
        PERFORM embed.alter_vectorizer(
            name => declaration.name, delivery => given -> 'delivery', limits => given -> 'limits', embedding => embedding,
            chunking => given -> 'chunking', template => coalesce(given ->> 'template', ''), destination => given -> 'destination'
        );
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION embed.apply_declaration IS 'Internal: makes or changes one vectorizer as declared; returns what it cannot change, else NULL';

CREATE OR REPLACE FUNCTION embed.apply_declared() RETURNS TABLE (name text, outcome text, reason text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    declaration embed.declaration;
    said text;
    advice text;
    became text;
BEGIN
    FOR declaration IN SELECT d.* FROM embed.declaration AS d WHERE d.declared ORDER BY d.name LOOP
        BEGIN
            said := embed.apply_declaration(declaration);
            became := CASE WHEN said IS NULL THEN 'applied' ELSE 'differs' END;
        EXCEPTION WHEN undefined_table OR invalid_schema_name OR undefined_column OR insufficient_privilege THEN
            GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, advice = PG_EXCEPTION_HINT;
            said := concat_ws(' ', said || '.', nullif(advice, ''));
            became := 'waiting';
        END;
        UPDATE embed.declaration AS d
        SET outcome = became, reason = said, applied_at = CASE became WHEN 'applied' THEN clock_timestamp() ELSE d.applied_at END
        WHERE d.name = declaration.name;
        RETURN QUERY SELECT declaration.name, became, said;
    END LOOP;
END
$$;
COMMENT ON FUNCTION embed.apply_declared IS
    'Makes and changes the vectorizers that the configuration declares. outcome: applied; waiting for a table, a column or a privilege; '
    'differs in what cannot be changed in place. For members of vectordb_owner, who need SELECT and TRIGGER on the tables';

CREATE OR REPLACE FUNCTION embed.declare(vectorizers jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found record;
BEGIN
    UPDATE embed.declaration AS d SET declared = false
    WHERE d.declared AND NOT EXISTS (SELECT FROM jsonb_array_elements(vectorizers) AS e WHERE e ->> 'name' = d.name);
    INSERT INTO embed.declaration (name, given)
    SELECT e ->> 'name', e - 'name' FROM jsonb_array_elements(vectorizers) AS e
    ON CONFLICT (name) DO UPDATE SET given = excluded.given, declared = true;
    FOR found IN SELECT a.* FROM embed.apply_declared() AS a WHERE a.outcome <> 'applied' LOOP
        RAISE NOTICE 'the vectorizer % is %: %', found.name, CASE found.outcome WHEN 'waiting' THEN 'not made yet' ELSE 'not as declared' END, found.reason
            USING HINT = 'Afterwards: SELECT * FROM embed.apply_declared();';
    END LOOP;
    FOR found IN SELECT d.name FROM embed.declaration AS d JOIN embed.vectorizer AS v USING (name) WHERE NOT d.declared LOOP
        RAISE NOTICE 'the vectorizer % is declared no more and goes on', found.name USING HINT = format('SELECT embed.drop_vectorizer(%L) ends it.', found.name);
    END LOOP;
END
$$;
COMMENT ON FUNCTION embed.declare IS 'Internal: takes the configuration''s vectorizers and applies them';
