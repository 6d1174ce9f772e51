-- Delivery in_transaction: the row's vector is made before the row is written, by the database itself (aws_ml, Aurora only).
--
-- A trigger before each row asks the model when the content is new, and notes of which content the vector is. The trigger after the
-- statement takes the rows that have it off the queue. A row whose content is new never keeps a vector of its old content.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.given(vectorizer_id integer) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(nullif(current_setting(format('embed.given_%s', vectorizer_id), true), ''), '{}')::jsonb $$;
COMMENT ON FUNCTION embed.given IS 'Internal: key → hash of the contents that this transaction''s rows have got vectors of';

CREATE OR REPLACE FUNCTION embed.given_keys(vectorizer_id integer) RETURNS text[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT ARRAY(SELECT jsonb_object_keys(embed.given(vectorizer_id))) $$;
COMMENT ON FUNCTION embed.given_keys IS 'Internal: their keys';

CREATE OR REPLACE FUNCTION embed.model_request(embedding jsonb, content text, purpose text) RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- As the worker's providers ask (lambda/embedder/providers).
    SELECT CASE
        WHEN model LIKE 'amazon.titan-embed-text-v2%' THEN jsonb_build_object('inputText', content, 'dimensions', embedding -> 'dimension', 'normalize', true)
        WHEN model LIKE 'amazon.titan-embed-image%' THEN
            jsonb_build_object('inputText', content, 'embeddingConfig', jsonb_build_object('outputEmbeddingLength', embedding -> 'dimension'))
        WHEN model LIKE 'amazon.titan-embed%' THEN jsonb_build_object('inputText', content)
        WHEN model LIKE 'cohere.embed-%' THEN
            jsonb_build_object(
                'texts', jsonb_build_array(content), 'input_type', 'search_' || purpose, 'truncate', 'NONE', 'embedding_types', '["float"]'::jsonb
            ) || CASE WHEN model LIKE 'cohere.embed-v4%' THEN jsonb_build_object('output_dimension', embedding -> 'dimension') ELSE '{}' END
        WHEN model LIKE 'amazon.nova-%' THEN jsonb_build_object(
            'schemaVersion', 'nova-multimodal-embed-v1', 'taskType', 'SINGLE_EMBEDDING', 'singleEmbeddingParams', jsonb_build_object(
                'embeddingPurpose', CASE purpose WHEN 'query' THEN 'TEXT_RETRIEVAL' ELSE 'GENERIC_INDEX' END,
                'embeddingDimension', embedding -> 'dimension', 'text', jsonb_build_object('truncationMode', 'NONE', 'value', content)
            )
        )
    END
    FROM regexp_replace(embedding ->> 'model', '^(us|us-gov|eu|apac|jp|au|ca|global)\.', '') AS model
$$;
COMMENT ON FUNCTION embed.model_request IS 'Internal: what a model of Bedrock is asked for one text; NULL: a model that SQL does not know to ask';

CREATE OR REPLACE FUNCTION embed.model_vector(embedding jsonb, answer jsonb) RETURNS public.vector
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- Titan's; Cohere's, with types and without; Nova's.
    numbers constant jsonb := coalesce(
        answer -> 'embedding', answer #> '{embeddings,float,0}', answer #> '{embeddings,0,embedding}', answer #> '{embeddings,0}'
    );
    found_vector public.vector;
BEGIN
    IF jsonb_typeof(numbers) IS DISTINCT FROM 'array' THEN
        PERFORM embed.unembedded('poison', 'the model gave no vector');
    ELSIF jsonb_array_length(numbers) <> (embedding ->> 'dimension')::integer THEN
        PERFORM embed.unembedded('configuration', format(
            'the model gave %s dimensions instead of %s', jsonb_array_length(numbers), embedding ->> 'dimension'
        ));
    END IF;
    found_vector := numbers::text::public.vector;
    IF public.vector_norm(found_vector) = 0 THEN
        PERFORM embed.unembedded('poison', 'the model gave a vector of zeros');
    END IF;
    RETURN CASE WHEN embedding -> 'normalize' = 'true' THEN public.l2_normalize(found_vector) ELSE found_vector END;
END
$$;
COMMENT ON FUNCTION embed.model_vector IS 'Internal: the vector of an answer, of the right length and not zero, or EMB01';

CREATE OR REPLACE FUNCTION embed.ask_model(embedding jsonb, content text, purpose text) RETURNS public.vector
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    answer jsonb;
    state text;
    detail text;
BEGIN
    BEGIN
        EXECUTE 'SELECT aws_bedrock.invoke_model($1, ''application/json'', ''application/json'', $2)::jsonb'
        INTO answer USING embedding ->> 'model', embed.model_request(embedding, content, purpose)::text;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, detail = PG_EXCEPTION_DETAIL;
    END;
    IF state IS NOT NULL THEN
        -- The service's words may quote the text; they are read, not repeated.
        PERFORM embed.unembedded(
            CASE
                WHEN state LIKE '08%' THEN 'transient'
                WHEN state IN ('42501', '42883', '3F000') OR detail ~* 'not authorized|access|model identifier|throughput|inference profile|credential|security token'
                THEN 'configuration'
                WHEN detail ~* 'too many|throttl|quota|rate' THEN 'throttle'
                WHEN state = '39000' THEN 'poison'
                ELSE 'transient'
            END,
            format('Bedrock did not embed the text (SQLSTATE %s)', state)
        );
    END IF;
    RETURN embed.model_vector(embedding, answer);
END
$$;
COMMENT ON FUNCTION embed.ask_model IS 'Internal: a text''s vector by aws_ml, or EMB01';

CREATE OR REPLACE FUNCTION embed.row_vector(vectorizer_id integer, column_name text, key text, content text) RETURNS public.vector
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    counter constant text := format('embed.asked_%s', vectorizer_id);
    -- What a function or a loop writes within one statement of the client is held up as one.
    statement constant text := statement_timestamp()::text;
    said constant text := current_setting(counter, true);
    asked integer;
    most integer;
    v embed.vectorizer;
    g embed.generation;
    -- Not given yet, whatever an earlier statement of the transaction was given for this row.
    remembered constant text := format('embed.given_%s', vectorizer_id);
    made public.vector;
    hash text;
    class text;
BEGIN
    IF strpos(current_setting(remembered, true), to_json(key)::text) > 0 THEN
        PERFORM set_config(remembered, (embed.given(vectorizer_id) - key)::text, true);
    END IF;
    IF content IS NULL OR content !~ '[^[:space:]]' THEN
        RETURN NULL;
    END IF;
    asked := CASE WHEN starts_with(said, statement || ' #') THEN substring(said FROM length(statement) + 3)::integer ELSE 0 END;
    SELECT f.* INTO v FROM embed.vectorizer AS f WHERE f.id = vectorizer_id;
    most := (v.delivery ->> 'row_limit')::integer;
    IF v.state <> 'active' OR v.delivery ->> 'mode' <> 'in_transaction' OR asked >= most THEN
        RETURN NULL;
    END IF;
    SELECT f.* INTO g FROM embed.generation AS f WHERE f.vectorizer_id = v.id AND f.state = 'live';
    IF g.destination ->> 'column' IS DISTINCT FROM column_name THEN
        RETURN NULL;
    END IF;
    BEGIN
        IF g.circuit_until > clock_timestamp() THEN
            PERFORM embed.unembedded('configuration', coalesce(g.circuit_reason, 'the circuit is open'));
        ELSIF v.delivery ->> 'on_failure' <> 'abort' AND NOT embed.may_ask(embed.limiter_name(g.embedding)) THEN
            PERFORM embed.unembedded('throttle', 'the requests of this minute are used up');
        END IF;
        made := embed.ask_model(g.embedding, content, 'document');
        PERFORM embed.debit(embed.limiter_name(g.embedding), 1);
        EXECUTE format('SELECT encode(%s, ''hex'')', embed.hash_of('$1', 'NULL')) INTO hash USING content;
        PERFORM set_config(remembered, (embed.given(vectorizer_id) || jsonb_build_object(key, hash))::text, true);
        asked := asked + 1;
    EXCEPTION WHEN SQLSTATE 'EMB01' THEN
        GET STACKED DIAGNOSTICS class = PG_EXCEPTION_DETAIL;
        IF v.delivery ->> 'on_failure' = 'abort' THEN
            RAISE EXCEPTION USING
                ERRCODE = 'EMB01', MESSAGE = format('the vectorizer %s could not embed what was written: %s', v.name, SQLERRM),
                DETAIL = class,
                HINT = format(
                    'To let it be written and embed it later: SELECT embed.alter_vectorizer(%L, delivery => embed.deliver_in_transaction(on_failure => ''enqueue''));',
                    v.name
                );
        END IF;
        RAISE LOG 'embed.row_vector: %: rows of the vectorizer % are queued', SQLERRM, v.name;
        asked := most;  -- the statement does not wait for the model once more
    END;
    PERFORM set_config(counter, statement || ' #' || asked, true);
    RETURN made;
END
$$;
COMMENT ON FUNCTION embed.row_vector IS
    'Internal: the vector of a row that is about to be written, or NULL: nothing to embed, more rows than row_limit, or a failure. EMB01 on abort';

CREATE OR REPLACE FUNCTION embed.write_row_function(vectorizer_id integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v embed.vectorizer;
    g embed.generation;
BEGIN
    SELECT f.* INTO v FROM embed.vectorizer AS f WHERE f.id = vectorizer_id;
    SELECT f.* INTO g FROM embed.generation AS f WHERE f.vectorizer_id = write_row_function.vectorizer_id AND f.state = 'live';
    IF v.delivery ->> 'mode' <> 'in_transaction' OR g.destination ->> 'kind' IS DISTINCT FROM 'column' THEN
        RETURN;
    END IF;
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION embed.embed_row_%s() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS %L',
        v.id, format($body$
#variable_conflict use_column
DECLARE
    embed_key text;
    embed_new text;
    embed_old text;
BEGIN%6$s
    SELECT %1$s, (%2$s)::text INTO embed_key, embed_new FROM (SELECT NEW.*) AS r;
    IF TG_OP = 'UPDATE' THEN
        SELECT (%2$s)::text INTO embed_old FROM (SELECT OLD.*) AS r;
        IF embed_new COLLATE "C" IS NOT DISTINCT FROM embed_old COLLATE "C" THEN
            RETURN NEW;
        END IF;
    END IF;
    NEW.%3$I := embed.row_vector(%4$s, %5$L, embed_key, embed_new);
    RETURN NEW;
END
$body$, embed.key_of(v.keys, 'r'), v.content, g.destination ->> 'column', v.id, g.destination ->> 'column',
        embed.types_guard(embed.cast_columns(v, g)))
    );
    EXECUTE format('COMMENT ON FUNCTION embed.embed_row_%s() IS %L', v.id, format('Vectorizer %s: written by embed.write_row_function', v.name));
END
$$;
COMMENT ON FUNCTION embed.write_row_function IS 'Internal: writes the trigger function of a vectorizer that embeds each row before it is written';
