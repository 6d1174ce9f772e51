-- The other side of `vectordb bench embed`: a row trigger that calls a function for each row, a status in the row, vectors in a table
-- beside it, one call of the database for each vector.

CREATE SCHEMA plain_embedding;

CREATE TABLE plain_embedding.documents (
    id bigint PRIMARY KEY,
    title text NOT NULL,
    content text NOT NULL,
    views integer NOT NULL DEFAULT 0,
    processing_status varchar(50) DEFAULT 'PENDING'
);

CREATE TABLE plain_embedding.document_embeddings (
    document_id bigint PRIMARY KEY REFERENCES plain_embedding.documents ON DELETE CASCADE,
    embedding public.vector(256),
    created_at timestamptz NOT NULL DEFAULT current_timestamp
);

CREATE FUNCTION plain_embedding.call_producer() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM aws_lambda.invoke(TG_ARGV[0], json_build_object('documentId', NEW.id, 'inputText', NEW.content), invocation_type => 'Event');
    UPDATE plain_embedding.documents SET processing_status = 'PROCESSING' WHERE id = NEW.id;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    UPDATE plain_embedding.documents SET processing_status = 'ERROR' WHERE id = NEW.id;
    RETURN NULL;
END
$$;

-- What the consumer calls for each vector.
CREATE FUNCTION plain_embedding.update_document_embedding(document bigint, vector public.vector) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO plain_embedding.document_embeddings AS e (document_id, embedding) VALUES (document, vector)
    ON CONFLICT (document_id) DO UPDATE SET embedding = excluded.embedding, created_at = current_timestamp;
    UPDATE plain_embedding.documents SET processing_status = 'COMPLETED' WHERE id = document;
END
$$;
