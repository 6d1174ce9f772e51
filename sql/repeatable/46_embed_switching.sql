-- Going from one generation to the next, and back: each in one transaction.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.unready(vectorizer embed.vectorizer, live integer, next integer) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    unready bigint;
BEGIN
    EXECUTE format(
        'SELECT count(*) FROM %1$s AS l '
        'WHERE NOT EXISTS (SELECT FROM %2$s AS n WHERE %3$s) '
        'AND EXISTS (SELECT FROM embed.work AS w WHERE w.vectorizer_id = $1 AND w.generation = $2 AND w.operation = ''u'' AND w.key = %4$s)',
        embed.rows_table(vectorizer.name, live), embed.rows_table(vectorizer.name, next),
        embed.key_equal(vectorizer.keys, 'n', 'l'), embed.key_of(vectorizer.keys, 'l')
    ) INTO unready USING vectorizer.id, next;
    RETURN unready;
END
$$;
COMMENT ON FUNCTION embed.unready IS 'Internal: how many rows the live generation has and the next one has still to embed';

CREATE OR REPLACE FUNCTION embed.go_over(vectorizer_id integer, number integer, drop_kept boolean) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM embed.drop_generation(g.vectorizer_id, g.number)
    FROM embed.generation AS g WHERE drop_kept AND g.vectorizer_id = go_over.vectorizer_id AND g.state = 'retired';
    UPDATE embed.generation AS g SET state = 'retired' WHERE g.vectorizer_id = go_over.vectorizer_id AND g.state = 'live';
    UPDATE embed.generation AS g SET state = 'live', live_since = clock_timestamp()
    WHERE (g.vectorizer_id, g.number) = (go_over.vectorizer_id, go_over.number);
    PERFORM embed.show_live(vectorizer_id);
    PERFORM embed.write_capture(vectorizer_id);
END
$$;
COMMENT ON FUNCTION embed.go_over IS 'Internal: lets another generation be the live one, in one go';

CREATE OR REPLACE FUNCTION embed.give_up(vectorizer_id integer, number integer) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM embed.drop_generation(vectorizer_id, number);
    PERFORM embed.write_capture(vectorizer_id);
END
$$;
COMMENT ON FUNCTION embed.give_up IS 'Internal: removes a generation, in one go';

CREATE OR REPLACE FUNCTION embed.cutover(name text, force boolean DEFAULT false) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 'embed.cutover';
    vectorizer constant embed.vectorizer := embed.named(caller, name);
    live embed.generation;
    next embed.generation;
    lacking record;
    unready bigint;
BEGIN
    PERFORM FROM embed.vectorizer AS v WHERE v.id = vectorizer.id FOR UPDATE;
    next := embed.generation_in(caller, vectorizer, 'building');
    live := embed.generation_in(caller, vectorizer, 'live');
    lacking := embed.index_state(vectorizer, next);
    unready := embed.unready(vectorizer, live.number, next.number);
    IF NOT force AND (unready > 0 OR EXISTS (
        SELECT FROM embed.backfill AS b WHERE (b.vectorizer_id, b.generation) = (vectorizer.id, next.number)
    )) THEN
        PERFORM embed.refuse(
            caller, format('generation %s of %s is not complete: %s rows are to be embedded%s', next.number, name, unready,
                CASE WHEN EXISTS (SELECT FROM embed.backfill AS b WHERE (b.vectorizer_id, b.generation) = (vectorizer.id, next.number))
                THEN ' and more to be enqueued' ELSE '' END),
            'Wait until embed.status shows it covered; force => true goes over all the same.', '55000'
        );
    END IF;
    IF NOT force AND lacking.state IN ('filling', 'wanted', 'building') AND (embed.index_state(vectorizer, live)).state IS NOT DISTINCT FROM 'ready' THEN
        PERFORM embed.refuse(
            caller, format('generation %s of %s has no index yet: each search would compare all of its %s vectors', next.number, name, lacking.vectors),
            format('vectordb embed index %s builds it; force => true goes over all the same.', name), '55000'
        );
    END IF;
    PERFORM embed.patiently(caller, format('SELECT embed.go_over(%s, %s, true)', vectorizer.id, next.number), embed.tables_of(vectorizer));
    RETURN next.number;
END
$$;
COMMENT ON FUNCTION embed.cutover IS
    'Lets the generation that was building be the live one, when it is complete. The one before is kept for embed.rollback (until the next '
    'cutover, or embed.abandon) and remembers what changes. Returns the live generation''s number';

CREATE OR REPLACE FUNCTION embed.rollback(name text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 'embed.rollback';
    vectorizer constant embed.vectorizer := embed.named(caller, name);
    before embed.generation;
    changed bigint;
BEGIN
    PERFORM FROM embed.vectorizer AS v WHERE v.id = vectorizer.id FOR UPDATE;
    before := embed.generation_in(caller, vectorizer, 'retired');
    PERFORM embed.patiently(caller, format('SELECT embed.go_over(%s, %s, false)', vectorizer.id, before.number), embed.tables_of(vectorizer));
    SELECT count(*) INTO changed FROM (
        SELECT w.key FROM embed.work AS w WHERE (w.vectorizer_id, w.generation) = (vectorizer.id, before.number)
        UNION SELECT i.key FROM embed.inbox AS i WHERE i.vectorizer_id = vectorizer.id
    ) AS c;
    IF changed > 0 THEN
        RAISE NOTICE '% rows changed since: they are embedded now', changed;
    END IF;
    RETURN before.number;
END
$$;
COMMENT ON FUNCTION embed.rollback IS
    'Lets the generation that was live before be it again; the other is kept, so that this can be undone in the same way. Returns its number';

CREATE OR REPLACE FUNCTION embed.abandon(name text, generation integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 'embed.abandon';
    vectorizer constant embed.vectorizer := embed.named(caller, name);
    state text;
BEGIN
    PERFORM FROM embed.vectorizer AS v WHERE v.id = vectorizer.id FOR UPDATE;
    SELECT g.state INTO state FROM embed.generation AS g WHERE (g.vectorizer_id, g.number) = (vectorizer.id, abandon.generation);
    IF state IS NULL OR state = 'live' THEN
        PERFORM embed.refuse(
            caller, format('generation %s of %s is %s', generation, name, coalesce(state, 'not there')),
            'Only one that is building or retired can be given up.', '55000'
        );
    END IF;
    PERFORM embed.patiently(caller, format('SELECT embed.give_up(%s, %s)', vectorizer.id, generation), embed.tables_of(vectorizer));
END
$$;
COMMENT ON FUNCTION embed.abandon IS 'Gives up a generation that is building, or the one that is kept to go back to, with its embeddings';
