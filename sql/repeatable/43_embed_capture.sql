-- Capture: what changes in the source is noted, in the transaction that changes it.
--
-- One trigger for each of INSERT, UPDATE, DELETE and TRUNCATE, once for each statement. Their functions are written for the
-- vectorizer, with its columns in their text, and run as vectordb_owner, so that whoever may write the source needs nothing of ours.
--
-- A user never waits long and is never in a deadlock because of us. Most deliveries append to embed.inbox, where nobody waits for
-- anybody. Those that embed within the statement enqueue at once, for the generations that are in their text: a transaction of any
-- isolation level then knows the generations that there are when it writes. Whoever holds a row of embed.work in this way holds its
-- row of the source, or its place in the source's primary key, and had to have it first: what would wait for a row of embed.work has
-- waited for the source before. So the order in which a statement enqueues does not matter, and it is not sorted. Workers hold no row
-- of the source; they hold rows of the queue for one short transaction in which they wait for nobody.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.generation_values(vectorizer_id integer) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT string_agg(format('(%s)', g.number), ', ' ORDER BY g.number) FROM embed.generation AS g WHERE g.vectorizer_id = generation_values.vectorizer_id $$;
COMMENT ON FUNCTION embed.generation_values IS 'Internal: the numbers of a vectorizer''s generations, for VALUES';

CREATE OR REPLACE FUNCTION embed.appending(vectorizer embed.vectorizer, changes text, by_scan boolean) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format(
        $statement$
    INSERT INTO embed.inbox (vectorizer_id, rings, queued_at, key)
    SELECT %1$s, %3$s, statement_timestamp(), c.key
    FROM (%2$s) AS c;$statement$,
        vectorizer.id, changes,
        -- One row of the statement rings (51_embed_bell.sql).
        CASE
            WHEN vectorizer.delivery ->> 'mode' NOT IN ('event', 'queue') THEN 'false'
            -- To number the rows would cost half as much as all the rest.
            WHEN by_scan THEN format('c.key = (SELECT f.key FROM (%s) AS f LIMIT 1)', changes)
            ELSE 'row_number() OVER () = 1'
        END
    )
$$;
COMMENT ON FUNCTION embed.appending IS 'Internal: the statement that appends changes (key, operation) to the inbox. by_scan: to read the first of them is to read one row';

CREATE OR REPLACE FUNCTION embed.enqueueing(vectorizer embed.vectorizer, changes text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- What waits already keeps its place in the line, and as no column of an index changes, its entries in the indexes.
    SELECT format(
        $statement$
    INSERT INTO embed.work AS w (vectorizer_id, generation, key, version, operation, not_before, queued_at)
    SELECT %1$s, g.number, c.key, txid_current(), c.operation::"char", statement_timestamp(), statement_timestamp()
    FROM (%2$s) AS c CROSS JOIN (VALUES %3$s) AS g(number)
    ON CONFLICT (vectorizer_id, generation, key) DO UPDATE SET
        version = excluded.version, operation = excluded.operation, priority = 0, attempts = 0,
        not_before = least(w.not_before, excluded.not_before), lease = NULL, lease_until = NULL, last_error = NULL$statement$,
        vectorizer.id, changes, embed.generation_values(vectorizer.id)
    )
$$;
COMMENT ON FUNCTION embed.enqueueing IS
    'Internal: the statement that enqueues changes (key, operation) for every generation, of deliveries that take them off the queue in '
    'the same transaction. What is queued already gets a new version and loses its lease, so that no result of what the row was before is taken';

CREATE OR REPLACE FUNCTION embed.digests(vectorizer embed.vectorizer, fields text[], OUT quick text, OUT exact text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- Two values in the same place of the same TOAST table are one: no need to read them. Partitions have a TOAST table each.
    by_place constant boolean := current_setting('server_version_num')::integer >= 170000
        AND EXISTS (SELECT FROM pg_class AS c WHERE c.oid = vectorizer.source AND c.relkind = 'r');
    content constant text := format('(%s)::text COLLATE "C"', vectorizer.content);
    -- 64 bits, under a seed that nobody knows who writes texts.
    form constant text := format(
        'hash_record_extended(ROW(%s, %%s%s), %s)', replace(embed.key_names(vectorizer.keys), '%', '%%'),
        replace((SELECT string_agg(format(', (%s) COLLATE "C"', embed.text_of(vectorizer.source, f)), '') FROM unnest(fields) AS f), '%', '%%'), (random() * 9e18)::bigint
    );
    places text;
    parts text;
BEGIN
    exact := format(form, content);
    quick := exact;
    SELECT string_agg(format('pg_column_toast_chunk_id(%I)', a.attname), ', ' ORDER BY a.attnum) FILTER (WHERE long),
        string_agg(
            CASE WHEN long THEN format('coalesce(''place '' || pg_column_toast_chunk_id(%1$I)::text, ''text '' || %1$I::text, ''null'')', a.attname)
            ELSE format('coalesce(''text '' || %I::text, ''null'')', a.attname) END,
            ', ' ORDER BY a.attnum
        )
    INTO places, parts
    FROM pg_attribute AS a CROSS JOIN LATERAL (SELECT a.attlen = -1 AND a.attstorage <> 'p' AS long) AS l
    WHERE by_place AND a.attrelid = vectorizer.source AND a.attname = ANY (vectorizer.content_columns);
    IF places IS NOT NULL THEN
        quick := format(form, format('CASE WHEN num_nonnulls(%s) > 0 THEN concat_ws('' '', %s) ELSE %s END', places, parts, content));
    END IF;
END
$$;
COMMENT ON FUNCTION embed.digests IS
    'Internal: expressions of a row that differ when its key or what is embedded of it differs. quick may differ when only the place differs '
    'where a long value is kept';

CREATE OR REPLACE FUNCTION embed.write_capture(vectorizer_id integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    vectorizer embed.vectorizer;
    fields text[];
    digests record;
    new_key text;
    old_key text;
    first_key text;
    names text;
    body text;
    action text;
    keys text[];
BEGIN
    SELECT v.* INTO vectorizer FROM embed.vectorizer AS v WHERE v.id = vectorizer_id;
    SELECT coalesce(array_agg(DISTINCT f), '{}') INTO fields
    FROM embed.generation AS g, unnest(g.fields || embed.metadata_columns(g.destination)) AS f WHERE g.vectorizer_id = write_capture.vectorizer_id;
    SELECT * INTO digests FROM embed.digests(vectorizer, fields);
    new_key := embed.key_of(vectorizer.keys, 'n');
    old_key := embed.key_of(vectorizer.keys, 'o');
    first_key := quote_ident(vectorizer.keys -> 0 ->> 'name');
    keys := ARRAY(SELECT k.name FROM jsonb_to_recordset(vectorizer.keys) AS k(name text));

    FOREACH action IN ARRAY ARRAY['insert', 'update', 'delete', 'truncate'] LOOP
        body := CASE action
            WHEN 'insert' THEN embed.capturing(vectorizer, format(
                'SELECT %s AS key, ''u'' AS operation FROM embed_new AS n', embed.guarded_key(vectorizer.source, vectorizer.keys, 'n')
            ), true)
            WHEN 'delete' THEN embed.capturing(vectorizer, format(
                'SELECT %s AS key, ''d'' AS operation FROM embed_old AS o', embed.guarded_key(vectorizer.source, vectorizer.keys, 'o')
            ), true)
            WHEN 'update' THEN format(
                -- What is embedded did not change, in any row: so it is with most statements.
                E'\n    IF (SELECT bit_xor(%1$s) FROM embed_old) IS NOT DISTINCT FROM (SELECT bit_xor(%1$s) FROM embed_new) THEN\n        RETURN NULL;\n    END IF;',
                digests.quick
            ) || embed.capturing(vectorizer, format(
                -- A primary key that changed is a row that went and another that came.
                'SELECT CASE WHEN n.%1$s IS NULL THEN %2$s ELSE %3$s END AS key, CASE WHEN n.%1$s IS NULL THEN ''d'' ELSE ''u'' END AS operation '
                'FROM (SELECT %4$s, %5$s AS embed_digest FROM embed_old) AS o FULL JOIN (SELECT %4$s, %5$s AS embed_digest FROM embed_new) AS n ON %6$s '
                'WHERE n.embed_digest IS DISTINCT FROM o.embed_digest',
                first_key, old_key, new_key, embed.key_names(vectorizer.keys), digests.exact, embed.key_equal(vectorizer.keys, 'n', 'o')
            ), false)
            -- Whose rows they were is no longer known: perhaps those of one partition.
            ELSE format(
                $statements$
    INSERT INTO embed.sweep (vectorizer_id, generation, version, fence)
    SELECT %1$s, g.number, nextval('embed.version'), CASE current_setting('transaction_isolation')
        -- Whoever wrote before has ended. A snapshot of before may lack some of them: until it is swept then no result is taken.
        WHEN 'read committed' THEN greatest(txid_current(), (
            SELECT max(w.version) + 1 FROM embed.work AS w
            WHERE w.vectorizer_id = %1$s AND w.generation = g.number AND w.version <> txid_current()
        ))
        ELSE 9223372036854775807
    END
    FROM (VALUES %2$s) AS g(number);$statements$, vectorizer_id, embed.generation_values(vectorizer_id)
            ) || embed.after_truncate(vectorizer)
        END;
        -- Of a column whose type was somebody's own when this was written no cast is used (embed.text_of).
        body := CASE WHEN action = 'update' THEN embed.types_guard(
            keys || vectorizer.content_columns || ARRAY(
                SELECT a.attname::text FROM pg_attribute AS a
                WHERE a.attrelid = vectorizer.source AND a.attname = ANY (fields) AND embed.base_type(a.atttypid) < 16384
            )
        ) WHEN action <> 'truncate' AND EXISTS (
            SELECT FROM pg_attribute AS a WHERE a.attrelid = vectorizer.source AND a.attname = ANY (keys) AND a.atttypid >= 16384
        ) THEN embed.types_guard(keys) ELSE '' END || body;
        names := format('embed.capture_%s_%s', vectorizer_id, action);
        EXECUTE format(
            'CREATE OR REPLACE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER '
            'SET search_path = pg_catalog, pg_temp %s AS %L',
            names,
            -- The plan is made once in a session, perhaps for one row, and serves a statement on all rows later.
            CASE WHEN action = 'update' THEN 'SET enable_nestloop = off SET jit = off' ELSE '' END,
            format(E'\nBEGIN%s\n    RETURN NULL;\nEND\n', body)
        );
        EXECUTE format('COMMENT ON FUNCTION %s() IS %L', names, format('Vectorizer %s: written by embed.write_capture', vectorizer.name));
    END LOOP;
    PERFORM embed.write_row_function(vectorizer_id);
END
$$;
COMMENT ON FUNCTION embed.write_capture IS 'Internal: writes the trigger functions of a vectorizer, for the generations that it has';

CREATE OR REPLACE FUNCTION embed.place_triggers(caller text, vectorizer_id integer) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    source constant regclass := (SELECT v.source FROM embed.vectorizer AS v WHERE v.id = vectorizer_id);
    member regclass;
    members oid[] := '{}';
    statements text := '';
BEGIN
    -- A statement fires the triggers of the table that it names: the parent's, or a partition's.
    FOR member IN
        SELECT source UNION SELECT t.relid FROM pg_partition_tree(source) AS t
        WHERE t.relid <> source AND EXISTS (SELECT FROM pg_class AS c WHERE c.oid = t.relid AND c.relkind IN ('r', 'p'))
    LOOP
        members := members || member::oid;
        statements := statements || format(
            'CREATE OR REPLACE TRIGGER embed_%1$s_insert AFTER INSERT ON %2$s REFERENCING NEW TABLE AS embed_new '
            'FOR EACH STATEMENT EXECUTE FUNCTION embed.capture_%1$s_insert();'
            'CREATE OR REPLACE TRIGGER embed_%1$s_update AFTER UPDATE ON %2$s REFERENCING OLD TABLE AS embed_old NEW TABLE AS embed_new '
            'FOR EACH STATEMENT EXECUTE FUNCTION embed.capture_%1$s_update();'
            'CREATE OR REPLACE TRIGGER embed_%1$s_delete AFTER DELETE ON %2$s REFERENCING OLD TABLE AS embed_old '
            'FOR EACH STATEMENT EXECUTE FUNCTION embed.capture_%1$s_delete();'
            'CREATE OR REPLACE TRIGGER embed_%1$s_truncate AFTER TRUNCATE ON %2$s '
            'FOR EACH STATEMENT EXECUTE FUNCTION embed.capture_%1$s_truncate();',
            vectorizer_id, member
        );
    END LOOP;
    -- Placing one waits for all who have written the table; whoever writes it later runs the functions as they are now.
    PERFORM embed.patiently(caller, statements, members);
END
$$;
COMMENT ON FUNCTION embed.place_triggers IS
    'Internal: puts the triggers on the source and its partitions, and with that waits for everyone who is writing it';
