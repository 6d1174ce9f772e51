-- The bridge to Amazon S3 Vectors: which function it calls, which indexes it knows, and the shapes of what comes back.

CREATE SCHEMA IF NOT EXISTS s3vl AUTHORIZATION vectordb_owner;
SET LOCAL ROLE vectordb_owner;
GRANT USAGE ON SCHEMA s3vl TO vectordb_reader, vectordb_worker;
COMMENT ON SCHEMA s3vl IS 'Amazon S3 Vectors in SQL, through a Lambda function';

CREATE TABLE s3vl.config (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    lambda_arn text NOT NULL CONSTRAINT lambda_arn_form CHECK (
        lambda_arn ~ '^arn:aws[a-z0-9-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9$_-]{1,128})?$'
    ),
    aws_region text NOT NULL,
    timeout_seconds integer NOT NULL CHECK (timeout_seconds BETWEEN 1 AND 900),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (aws_region = split_part(lambda_arn, ':', 4))
);
COMMENT ON TABLE s3vl.config IS 'The function behind the bridge: one row, written by s3vl.configure';
COMMENT ON COLUMN s3vl.config.timeout_seconds IS
    'How long one call of the function may take; aws_lambda.request_timeout_ms bounds it too, and the smaller counts';

CREATE TABLE s3vl.index_registry (
    -- A superset of the names that the service allows and of those that the AWS sample did.
    index_name text PRIMARY KEY CONSTRAINT index_name_form CHECK (index_name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{1,63}$'),
    index_arn text NOT NULL CONSTRAINT index_arn_form CHECK (
        index_arn ~ ('^arn:aws[a-z0-9-]*:s3vectors:[a-z0-9-]+:[0-9]{12}'
            || ':bucket/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/index/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$')
    ),
    description text,
    bucket_name text NOT NULL GENERATED ALWAYS AS (split_part(index_arn, '/', 2)) STORED,
    region text NOT NULL GENERATED ALWAYS AS (split_part(index_arn, ':', 4)) STORED,
    account_id text NOT NULL GENERATED ALWAYS AS (split_part(index_arn, ':', 5)) STORED,
    dimension integer CHECK (dimension BETWEEN 1 AND 4096),
    metric text CHECK (metric IN ('cosine', 'euclidean')),
    declared boolean NOT NULL DEFAULT false,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE s3vl.index_registry IS 'The indexes that may be used, by the name that SQL gives them; no other is reachable';
COMMENT ON COLUMN s3vl.index_registry.dimension IS 'Of the declared index, to refuse a wrong vector before the call; NULL: unknown';
COMMENT ON COLUMN s3vl.index_registry.declared IS 'Made by the deployment, which deactivates it when it is declared no more';

-- The shapes of an answer's parts. A domain with NOT NULL also refuses a part that is missing, so that reading an answer
-- with json_to_recordset checks it at no extra cost: nothing that came back wrong becomes a NULL.
CREATE DOMAIN s3vl.wire_key AS text NOT NULL CHECK (VALUE <> '');
CREATE DOMAIN s3vl.wire_distance AS float8 NOT NULL CHECK (VALUE > '-Infinity' AND VALUE < 'Infinity');
CREATE DOMAIN s3vl.wire_metadata AS jsonb CHECK (jsonb_typeof(VALUE) = 'object');
CREATE DOMAIN s3vl.wire_vector AS float8[]
    CHECK (array_ndims(VALUE) = 1 AND cardinality(VALUE) > 0 AND array_position(VALUE, NULL) IS NULL);
CREATE DOMAIN s3vl.wire_required_vector AS float8[] NOT NULL;
CREATE DOMAIN s3vl.wire_count AS integer NOT NULL;
