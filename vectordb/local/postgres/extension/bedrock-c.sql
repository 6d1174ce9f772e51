-- aws_bedrock.invoke_model as a C function: see transport/ for the source.
CREATE OR REPLACE FUNCTION aws_bedrock.invoke_model(
    model_id varchar, content_type text, accept_type text, model_input text, OUT model_output varchar)
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS '$libdir/aws_lambda', 'aws_bedrock_invoke_model';
