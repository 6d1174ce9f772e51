-- aws_lambda._invoke as a C function: see transport/ for the source.
CREATE OR REPLACE FUNCTION aws_lambda._invoke(
    function_name text, payload text, region text, invocation_type text, log_type text, context text, qualifier text,
    OUT status_code integer, OUT response text, OUT executed_version text, OUT log_result text)
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS '$libdir/aws_lambda', 'aws_lambda_invoke';
