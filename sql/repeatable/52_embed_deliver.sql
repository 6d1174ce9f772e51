-- What follows the enqueuing of a statement's rows, by the vectorizer's delivery: nothing, a bell, or the embeddings themselves.
--
-- The modes that embed within the statement enqueue the rows first, and then take off the queue what they have done,
-- so whatever they have not done, for whatever reason, is where a worker finds it.

SET LOCAL ROLE vectordb_owner;

DROP FUNCTION IF EXISTS embed.capturing(embed.vectorizer, text);
CREATE OR REPLACE FUNCTION embed.capturing(vectorizer embed.vectorizer, changes text, by_scan boolean) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    CASE
        WHEN vectorizer.delivery ->> 'mode' IN ('sync_lambda', 'in_transaction') THEN
            RETURN format(
                $block$
    DECLARE
        embed_queued record;
    BEGIN
        WITH queued AS (%1$s
            RETURNING w.generation, w.key, w.version, w.operation::text
        )
        SELECT array_agg(q.key ORDER BY q.key) AS keys, array_agg(q.version ORDER BY q.key) AS versions, array_agg(q.operation ORDER BY q.key) AS operations
        INTO embed_queued
        FROM (
            SELECT q.* FROM queued AS q
            WHERE q.generation = (SELECT g.number FROM embed.generation AS g WHERE g.vectorizer_id = %2$s AND g.state = 'live')
            ORDER BY q.key = ANY (embed.given_keys(%2$s)) DESC
            LIMIT %3$s
        ) AS q;
        IF embed_queued.keys IS NOT NULL THEN
            PERFORM embed.deliver(%2$s, embed_queued.keys, embed_queued.versions, embed_queued.operations);
        END IF;
    END;$block$,
                embed.enqueueing(vectorizer, changes), vectorizer.id, (vectorizer.delivery ->> 'row_limit')::integer + 1
            );
        ELSE
            RETURN embed.appending(vectorizer, changes, by_scan);
    END CASE;
END
$$;
COMMENT ON FUNCTION embed.capturing IS 'Internal: the statements that note changes (key, operation), and what the delivery does with them';

CREATE OR REPLACE FUNCTION embed.after_truncate(vectorizer embed.vectorizer) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE vectorizer.delivery ->> 'mode' WHEN 'scheduled' THEN '' ELSE format(E'\n    PERFORM embed.ring_later(%s);', vectorizer.id) END
$$;
COMMENT ON FUNCTION embed.after_truncate IS 'Internal: the statement that rings after TRUNCATE';

CREATE OR REPLACE FUNCTION embed.settle(v embed.vectorizer, g embed.generation, items jsonb, written boolean) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keys constant text[] := ARRAY(SELECT i ->> 'key' FROM jsonb_array_elements(items) AS i);
BEGIN
    IF NOT written AND g.destination ->> 'kind' = 'column' THEN
        PERFORM embed.finish_column(v, g, items);
    ELSIF NOT written THEN
        PERFORM embed.finish_chunks(v, g, items);
    END IF;
    PERFORM embed.mark_embedded(v, g, items);
    DELETE FROM embed.work AS w WHERE w.vectorizer_id = v.id AND w.generation = g.number AND w.key = ANY (keys);
    DELETE FROM embed.dead AS d WHERE d.vectorizer_id = v.id AND d.generation = g.number AND d.key = ANY (keys);
END
$$;
COMMENT ON FUNCTION embed.settle IS
    'Internal: as embed.finish, for rows that this very transaction has enqueued and therefore holds. written: the vectors are in their column';

CREATE OR REPLACE FUNCTION embed.chunks_expected(g embed.generation, content text) RETURNS bigint
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Rather too many than too few: a chunk may end long before it is full. A token is taken for two characters.
    SELECT CASE
        WHEN content IS NULL THEN 0
        WHEN g.chunking ->> 'method' = 'none' THEN 1
        ELSE 1 + ceil(3.0 * length(content) / (
            greatest((g.chunking ->> 'size')::integer - (g.chunking ->> 'overlap')::integer, 1)
            * CASE g.chunking ->> 'unit' WHEN 'tokens' THEN 2 ELSE 1 END
        ))::bigint
    END
$$;
COMMENT ON FUNCTION embed.chunks_expected IS 'Internal: how many chunks a content will have, at most';

CREATE OR REPLACE FUNCTION embed.ask_worker(g embed.generation, config jsonb, items jsonb, abort boolean) RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- Lambda lets through 6,291,556 bytes of request, and of answer: of that a number takes 12, and the chunk's own text is in it.
    most_bytes constant bigint := 5000000;
    vector_bytes constant bigint := 12 * g.dimension + 200;
    limiter constant text := config ->> 'limiter';
    texts constant integer := coalesce((config #>> '{model_limits,texts_per_request}')::integer, 1);
    item jsonb;
    size bigint;
    call jsonb := '[]';
    call_bytes bigint := 0;
    call_chunks bigint := 0;
    calls jsonb := '[]';
    results jsonb := '[]';
BEGIN
    FOR item IN SELECT i - '{version,operation,source_hash}'::text[] FROM jsonb_array_elements(items) AS i LOOP
        size := octet_length(item::text) + embed.chunks_expected(g, item ->> 'content') * vector_bytes;
        IF call <> '[]' AND (call_bytes + size > most_bytes OR jsonb_array_length(call) = 1000) THEN
            calls := calls || jsonb_build_array(jsonb_build_object('documents', call, 'chunks', call_chunks));
            call := '[]';
            call_bytes := 0;
            call_chunks := 0;
        END IF;
        call := call || jsonb_build_array(item);
        call_bytes := call_bytes + size;
        call_chunks := call_chunks + embed.chunks_expected(g, item ->> 'content');
    END LOOP;
    calls := calls || jsonb_build_array(jsonb_build_object('documents', call, 'chunks', call_chunks));
    FOR item IN SELECT c FROM jsonb_array_elements(calls) AS c LOOP
        IF NOT abort AND NOT embed.may_ask(limiter) THEN
            PERFORM embed.unembedded('throttle', 'the requests of this minute are used up');
        END IF;
        results := results || embed.answered(item -> 'documents', 'document', config);
        -- Texts are packed, so it is likely fewer; the bucket fills again.
        PERFORM embed.debit(limiter, ceil((item ->> 'chunks')::numeric / texts)::integer);
    END LOOP;
    RETURN results;
END
$$;
COMMENT ON FUNCTION embed.ask_worker IS 'Internal: the worker''s results for items that have a content, in one call, or more where Lambda''s limit of 6 MB says so';

CREATE OR REPLACE FUNCTION embed.note(v embed.vectorizer, g embed.generation, done jsonb, began timestamptz) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO embed.run_note (vectorizer_id, generation, rows, chunks_embedded, calls, seconds)
    SELECT v.id, g.number, jsonb_array_length(done), c.chunks,
        ceil(c.chunks::numeric / coalesce((embed.configuration(v, g) #>> '{model_limits,texts_per_request}')::integer, 1)),
        date_part('epoch', clock_timestamp() - began)
    FROM (SELECT coalesce(sum(jsonb_array_length(i -> 'chunks')), 0) AS chunks FROM jsonb_array_elements(done) AS i) AS c
$$;
COMMENT ON FUNCTION embed.note IS 'Internal: adds what a user''s statement has embedded to the statistics, without a lock that others would wait for';

CREATE OR REPLACE FUNCTION embed.embed_queued(v embed.vectorizer, g embed.generation, keys text[], versions bigint[], operations text[]) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    abort constant boolean := v.delivery ->> 'on_failure' = 'abort';
    within constant boolean := v.delivery ->> 'mode' = 'in_transaction';
    given constant jsonb := embed.given(v.id);
    began constant timestamptz := clock_timestamp();
    items jsonb;
    asked jsonb;
    done jsonb;
    results jsonb;
    refused jsonb;
BEGIN
    -- A row that is gone, or has nothing to embed, needs no model.
    SELECT jsonb_agg(jsonb_build_object(
        'key', k.key, 'version', k.version, 'operation', CASE WHEN c.key IS NULL THEN 'd' ELSE 'u' END,
        'content', c.content, 'fields', coalesce(c.fields, '{}'), 'source_hash', c.source_hash
    ) ORDER BY k.key) INTO items
    FROM unnest(keys, versions, operations) AS k(key, version, operation)
    LEFT JOIN embed.content(v.id, g.number, keys) AS c ON c.key = k.key AND k.operation = 'u';
    SELECT coalesce(jsonb_agg(i), '[]') INTO asked FROM jsonb_array_elements(items) AS i WHERE i ->> 'content' IS NOT NULL;
    SELECT coalesce(jsonb_agg(i || '{"chunks": []}'), '[]') INTO done FROM jsonb_array_elements(items) AS i WHERE i ->> 'content' IS NULL;

    IF within THEN
        -- The row's own trigger has asked the model, and of this very content.
        PERFORM embed.settle(v, g, done, true);
        SELECT coalesce(jsonb_agg(i || '{"chunks": [{}]}'), '[]') INTO done
        FROM jsonb_array_elements(asked) AS i WHERE given ->> (i ->> 'key') = i ->> 'source_hash';
        PERFORM embed.settle(v, g, done, true);
        PERFORM embed.note(v, g, done, began);
        RETURN jsonb_array_length(done) = jsonb_array_length(asked);
    END IF;

    PERFORM embed.settle(v, g, done, false);
    IF asked = '[]' THEN
        RETURN true;
    END IF;
    results := embed.ask_worker(g, embed.configuration(v, g), asked, abort);
    SELECT jsonb_agg(r) INTO refused FROM jsonb_array_elements(results) AS r WHERE r -> 'chunks' IS NULL;
    IF abort AND refused IS NOT NULL THEN
        PERFORM embed.unembedded(
            coalesce(refused #>> '{0,error,class}', 'poison'),
            format('%s of %s rows were refused: %s', jsonb_array_length(refused), jsonb_array_length(asked), left(refused #>> '{0,error,message}', 200))
        );
    END IF;
    SELECT coalesce(jsonb_agg(i || jsonb_build_object('chunks', r -> 'chunks')), '[]') INTO done
    FROM jsonb_array_elements(asked) AS i
    JOIN jsonb_array_elements(results) AS r ON r ->> 'key' = i ->> 'key' AND jsonb_typeof(r -> 'chunks') = 'array'
    -- Of a content that is not NULL there is at least one, and each has its vector.
    WHERE r -> 'chunks' <> '[]'
        AND NOT EXISTS (SELECT FROM jsonb_array_elements(r -> 'chunks') AS c WHERE c ->> 'embedding' IS NULL OR c ->> 'hash' IS NULL);
    IF abort AND jsonb_array_length(done) < jsonb_array_length(asked) THEN
        PERFORM embed.unembedded('transient', 'the answer of the worker function lacks rows');
    END IF;
    PERFORM embed.settle(v, g, done, false);
    PERFORM embed.note(v, g, done, began);
    RETURN jsonb_array_length(done) = jsonb_array_length(asked);
END
$$;
COMMENT ON FUNCTION embed.embed_queued IS 'Internal: embeds what this statement has enqueued and takes it off the queue; whether that was all. EMB01';

CREATE OR REPLACE FUNCTION embed.deliver(vectorizer_id integer, keys text[], versions bigint[], operations text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v embed.vectorizer;
    g embed.generation;
    done boolean := false;
    many boolean;
    state text;
    problem text;
    class text;
BEGIN
    SELECT f.* INTO v FROM embed.vectorizer AS f WHERE f.id = vectorizer_id;
    SELECT f.* INTO g FROM embed.generation AS f WHERE f.vectorizer_id = deliver.vectorizer_id AND f.state = 'live';
    IF v.state <> 'active' OR g.number IS NULL THEN
        RETURN;
    END IF;
    many := cardinality(keys) > (v.delivery ->> 'row_limit')::integer AND v.delivery ->> 'mode' = 'sync_lambda';
    BEGIN
        IF g.circuit_until > clock_timestamp() THEN
            PERFORM embed.unembedded('configuration', coalesce(g.circuit_reason, 'the circuit is open'));
        ELSIF NOT many THEN
            done := embed.embed_queued(v, g, keys, versions, operations);
        END IF;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, problem = MESSAGE_TEXT, class = PG_EXCEPTION_DETAIL;
        IF state LIKE '40%' THEN
            RAISE;  -- the transaction is to be tried again, whatever was being done
        ELSIF v.delivery ->> 'on_failure' = 'abort' THEN
            RAISE EXCEPTION USING
                ERRCODE = 'EMB01', MESSAGE = format('the vectorizer %s could not embed what was written: %s', v.name, problem),
                DETAIL = CASE WHEN state = 'EMB01' THEN class ELSE 'SQLSTATE ' || state END,
                HINT = format(
                    'To let it be written and embed it later: SELECT embed.alter_vectorizer(%L, delivery => embed.deliver_%s(on_failure => ''enqueue''));',
                    v.name, v.delivery ->> 'mode'
                );
        END IF;
        RAISE LOG 'embed.deliver: % (SQLSTATE %): the rows of the vectorizer % are queued', problem, state, v.name;
        INSERT INTO embed.run_note (vectorizer_id, generation, errors) VALUES (v.id, g.number, 1);
    END;
    IF NOT done THEN
        PERFORM embed.ring_later(v.id);
    END IF;
END
$$;
COMMENT ON FUNCTION embed.deliver IS
    'Internal: embeds what the statement has enqueued, or leaves it queued, or raises EMB01, as the delivery says';
