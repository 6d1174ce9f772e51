-- The HNSW index of a generation's vectors in PostgreSQL: whether it pays, whether it is there, and making it.
--
-- Below ten thousand vectors all of them are compared faster than anybody notices. Above, an index is built once, when most rows
-- are embedded: before, each row would pay for it as it comes. Whether there is one is asked of the catalog, never remembered: it may
-- be made and dropped by hand.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.index_options(destination jsonb, OUT method text, OUT m integer, OUT ef_construction integer)
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- pgvector's own defaults.
    SELECT coalesce(destination ->> 'index', 'auto'), coalesce((destination ->> 'm')::integer, 16), coalesce((destination ->> 'ef_construction')::integer, 64)
$$;
COMMENT ON FUNCTION embed.index_options IS 'Internal: how a destination in PostgreSQL wants to be indexed';

CREATE OR REPLACE FUNCTION embed.placement(destination jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE destination ->> 'kind' WHEN 's3_vectors' THEN destination ELSE destination - '{index,m,ef_construction}'::text[] END $$;
COMMENT ON FUNCTION embed.placement IS 'Internal: a destination without what can change while it stays where it is';

CREATE OR REPLACE FUNCTION embed.vector_column(v embed.vectorizer, g embed.generation, OUT name text, OUT type text, OUT operators text, OUT operator text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.name, t.type, format('%s_%s_ops', t.type, d.suffix), d.operator
    FROM (SELECT CASE g.destination ->> 'kind' WHEN 'table' THEN 'embedding' ELSE g.destination ->> 'column' END AS name) AS c
    CROSS JOIN LATERAL (
        SELECT CASE g.destination ->> 'kind' WHEN 'table' THEN g.destination ->> 'type' ELSE (
            SELECT t.typname FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid WHERE a.attrelid = v.source AND a.attname = c.name
        ) END AS type
    ) AS t
    JOIN (VALUES ('cosine', 'cosine', '<=>'), ('euclidean', 'l2', '<->'), ('inner_product', 'ip', '<#>')) AS d(distance, suffix, operator)
        ON d.distance = g.destination ->> 'distance'
$$;
COMMENT ON FUNCTION embed.vector_column IS 'Internal: where the vectors are, and the operator class and operator of their distance';

CREATE OR REPLACE FUNCTION embed.index_members(v embed.vectorizer, g embed.generation)
RETURNS TABLE (relation regclass, index_name text, ready boolean, broken text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- A partitioned table's index cannot be made beside its writers; its partitions' can.
    SELECT c.oid::regclass, n.name, coalesce(bool_or(i.indisvalid AND i.indisready), false),
        min(format('%I.%I', s.nspname, x.relname)) FILTER (WHERE NOT i.indisvalid AND x.relname = n.name)
    FROM (SELECT CASE g.destination ->> 'kind' WHEN 'table' THEN to_regclass(embed.chunks_table(v.name, g.number)) ELSE v.source END AS relation) AS t
    JOIN pg_class AS c ON c.relkind = 'r' AND (c.oid = t.relation OR c.oid IN (SELECT p.relid FROM pg_partition_tree(t.relation) AS p))
    CROSS JOIN LATERAL (SELECT format('embed_hnsw_%s_%s%s', v.id, g.number, CASE WHEN c.relispartition THEN format('_%s', c.oid) END) AS name) AS n
    CROSS JOIN embed.vector_column(v, g) AS w
    LEFT JOIN (
        pg_index AS i
        JOIN pg_class AS x ON x.oid = i.indexrelid
        JOIN pg_namespace AS s ON s.oid = x.relnamespace
        JOIN pg_am AS m ON m.oid = x.relam AND m.amname IN ('hnsw', 'ivfflat')
        JOIN pg_opclass AS o ON o.oid = i.indclass[0]
    ) ON i.indrelid = c.oid AND i.indpred IS NULL AND o.opcname = w.operators
        AND i.indkey[0] = (SELECT a.attnum FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = w.name)
    GROUP BY c.oid, n.name
$$;
COMMENT ON FUNCTION embed.index_members IS
    'Internal: the tables that hold a generation''s vectors, whether an index of them serves its searches, and what a building that was broken off has left';

CREATE OR REPLACE FUNCTION embed.rows_about(relation regclass) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rows bigint;
BEGIN
    SELECT c.reltuples / c.relpages * (pg_relation_size(relation) / current_setting('block_size')::integer) INTO rows
    FROM pg_class AS c WHERE c.oid = relation AND c.reltuples > 0 AND c.relpages > 0;
    IF rows IS NULL THEN
        EXECUTE format('SELECT count(*) FROM %s', relation) INTO rows;
    END IF;
    RETURN rows;
END
$$;
COMMENT ON FUNCTION embed.rows_about IS 'Internal: how many rows a table has, by its size and the last ANALYZE';

CREATE OR REPLACE FUNCTION embed.index_building(vectorizer_id integer) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM pg_locks AS l
        WHERE l.locktype = 'advisory' AND l.classid = hashtext('embed.index')::oid AND l.objid = vectorizer_id::oid AND l.objsubid = 2 AND l.granted
            AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
    )
$$;
COMMENT ON FUNCTION embed.index_building IS 'Internal: whether somebody who builds this vectorizer''s index holds the advisory lock that says so';

CREATE OR REPLACE FUNCTION embed.index_state(v embed.vectorizer, g embed.generation, OUT state text, OUT vectors bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    pays constant bigint := 10000;
    wanted constant text := (embed.index_options(g.destination)).method;
    behind bigint;
BEGIN
    IF g.destination ->> 'kind' = 's3_vectors' OR NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = v.source) THEN
        RETURN;
    ELSIF (SELECT coalesce(bool_and(x.ready), false) FROM embed.index_members(v, g) AS x) THEN
        state := 'ready';
    ELSIF g.index_until > clock_timestamp() OR embed.index_building(v.id) THEN
        state := 'building';
    ELSIF wanted = 'none' THEN
        state := 'none';
    ELSIF g.dimension > embed.most_indexed((embed.vector_column(v, g)).type) THEN
        state := 'impossible';
    ELSE
        -- A column has at most one vector for a row.
        vectors := embed.rows_about(CASE g.destination ->> 'kind' WHEN 'table' THEN embed.chunks_table(v.name, g.number) ELSE embed.rows_table(v.name, g.number) END::regclass);
        SELECT count(*) INTO behind FROM (
            SELECT FROM embed.work AS w WHERE w.vectorizer_id = v.id AND w.generation = g.number AND w.operation = 'u'
            UNION ALL SELECT FROM embed.inbox AS i WHERE i.vectorizer_id = v.id
            LIMIT 1 + vectors / 20
        ) AS w;
        state := CASE
            WHEN wanted = 'auto' AND vectors < pays THEN 'none'
            WHEN behind > vectors / 20 OR EXISTS (SELECT FROM embed.backfill AS b WHERE (b.vectorizer_id, b.generation) = (v.id, g.number)) THEN 'filling'
            ELSE 'wanted'
        END;
    END IF;
END
$$;
COMMENT ON FUNCTION embed.index_state IS
    'Internal: none (too few vectors for one, or none asked for), impossible (too many dimensions), filling (when 95 % of the rows are embedded), wanted, building, ready; '
    'NULL where the vectors are not in PostgreSQL';

CREATE OR REPLACE FUNCTION embed.most_indexed(type text) RETURNS integer
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
-- pgvector's README, HNSW.
AS $$ SELECT CASE type WHEN 'halfvec' THEN 4000 ELSE 2000 END $$;
COMMENT ON FUNCTION embed.most_indexed IS 'Internal: the most dimensions that an HNSW index takes';

CREATE OR REPLACE FUNCTION embed.index_need(g embed.generation, vectors bigint, OUT memory_kb bigint, OUT granted_kb bigint, OUT seconds float8)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    options record;
    current_kb constant bigint := pg_size_bytes(current_setting('maintenance_work_mem')) / 1024;
    -- The memory of the machine is not known here; shared_buffers is a quarter of it (RDS) to three quarters (Aurora).
    most_kb constant bigint := least(pg_size_bytes(current_setting('shared_buffers')) / 1024 / 4, 4194304);
BEGIN
    SELECT * INTO options FROM embed.index_options(g.destination);
    memory_kb := vectors * (4 * g.dimension + 24 * options.m + 200) / 1024;
    granted_kb := greatest(current_kb, least(memory_kb * 12 / 10 + 1024, most_kb));
    -- One core: 0.2 ms for a vector and 0.5 µs for each of its numbers, more with more neighbours; five times as much for what does not fit in memory.
    seconds := vectors * (0.0002 + 0.0000005 * g.dimension) * greatest(options.m * options.ef_construction / 1024.0, 0.25)
        * CASE WHEN memory_kb <= granted_kb THEN 1 ELSE 1 + 4 * (1 - granted_kb::float8 / memory_kb) END;
    seconds := greatest(seconds, 2 * g.index_seconds, 0.1);
END
$$;
COMMENT ON FUNCTION embed.index_need IS
    'Internal: the memory that building an index wants and may have, and about how long it takes; at least twice what was thought of a try that did not end';

CREATE OR REPLACE FUNCTION embed.parallel_builds() RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- CVE-2026-3172: parallel builds of pgvector 0.6.0 to 0.8.1 overrun a buffer.
    SELECT string_to_array(regexp_replace(e.extversion, '[^0-9.].*', ''), '.')::integer[] >= '{0,8,2}'::integer[] FROM pg_extension AS e WHERE e.extname = 'vector'
$$;
COMMENT ON FUNCTION embed.parallel_builds IS 'Internal: whether pgvector may build an index with several processes';

CREATE OR REPLACE FUNCTION embed.indexing() RETURNS TABLE (
    name text, generation integer, generation_state text, state text, vectors bigint, seconds float8, vectorizer_id integer, memory_kb bigint, parallel boolean,
    parts jsonb
)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT v.name, g.number, g.state, s.state, s.vectors, n.seconds, v.id, n.granted_kb, embed.parallel_builds(), (
        SELECT jsonb_agg(jsonb_build_object(
            'relation', x.relation::text, 'owner', pg_get_userbyid(c.relowner), 'schema', c.relnamespace::regnamespace::text, 'broken', x.broken,
            'statement', format(
                'CREATE INDEX CONCURRENTLY IF NOT EXISTS %I ON %s USING hnsw (%I public.%I) WITH (m = %s, ef_construction = %s)',
                x.index_name, x.relation, w.name, w.operators, o.m, o.ef_construction
            )
        ) ORDER BY x.relation)
        FROM embed.index_members(v, g) AS x JOIN pg_class AS c ON c.oid = x.relation
        WHERE NOT x.ready AND s.state IN ('wanted', 'building', 'filling', 'none')
    )
    FROM embed.vectorizer AS v
    JOIN embed.generation AS g ON g.vectorizer_id = v.id
    CROSS JOIN embed.index_state(v, g) AS s
    CROSS JOIN embed.index_options(g.destination) AS o
    LEFT JOIN LATERAL embed.vector_column(v, g) AS w ON true
    LEFT JOIN LATERAL embed.index_need(g, s.vectors) AS n ON s.vectors IS NOT NULL
$$;
COMMENT ON FUNCTION embed.indexing IS 'Internal: the rows of embed.indexes';
GRANT EXECUTE ON FUNCTION embed.indexing TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE VIEW embed.indexes AS SELECT i.* FROM embed.indexing() AS i;
COMMENT ON VIEW embed.indexes IS
    'The HNSW index of each generation in PostgreSQL. state: none, filling, wanted, building, ready, impossible. seconds: about how long building it takes. '
    'parts: what is to be indexed, with the statement, for who may (vectordb embed index does it)';
GRANT SELECT ON embed.indexes TO vectordb_reader, vectordb_worker;

CREATE OR REPLACE FUNCTION embed.begin_index(most_seconds float8) RETURNS TABLE (vectorizer_id integer, generation integer, seconds float8)
LANGUAGE plpgsql SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    candidate record;
    need record;
BEGIN
    -- Users never write a generation's own table, unless their statements embed.
    FOR candidate IN
        SELECT v, g, v.id, g.number FROM embed.vectorizer AS v JOIN embed.generation AS g ON g.vectorizer_id = v.id
        WHERE v.state = 'active' AND g.state IN ('live', 'building') AND g.destination ->> 'kind' = 'table'
            AND v.delivery ->> 'mode' NOT IN ('sync_lambda', 'in_transaction')
        ORDER BY g.state DESC, v.id
    LOOP
        SELECT n.seconds INTO need
        FROM embed.index_state(candidate.v, candidate.g) AS s CROSS JOIN LATERAL embed.index_need(candidate.g, s.vectors) AS n
        WHERE s.state = 'wanted' AND n.seconds <= most_seconds;
        CONTINUE WHEN NOT FOUND OR NOT pg_try_advisory_xact_lock(hashtext('embed.index'), candidate.id);
        UPDATE embed.generation AS g SET index_until = clock_timestamp() + make_interval(secs => most_seconds + 5), index_seconds = need.seconds
        WHERE (g.vectorizer_id, g.number) = (candidate.id, candidate.number) AND coalesce(g.index_until <= clock_timestamp(), true);
        IF FOUND THEN
            RETURN QUERY SELECT candidate.id, candidate.number, need.seconds;
            RETURN;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION embed.begin_index IS
    'For workers with nothing else to do: a generation whose table wants an index that can be built in so many seconds. Nothing of it is claimed until embed.build_index, '
    'or those seconds, are over';
GRANT EXECUTE ON FUNCTION embed.begin_index TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.build_index(vectorizer_id integer, generation integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET client_min_messages = error
SET max_parallel_maintenance_workers = 0
AS $$
DECLARE
    o record;
    options record;
    place record;
    built boolean;
BEGIN
    SELECT f.v, f.g INTO o FROM embed.opened('embed.build_index', vectorizer_id, generation) AS f;
    SELECT * INTO options FROM embed.index_options((o.g).destination);
    SELECT * INTO place FROM embed.vector_column(o.v, o.g);
    IF (o.g).destination ->> 'kind' <> 'table' OR NOT pg_try_advisory_xact_lock(hashtext('embed.index'), 0)
        OR NOT pg_try_advisory_xact_lock(hashtext('embed.index'), vectorizer_id) THEN
        RETURN false;
    END IF;
    -- Until the end of the transaction, which is a worker's and this call's own.
    PERFORM set_config('maintenance_work_mem', format('%skB', (embed.index_need(o.g, embed.rows_about(embed.chunks_table((o.v).name, generation)::regclass))).granted_kb), true);
    PERFORM set_config('lock_timeout', '2s', true);
    BEGIN
        -- Whoever reads goes on. A worker that has rows of this generation in hand finds them locked and gives them back.
        EXECUTE format(
            'CREATE INDEX IF NOT EXISTS %I ON %s USING hnsw (%I public.%I) WITH (m = %s, ef_construction = %s)',
            format('embed_hnsw_%s_%s', vectorizer_id, generation), embed.chunks_table((o.v).name, generation), place.name, place.operators,
            options.m, options.ef_construction
        );
        built := true;
    EXCEPTION WHEN lock_not_available THEN
        built := false;
    END;
    UPDATE embed.generation AS g SET index_until = NULL, index_seconds = NULL
    WHERE (g.vectorizer_id, g.number) = (build_index.vectorizer_id, build_index.generation);
    RETURN built;
END
$$;
COMMENT ON FUNCTION embed.build_index IS 'For workers, after embed.begin_index: builds the index of a generation''s own table; false: somebody was in the way';
GRANT EXECUTE ON FUNCTION embed.build_index TO vectordb_worker;
