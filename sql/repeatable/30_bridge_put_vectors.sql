-- s3vl.put_vectors: vectors into an index, by their keys. A key that is there already is replaced whole.
--
-- SELECT s3vl.put_vectors(ARRAY['1', '2'], ARRAY['[0.1,0.2]', '[0.3,0.4]']::vector[], index_name => 'stdlib');
-- SELECT s3vl.put_vectors(array_agg(id::text), array_agg(embedding), array_agg(jsonb_build_object('kind', kind)), 'stdlib') FROM …;
--
-- vector_ids   distinct keys of 1 to 1024 characters
-- embeddings   one for each key: vector[], halfvec[], a two-dimensional array of numbers with a row for each key, or text of these
-- metadata     one JSON object or NULL for each key, or NULL: none has any
-- returns      how many were written: all, or it is an error
--
-- A call is no part of the transaction: a rollback takes nothing back. All arguments are checked before anything is written, but
-- the limits of metadata in each request (up to 4,000 vectors and 4.5 MB) before it. DETAIL names the key that is refused, and the
-- keys that were written before the failure. Running the whole call again is always safe.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION s3vl.check_written_keys(caller text, vector_ids text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wrong record;
BEGIN
    IF array_ndims(vector_ids) > 1 THEN
        PERFORM s3vl.raise_invalid(caller, 'vector_ids must be an array of one dimension');
    END IF;
    SELECT u.key, u.place INTO wrong
    FROM unnest(vector_ids) WITH ORDINALITY AS u(key, place)
    WHERE (length(u.key) BETWEEN 1 AND 1024) IS NOT TRUE
    ORDER BY u.place
    LIMIT 1;
    IF wrong.place IS NOT NULL THEN
        PERFORM s3vl.raise_invalid(caller, CASE
            WHEN wrong.key IS NULL THEN format('vector_ids[%s] is NULL', wrong.place)
            ELSE format('vector_ids[%s] has %s characters; a key has 1 to 1024', wrong.place, length(wrong.key))
        END);
    END IF;
END
$$;
COMMENT ON FUNCTION s3vl.check_written_keys IS 'Internal: refuses what cannot be keys, naming the position';

CREATE OR REPLACE FUNCTION s3vl.check_put(
    caller text, vector_ids text[], embeddings public.vector[], metadata jsonb[], target s3vl.index_registry
) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wrong record;
BEGIN
    PERFORM s3vl.check_written_keys(caller, vector_ids);
    IF cardinality(embeddings) <> cardinality(vector_ids) OR array_ndims(embeddings) > 1 THEN
        PERFORM s3vl.raise_invalid(
            caller, format('there are %s vector_ids and %s embeddings', cardinality(vector_ids), cardinality(embeddings))
        );
    ELSIF cardinality(metadata) <> cardinality(vector_ids) OR array_ndims(metadata) > 1 THEN
        PERFORM s3vl.raise_invalid(
            caller, format('there are %s vector_ids and %s of metadata', cardinality(vector_ids), cardinality(metadata)),
            'Give a JSON object or NULL for each key, or leave metadata out.'
        );
    END IF;
    SELECT u.key, min(u.place) AS place, max(u.place) AS again INTO wrong
    FROM unnest(vector_ids) WITH ORDINALITY AS u(key, place)
    GROUP BY u.key HAVING count(*) > 1
    ORDER BY 2
    LIMIT 1;
    IF wrong.place IS NOT NULL THEN
        PERFORM s3vl.raise_invalid(
            caller, format('vector_ids[%s] and vector_ids[%s] are the same key, %L', wrong.place, wrong.again, wrong.key)
        );
    END IF;
    IF cardinality(vector_ids) > 0 THEN
        PERFORM s3vl.checked_vectors(caller, 'embeddings', embeddings, target);
    END IF;
    SELECT u.embedding, u.metadata, u.place INTO wrong
    FROM unnest(embeddings, metadata) WITH ORDINALITY AS u(embedding, metadata, place)
    WHERE jsonb_typeof(u.metadata) <> 'object' OR (target.metric = 'cosine' AND public.vector_norm(u.embedding) = 0)
    ORDER BY u.place
    LIMIT 1;
    IF jsonb_typeof(wrong.metadata) <> 'object' THEN
        PERFORM s3vl.raise_invalid(
            caller, format('metadata[%s] must be a JSON object, not %s', wrong.place, jsonb_typeof(wrong.metadata))
        );
    ELSIF wrong.place IS NOT NULL THEN
        PERFORM s3vl.raise_invalid(
            caller, format('embeddings[%s] is all zeros, which has no direction: an index by cosine cannot hold it', wrong.place)
        );
    END IF;
END
$$;
COMMENT ON FUNCTION s3vl.check_put IS 'Internal: refuses what put_vectors cannot write, before anything is written';

CREATE OR REPLACE FUNCTION s3vl.begin_write(caller text, target s3vl.index_registry) RETURNS json
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    scope constant json := s3vl.tenant_scope(caller, target);
    lock_key constant bigint := hashtextextended('s3vl write ' || target.index_arn, 0);
BEGIN
    IF current_setting('transaction_read_only')::boolean THEN
        RAISE EXCEPTION USING
            ERRCODE = 'read_only_sql_transaction',
            MESSAGE = format('%s: the transaction is read-only', caller),
            HINT = CASE WHEN pg_is_in_recovery() THEN 'This is a replica: connect to the writer.' ELSE 'SET TRANSACTION READ WRITE.' END;
    END IF;
    -- Between the look whether a key is another tenant's and the write, nobody else may take the key: the service has no
    -- conditional write. It covers writers through this database, to the end of their transactions; not those who write with
    -- an SDK, and not a call that Lambda carries on with after its statement was cancelled.
    BEGIN
        IF scope IS NOT NULL THEN
            PERFORM pg_advisory_xact_lock(lock_key);
        ELSIF target.tenant_key IS NOT NULL THEN
            PERFORM pg_advisory_xact_lock_shared(lock_key);
        END IF;
    EXCEPTION
        WHEN lock_not_available THEN
            RAISE EXCEPTION USING
                ERRCODE = 'lock_not_available',
                MESSAGE = format('%s: another session is writing to the index %L; lock_timeout was over', caller, target.index_name),
                DETAIL = 'Nothing was written. Writers of an index with a tenant key wait for each other, to the end of their transactions.',
                HINT = 'Try again, or raise lock_timeout; keep transactions that write short.';
    END;
    -- Before the write and again after it: whatever a reader caches meanwhile has a number that ends with the write.
    PERFORM s3vl.advance_epoch(target.index_name);
    RETURN scope;
END
$$;
COMMENT ON FUNCTION s3vl.begin_write IS 'Internal: the lock and the cache''s epoch before a write; the caller''s scope';

CREATE OR REPLACE FUNCTION s3vl.write_slice(
    caller text, operation text, index_arn text, scope json, items text[],
    OUT done integer, OUT state text, OUT message text, OUT detail text, OUT hint text
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_put constant boolean := operation = 'put_vectors';
    result json;
    answer record;
    failure record;
BEGIN
    done := 0;
    WHILE done < cardinality(items) LOOP
        result := s3vl.invoke(caller, operation, json_build_object(
            'index_arn', index_arn,
            CASE WHEN is_put THEN 'vectors' ELSE 'keys' END, ('[' || array_to_string(items[done + 1 :], ',') || ']')::json,
            'scope', scope
        ));
        BEGIN
            SELECT coalesce(r.written, r.deleted)::s3vl.wire_count AS done, r.error INTO answer
            FROM json_to_record(result) AS r(written integer, deleted integer, error json);
            SELECT r.* INTO failure
            FROM json_to_record(CASE WHEN json_typeof(answer.error) = 'object' THEN answer.error ELSE '{}' END)
                AS r(code text, message text, request_id text, function_request_id text);
        EXCEPTION
            WHEN data_exception OR integrity_constraint_violation THEN
                PERFORM s3vl.raise_foreign(caller, 'it does not say how many it has done');
        END;
        -- Fewer than all without an error, or an error without a code, is no answer.
        IF answer.done NOT BETWEEN 0 AND cardinality(items) - done
            OR (failure.code IS NULL) <> (answer.done = cardinality(items) - done)
        THEN
            PERFORM s3vl.raise_foreign(caller, 'it does not say how many it has done');
        END IF;
        done := done + answer.done;
        -- Out of time after some of them: go on, as a read goes on with its next page.
        IF failure.code IS NOT NULL AND NOT (failure.code = 'DeadlineExceeded' AND answer.done > 0) THEN
            PERFORM s3vl.raise_refusal(
                caller, failure.code, failure.message, failure.request_id, failure.function_request_id
            );
        END IF;
    END LOOP;
EXCEPTION
    -- Not a cancelled statement: WHEN OTHERS leaves that out. `done` keeps its value.
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS
            state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END
$$;
COMMENT ON FUNCTION s3vl.write_slice IS
    'Internal: one request of a write; how many leading items are done, and what it failed with, if it did';

CREATE OR REPLACE FUNCTION s3vl.placed(message text, done integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- The function counts the vectors of its request from 0; the caller's arrays begin with 1, and some may be written already.
    place constant text := (substring(message FROM '[[:<:]]vectors[[]([0-9]{1,5})[]]')::integer + done + 1)::text;
BEGIN
    IF place IS NULL THEN
        RETURN message;
    END IF;
    message := regexp_replace(message, '[[:<:]]vectors[[][0-9]+[]][.]metadata', format('metadata[%s]', place));
    message := regexp_replace(message, '[[:<:]]vectors[[][0-9]+[]][.]data', format('embeddings[%s]', place));
    RETURN regexp_replace(message, '[[:<:]]vectors[[][0-9]+[]]([.]key)?', format('vector_ids[%s]', place));
END
$$;
COMMENT ON FUNCTION s3vl.placed IS 'Internal: a message of the function with the positions that the caller knows';

CREATE OR REPLACE FUNCTION s3vl.refused_key(message text, vector_ids text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    place constant integer := substring(message FROM '[[:<:]](?:vector_ids|embeddings|metadata)[[]([0-9]{1,9})[]]');
BEGIN
    RETURN 'The refused key is ' || quote_literal(left((vector_ids[:])[place], 1024)) || '.';
END
$$;
COMMENT ON FUNCTION s3vl.refused_key IS 'Internal: the key at the position that a message names, for DETAIL; NULL when it names none';
GRANT EXECUTE ON FUNCTION s3vl.refused_key TO vectordb_writer, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.write_items(
    caller text, operation text, target s3vl.index_registry, scope json, vector_ids text[], embeddings public.vector[],
    metadata jsonb[]
) RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- Lambda takes 6 MB; the envelope, and what JSON adds when the payload is packed once more, have the rest.
    most_bytes constant integer := 4500000;
    -- PutVectors and DeleteVectors take 500 at once, so a slice is whole hundreds of those; as many as the function has time for.
    chunk constant integer := 500;
    most_items constant integer := 8 * chunk;
    is_put constant boolean := operation = 'put_vectors';
    total constant integer := cardinality(vector_ids);
    done integer := 0;
    items text[] := '{}';
    bytes integer := 0;
    sent integer;
    item record;
    slice record;
BEGIN
    FOR item IN
        SELECT j.text, octet_length(j.text) + 1 AS bytes, u.place = total AS is_last
        FROM unnest(vector_ids, embeddings, metadata) WITH ORDINALITY AS u(key, embedding, metadata, place),
            LATERAL (
                SELECT CASE
                    WHEN is_put THEN json_build_object('key', u.key, 'data', s3vl.base64(u.embedding), 'metadata', u.metadata)
                    ELSE to_json(u.key)
                END::text
            ) AS j(text)
        ORDER BY u.place
    LOOP
        IF bytes + item.bytes > most_bytes AND bytes > 0 THEN
            sent := greatest(cardinality(items) / chunk * chunk, least(cardinality(items), chunk));
            slice := s3vl.write_slice(caller, operation, target.index_arn, scope, items[: sent]);
            done := done + slice.done;
            EXIT WHEN slice.state IS NOT NULL;
            items := items[sent + 1 :];
            bytes := coalesce(octet_length(array_to_string(items, ',')), 0);
        END IF;
        items := array_append(items, item.text);
        bytes := bytes + item.bytes;
        IF item.is_last OR cardinality(items) = most_items THEN
            slice := s3vl.write_slice(caller, operation, target.index_arn, scope, items);
            done := done + slice.done;
            EXIT WHEN slice.state IS NOT NULL;
            items := '{}';
            bytes := 0;
        END IF;
    END LOOP;
    PERFORM s3vl.advance_epoch(target.index_name);
    slice.message := s3vl.placed(slice.message, done);
    slice.detail := concat_ws(' ', s3vl.refused_key(slice.message, vector_ids), nullif(slice.detail, ''));
    IF done = 0 AND slice.state IN ('22004', '22023', '42501', '42704', '55000') THEN
        -- Refused before the first vector: nothing was written, and calling it again changes nothing.
        RAISE EXCEPTION USING
            ERRCODE = slice.state, MESSAGE = slice.message, DETAIL = slice.detail, HINT = slice.hint;
    ELSIF done < total THEN
        PERFORM s3vl.raise_partial(
            caller, CASE WHEN is_put THEN 'written' ELSE 'deleted' END, done, total, (vector_ids[:])[1], (vector_ids[:])[done],
            slice.state, slice.message, slice.detail, slice.hint
        );
    END IF;
    RETURN done;
EXCEPTION
    -- What was written before the statement was cancelled must not stay hidden behind a cache.
    WHEN query_canceled OR OTHERS THEN
        PERFORM s3vl.advance_epoch(target.index_name);
        RAISE;
END
$$;
COMMENT ON FUNCTION s3vl.write_items IS 'Internal: puts or deletes in slices; how many, or an error that says how many';

CREATE OR REPLACE FUNCTION s3vl.put_vectors(
    vector_ids text[], embeddings public.vector[], metadata jsonb[] DEFAULT NULL, index_name text DEFAULT NULL,
    index_arn text DEFAULT NULL
) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER COST 1000000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 's3vl.put_vectors';
    target s3vl.index_registry;
BEGIN
    IF vector_ids IS NULL OR embeddings IS NULL THEN
        PERFORM s3vl.raise_null(caller, CASE WHEN vector_ids IS NULL THEN 'vector_ids' ELSE 'embeddings' END);
    END IF;
    target := s3vl.opened_index(caller, index_name, index_arn, 'write');
    PERFORM s3vl.check_put(caller, vector_ids, embeddings, metadata, target);
    IF cardinality(vector_ids) = 0 THEN
        RETURN 0;
    END IF;
    RETURN s3vl.write_items(
        caller, 'put_vectors', target, s3vl.begin_write(caller, target), vector_ids, embeddings, metadata
    );
END
$$;
COMMENT ON FUNCTION s3vl.put_vectors(text[], public.vector[], jsonb[], text, text) IS
    'Writes vectors into a registered index by their keys, replacing those that are there; how many. No part of the transaction; '
    'safe to repeat';
GRANT EXECUTE ON FUNCTION s3vl.put_vectors(text[], public.vector[], jsonb[], text, text) TO vectordb_writer, vectordb_worker;

-- The other forms run with the caller's rights and cost nothing.

CREATE OR REPLACE FUNCTION s3vl.put_vectors(
    vector_ids text[], embeddings public.halfvec[], metadata jsonb[] DEFAULT NULL, index_name text DEFAULT NULL,
    index_arn text DEFAULT NULL
) RETURNS integer
LANGUAGE sql COST 1000000
AS $$ SELECT s3vl.put_vectors(vector_ids, embeddings::public.vector[], metadata, index_name, index_arn) $$;
COMMENT ON FUNCTION s3vl.put_vectors(text[], public.halfvec[], jsonb[], text, text) IS 's3vl.put_vectors for halfvec[]';
GRANT EXECUTE ON FUNCTION s3vl.put_vectors(text[], public.halfvec[], jsonb[], text, text) TO vectordb_writer, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.put_vectors(
    vector_ids text[], embeddings float8[], metadata jsonb[] DEFAULT NULL, index_name text DEFAULT NULL,
    index_arn text DEFAULT NULL
) RETURNS integer
LANGUAGE sql COST 1000000
AS $$
    SELECT s3vl.put_vectors(
        vector_ids,
        CASE WHEN embeddings IS NOT NULL THEN s3vl.vector_array('s3vl.put_vectors', 'embeddings', embeddings) END,
        metadata, index_name, index_arn
    )
$$;
COMMENT ON FUNCTION s3vl.put_vectors(text[], float8[], jsonb[], text, text) IS
    's3vl.put_vectors for a two-dimensional array of numbers, a row for each key; they are rounded to 32-bit floats';
GRANT EXECUTE ON FUNCTION s3vl.put_vectors(text[], float8[], jsonb[], text, text) TO vectordb_writer, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.put_vectors(
    vector_ids text[], embeddings text, metadata jsonb[] DEFAULT NULL, index_name text DEFAULT NULL,
    index_arn text DEFAULT NULL
) RETURNS integer
LANGUAGE sql COST 1000000
AS $$
    SELECT s3vl.put_vectors(
        vector_ids,
        CASE
            WHEN embeddings = '{}' THEN '{}'::public.vector[]
            WHEN embeddings IS NOT NULL THEN s3vl.vector_array('s3vl.put_vectors', 'embeddings', embeddings)
        END,
        metadata, index_name, index_arn
    )
$$;
COMMENT ON FUNCTION s3vl.put_vectors(text[], text, jsonb[], text, text) IS
    's3vl.put_vectors for text: {"[0.1,0.2]"} as an array of vectors is written, or {{0.1,0.2}} as one of numbers';
GRANT EXECUTE ON FUNCTION s3vl.put_vectors(text[], text, jsonb[], text, text) TO vectordb_writer, vectordb_worker;
