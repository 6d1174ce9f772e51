"""A schema s3vl of the shape that the AWS sample installs: its tables, types and functions by name and signature.

The bodies are the tests' own; of the functions only those that read the registry do anything.
"""

_INDEX_ROWS = (
    "(index_name text, index_arn text, description text, bucket_name text, region text, account_id text,"
    " created_at timestamp, updated_at timestamp, is_active boolean)"
)
_SELECTED = (
    "SELECT index_name, index_arn, description, bucket_name, region, account_id, created_at, updated_at, is_active"
    " FROM s3vl.index_registry"
)
_FLAGS = "\n".join(
    f"CREATE FUNCTION s3vl.{name}(index_name_param text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN true; END $$;"
    for name in ("deactivate_index", "activate_index", "unregister_index")
)
_STAMPS = "\n".join(
    f"CREATE FUNCTION s3vl.update_{table}_timestamp() RETURNS trigger LANGUAGE plpgsql"
    " AS $$ BEGIN NEW.updated_at := current_timestamp; RETURN NEW; END $$;\n"
    f"CREATE TRIGGER touched BEFORE UPDATE ON s3vl.{relation} FOR EACH ROW EXECUTE FUNCTION s3vl.update_{table}_timestamp();"
    for table, relation in (("config", "config"), ("index_registry", "index_registry"))
)

SCHEMA = f"""
CREATE SCHEMA s3vl;
CREATE TABLE s3vl.config (
    id serial PRIMARY KEY, lambda_arn text NOT NULL, aws_region text NOT NULL DEFAULT 'us-west-2',
    timeout_seconds integer DEFAULT 30 CHECK (timeout_seconds BETWEEN 1 AND 900),
    created_at timestamp DEFAULT current_timestamp, updated_at timestamp DEFAULT current_timestamp
);
CREATE INDEX ON s3vl.config (aws_region);
CREATE TABLE s3vl.index_registry (
    id serial PRIMARY KEY, index_name text NOT NULL UNIQUE, index_arn text NOT NULL, description text,
    bucket_name text NOT NULL, region text NOT NULL DEFAULT 'us-west-2', account_id text NOT NULL,
    created_at timestamp DEFAULT current_timestamp, updated_at timestamp DEFAULT current_timestamp,
    is_active boolean DEFAULT true
);
CREATE INDEX ON s3vl.index_registry (bucket_name) WHERE is_active;
{_STAMPS}
CREATE TYPE s3vl.search_result AS (vector_id text, distance float8, similarity_score float8, metadata jsonb);
CREATE TYPE s3vl.query_result AS (vector_id text, found boolean, vector float8[], metadata jsonb);
CREATE TYPE s3vl.list_result AS (vector_id text, vector_data float8[], metadata jsonb);
CREATE TYPE s3vl.list_response AS (vectors s3vl.list_result[], next_token text, total_count integer);
CREATE FUNCTION s3vl.query_vectors(
    query_vector float8[], index_name text DEFAULT NULL, index_arn text DEFAULT NULL, top_k integer DEFAULT 10,
    return_metadata boolean DEFAULT true, metadata_filter jsonb DEFAULT NULL
) RETURNS TABLE (vector_id text, distance float8, similarity_score float8, metadata jsonb)
LANGUAGE plpgsql AS $$ BEGIN RETURN; END $$;
CREATE FUNCTION s3vl.get_vectors(
    vector_ids text[], index_name text DEFAULT NULL, index_arn text DEFAULT NULL,
    include_vector_data boolean DEFAULT true, include_metadata boolean DEFAULT true
) RETURNS TABLE (vector_id text, embedding float8[], metadata jsonb, found boolean)
LANGUAGE plpgsql AS $$ BEGIN RETURN; END $$;
CREATE FUNCTION s3vl.list_vectors(
    index_arn text DEFAULT NULL, index_name text DEFAULT NULL, max_results integer DEFAULT 100, next_token text DEFAULT NULL,
    return_data boolean DEFAULT false, return_metadata boolean DEFAULT true
) RETURNS TABLE (vector_id text, vector_data float8[], metadata jsonb, response_next_token text, total_count integer)
LANGUAGE plpgsql AS $$ BEGIN RETURN; END $$;
CREATE FUNCTION s3vl.configure(lambda_arn text, aws_region text DEFAULT 'us-west-2', timeout_seconds integer DEFAULT 30)
RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN true; END $$;
CREATE FUNCTION s3vl.validate_config() RETURNS TABLE (
    is_valid boolean, lambda_arn text, aws_region text, error_message text, response_time_ms integer
) LANGUAGE plpgsql AS $$ BEGIN RETURN; END $$;
CREATE FUNCTION s3vl.get_config() RETURNS TABLE (
    lambda_arn text, aws_region text, timeout_seconds integer, created_at timestamp, updated_at timestamp,
    config_age_hours numeric, last_validation_status text
) LANGUAGE plpgsql AS $$ BEGIN RETURN; END $$;
CREATE FUNCTION s3vl.register_index(index_name_param text, index_arn_param text, description_param text DEFAULT NULL)
RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN true; END $$;
CREATE FUNCTION s3vl.resolve_index_arn(index_name_param text) RETURNS text LANGUAGE plpgsql
AS $$ BEGIN RETURN (SELECT index_arn FROM s3vl.index_registry WHERE index_name = index_name_param); END $$;
CREATE FUNCTION s3vl.list_indexes() RETURNS TABLE {_INDEX_ROWS} LANGUAGE plpgsql
AS $$ #variable_conflict use_column
BEGIN RETURN QUERY {_SELECTED}; END $$;
CREATE FUNCTION s3vl.get_index_info(index_name_param text) RETURNS TABLE {_INDEX_ROWS} LANGUAGE plpgsql
AS $$ #variable_conflict use_column
BEGIN RETURN QUERY {_SELECTED} WHERE index_name = index_name_param; END $$;
{_FLAGS}
"""
