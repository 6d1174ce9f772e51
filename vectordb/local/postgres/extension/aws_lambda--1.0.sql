-- The four forms of aws_lambda.invoke, as documented:
-- https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/PostgreSQL-Lambda-functions.html
-- aws_lambda._invoke, which does the work, is defined by the transport, whose file is put in front of this one.
-- LANGUAGE sql because plpgsql refuses an IN and an OUT parameter of one name, and because errors on AWS come with
-- CONTEXT:  SQL function "invoke" statement 1

CREATE FUNCTION aws_lambda.invoke(
    IN function_name text, IN payload json, IN region text DEFAULT NULL, IN invocation_type text DEFAULT 'RequestResponse',
    IN log_type text DEFAULT 'None', IN context json DEFAULT NULL, IN qualifier varchar(128) DEFAULT NULL,
    OUT status_code integer, OUT payload json, OUT executed_version text, OUT log_result text)
LANGUAGE sql
AS $$
    SELECT status_code, response::json, executed_version, log_result
    FROM aws_lambda._invoke($1, $2::text, $3, $4, $5, $6::text, $7)
$$;

CREATE FUNCTION aws_lambda.invoke(
    IN function_name text, IN payload jsonb, IN region text DEFAULT NULL, IN invocation_type text DEFAULT 'RequestResponse',
    IN log_type text DEFAULT 'None', IN context jsonb DEFAULT NULL, IN qualifier varchar(128) DEFAULT NULL,
    OUT status_code integer, OUT payload jsonb, OUT executed_version text, OUT log_result text)
LANGUAGE sql
AS $$
    SELECT status_code, response::jsonb, executed_version, log_result
    FROM aws_lambda._invoke($1, $2::text, $3, $4, $5, $6::text, $7)
$$;

CREATE FUNCTION aws_lambda.invoke(
    IN function_name aws_commons._lambda_function_arn_1, IN payload json,
    IN invocation_type text DEFAULT 'RequestResponse', IN log_type text DEFAULT 'None', IN context json DEFAULT NULL,
    IN qualifier varchar(128) DEFAULT NULL,
    OUT status_code integer, OUT payload json, OUT executed_version text, OUT log_result text)
LANGUAGE sql
AS $$
    SELECT status_code, response::json, executed_version, log_result
    FROM aws_lambda._invoke(($1).function_name, $2::text, ($1).region, $3, $4, $5::text, $6)
$$;

CREATE FUNCTION aws_lambda.invoke(
    IN function_name aws_commons._lambda_function_arn_1, IN payload jsonb,
    IN invocation_type text DEFAULT 'RequestResponse', IN log_type text DEFAULT 'None', IN context jsonb DEFAULT NULL,
    IN qualifier varchar(128) DEFAULT NULL,
    OUT status_code integer, OUT payload jsonb, OUT executed_version text, OUT log_result text)
LANGUAGE sql
AS $$
    SELECT status_code, response::jsonb, executed_version, log_result
    FROM aws_lambda._invoke(($1).function_name, $2::text, ($1).region, $3, $4, $5::text, $6)
$$;

-- Nothing to PUBLIC. A role needs USAGE on the schema and EXECUTE on all its functions, which is how AWS documents the grant.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA aws_lambda FROM PUBLIC;
GRANT USAGE ON SCHEMA aws_lambda TO rds_superuser WITH GRANT OPTION;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA aws_lambda TO rds_superuser WITH GRANT OPTION;
