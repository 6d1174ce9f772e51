-- The part of aws_commons that aws_lambda uses. Left out: the types and functions for Amazon S3.
-- The schema is made here rather than named in the control file, so that rdsadmin owns it whoever creates the extension, and the
-- extension itself is listed under the creator's own schema, as on AWS.
CREATE SCHEMA aws_commons;

CREATE TYPE aws_commons._lambda_function_arn_1 AS (function_name text, region text);

CREATE FUNCTION aws_commons.create_lambda_function_arn(function_name text, region text DEFAULT NULL)
RETURNS aws_commons._lambda_function_arn_1
LANGUAGE sql IMMUTABLE
AS $$ SELECT ROW(function_name, region)::aws_commons._lambda_function_arn_1 $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA aws_commons FROM PUBLIC;
GRANT USAGE ON SCHEMA aws_commons TO rds_superuser WITH GRANT OPTION;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA aws_commons TO rds_superuser WITH GRANT OPTION;
