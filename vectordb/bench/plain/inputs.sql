-- What both sides are asked with, as each takes it without a conversion in the call.

CREATE SCHEMA bench;

CREATE TABLE bench.queries (
    n integer PRIMARY KEY,
    embedding public.vector NOT NULL,
    embedding_float8 float8[] NOT NULL
);

-- Milliseconds that a statement takes in the server, each time on its own: without a client and its protocol.
CREATE FUNCTION bench.times(statement text, repeats integer) RETURNS float8[]
LANGUAGE plpgsql
AS $$
DECLARE
    begun timestamptz;
    taken float8[] := '{}';
BEGIN
    FOR i IN 1..repeats LOOP
        begun := clock_timestamp();
        EXECUTE statement;
        taken := taken || (1000 * extract(epoch FROM clock_timestamp() - begun))::float8;
    END LOOP;
    RETURN taken;
END
$$;
