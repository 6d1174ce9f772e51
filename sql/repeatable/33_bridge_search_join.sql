-- s3vl.search_join: the nearest vectors of an index among those that a query in the database keeps.
--
-- SELECT * FROM s3vl.search_join(
--     $1, 'stdlib', keep => 'SELECT id FROM stdlib.entries WHERE id = ANY ($1::bigint[]) AND length(doc) > 400');
--
-- query_vector      a vector
-- index_name        a registered index
-- keep              one SELECT; $1 is a text[] of candidates' keys, nearest first. Its first column gives the keys that stay;
--                   keys that were no candidates change nothing. It runs with the caller's rights, once for each page
-- k                 how many to find, 1 to 10,000
-- metadata_filter   as of s3vl.query_vectors. What the index can filter belongs here: it costs no candidates
-- candidates        how many to look at first; NULL: four times k. Rounded up to hundreds, the service's pages
-- most              how many to look at altogether, up to 10,000, which is all that the service ranks
-- return_metadata   false saves bytes where metadata are large
--
-- Candidates come page after page, larger or smaller by how many survived so far, until k have survived or the index has no
-- more. Fewer than k rows without a warning are all there are; where `most` ended the search, a WARNING says so.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION s3vl.page_mac(bound json, token text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Nested, so that nothing can be appended to what was signed.
    SELECT encode(sha256(k.secret || sha256(k.secret || convert_to(bound::text || token, 'UTF8'))), 'hex') FROM s3vl.page_key AS k
$$;
COMMENT ON FUNCTION s3vl.page_mac IS 'Internal: the signature of a page''s token and the query that it belongs to';

CREATE OR REPLACE FUNCTION s3vl.target_page(
    caller text, target s3vl.index_registry, scope json, query_vector public.vector, top_k integer, page_size integer, received integer,
    next_token text, metadata_filter jsonb, return_metadata boolean
) RETURNS TABLE (keys text[], distances float8[], scores float8[], metadata json[], following text)
LANGUAGE plpgsql STABLE ROWS 1 COST 1000000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bound json;
    token text;
    result json;
    answer record;
BEGIN
    IF query_vector IS NULL OR top_k IS NULL OR page_size IS NULL OR received IS NULL OR return_metadata IS NULL THEN
        PERFORM s3vl.raise_null(caller, CASE WHEN query_vector IS NULL THEN 'query_vector' ELSE 'each number and flag' END);
    ELSIF top_k NOT BETWEEN 1 AND 10000 OR page_size NOT BETWEEN 1 AND 10000 OR received NOT BETWEEN 0 AND top_k - 1
        OR (received = 0) <> (next_token IS NULL)
    THEN
        PERFORM s3vl.raise_invalid(caller, 'that is no page of a query');
    END IF;
    PERFORM s3vl.check_search(caller, top_k, return_metadata, metadata_filter, NULL);
    PERFORM s3vl.checked_vectors(caller, 'query_vector', ARRAY[query_vector], target);
    -- A token is good for the session user, the tenants and the query that it was given for, and for no other.
    bound := json_build_array(
        s3vl.login(), target.index_arn, s3vl.base64(query_vector), top_k, metadata_filter, return_metadata, scope
    );
    IF next_token IS NOT NULL THEN
        token := substr(next_token, 66);
        IF next_token IS DISTINCT FROM s3vl.page_mac(bound, token) || ':' || token THEN
            PERFORM s3vl.raise_invalid(caller, 'next_token was not given for this query');
        END IF;
    END IF;
    result := s3vl.invoke(caller, 'query_vectors', json_build_object(
        'index_arn', target.index_arn,
        'query_vector', s3vl.base64(query_vector),
        'query_texts', NULL,
        'top_k', top_k,
        'limit', page_size,
        'received', received,
        'next_token', token,
        'return_metadata', return_metadata,
        'metadata_filter', metadata_filter,
        'query_mode', NULL,
        'scope', scope,
        'epoch', s3vl.write_epoch(target)
    ));
    BEGIN
        SELECT r.* INTO answer FROM json_to_record(result) AS r(metric text, vectors json, next_token text);
        IF answer.metric IS NULL OR answer.vectors IS NULL THEN
            PERFORM s3vl.raise_foreign(caller, 'it has no vectors');
        END IF;
        SELECT coalesce(array_agg(v.key::text), '{}'), coalesce(array_agg(v.distance::float8), '{}'),
            coalesce(array_agg(CASE answer.metric WHEN 'cosine' THEN 1 - v.distance END), '{}'),
            coalesce(array_agg(v.metadata::jsonb::json), '{}')
        INTO keys, distances, scores, metadata
        FROM json_to_recordset(answer.vectors)
            AS v(key s3vl.wire_key, distance s3vl.wire_distance, metadata s3vl.wire_metadata);
    EXCEPTION
        WHEN data_exception OR integrity_constraint_violation THEN
            PERFORM s3vl.raise_misshapen(caller, SQLSTATE);
    END;
    IF cardinality(keys) > least(page_size, top_k - received) OR (cardinality(keys) = 0 AND answer.next_token IS NOT NULL) THEN
        PERFORM s3vl.raise_foreign(caller, 'it has not the number of vectors that was agreed');
    END IF;
    following := s3vl.page_mac(bound, answer.next_token) || ':' || answer.next_token;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION s3vl.target_page IS 'Internal: one page of a query of an index that the caller may read, of the vectors of a scope';

CREATE OR REPLACE FUNCTION s3vl.query_page(
    query_vector public.vector, index_name text, top_k integer, page_size integer, received integer, next_token text,
    metadata_filter jsonb, return_metadata boolean
) RETURNS TABLE (keys text[], distances float8[], scores float8[], metadata json[], following text)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 COST 1000000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 's3vl.search_join';
    target constant s3vl.index_registry := s3vl.opened_index(caller, index_name, NULL, 'read');
BEGIN
    RETURN QUERY
    SELECT p.* FROM s3vl.target_page(
        caller, target, s3vl.tenant_scope(caller, target), query_vector, top_k, page_size, received, next_token, metadata_filter, return_metadata
    ) AS p;
END
$$;
COMMENT ON FUNCTION s3vl.query_page IS 'Internal: one page of a query for s3vl.search_join, with every check of s3vl.query_vectors';
GRANT EXECUTE ON FUNCTION s3vl.query_page TO vectordb_reader, vectordb_worker;

-- With the caller's rights and search path: `keep` is the caller's.
CREATE OR REPLACE FUNCTION s3vl.search_join(
    query_vector public.vector, index_name text, keep text, k integer DEFAULT 10, metadata_filter jsonb DEFAULT NULL,
    candidates integer DEFAULT NULL, most integer DEFAULT 10000, return_metadata boolean DEFAULT true
) RETURNS TABLE (rank integer, vector_id text, distance float8, similarity_score float8, metadata jsonb)
LANGUAGE plpgsql STABLE ROWS 10 COST 1000000
AS $$
DECLARE
    caller constant text := 's3vl.search_join';
    page_of_service constant integer := 100;
    largest_page constant integer := 2000;
    page record;
    token text;
    kept record;
    kept_statement text;
    page_size integer;
    page_rows integer;
    received integer := 0;
    found_rows integer := 0;
    problem text;
BEGIN
    IF query_vector IS NULL OR index_name IS NULL OR keep IS NULL OR k IS NULL OR most IS NULL OR return_metadata IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'null_value_not_allowed',
            MESSAGE = pg_catalog.format('%s: %s must not be NULL', caller, CASE
                WHEN query_vector IS NULL THEN 'query_vector'
                WHEN index_name IS NULL THEN 'index_name'
                WHEN keep IS NULL THEN 'keep'
                WHEN k IS NULL THEN 'k'
                WHEN most IS NULL THEN 'most'
                ELSE 'return_metadata'
            END);
    ELSIF k NOT BETWEEN 1 AND 10000 THEN
        problem := pg_catalog.format('k must be from 1 to 10000, not %s', k);
    ELSIF most NOT BETWEEN k AND 10000 THEN
        problem := pg_catalog.format('most must be from k, which is %s, to 10000, not %s', k, most);
    ELSIF candidates < 1 THEN
        problem := pg_catalog.format('candidates must be at least 1, not %s', candidates);
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = pg_catalog.format('%s: %s', caller, problem);
    END IF;
    -- A mistake in it is told before anything is asked.
    keep := pg_catalog.rtrim(keep, E' \t\r\n;');
    PERFORM s3vl.column_types(caller, 'keep', keep, 1, true);
    kept_statement := pg_catalog.format(
        E'SELECT pg_catalog.array_agg(kept.key::pg_catalog.text) AS keys FROM (%s\n) AS kept(key)', keep
    );
    page_size := least(coalesce(candidates, 4 * k), most);

    LOOP
        -- The service reads a hundred at a time, so less saves nothing.
        page_size := least(
            greatest(pg_catalog.ceil(page_size::pg_catalog.float8 / page_of_service), 1) * page_of_service, largest_page, most - received
        );
        SELECT p.* INTO page
        FROM s3vl.query_page(
            query_vector, index_name, most, page_size, received, token, metadata_filter, return_metadata
        ) AS p;
        FOR kept IN EXECUTE kept_statement USING page.keys LOOP
            RETURN QUERY
            SELECT (found_rows + pg_catalog.row_number() OVER (ORDER BY c.place))::pg_catalog.int4, c.key, c.distance, c.score,
                coalesce(c.metadata::pg_catalog.jsonb, '{}')
            FROM ROWS FROM (
                pg_catalog.unnest(page.keys), pg_catalog.unnest(page.distances), pg_catalog.unnest(page.scores),
                pg_catalog.unnest(page.metadata)
            ) WITH ORDINALITY AS c(key, distance, score, metadata, place)
            WHERE c.key IN (SELECT u.key FROM pg_catalog.unnest(kept.keys) AS u(key))
            ORDER BY c.place
            LIMIT k - found_rows;
            GET DIAGNOSTICS page_rows = ROW_COUNT;
        END LOOP;
        found_rows := found_rows + page_rows;
        received := received + pg_catalog.cardinality(page.keys);
        token := page.following;
        EXIT WHEN found_rows = k OR token IS NULL OR received >= most;
        -- As many as are missing, at the rate so far and a fifth more; where none survived, as if the next one did.
        page_size := least(1.2 * (k - found_rows) * received / greatest(found_rows, 1), most);
    END LOOP;

    IF found_rows < k AND received >= most THEN
        RAISE WARNING USING
            MESSAGE = pg_catalog.format('%s: %s of %s found among the nearest %s, which is the most to look at', caller, found_rows, k, received),
            HINT = CASE
                WHEN most < 10000 THEN 'Raise most, up to 10000, or let metadata_filter leave out what keep would.'
                ELSE 'Let metadata_filter leave out what keep would, or search the rows that keep leaves by pgvector.'
            END;
    END IF;
END
$$;
COMMENT ON FUNCTION s3vl.search_join IS
    'The k nearest vectors of an index whose keys the query `keep` returns; $1 there is a text[] of candidates. Looks at more of them '
    'until k survive';
GRANT EXECUTE ON FUNCTION s3vl.search_join TO vectordb_reader, vectordb_worker;
