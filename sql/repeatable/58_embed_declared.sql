-- Vectorizers of the configuration: embed.declare takes what the deployment says, embed.apply_declared makes it so as far as it can.
--
-- The tables are the users' own and may come later than the deployment: what is missing waits, and is applied by the worker's next sweep, by
-- the next deployment that changes something, or by SELECT * FROM embed.apply_declared(). What is wrong with the declaration itself fails the
-- deployment. Nothing that is declared no more is dropped.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.apply_declaration(declaration embed.declaration) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 'embed.apply_declared';
    given constant jsonb := declaration.given;
    source constant regclass := to_regclass(
        CASE cardinality(parse_ident(given ->> 'source')) WHEN 1 THEN 'public.' ELSE '' END || (given ->> 'source')
    );
    existing embed.vectorizer;
    newest embed.generation;
    embedding constant jsonb := embed.checked_embedding(caller, given -> 'embedding');
    same boolean;
BEGIN
    IF source IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_table', MESSAGE = format('there is no table %s', given ->> 'source');
    END IF;
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
        RETURN format(
            'its content is %1$s; SELECT embed.refresh(%2$L, content => %3$L); then embed.reconcile(%2$L, repair => true) embeds the rows where it differs',
            existing.content, declaration.name, given ->> 'content'
        );
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

CREATE OR REPLACE FUNCTION embed.try_declaration(declaration embed.declaration, OUT outcome text, OUT reason text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '5s'
AS $$
DECLARE
    code text;
    advice text;
BEGIN
    reason := embed.apply_declaration(declaration);
    outcome := CASE WHEN reason IS NULL THEN 'applied' ELSE 'differs' END;
EXCEPTION
    WHEN undefined_table OR invalid_schema_name OR undefined_column OR insufficient_privilege OR lock_not_available OR deadlock_detected THEN
        GET STACKED DIAGNOSTICS reason = MESSAGE_TEXT, advice = PG_EXCEPTION_HINT;
        reason := concat_ws(' ', reason || '.', nullif(advice, ''));
        outcome := 'waiting';
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, reason = MESSAGE_TEXT, advice = PG_EXCEPTION_HINT;
        RAISE EXCEPTION USING
            ERRCODE = code,
            MESSAGE = format('vectordb:embedding.vectorizers, name %s: %s', declaration.name, reason),
            HINT = concat_ws(' ', nullif(advice, ''), 'Mend it in the stack''s configuration, or take it out there, and deploy.');
END
$$;
COMMENT ON FUNCTION embed.try_declaration IS 'Internal: as embed.apply_declaration; what only has to wait is an outcome, and no error';

CREATE OR REPLACE FUNCTION embed.settle_declaration(name text, outcome text, reason text) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE embed.declaration AS d SET
        outcome = settle_declaration.outcome, reason = settle_declaration.reason,
        applied_at = CASE settle_declaration.outcome WHEN 'applied' THEN clock_timestamp() ELSE d.applied_at END
    WHERE d.name = settle_declaration.name
$$;
COMMENT ON FUNCTION embed.settle_declaration IS 'Internal: what became of a declaration';

CREATE OR REPLACE FUNCTION embed.apply_declared() RETURNS TABLE (name text, outcome text, reason text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    declaration embed.declaration;
    tried record;
BEGIN
    -- One at a time: a sweep may be at it, or somebody else.
    PERFORM pg_advisory_xact_lock(hashtext('embed.apply_declared'));
    FOR declaration IN SELECT d.* FROM embed.declaration AS d WHERE d.declared ORDER BY d.name LOOP
        tried := embed.try_declaration(declaration);
        PERFORM embed.settle_declaration(declaration.name, tried.outcome, tried.reason);
        RETURN QUERY SELECT declaration.name, tried.outcome, tried.reason;
    END LOOP;
END
$$;
COMMENT ON FUNCTION embed.apply_declared IS
    'Makes and changes the vectorizers that the configuration declares. outcome: applied; waiting for a table, a column, a privilege or a lock; '
    'differs in what cannot be changed in place. For members of vectordb_owner, who need SELECT and TRIGGER on the tables';

CREATE OR REPLACE FUNCTION embed.apply_waiting() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    declaration embed.declaration;
    tried record;
    applied integer := 0;
BEGIN
    PERFORM embed.share_anew(), embed.tidy();
    IF NOT pg_try_advisory_xact_lock(hashtext('embed.apply_declared')) THEN
        RETURN 0;
    END IF;
    FOR declaration IN SELECT d.* FROM embed.declaration AS d WHERE d.declared AND d.outcome = 'waiting' ORDER BY d.name LOOP
        BEGIN
            tried := embed.try_declaration(declaration);
        EXCEPTION WHEN OTHERS THEN
            -- Nobody reads a sweep's error, and it would come again with each.
            SELECT 'refused' AS outcome, SQLERRM AS reason INTO tried;
        END;
        PERFORM embed.settle_declaration(declaration.name, tried.outcome, tried.reason);
        applied := applied + (tried.outcome = 'applied')::integer;
    END LOOP;
    RETURN applied;
END
$$;
COMMENT ON FUNCTION embed.apply_waiting IS
    'For workers, at each sweep: embed.share_anew, embed.tidy, and makes the declared vectorizers whose table was missing when the deployment declared them; returns how many';
GRANT EXECUTE ON FUNCTION embed.apply_waiting TO vectordb_worker;

CREATE OR REPLACE VIEW embed.declared AS
SELECT d.name, d.outcome, d.reason, d.applied_at FROM embed.declaration AS d WHERE d.declared;
COMMENT ON VIEW embed.declared IS
    'What became of the vectorizers that the configuration declares: applied; waiting for a table, a column, a privilege or a lock, and tried again '
    'at each sweep; differs in what cannot be changed in place; refused: the table came later, and does not fit';
GRANT SELECT ON embed.declared TO vectordb_reader;

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
