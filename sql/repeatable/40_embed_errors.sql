-- How the functions of embed refuse: what happened, what was given, what to do next.
--
--   22004  an argument is NULL that must not be
--   22023  an argument is wrong
--   42501  the caller, or the owner of the vectorizers, may not do that to the source
--   42704  there is no such vectorizer, generation or limiter
--   42710  there is a vectorizer of that name already
--   55000  not in this state
--   0A000  not yet

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.refuse(
    caller text, problem text, hint text DEFAULT NULL, state text DEFAULT '22023'
) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF hint IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = state, MESSAGE = format('%s: %s', caller, problem);
    END IF;
    RAISE EXCEPTION USING ERRCODE = state, MESSAGE = format('%s: %s', caller, problem), HINT = hint;
END
$$;
COMMENT ON FUNCTION embed.refuse IS 'Internal: raises what a function of embed refuses';

CREATE OR REPLACE FUNCTION embed.refuse_null(caller text, argument text) RETURNS void
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT embed.refuse(caller, argument || ' must not be NULL', NULL, '22004') $$;
COMMENT ON FUNCTION embed.refuse_null IS 'Internal: raises 22004';

CREATE OR REPLACE FUNCTION embed.refuse_unknown(caller text, what text, given jsonb, known text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stray text;
BEGIN
    IF given IS NULL THEN
        PERFORM embed.refuse_null(caller, what);
    ELSIF jsonb_typeof(given) <> 'object' THEN
        PERFORM embed.refuse(caller, format('%s must be what one of its functions gives, not %s', what, jsonb_typeof(given)));
    END IF;
    SELECT k INTO stray FROM jsonb_object_keys(given) AS k WHERE k <> ALL (known) LIMIT 1;
    IF stray IS NOT NULL THEN
        PERFORM embed.refuse(
            caller, format('%s has the unknown part %L', what, stray), 'Known: ' || array_to_string(known, ', ') || '.'
        );
    END IF;
END
$$;
COMMENT ON FUNCTION embed.refuse_unknown IS 'Internal: refuses what is no object or has parts that nobody would read';

CREATE OR REPLACE FUNCTION embed.number_between(
    caller text, what text, given jsonb, part text, low bigint, high bigint
) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF jsonb_typeof(given -> part) = 'number' AND (given -> part)::numeric BETWEEN low AND high
        AND (given -> part)::numeric = trunc((given -> part)::numeric) THEN
        RETURN (given -> part)::bigint;
    END IF;
    PERFORM embed.refuse(
        caller, format('%s of %s must be a whole number from %s to %s, not %s', part, what, low, high, coalesce((given -> part)::text, 'NULL'))
    );
END
$$;
COMMENT ON FUNCTION embed.number_between IS 'Internal: a whole number within its range, or an error that says the range';

CREATE OR REPLACE FUNCTION embed.one_of(caller text, what text, given jsonb, part text, known text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF given ->> part = ANY (known) THEN
        RETURN given ->> part;
    END IF;
    PERFORM embed.refuse(
        caller, format('%s of %s must be one of %s, not %L', part, what, array_to_string(known, ', '), given ->> part)
    );
END
$$;
COMMENT ON FUNCTION embed.one_of IS 'Internal: a word that is known, or an error that says which are';
