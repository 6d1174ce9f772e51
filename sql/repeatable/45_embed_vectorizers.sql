-- Vectorizers: making, changing, pausing and dropping them. For members of vectordb_owner.
--
-- create_vectorizer and alter_vectorizer run as their caller, who needs SELECT and TRIGGER on the source; what they make belongs
-- to vectordb_owner.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.named(caller text, name text) RETURNS embed.vectorizer
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    vectorizer embed.vectorizer;
BEGIN
    IF name IS NULL THEN
        PERFORM embed.refuse_null(caller, 'name');
    END IF;
    SELECT v.* INTO vectorizer FROM embed.vectorizer AS v WHERE v.name = named.name;
    IF vectorizer.id IS NULL THEN
        PERFORM embed.refuse(caller, format('there is no vectorizer %L', name), 'SELECT name FROM embed.status;', '42704');
    END IF;
    RETURN vectorizer;
END
$$;
COMMENT ON FUNCTION embed.named IS 'Internal: the vectorizer of a name, or an error';

CREATE OR REPLACE FUNCTION embed.generation_in(caller text, vectorizer embed.vectorizer, state text) RETURNS embed.generation
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_generation embed.generation;
BEGIN
    SELECT g.* INTO found_generation
    FROM embed.generation AS g
    WHERE g.vectorizer_id = vectorizer.id AND g.state = generation_in.state
    ORDER BY g.live_since DESC NULLS LAST
    LIMIT 1;
    IF found_generation.number IS NULL THEN
        PERFORM embed.refuse(
            caller, format('the vectorizer %s has no generation that is %s', vectorizer.name, state),
            'SELECT name, generation, generation_state FROM embed.status;', '55000'
        );
    END IF;
    RETURN found_generation;
END
$$;
COMMENT ON FUNCTION embed.generation_in IS 'Internal: a vectorizer''s generation in that state, or an error';

CREATE OR REPLACE FUNCTION embed.limiter_name(embedding jsonb) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT concat_ws('/', embedding ->> 'provider', embedding ->> 'region', embedding ->> 'url', embedding ->> 'model') $$;
COMMENT ON FUNCTION embed.limiter_name IS 'Internal: who share one limit';

CREATE OR REPLACE FUNCTION embed.check_together(
    caller text, source regclass, chunking jsonb, content_columns text[], embedding jsonb, destination jsonb, delivery jsonb
) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kind constant text := destination ->> 'kind';
    column_name constant text := destination ->> 'column';
    place record;
    held_as text := destination ->> 'type';
    problem text;
    hint text;
BEGIN
    IF kind = 's3_vectors' THEN
        PERFORM embed.check_index(caller, source, embedding, destination);
        problem := CASE WHEN delivery ->> 'mode' = 'sync_lambda' THEN 'S3 Vectors takes no part in a transaction: sync_lambda needs embed.to_table or embed.to_column' END;
    ELSIF kind = 'table' AND (embedding ->> 'dimension')::integer > 16000 THEN
        problem := 'a vector has at most 16000 dimensions';
    ELSIF kind = 'column' THEN
        SELECT t.typname, a.atttypmod, format_type(a.atttypid, a.atttypmod) AS type, a.attgenerated <> '' AS generated INTO place
        FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
        WHERE a.attrelid = source AND a.attname = column_name AND a.attnum > 0;
        held_as := place.typname;
        problem := CASE
            WHEN chunking ->> 'method' <> 'none' THEN 'a column holds one vector for a row: the chunking must be embed.chunk_none()'
            WHEN place.type IS NULL THEN format('%s has no column %I', source, column_name)
            WHEN place.generated THEN format('the column %I of %s is generated', column_name, source)
            WHEN column_name = ANY (content_columns) THEN format('the column %I is part of the content', column_name)
            WHEN place.typname NOT IN ('vector', 'halfvec') OR place.atttypmod NOT IN (-1, (embedding ->> 'dimension')::integer)
            THEN format('the column %I of %s is of type %s, the model gives %s dimensions', column_name, source, place.type, embedding ->> 'dimension')
        END;
        hint := CASE
            WHEN chunking ->> 'method' <> 'none' THEN 'Give chunking => embed.chunk_none(), or destination => embed.to_table().'
            ELSE format(
                'ALTER TABLE %s ADD COLUMN %I public.vector(%s);', source,
                CASE WHEN place.type IS NULL THEN column_name ELSE left(column_name, 52) || '_embedding' END, embedding ->> 'dimension'
            )
        END;
    END IF;
    IF problem IS NULL AND kind IN ('table', 'column') AND destination ->> 'index' = 'hnsw'
        AND (embedding ->> 'dimension')::integer > embed.most_indexed(held_as) THEN
        problem := format('an HNSW index takes at most %s dimensions', embed.most_indexed(held_as));
        hint := 'halfvec takes 4000, vector 2000; or ask the model for fewer dimensions, or search without: index => ''none''.';
    END IF;
    IF problem IS NULL AND delivery ->> 'mode' = 'in_transaction' AND (kind <> 'column' OR chunking ->> 'method' <> 'none') THEN
        problem := 'in_transaction needs the destination embed.to_column and the chunking embed.chunk_none()';
        hint := NULL;
    END IF;
    IF problem IS NOT NULL THEN
        PERFORM embed.refuse(caller, problem, hint);
    END IF;
END
$$;
COMMENT ON FUNCTION embed.check_together IS 'Internal: refuses parts that do not fit each other or the source';

CREATE OR REPLACE FUNCTION embed.let_owner_write(caller text, source regclass, column_name text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF has_column_privilege('vectordb_owner', source, column_name, 'UPDATE') THEN
        RETURN;
    ELSIF pg_has_role((SELECT c.relowner FROM pg_class AS c WHERE c.oid = source), 'USAGE') THEN
        EXECUTE format('GRANT UPDATE (%I) ON %s TO vectordb_owner', column_name, source);
    ELSE
        PERFORM embed.refuse(
            caller, format('vectordb_owner may not write %I of %s', column_name, source),
            format('As the owner of the table: GRANT UPDATE (%I) ON %s TO vectordb_owner;', column_name, source), '42501'
        );
    END IF;
END
$$;
COMMENT ON FUNCTION embed.let_owner_write IS 'Internal: as embed.let_owner_read, for the column of the destination';

CREATE OR REPLACE FUNCTION embed.add_generation(
    caller text, vectorizer embed.vectorizer, state text, chunking jsonb, template text, embedding jsonb, destination jsonb, backfill text
) RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    next_number integer;
    template_fields constant text[] := embed.template_fields(caller, vectorizer.source, template);
    reserved text;
BEGIN
    SELECT k.name INTO reserved FROM jsonb_to_recordset(vectorizer.keys) AS k(name text)
    WHERE k.name IN (
        'chunk_number', 'chunk', 'chunk_hash', 'embedding', 'vector_key', 'stored_at', 'embed_version', 'embed_hash', 'embed_chunks', 'embed_at'
    );
    IF reserved IS NOT NULL AND destination ->> 'kind' <> 'column' THEN
        PERFORM embed.refuse(caller, format('the key column %I has the name of a column of the embeddings', reserved));
    END IF;
    PERFORM embed.let_owner_read(
        caller, vectorizer.source,
        ARRAY(SELECT k.name FROM jsonb_to_recordset(vectorizer.keys) AS k(name text))
            || vectorizer.content_columns || template_fields || embed.metadata_columns(destination) || array_remove(ARRAY[destination ->> 'column'], NULL)
    );
    IF destination ->> 'kind' = 'column' THEN
        PERFORM embed.let_owner_write(caller, vectorizer.source, destination ->> 'column');
    END IF;
    PERFORM embed.assert_own_code(
        caller, vectorizer.source,
        ARRAY(SELECT k.name FROM jsonb_to_recordset(vectorizer.keys) AS k(name text)) || vectorizer.content_columns || embed.metadata_columns(destination),
        CASE WHEN destination ->> 'kind' = 'column' THEN destination ->> 'column' END
    );
    PERFORM embed.assert_sees_all(caller, vectorizer.source);
    IF destination ->> 'kind' = 's3_vectors' THEN
        PERFORM embed.take_index(caller, vectorizer.name, destination ->> 'index');
    END IF;

    UPDATE embed.vectorizer AS v SET generations = v.generations + 1 WHERE v.id = vectorizer.id RETURNING v.generations INTO next_number;
    INSERT INTO embed.generation (vectorizer_id, number, state, chunking, template, fields, embedding, destination, dimension, live_since)
    VALUES (
        vectorizer.id, next_number, add_generation.state, chunking, template, template_fields, embedding, destination,
        (embedding ->> 'dimension')::integer, CASE add_generation.state WHEN 'live' THEN clock_timestamp() END
    );
    PERFORM embed.build_tables(vectorizer.id, next_number);
    PERFORM embed.write_capture(vectorizer.id);
    PERFORM embed.place_triggers(caller, vectorizer.id);
    -- After what may wait: the limiter's row is everybody's.
    PERFORM embed.declare_limit(embedding, vectorizer.limits);
    IF backfill <> 'none' THEN
        INSERT INTO embed.backfill (vectorizer_id, generation, priority)
        VALUES (vectorizer.id, next_number, CASE backfill WHEN 'now' THEN 0 WHEN 'batch' THEN 10 ELSE 9 END);
    END IF;
    PERFORM embed.wake(vectorizer.id);
    RETURN next_number;
END
$$;
COMMENT ON FUNCTION embed.add_generation IS 'Internal: makes a generation, from now on captured, its backfill to be done';

CREATE OR REPLACE FUNCTION embed.create_vectorizer(
    name text, source regclass, content text, chunking jsonb DEFAULT embed.chunk_none(), template text DEFAULT NULL,
    embedding jsonb DEFAULT NULL, destination jsonb DEFAULT embed.to_table(), delivery jsonb DEFAULT embed.deliver_scheduled(),
    limits jsonb DEFAULT embed.limits(), backfill text DEFAULT 'low'
) RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 'embed.create_vectorizer';
    vectorizer embed.vectorizer;
    expression record;
    key_columns jsonb;
    missing constant text := CASE
        WHEN name IS NULL THEN 'name' WHEN source IS NULL THEN 'source' WHEN content IS NULL THEN 'content'
        WHEN embedding IS NULL THEN 'embedding' WHEN backfill IS NULL THEN 'backfill'
    END;
BEGIN
    IF missing IS NOT NULL THEN
        PERFORM embed.refuse_null(caller, missing);
    ELSIF name !~ '^[a-z][a-z0-9_]{0,39}$' OR name ~ '_generation_[0-9]+(_rows)?$' THEN
        PERFORM embed.refuse(
            caller, format('%L is no name for a vectorizer', name),
            'A name has 1 to 40 lower-case letters, digits and underscores and begins with a letter; it does not end like a generation''s table.'
        );
    ELSIF EXISTS (SELECT FROM embed.vectorizer AS v WHERE v.name = create_vectorizer.name) THEN
        PERFORM embed.refuse(
            caller, format('there is a vectorizer %L already', name),
            'embed.alter_vectorizer changes it; embed.drop_vectorizer removes it.', '42710'
        );
    ELSIF backfill NOT IN ('now', 'low', 'batch', 'none') THEN
        PERFORM embed.refuse(caller, format('backfill must be one of now, low, batch, none, not %L', backfill));
    END IF;
    PERFORM embed.checked_source(caller, source);
    key_columns := embed.key_columns(caller, source);
    PERFORM embed.refuse_strange_code(caller, source, ARRAY(SELECT k.name FROM jsonb_to_recordset(key_columns) AS k(name text)), NULL);
    SELECT e.* INTO expression FROM embed.content_expression(caller, source, content) AS e;
    embedding := embed.checked_embedding(caller, embedding);
    IF backfill = 'batch' THEN
        PERFORM embed.check_batch(caller, embedding);
    END IF;
    PERFORM embed.checked_chunking(caller, chunking), embed.checked_destination(caller, destination),
        embed.checked_delivery(caller, delivery), embed.checked_limits(caller, limits);
    destination := embed.placed(caller, destination);
    PERFORM embed.check_together(caller, source, chunking, expression.columns, embedding, destination, delivery);
    PERFORM embed.check_delivery(caller, source, expression.columns, embedding, template, destination, delivery);

    INSERT INTO embed.vectorizer (name, source, keys, content, content_columns, delivery, limits, created_by)
    VALUES (name, source, key_columns, expression.expression, expression.columns, delivery, limits, session_user)
    ON CONFLICT DO NOTHING
    RETURNING * INTO vectorizer;
    IF vectorizer.id IS NULL THEN
        PERFORM embed.refuse(caller, format('another session has made a vectorizer %L just now', name), NULL, '42710');
    END IF;
    PERFORM embed.add_generation(caller, vectorizer, 'live', chunking, template, embedding, destination, backfill);
    PERFORM embed.show_live(vectorizer.id);
    PERFORM embed.place_delivery(vectorizer.id);
    RETURN vectorizer.id;
END
$$;
COMMENT ON FUNCTION embed.create_vectorizer IS
    'Watches a table and keeps the embeddings of its rows. content: an expression over its columns. backfill: now, low (after '
    'whatever changes), batch (by batch inference, hours later at half the price), none (only what changes from now on). Waits for who is writing the table, at most lock_timeout, else 10 s. '
    'Returns the vectorizer''s id';

CREATE OR REPLACE FUNCTION embed.alter_vectorizer(
    name text, delivery jsonb DEFAULT NULL, limits jsonb DEFAULT NULL, embedding jsonb DEFAULT NULL, chunking jsonb DEFAULT NULL,
    template text DEFAULT NULL, destination jsonb DEFAULT NULL
) RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 'embed.alter_vectorizer';
    vectorizer embed.vectorizer := embed.named(caller, name);
    live constant embed.generation := embed.generation_in(caller, vectorizer, 'live');
    new_template constant text := coalesce(nullif(template, ''), CASE WHEN template IS NULL THEN live.template END);
    new_place jsonb;
    redelivered boolean;
BEGIN
    delivery := embed.checked_delivery(caller, coalesce(delivery, vectorizer.delivery));
    limits := embed.checked_limits(caller, coalesce(limits, vectorizer.limits));
    embedding := embed.checked_embedding(caller, coalesce(embedding, live.embedding));
    chunking := embed.checked_chunking(caller, coalesce(chunking, live.chunking));
    new_place := embed.placed(caller, embed.checked_destination(caller, coalesce(destination, live.destination)));
    PERFORM embed.check_together(caller, vectorizer.source, chunking, vectorizer.content_columns, embedding, new_place, delivery);
    PERFORM embed.check_delivery(caller, vectorizer.source, vectorizer.content_columns, embedding, new_template, new_place, delivery);
    redelivered := delivery <> vectorizer.delivery;
    UPDATE embed.vectorizer AS v SET delivery = alter_vectorizer.delivery, limits = alter_vectorizer.limits
    WHERE v.id = vectorizer.id
    RETURNING v.* INTO vectorizer;
    IF redelivered THEN
        PERFORM embed.place_delivery(vectorizer.id);
    END IF;
    PERFORM embed.declare_limit(live.embedding, limits);
    IF (embedding, chunking, embed.placement(new_place)) = (live.embedding, live.chunking, embed.placement(live.destination))
        AND new_template IS NOT DISTINCT FROM live.template THEN
        -- An index that is there stays as it is.
        UPDATE embed.generation AS g SET destination = new_place WHERE (g.vectorizer_id, g.number) = (vectorizer.id, live.number) AND g.destination <> new_place;
        RETURN NULL;
    END IF;
    PERFORM embed.checked_source(caller, vectorizer.source);
    IF EXISTS (SELECT FROM embed.generation AS g WHERE g.vectorizer_id = vectorizer.id AND g.state = 'building') THEN
        PERFORM embed.refuse(
            caller, format('a generation of %s is building already', name), 'embed.cutover or embed.abandon ends that.', '55000'
        );
    ELSIF new_place ->> 'kind' = 'column' AND EXISTS (
        SELECT FROM embed.generation AS g WHERE g.vectorizer_id = vectorizer.id AND g.destination ->> 'column' = new_place ->> 'column'
    ) THEN
        PERFORM embed.refuse(
            caller, format('the column %I holds another generation''s vectors', new_place ->> 'column'),
            'Add a column for the new ones: destination => embed.to_column(...).'
        );
    END IF;
    RETURN embed.add_generation(caller, vectorizer, 'building', chunking, new_template, embedding, new_place, 'low');
END
$$;
COMMENT ON FUNCTION embed.alter_vectorizer IS
    'Changes delivery, limits and how the vectors are indexed at once. Another model, dimension, chunking, template ('''' for none) or destination is a new generation that '
    'builds beside the live one until embed.cutover: its number is returned, else NULL';

CREATE OR REPLACE FUNCTION embed.pause(name text) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$ UPDATE embed.vectorizer AS v SET state = 'paused' WHERE v.id = (embed.named('embed.pause', pause.name)).id $$;
COMMENT ON FUNCTION embed.pause IS 'Changes are still collected, but nothing is embedded until embed.resume';

CREATE OR REPLACE FUNCTION embed.resume(name text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    vectorizer constant embed.vectorizer := embed.named('embed.resume', name);
BEGIN
    UPDATE embed.vectorizer AS v SET state = 'active' WHERE v.id = vectorizer.id;
    UPDATE embed.generation AS g SET circuit_reason = NULL, circuit_at = NULL, circuit_until = NULL, circuit_failures = 0
    WHERE g.vectorizer_id = vectorizer.id AND g.circuit_reason IS NOT NULL;
    PERFORM embed.wake(vectorizer.id);
END
$$;
COMMENT ON FUNCTION embed.resume IS 'Goes on after embed.pause, and after a circuit that opened because something was not set up';

CREATE OR REPLACE FUNCTION embed.take_down(vectorizer_id integer, keep_embeddings boolean) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
AS $$
DECLARE
    vectorizer constant embed.vectorizer := (SELECT v FROM embed.vectorizer AS v WHERE v.id = vectorizer_id);
    generation embed.generation;
    action text;
BEGIN
    FOREACH action IN ARRAY ARRAY['insert', 'update', 'delete', 'truncate'] LOOP
        -- With its triggers.
        EXECUTE format('DROP FUNCTION IF EXISTS embed.capture_%s_%s() CASCADE', vectorizer_id, action);
    END LOOP;
    PERFORM embed.drop_delivery(vectorizer_id);
    PERFORM embed.drop_searches(vectorizer.name);
    FOR generation IN SELECT g.* FROM embed.generation AS g WHERE g.vectorizer_id = take_down.vectorizer_id LOOP
        IF NOT keep_embeddings AND generation.state = 'live' AND generation.destination ->> 'kind' = 'table' THEN
            EXECUTE format('DROP VIEW IF EXISTS %s', embed.view_name(vectorizer.name, generation.destination));
        END IF;
        PERFORM embed.drop_generation(vectorizer_id, generation.number, keep_embeddings AND generation.state = 'live');
    END LOOP;
    DELETE FROM embed.vectorizer AS v WHERE v.id = vectorizer_id;
    DELETE FROM embed.inbox AS i WHERE i.ctid = ANY (ARRAY(
        SELECT x.ctid FROM embed.inbox AS x WHERE x.vectorizer_id = take_down.vectorizer_id FOR UPDATE SKIP LOCKED
    ));
    -- What a user's transaction holds of it is removed by embed.tidy.
    DELETE FROM embed.work AS w WHERE w.ctid = ANY (ARRAY(
        SELECT x.ctid FROM embed.work AS x WHERE x.vectorizer_id = take_down.vectorizer_id FOR UPDATE SKIP LOCKED
    ));
END
$$;
COMMENT ON FUNCTION embed.take_down IS 'Internal: removes a vectorizer, in one go';

CREATE OR REPLACE FUNCTION embed.tables_of(vectorizer embed.vectorizer) RETURNS oid[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT array_agg(t.oid) || vectorizer.source::oid
    FROM (
        SELECT unnest(ARRAY[
            to_regclass(embed.chunks_table(vectorizer.name, g.number)), to_regclass(embed.rows_table(vectorizer.name, g.number)),
            to_regclass(coalesce(g.destination ->> 'view', format('embeddings.%I', vectorizer.name)))
        ])::oid
        FROM embed.generation AS g WHERE g.vectorizer_id = vectorizer.id
    ) AS t(oid)
$$;
COMMENT ON FUNCTION embed.tables_of IS 'Internal: the source, and what was made for a vectorizer: whose users may be in the way';

CREATE OR REPLACE FUNCTION embed.drop_vectorizer(name text, keep_embeddings boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 'embed.drop_vectorizer';
    vectorizer constant embed.vectorizer := embed.named(caller, name);
BEGIN
    PERFORM embed.patiently(caller, format('SELECT embed.take_down(%s, %L)', vectorizer.id, keep_embeddings), embed.tables_of(vectorizer));
END
$$;
COMMENT ON FUNCTION embed.drop_vectorizer IS
    'Watches the table no more and removes its embeddings, or keeps the live generation''s table and view. A column of the source stays as it is, with its index. '
    'Waits for who uses these tables, at most lock_timeout, else 10 s';
