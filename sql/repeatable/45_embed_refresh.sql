-- The source changes under its vectorizer: what is wrong with it now, and following it.
--
-- Triggers name columns, as triggers do. So a column that is renamed makes writes fail until embed.refresh, which belongs into the same
-- transaction; nobody notices then.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.source_problem(v embed.vectorizer, g embed.generation) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = v.source) THEN 'the source was dropped: embed.drop_vectorizer'
        WHEN k.lost IS NOT NULL THEN format('%s of the source is not there, or of another type: embed.refresh', k.lost)
        WHEN NOT has_schema_privilege('vectordb_owner', (SELECT c.relnamespace FROM pg_class AS c WHERE c.oid = v.source), 'USAGE')
            OR NOT (SELECT bool_and(has_column_privilege('vectordb_owner', v.source, c, 'SELECT')) FROM unnest(v.content_columns || g.fields) AS c)
        THEN format('vectordb_owner may not read %s: embed.refresh as the owner of the table', v.source)
        WHEN coalesce(embed.strange_type(v.source, embed.cast_columns(v, g)), embed.strange_function(v.source, g.destination ->> 'kind' = 'column')) IS NOT NULL
        THEN format(
            '%s would run somebody else''s code as vectordb_owner, so it is not read: %s', v.source,
            coalesce(embed.strange_type(v.source, embed.cast_columns(v, g)), embed.strange_function(v.source, g.destination ->> 'kind' = 'column'))
        )
        WHEN k.names <> k.keys THEN format('the primary key is (%s), not (%s) any more: embed.refresh', k.names, k.keys)
        WHEN EXISTS (SELECT FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhparent WHERE c.oid = v.source AND c.relkind = 'r')
        THEN 'the source has children by inheritance, which are not watched'
        WHEN t.lost > 0 THEN format('triggers of %s are disabled or missing: embed.refresh, then embed.reconcile', v.source)
    END
    FROM (
        SELECT (
            SELECT string_agg(DISTINCT quote_ident(n.name), ', ')
            FROM (
                SELECT x.name, x.type FROM jsonb_to_recordset(v.keys) AS x(name text, type text)
                UNION ALL SELECT c, NULL FROM unnest(v.content_columns || g.fields || embed.metadata_columns(g.destination)) AS c
                UNION ALL SELECT g.destination ->> 'column', NULL WHERE g.destination ->> 'kind' = 'column'
            ) AS n
            LEFT JOIN pg_attribute AS a ON a.attrelid = v.source AND a.attname = n.name AND a.attnum > 0 AND NOT a.attisdropped
            LEFT JOIN pg_type AS y ON y.oid = a.atttypid
            LEFT JOIN pg_namespace AS m ON m.oid = y.typnamespace
            WHERE a.attname IS NULL
                OR n.type IS NOT NULL AND y.typtype <> 'd' AND n.type <> format('%I.%I', m.nspname, y.typname)
                OR n.name = g.destination ->> 'column' AND a.atttypmod NOT IN (-1, g.dimension)
        ) AS lost, (
            SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY i.place)
            FROM pg_index AS p CROSS JOIN unnest(p.indkey::smallint[]) WITH ORDINALITY AS i(number, place)
            JOIN pg_attribute AS a ON a.attrelid = p.indrelid AND a.attnum = i.number
            WHERE p.indrelid = v.source AND p.indisprimary AND i.place <= p.indnkeyatts
        ) AS names, embed.key_names(v.keys) AS keys
    ) AS k
    CROSS JOIN (
        SELECT 4 - count(*) AS lost FROM pg_trigger AS t
        WHERE t.tgrelid = v.source AND t.tgenabled IN ('O', 'A')
            AND t.tgname IN (SELECT format('embed_%s_%s', v.id, a) FROM unnest('{insert,update,delete,truncate}'::text[]) AS a)
    ) AS t
$$;
COMMENT ON FUNCTION embed.source_problem IS 'Internal: why the source is not watched, or cannot be read, as it was declared; NULL when it is well';

CREATE OR REPLACE FUNCTION embed.rename_keys(vectorizer_id integer, before jsonb, after jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v constant embed.vectorizer := (SELECT f FROM embed.vectorizer AS f WHERE f.id = vectorizer_id);
    renamed record;
BEGIN
    PERFORM embed.drop_searches(v.name);
    FOR renamed IN
        SELECT r.oid::regclass AS relation, c.relkind, b.name AS was, a.name AS is_now, embed.view_name(v.name, g.destination) AS shown
        FROM embed.generation AS g
        CROSS JOIN LATERAL unnest(ARRAY[
            to_regclass(embed.rows_table(v.name, g.number)), to_regclass(embed.chunks_table(v.name, g.number)),
            CASE WHEN g.state = 'live' AND g.destination ->> 'kind' = 'table' THEN to_regclass(embed.view_name(v.name, g.destination)) END
        ]) AS r(oid)
        JOIN pg_class AS c ON c.oid = r.oid
        CROSS JOIN ROWS FROM (jsonb_to_recordset(before) AS (name text)) WITH ORDINALITY AS b(name, place)
        JOIN ROWS FROM (jsonb_to_recordset(after) AS (name text)) WITH ORDINALITY AS a(name, place) USING (place)
        WHERE g.vectorizer_id = v.id AND a.name <> b.name
    LOOP
        EXECUTE format('ALTER %s %s RENAME COLUMN %I TO %I', CASE renamed.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, renamed.relation, renamed.was, renamed.is_now);
    END LOOP;
    UPDATE embed.vectorizer AS f SET keys = after WHERE f.id = vectorizer_id;
END
$$;
COMMENT ON FUNCTION embed.rename_keys IS 'Internal: what was made for a vectorizer calls the key columns as the source does now';

CREATE OR REPLACE FUNCTION embed.forget_contents(vectorizer_id integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- From here to the commit embed.content waits. Who writes the source has been waited for, so what is leased is no user's.
    PERFORM pg_advisory_xact_lock(hashtext('embed.content'), vectorizer_id);
    UPDATE embed.work AS w SET lease = NULL, lease_until = NULL, not_before = clock_timestamp()
    WHERE w.vectorizer_id = forget_contents.vectorizer_id AND w.lease IS NOT NULL;
END
$$;
COMMENT ON FUNCTION embed.forget_contents IS
    'Internal: what workers have read by the expression of before is not taken. embed.reconcile would not find it: what is queued is known';

CREATE OR REPLACE FUNCTION embed.refresh(name text, content text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 'embed.refresh';
    vectorizer embed.vectorizer := embed.named(caller, name);
    new_keys jsonb;
    expression record;
    lost text;
BEGIN
    PERFORM FROM embed.vectorizer AS v WHERE v.id = vectorizer.id FOR UPDATE;
    PERFORM embed.checked_source(caller, vectorizer.source);
    new_keys := embed.key_columns(caller, vectorizer.source);
    IF jsonb_path_query_array(new_keys, '$[*].type') <> jsonb_path_query_array(vectorizer.keys, '$[*].type') THEN
        PERFORM embed.refuse(
            caller, format('the primary key of %s is another one, or of another type, than when %s was made', vectorizer.source, name),
            format('What is embedded cannot be told by it. SELECT embed.drop_vectorizer(%L); and make it anew.', name), '55000'
        );
    END IF;
    IF content IS NOT NULL THEN
        SELECT e.* INTO expression FROM embed.content_expression(caller, vectorizer.source, content) AS e;
        UPDATE embed.vectorizer AS v SET content = expression.expression, content_columns = expression.columns WHERE v.id = vectorizer.id;
    END IF;
    IF new_keys <> vectorizer.keys THEN
        PERFORM embed.rename_keys(vectorizer.id, vectorizer.keys, new_keys);
    END IF;
    SELECT string_agg(DISTINCT quote_ident(c), ', ') INTO lost
    FROM embed.vectorizer AS v JOIN embed.generation AS g ON g.vectorizer_id = v.id
    CROSS JOIN unnest(v.content_columns || g.fields || embed.metadata_columns(g.destination) || array_remove(ARRAY[g.destination ->> 'column'], NULL)) AS c
    WHERE v.id = vectorizer.id
        AND NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = v.source AND a.attname = c AND a.attnum > 0 AND NOT a.attisdropped);
    IF lost IS NOT NULL THEN
        PERFORM embed.refuse(
            caller, format('%s has no column %s', vectorizer.source, lost),
            format('Of the content: SELECT embed.refresh(%L, content => ''...''); of a template, metadata or destination: rename it back, or drop the vectorizer.', name), '55000'
        );
    END IF;
    SELECT v.* INTO vectorizer FROM embed.vectorizer AS v WHERE v.id = vectorizer.id;
    PERFORM embed.let_owner_read(caller, vectorizer.source, ARRAY(SELECT k.name FROM jsonb_to_recordset(vectorizer.keys) AS k(name text)) || vectorizer.content_columns);
    PERFORM embed.write_capture(vectorizer.id);
    PERFORM embed.place_triggers(caller, vectorizer.id);
    IF content IS NOT NULL THEN
        PERFORM embed.forget_contents(vectorizer.id);
    END IF;
    PERFORM embed.share_generation(vectorizer.id, g.number) FROM embed.generation AS g WHERE g.vectorizer_id = vectorizer.id;
    PERFORM embed.show_live(vectorizer.id);
END
$$;
COMMENT ON FUNCTION embed.refresh IS
    'After the source got partitions, other grants, row-level security or other names of columns: watches and shares it as it is now. content: the expression with '
    'the new names, or another one: SELECT embed.reconcile(name, repair => true) then embeds the rows whose content differs. As embed.create_vectorizer, needs TRIGGER '
    'on the source';
