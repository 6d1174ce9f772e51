-- s3vl.copy_to_index: the result of a query into an index, however large.
--
-- CALL s3vl.copy_to_index($$ SELECT id, embedding, jsonb_build_object('kind', kind) FROM stdlib.entries $$, 'stdlib', 'stdlib');
--
-- query        one SELECT, without a semicolon in the middle. Its columns, by position: the key (text, an integer or uuid), the
--              embedding (vector, halfvec or an array of numbers), and if wanted the metadata (jsonb or json)
-- index_name   a registered index that the session may write
-- job          a name of the caller's choice, each role's own. With it the copy can be resumed: when it was cut short, the same
--              call goes on after the last key that was written. NULL: nothing is remembered
-- batch_size   how many vectors are written between two commits, 1 to 10,000
-- restart      a job of that name begins anew, with this query
--
-- The query runs with the caller's rights, in the order of its keys, and again for each 50,000 rows or so, from the last key on.
-- Each batch is committed together with the progress; after a crash at most one batch is written twice, with the same content.
-- Rows that come or change while it runs may or may not be among those that are copied. What is in the index under other keys
-- stays. Not inside a transaction block.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION s3vl.begin_copy(
    query text, index_name text, job text, batch_size integer, restart boolean,
    OUT resume_after text, OUT vectors bigint, OUT finished_at timestamptz
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 's3vl.copy_to_index';
    login constant name := s3vl.login();
    digest text;
    target s3vl.index_registry;
    known s3vl.copies;
BEGIN
    IF query IS NULL OR index_name IS NULL OR batch_size IS NULL OR restart IS NULL THEN
        PERFORM s3vl.raise_null(caller, CASE
            WHEN query IS NULL THEN 'query'
            WHEN index_name IS NULL THEN 'index_name'
            WHEN batch_size IS NULL THEN 'batch_size'
            ELSE 'restart'
        END);
    ELSIF batch_size NOT BETWEEN 1 AND 10000 THEN
        PERFORM s3vl.raise_invalid(caller, format('batch_size must be from 1 to 10000, not %s', batch_size));
    ELSIF length(job) NOT BETWEEN 1 AND 200 THEN
        PERFORM s3vl.raise_invalid(caller, format('job must have 1 to 200 characters, not %s', length(job)));
    END IF;
    target := s3vl.opened_index(caller, index_name, NULL, 'write');
    -- The tenants belong to it: what was copied for one of them is not there for another.
    digest := encode(sha256(convert_to(concat(query, s3vl.tenant_scope(caller, target)), 'UTF8')), 'hex');
    vectors := 0;
    IF job IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO s3vl.copies AS c (role_name, job, index_name, index_arn, query_digest)
    VALUES (login, begin_copy.job, target.index_name, target.index_arn, digest)
    ON CONFLICT ON CONSTRAINT copies_pkey DO UPDATE SET
        index_name = excluded.index_name,
        index_arn = excluded.index_arn,
        query_digest = excluded.query_digest,
        last_key = NULL,
        vectors = 0,
        started_at = clock_timestamp(),
        updated_at = clock_timestamp(),
        finished_at = NULL
    WHERE restart;
    SELECT c.* INTO known FROM s3vl.copies AS c WHERE c.role_name = login AND c.job = begin_copy.job;
    IF known.query_digest <> digest OR known.index_arn <> target.index_arn THEN
        PERFORM s3vl.raise_invalid(
            caller,
            format(
                'the job %L was begun with another %s', job,
                CASE WHEN known.index_arn <> target.index_arn THEN 'index' ELSE 'query, or for other tenants' END
            ),
            'Give this copy another job name, or begin that job anew with restart => true.'
        );
    END IF;
    resume_after := known.last_key;
    vectors := known.vectors;
    finished_at := known.finished_at;
END
$$;
COMMENT ON FUNCTION s3vl.begin_copy IS 'Internal: checks the arguments of copy_to_index and says where the job goes on';
GRANT EXECUTE ON FUNCTION s3vl.begin_copy TO vectordb_writer, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.advance_copy(job text, after text, last_key text, vectors integer, finished boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    login constant name := s3vl.login();
BEGIN
    -- Each session moves only its own user's jobs, and a job only from where it stands: of two sessions that run one job, the
    -- second to finish a batch ends here.
    UPDATE s3vl.copies AS c
    SET last_key = coalesce(advance_copy.last_key, c.last_key),
        vectors = c.vectors + advance_copy.vectors,
        updated_at = clock_timestamp(),
        finished_at = CASE WHEN finished THEN clock_timestamp() END
    WHERE c.role_name = login AND c.job = advance_copy.job AND c.last_key IS NOT DISTINCT FROM after
        AND c.finished_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_in_use',
            MESSAGE = format('s3vl.copy_to_index: the job %L was moved on by another session', job),
            HINT = 'Let one session run it; s3vl.list_copies() shows how far it is.';
    END IF;
END
$$;
COMMENT ON FUNCTION s3vl.advance_copy IS 'Internal: how far a job of copy_to_index is';
GRANT EXECUTE ON FUNCTION s3vl.advance_copy TO vectordb_writer, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.list_copies() RETURNS TABLE (
    job text, index_name text, vectors bigint, last_key text, started_at timestamptz, updated_at timestamptz, finished_at timestamptz
)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.job, c.index_name, c.vectors, c.last_key, c.started_at, c.updated_at, c.finished_at
    FROM s3vl.copies AS c
    WHERE c.role_name = (SELECT s3vl.login())
    ORDER BY c.updated_at DESC, c.job
$$;
COMMENT ON FUNCTION s3vl.list_copies IS 'The session user''s named jobs of copy_to_index, the latest first; finished_at is NULL until the end';
GRANT EXECUTE ON FUNCTION s3vl.list_copies TO vectordb_writer, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.copied_vector(key text, embedding float8[]) RETURNS public.vector
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN embedding::public.vector;
EXCEPTION
    WHEN data_exception OR program_limit_exceeded THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('s3vl.copy_to_index: the embedding of the key %L is no vector: %s', key, SQLERRM);
END
$$;
COMMENT ON FUNCTION s3vl.copied_vector IS 'Internal: an array of numbers as a vector, or an error that names the row';
GRANT EXECUTE ON FUNCTION s3vl.copied_vector TO vectordb_writer, vectordb_worker;

-- From here on with the caller's rights and search path: the query is the caller's.

CREATE OR REPLACE FUNCTION s3vl.copy_source(query text) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    caller constant text := 's3vl.copy_to_index';
    columns constant pg_catalog.regtype[] := coalesce(
        s3vl.column_types(caller, 'query', query, 3), s3vl.column_types(caller, 'query', query, 2)
    );
    key constant pg_catalog.regtype := columns[1];
    embedding constant pg_catalog.regtype := columns[2];
    metadata constant pg_catalog.regtype := columns[3];
    problem text;
BEGIN
    IF columns IS NULL OR s3vl.column_types(caller, 'query', query, 4) IS NOT NULL THEN
        problem := pg_catalog.format('query must have two or three columns, not %s', CASE WHEN columns IS NULL THEN 'one' ELSE 'more' END);
    ELSIF key <> ALL ('{text,varchar,smallint,integer,bigint,uuid}'::pg_catalog.regtype[]) THEN
        problem := pg_catalog.format('the first column of query, the key, is %s; cast it to text', key);
    ELSIF embedding <> ALL (
        '{public.vector,public.halfvec,real[],"double precision[]",numeric[],bigint[],integer[],smallint[]}'::pg_catalog.regtype[]
    ) THEN
        problem := pg_catalog.format(
            'the second column of query, the embedding, is %s; it must be vector, halfvec or an array of numbers', embedding
        );
    ELSIF metadata <> ALL ('{jsonb,json}'::pg_catalog.regtype[]) THEN
        problem := pg_catalog.format('the third column of query, the metadata, is %s; it must be jsonb', metadata);
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = pg_catalog.format('%s: %s', caller, problem),
            HINT = 'By position: the key, the embedding and, if wanted, the metadata as a JSON object.';
    END IF;
    RETURN pg_catalog.format(
        E'SELECT q.key::pg_catalog.text COLLATE "C" AS key, %s AS embedding, %s AS metadata FROM (%s\n) AS q(key, embedding%s)',
        CASE
            WHEN embedding = ANY ('{public.vector,public.halfvec}'::pg_catalog.regtype[]) THEN 'q.embedding::public.vector'
            ELSE 's3vl.copied_vector(q.key::pg_catalog.text, q.embedding::pg_catalog.float8[])'
        END,
        CASE WHEN metadata IS NULL THEN 'NULL::pg_catalog.jsonb' ELSE 'q.metadata::pg_catalog.jsonb' END,
        query,
        CASE WHEN metadata IS NOT NULL THEN ', metadata' ELSE '' END
    );
END
$$;
COMMENT ON FUNCTION s3vl.copy_source IS 'Internal: the query of copy_to_index as key text, embedding vector, metadata jsonb';
GRANT EXECUTE ON FUNCTION s3vl.copy_source TO vectordb_writer, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.check_copied(keys text[], embeddings public.vector[], previous text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    repeated text;
    problem text;
BEGIN
    IF array_position(keys, NULL) IS NOT NULL THEN
        problem := 'the query gives a key that is NULL';
    ELSIF array_position(embeddings, NULL) IS NOT NULL THEN
        problem := format('the embedding of the key %L is NULL', keys[array_position(embeddings, NULL)]);
    ELSE
        SELECT k.key INTO repeated
        FROM unnest(array_prepend(previous, keys)) AS k(key) GROUP BY k.key HAVING count(*) > 1 LIMIT 1;
        IF repeated IS NOT NULL THEN
            problem := format('the query gives the key %L more than once', repeated);
        END IF;
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('s3vl.copy_to_index: %s', problem),
            DETAIL = CASE
                WHEN previous IS NULL THEN 'Nothing comes before it in the order of the keys.'
                ELSE format('What comes before it in the order of the keys is in the index, up to %L.', previous)
            END,
            HINT = 'Leave such rows out in the query, by WHERE or DISTINCT ON.';
    END IF;
END
$$;
COMMENT ON FUNCTION s3vl.check_copied IS 'Internal: refuses a batch with a key that is NULL or there twice, or without an embedding';
GRANT EXECUTE ON FUNCTION s3vl.check_copied TO vectordb_writer, vectordb_worker;

CREATE OR REPLACE FUNCTION s3vl.raise_copied(
    state text, message text, detail text, hint text, keys text[], previous text
) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- It counts in the batch, which the caller has never seen.
    refused constant text := s3vl.refused_key(message, keys);
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = state,
        MESSAGE = message,
        DETAIL = concat_ws(
            ' ',
            refused,
            CASE
                WHEN previous IS NULL THEN 'This is the first batch.'
                ELSE format('What comes before this batch is in the index, up to %L.', previous)
            END,
            CASE WHEN starts_with(detail, refused) THEN nullif(substr(detail, length(refused) + 2), '') ELSE nullif(detail, '') END
        ),
        HINT = CASE
            WHEN hint <> '' THEN hint
            WHEN refused IS NOT NULL THEN 'Leave such rows out in the query, or correct them.'
            ELSE 'The same call again is safe; a job with a name goes on where it was cut short.'
        END;
END
$$;
COMMENT ON FUNCTION s3vl.raise_copied IS 'Internal: raises what put_vectors ended a batch with, how far the copy came, and the key of the row';
GRANT EXECUTE ON FUNCTION s3vl.raise_copied TO vectordb_writer, vectordb_worker;

CREATE OR REPLACE PROCEDURE s3vl.copy_to_index(
    query text, index_name text, job text DEFAULT NULL, batch_size integer DEFAULT 500, restart boolean DEFAULT false
)
LANGUAGE plpgsql
AS $$
DECLARE
    -- What a COMMIT keeps of the query's result lies in a temporary file, so it is a part of it.
    window_batches constant integer := pg_catalog.ceil(50000.0 / greatest(batch_size, 1));
    started constant timestamptz := pg_catalog.clock_timestamp();
    told timestamptz := started;
    progress record;
    statement text;
    last_key text;
    vectors bigint := 0;
    batch record;
    in_window integer;
    state text;
    message text;
    detail text;
    hint text;
BEGIN
    -- First of all: where a COMMIT is impossible, nothing may be written. Of its two reasons the transaction block is told
    -- first, and it alone can be cured by the caller; the other is the handler's own, here.
    BEGIN
        COMMIT;
    EXCEPTION
        WHEN invalid_transaction_termination THEN
            IF SQLERRM = 'invalid transaction termination' THEN
                RAISE EXCEPTION USING
                    ERRCODE = 'active_sql_transaction',
                    MESSAGE = 's3vl.copy_to_index cannot run inside a transaction block or a function, because it commits each batch',
                    HINT = 'CALL it by itself, without BEGIN; in psycopg and other drivers, on a connection in autocommit mode.';
            END IF;
    END;
    query := pg_catalog.rtrim(query, E' \t\r\n;');
    progress := s3vl.begin_copy(query, index_name, job, batch_size, restart);
    IF progress.finished_at IS NOT NULL THEN
        RAISE NOTICE USING
            MESSAGE = pg_catalog.format('the job %L was finished at %s: %s vectors', job, progress.finished_at, progress.vectors),
            HINT = 'To copy again, CALL it with restart => true.';
        RETURN;
    ELSIF progress.resume_after IS NOT NULL THEN
        RAISE NOTICE 'the job % goes on after the key %: % vectors are there',
            pg_catalog.quote_literal(job), pg_catalog.quote_literal(progress.resume_after), progress.vectors;
    END IF;
    IF pg_catalog.current_setting('statement_timeout') <> '0' THEN
        RAISE NOTICE USING
            MESSAGE = pg_catalog.format('statement_timeout is %s, for all of the copy', pg_catalog.current_setting('statement_timeout')),
            HINT = 'SET statement_timeout = 0 for a long one. A job with a name goes on where it was cut short.';
    END IF;
    last_key := progress.resume_after;
    -- Values, not parameters: a $1 in the query is an error, and not one of these.
    statement := s3vl.copy_source(query);
    COMMIT;

    LOOP
        in_window := 0;
        FOR batch IN EXECUTE pg_catalog.format(
            'SELECT pg_catalog.array_agg(n.key ORDER BY n.place) AS keys, pg_catalog.array_agg(n.embedding ORDER BY n.place) AS embeddings, '
            'pg_catalog.array_agg(n.metadata ORDER BY n.place) AS metadata FROM ('
            'SELECT w.*, pg_catalog.row_number() OVER (ORDER BY w.key NULLS FIRST) - 1 AS place FROM ('
            'SELECT s.* FROM (%s) AS s WHERE %s ORDER BY s.key NULLS FIRST LIMIT %s) AS w) AS n '
            'GROUP BY n.place / %s ORDER BY n.place / %s',
            statement,
            CASE WHEN last_key IS NULL THEN 'true' ELSE pg_catalog.format('(s.key > %L OR s.key IS NULL)', last_key) END,
            window_batches * batch_size + 1, batch_size, batch_size
        ) LOOP
            PERFORM s3vl.check_copied(batch.keys, batch.embeddings, last_key);
            in_window := in_window + 1;
            EXIT WHEN in_window > window_batches;  -- the one row that shows that there are more, and is no duplicate
            BEGIN
                PERFORM s3vl.put_vectors(batch.keys, batch.embeddings, batch.metadata, index_name);
            EXCEPTION
                WHEN OTHERS THEN
                    GET STACKED DIAGNOSTICS
                        state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
                    PERFORM s3vl.raise_copied(state, message, detail, hint, batch.keys, last_key);
            END;
            IF job IS NOT NULL THEN
                PERFORM s3vl.advance_copy(
                    job, last_key, batch.keys[pg_catalog.cardinality(batch.keys)], pg_catalog.cardinality(batch.keys), false
                );
            END IF;
            COMMIT;
            last_key := batch.keys[pg_catalog.cardinality(batch.keys)];
            vectors := vectors + pg_catalog.cardinality(batch.keys);
            IF pg_catalog.clock_timestamp() > told + interval '2 seconds' THEN
                told := pg_catalog.clock_timestamp();
                RAISE NOTICE '% vectors copied (% a second), up to the key %', vectors,
                    pg_catalog.round(vectors / pg_catalog.extract('epoch', told - started)), pg_catalog.quote_literal(last_key);
            END IF;
        END LOOP;
        EXIT WHEN in_window <= window_batches;
    END LOOP;

    IF job IS NOT NULL THEN
        PERFORM s3vl.advance_copy(job, last_key, NULL, 0, true);
        COMMIT;
    END IF;
    RAISE NOTICE 'done: % vectors copied in % s (% a second)', vectors,
        pg_catalog.round(pg_catalog.extract('epoch', pg_catalog.clock_timestamp() - started), 1),
        pg_catalog.round(vectors / pg_catalog.extract('epoch', pg_catalog.clock_timestamp() - started));
END
$$;
COMMENT ON PROCEDURE s3vl.copy_to_index IS
    'Copies the result of a query (key, embedding, metadata) into a registered index, committing each batch; with a job name it goes '
    'on where it was cut short';
GRANT EXECUTE ON PROCEDURE s3vl.copy_to_index TO vectordb_writer, vectordb_worker;
