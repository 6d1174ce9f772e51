-- The part of aws_ml that calls Amazon Bedrock. Left out: aws_comprehend and aws_sagemaker, their schemas and functions.
-- https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/postgresql-ml.html
-- aws_bedrock.invoke_model is defined by the transport, whose file is put in front of this one, after the schema.

-- SECURITY DEFINER, for EXECUTE on this function is all that its caller needs.
CREATE FUNCTION aws_bedrock.invoke_model_get_embeddings(
    model_id varchar, content_type text, json_key text, model_input text, OUT model_output float8[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    reply jsonb;
BEGIN
    IF json_key IS NULL THEN
        RAISE EXCEPTION 'json_key must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    -- The words of the errors below are ours.
    BEGIN
        reply := aws_bedrock.invoke_model(model_id, content_type, 'application/json', model_input)::jsonb -> json_key;
    EXCEPTION WHEN invalid_text_representation THEN
        RAISE EXCEPTION 'the model''s output is not JSON' USING ERRCODE = 'external_routine_exception';
    END;
    IF jsonb_typeof(reply) IS DISTINCT FROM 'array' OR EXISTS (
        SELECT FROM jsonb_array_elements(reply) AS element WHERE jsonb_typeof(element) <> 'number')
    THEN
        RAISE EXCEPTION 'the model''s output has no array of numbers under the key "%"', json_key
            USING ERRCODE = 'external_routine_exception';
    END IF;
    model_output := ARRAY(SELECT element::float8 FROM jsonb_array_elements(reply) WITH ORDINALITY AS _ (element, place) ORDER BY place);
END
$$;

-- Nothing to PUBLIC. Installing the extension makes the role aws_ml, which rds_superuser has.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'aws_ml') THEN
        CREATE ROLE aws_ml NOLOGIN;
    END IF;
END
$$;
GRANT aws_ml TO rds_superuser WITH ADMIN OPTION;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA aws_bedrock FROM PUBLIC;
GRANT USAGE ON SCHEMA aws_bedrock TO aws_ml, rds_superuser WITH GRANT OPTION;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA aws_bedrock TO aws_ml, rds_superuser WITH GRANT OPTION;
