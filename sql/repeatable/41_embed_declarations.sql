-- The parts of a vectorizer's declaration, each made by a small function and checked when it is made and again when it is used.
--
-- SELECT embed.create_vectorizer(
--     'docs', 'public.docs', $$ title || E'\n' || body $$,
--     chunking => embed.chunk_recursive(size => 800, overlap => 100),
--     template => '$title: $chunk',
--     embedding => embed.bedrock('amazon.titan-embed-text-v2:0', dimensions => 512)
-- );

SET LOCAL ROLE vectordb_owner;

INSERT INTO embed.model AS m (provider, model, dimensions, texts_per_request, characters_per_text, tokens_per_text)
VALUES
    -- Amazon Bedrock User Guide, model-parameters-titan-embed-text, -titan-embed-mm, -embed-v3, -embed-v4; Amazon Nova User
    -- Guide, embeddings-schema.
    ('bedrock', 'amazon.titan-embed-text-v1', '{1536}', 1, 50000, 8192),
    ('bedrock', 'amazon.titan-embed-text-v2:0', '{1024,512,256}', 1, 50000, 8192),
    ('bedrock', 'amazon.titan-embed-image-v1', '{1024,384,256}', 1, 2560, 256),
    ('bedrock', 'cohere.embed-english-v3', '{1024}', 96, 2048, 512),
    ('bedrock', 'cohere.embed-multilingual-v3', '{1024}', 96, 2048, 512),
    ('bedrock', 'cohere.embed-v4:0', '{1536,1024,512,256}', 96, 128000, 128000),
    ('bedrock', 'amazon.nova-2-multimodal-embeddings-v1:0', '{3072,1024,384,256}', 1, 8192, 8192)
ON CONFLICT (provider, model) DO UPDATE SET
    dimensions = excluded.dimensions,
    texts_per_request = excluded.texts_per_request,
    characters_per_text = excluded.characters_per_text,
    tokens_per_text = excluded.tokens_per_text;

CREATE OR REPLACE FUNCTION embed.checked_chunking(caller text, given jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    size bigint;
BEGIN
    PERFORM embed.refuse_unknown(caller, 'chunking', given, '{method,size,overlap,unit}');
    IF embed.one_of(caller, 'chunking', given, 'method', '{none,fixed,recursive,sentence,markdown}') = 'none' THEN
        RETURN jsonb_build_object('method', 'none');
    END IF;
    PERFORM embed.one_of(caller, 'chunking', given, 'unit', '{characters,tokens}');
    -- The worker's own rule (chunking/plan.py): a smaller chunk says nothing, and one that repeats more than half gets nowhere. A size
    -- beyond what the model takes is cut to that by the worker.
    size := embed.number_between(caller, 'chunking', given, 'size', CASE given ->> 'unit' WHEN 'tokens' THEN 16 ELSE 20 END, 100000);
    PERFORM embed.number_between(caller, 'chunking', given, 'overlap', 0, size / 2);
    RETURN given;
END
$$;
COMMENT ON FUNCTION embed.checked_chunking IS 'Internal: a chunking that is well formed';

CREATE OR REPLACE FUNCTION embed.chunk_none() RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT embed.checked_chunking('embed.chunk_none', '{"method": "none"}') $$;
COMMENT ON FUNCTION embed.chunk_none IS 'The whole content is one chunk; what is longer than the model takes is refused as poison';

CREATE OR REPLACE FUNCTION embed.chunk_fixed(
    size integer DEFAULT 1000, overlap integer DEFAULT 0, unit text DEFAULT 'characters'
) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT embed.checked_chunking(
        'embed.chunk_fixed', jsonb_build_object('method', 'fixed', 'size', size, 'overlap', overlap, 'unit', unit)
    )
$$;
COMMENT ON FUNCTION embed.chunk_fixed IS 'Chunks of one size, wherever that cuts. overlap: how much of the chunk before is said again';

CREATE OR REPLACE FUNCTION embed.chunk_recursive(
    size integer DEFAULT 800, overlap integer DEFAULT 0, unit text DEFAULT 'characters'
) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT embed.checked_chunking(
        'embed.chunk_recursive', jsonb_build_object('method', 'recursive', 'size', size, 'overlap', overlap, 'unit', unit)
    )
$$;
COMMENT ON FUNCTION embed.chunk_recursive IS 'Chunks of at most that size, cut between paragraphs, else lines, else sentences, else words';

CREATE OR REPLACE FUNCTION embed.chunk_sentence(
    size integer DEFAULT 800, overlap integer DEFAULT 0, unit text DEFAULT 'characters'
) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT embed.checked_chunking(
        'embed.chunk_sentence', jsonb_build_object('method', 'sentence', 'size', size, 'overlap', overlap, 'unit', unit)
    )
$$;
COMMENT ON FUNCTION embed.chunk_sentence IS 'Whole sentences, as many as fit';

CREATE OR REPLACE FUNCTION embed.chunk_markdown(
    size integer DEFAULT 1200, overlap integer DEFAULT 0, unit text DEFAULT 'characters'
) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT embed.checked_chunking(
        'embed.chunk_markdown', jsonb_build_object('method', 'markdown', 'size', size, 'overlap', overlap, 'unit', unit)
    )
$$;
COMMENT ON FUNCTION embed.chunk_markdown IS 'Sections of a Markdown text, with their headings';

CREATE OR REPLACE FUNCTION embed.checked_embedding(caller text, given jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known embed.model;
BEGIN
    PERFORM embed.refuse_unknown(caller, 'embedding', given, '{provider,model,dimension,normalize,region,url,prefixes}');
    IF given ->> 'model' IS NULL THEN
        PERFORM embed.refuse_null(caller, 'model');
    ELSIF embed.one_of(caller, 'embedding', given, 'provider', '{bedrock,http}') = 'http' THEN
        IF coalesce(given ->> 'url', '') !~ '^https?://[^/[:space:]]+' THEN
            PERFORM embed.refuse(caller, format('url must begin with https:// or http://, not %L', given ->> 'url'));
        ELSIF jsonb_typeof(given -> 'prefixes') <> 'object' OR jsonb_path_exists(given, '$.prefixes.* ? (@.type() != "string")') THEN
            PERFORM embed.refuse(caller, 'prefixes must be an object of the texts document and query');
        END IF;
        PERFORM embed.number_between(caller, 'embedding', given, 'dimension', 1, 16000);
        RETURN given;
    END IF;
    -- An inference profile is called as its model with an area before it: us.cohere.embed-v4:0.
    SELECT m.* INTO known
    FROM embed.model AS m
    WHERE m.provider = given ->> 'provider'
        AND m.model = regexp_replace(given ->> 'model', '^(us|us-gov|eu|apac|jp|au|ca|global)\.', '');
    IF known.model IS NULL THEN
        PERFORM embed.refuse(
            caller, format('the model %L is not known', given ->> 'model'),
            'SELECT model FROM embed.model. An administrator may INSERT another INTO embed.model, with its dimensions and limits.'
        );
    ELSIF given -> 'dimension' IS NULL OR jsonb_typeof(given -> 'dimension') = 'null' THEN
        RETURN given || jsonb_build_object('dimension', known.dimensions[1]);
    ELSIF NOT (given -> 'dimension') <@ to_jsonb(known.dimensions) THEN
        PERFORM embed.refuse(
            caller, format('%s has no %s dimensions', given ->> 'model', given ->> 'dimension'),
            'It has ' || array_to_string(known.dimensions, ', ') || '.'
        );
    END IF;
    RETURN given;
END
$$;
COMMENT ON FUNCTION embed.checked_embedding IS 'Internal: an embedding that is well formed, of a model that is known';

CREATE OR REPLACE FUNCTION embed.bedrock(
    model text, dimensions integer DEFAULT NULL, normalized boolean DEFAULT true, region text DEFAULT NULL
) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT embed.checked_embedding('embed.bedrock', jsonb_strip_nulls(jsonb_build_object(
        'provider', 'bedrock', 'model', model, 'dimension', dimensions, 'normalize', normalized, 'region', region
    )))
$$;
COMMENT ON FUNCTION embed.bedrock IS 'A model of Amazon Bedrock; without dimensions the most that it gives; without region the database''s';

CREATE OR REPLACE FUNCTION embed.http(
    url text, model text, dimensions integer, normalized boolean DEFAULT false, document_prefix text DEFAULT '', query_prefix text DEFAULT ''
) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT embed.checked_embedding('embed.http', jsonb_strip_nulls(jsonb_build_object(
        'provider', 'http', 'url', url, 'model', model, 'dimension', dimensions, 'normalize', normalized,
        'prefixes', nullif(jsonb_strip_nulls(jsonb_build_object(
            'document', nullif(document_prefix, ''), 'query', nullif(query_prefix, '')
        )), '{}')
    )))
$$;
COMMENT ON FUNCTION embed.http IS
    'A model behind an HTTP endpoint inside the VPC that the deployment names (vectordb:embedding endpoints). The prefixes go before each text, as '
    'models of the E5 and BGE families want them. Its limits: a row of embed.model with the provider http';

CREATE OR REPLACE FUNCTION embed.checked_index(caller text, given jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    options record;
BEGIN
    PERFORM embed.one_of(caller, 'destination', given, 'distance', '{cosine,euclidean,inner_product}');
    PERFORM embed.one_of(caller, 'destination', '{"index": "auto"}' || given, 'index', '{auto,none,hnsw}');
    PERFORM embed.number_between(caller, 'destination', '{"m": 16}' || given, 'm', 2, 100);
    SELECT * INTO options FROM embed.index_options(given);
    -- pgvector refuses fewer than 2 * m.
    PERFORM embed.number_between(caller, 'destination', jsonb_build_object('ef_construction', options.ef_construction), 'ef_construction', greatest(4, 2 * options.m), 1000);
END
$$;
COMMENT ON FUNCTION embed.checked_index IS 'Internal: the distance and the index of vectors in PostgreSQL';

CREATE OR REPLACE FUNCTION embed.checked_destination(caller text, given jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM embed.refuse_unknown(caller, 'destination', given, '{kind,view,type,column,index,m,ef_construction,arn,metadata,distance}');
    CASE embed.one_of(caller, 'destination', given, 'kind', '{table,column,s3_vectors}')
        WHEN 'table' THEN
            PERFORM embed.one_of(caller, 'destination', given, 'type', '{vector,halfvec}');
            PERFORM embed.checked_index(caller, given);
        WHEN 'column' THEN
            IF given ->> 'column' IS NULL THEN
                PERFORM embed.refuse_null(caller, 'column_name');
            END IF;
            PERFORM embed.checked_index(caller, given);
        ELSE
            IF given ->> 'index' IS NULL THEN
                PERFORM embed.refuse_null(caller, 'index_name');
            ELSIF jsonb_typeof(given -> 'metadata') IS DISTINCT FROM 'array'
                OR jsonb_path_exists(given -> 'metadata', '$[*] ? (@.type() != "string")') THEN
                PERFORM embed.refuse(caller, 'metadata must be names of columns');
            END IF;
    END CASE;
    RETURN given;
END
$$;
COMMENT ON FUNCTION embed.checked_destination IS 'Internal: a destination that is well formed';

CREATE OR REPLACE FUNCTION embed.to_table(
    view_name text DEFAULT NULL, type text DEFAULT 'vector', distance text DEFAULT 'cosine', index text DEFAULT 'auto',
    m integer DEFAULT NULL, ef_construction integer DEFAULT NULL
) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT embed.checked_destination('embed.to_table', jsonb_strip_nulls(jsonb_build_object(
        'kind', 'table', 'view', view_name, 'type', type, 'distance', distance, 'index', nullif(index, 'auto'), 'm', m, 'ef_construction', ef_construction
    )))
$$;
COMMENT ON FUNCTION embed.to_table IS
    'A table of chunks for each generation, and a view of the live one: view_name (schema.name), else embeddings.<vectorizer>. '
    'type: vector, or halfvec, half the size. distance: how search orders. index: auto (HNSW, built when it pays), none, or hnsw (at once, whatever '
    'the number); m and ef_construction are HNSW''s';

CREATE OR REPLACE FUNCTION embed.to_column(
    column_name text, distance text DEFAULT 'cosine', index text DEFAULT 'auto', m integer DEFAULT NULL, ef_construction integer DEFAULT NULL
) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT embed.checked_destination('embed.to_column', jsonb_strip_nulls(jsonb_build_object(
        'kind', 'column', 'column', column_name, 'distance', distance, 'index', nullif(index, 'auto'), 'm', m, 'ef_construction', ef_construction
    )))
$$;
COMMENT ON FUNCTION embed.to_column IS 'A column of the source itself, vector(n) or halfvec(n); the whole content is one chunk';

CREATE OR REPLACE FUNCTION embed.to_s3_vectors(index_name text, metadata text[] DEFAULT '{}') RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT embed.checked_destination('embed.to_s3_vectors', jsonb_strip_nulls(jsonb_build_object(
        'kind', 's3_vectors', 'index', index_name, 'metadata', to_jsonb(metadata)
    )))
$$;
COMMENT ON FUNCTION embed.to_s3_vectors IS
    'An index of S3 Vectors that is registered with the bridge, and belongs to the vectorizer from then on. metadata: columns that go '
    'with the vectors, to filter by; the index''s tenant key must be one of them';

CREATE OR REPLACE FUNCTION embed.checked_delivery(caller text, given jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM embed.refuse_unknown(caller, 'delivery', given, '{mode,every_seconds,maximum_concurrency,on_failure,row_limit}');
    CASE embed.one_of(caller, 'delivery', given, 'mode', '{scheduled,queue,event,sync_lambda,in_transaction}')
        WHEN 'scheduled' THEN
            PERFORM embed.number_between(caller, 'delivery', given, 'every_seconds', 1, 86400);
        WHEN 'queue' THEN
            -- SQS event source mappings: ScalingConfig.MaximumConcurrency (Lambda API).
            PERFORM embed.number_between(caller, 'delivery', given, 'maximum_concurrency', 2, 1000);
        WHEN 'event' THEN NULL;
        ELSE
            PERFORM embed.one_of(caller, 'delivery', given, 'on_failure', '{abort,enqueue}');
            PERFORM embed.number_between(caller, 'delivery', given, 'row_limit', 1, 1000);
    END CASE;
    RETURN given;
END
$$;
COMMENT ON FUNCTION embed.checked_delivery IS 'Internal: a delivery that is well formed';

CREATE OR REPLACE FUNCTION embed.deliver_scheduled(every interval DEFAULT '1 minute') RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT embed.checked_delivery('embed.deliver_scheduled', jsonb_build_object(
        'mode', 'scheduled', 'every_seconds', extract(epoch FROM every)::bigint
    ))
$$;
COMMENT ON FUNCTION embed.deliver_scheduled IS 'The worker looks for work at times';

CREATE OR REPLACE FUNCTION embed.deliver_queue(maximum_concurrency integer DEFAULT 8) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT embed.checked_delivery('embed.deliver_queue', jsonb_build_object(
        'mode', 'queue', 'maximum_concurrency', maximum_concurrency
    ))
$$;
COMMENT ON FUNCTION embed.deliver_queue IS 'Tickets in Amazon SQS call as many workers as there is work for';

CREATE OR REPLACE FUNCTION embed.deliver_event() RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT embed.checked_delivery('embed.deliver_event', '{"mode": "event"}') $$;
COMMENT ON FUNCTION embed.deliver_event IS 'A change that finds nothing waiting rings for the worker';

CREATE OR REPLACE FUNCTION embed.deliver_sync_lambda(on_failure text DEFAULT 'enqueue', row_limit integer DEFAULT 96) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT embed.checked_delivery('embed.deliver_sync_lambda', jsonb_build_object(
        'mode', 'sync_lambda', 'on_failure', on_failure, 'row_limit', row_limit
    ))
$$;
COMMENT ON FUNCTION embed.deliver_sync_lambda IS
    'The statement itself waits for one call of the worker. on_failure: abort the statement, or enqueue; more rows than row_limit are enqueued';

CREATE OR REPLACE FUNCTION embed.deliver_in_transaction(on_failure text DEFAULT 'enqueue', row_limit integer DEFAULT 20) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT embed.checked_delivery('embed.deliver_in_transaction', jsonb_build_object(
        'mode', 'in_transaction', 'on_failure', on_failure, 'row_limit', row_limit
    ))
$$;
COMMENT ON FUNCTION embed.deliver_in_transaction IS
    'The database asks the model within the statement (aws_ml, Aurora only). on_failure and row_limit as in embed.deliver_sync_lambda';

CREATE OR REPLACE FUNCTION embed.checked_limits(caller text, given jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM embed.refuse_unknown(caller, 'limits', given, '{requests_per_minute,batch_rows,max_attempts,lease_seconds}');
    IF given ? 'requests_per_minute' THEN
        PERFORM embed.number_between(caller, 'limits', given, 'requests_per_minute', 1, 10000000);
    END IF;
    PERFORM embed.number_between(caller, 'limits', given, 'batch_rows', 1, 10000);
    PERFORM embed.number_between(caller, 'limits', given, 'max_attempts', 1, 100);
    PERFORM embed.number_between(caller, 'limits', given, 'lease_seconds', 1, 3600);
    RETURN given;
END
$$;
COMMENT ON FUNCTION embed.checked_limits IS 'Internal: limits that are well formed';

CREATE OR REPLACE FUNCTION embed.limits(
    requests_per_minute integer DEFAULT NULL, batch_rows integer DEFAULT 96, max_attempts integer DEFAULT 8,
    lease_seconds integer DEFAULT 90
) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT embed.checked_limits('embed.limits', jsonb_strip_nulls(jsonb_build_object(
        'requests_per_minute', requests_per_minute, 'batch_rows', batch_rows, 'max_attempts', max_attempts, 'lease_seconds', lease_seconds
    )))
$$;
COMMENT ON FUNCTION embed.limits IS
    'requests_per_minute: the account''s quota for the model, shared by all vectorizers of it (NULL: as it is). batch_rows: claimed at a '
    'time. max_attempts: before a row is given up. lease_seconds: how long a worker may be silent before its rows are another''s';
