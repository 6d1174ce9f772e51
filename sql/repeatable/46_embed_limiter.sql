-- How many requests a model is asked: a bucket that fills with the rate, shared by all who ask.
--
-- The rate is never above the quota. When the model refuses it is halved at once, then goes back within seconds to a little below
-- the rate that was refused, and from there on slowly: most of the time is spent near what the model takes. After a quiet minute it
-- grows faster again. It grows only while there is more to ask than it allows.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.declare_limit(embedding jsonb, limits jsonb) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    -- Without a quota that is known: a cautious one. Service Quotas says the account's.
    INSERT INTO embed.limiter AS l (name, ceiling, rate, tokens)
    SELECT embed.limiter_name(embedding), quota, quota, 1
    FROM coalesce((limits ->> 'requests_per_minute')::float8, 1000) AS quota
    ON CONFLICT (name) DO UPDATE SET ceiling = excluded.ceiling, rate = excluded.ceiling, wall = NULL
    WHERE limits ? 'requests_per_minute' AND l.ceiling <> excluded.ceiling
$$;
COMMENT ON FUNCTION embed.declare_limit IS 'Internal: the quota that a vectorizer says its model has';

CREATE OR REPLACE FUNCTION embed.grown_rate(l embed.limiter, now timestamptz) RETURNS float8
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN l.wanting_at IS NULL OR now - l.wanting_at > interval '10 seconds' THEN l.rate
        -- Those that were on their way when the model refused are still being answered.
        WHEN now - l.throttled_at < interval '1 second' THEN l.rate
        ELSE least(
            l.ceiling,
            CASE
                WHEN l.wall IS NULL OR now - l.throttled_at > interval '60 seconds' THEN l.rate + 0.005 * l.ceiling * elapsed
                -- From half to nineteen twentieths of the wall in two seconds.
                WHEN l.rate < 0.95 * l.wall THEN least(0.95 * l.wall, l.rate + 0.225 * l.wall * elapsed)
                ELSE l.rate + 0.001 * l.wall * elapsed
            END
        )
    END
    FROM (SELECT greatest(0, extract(epoch FROM now - greatest(l.grown_at, l.throttled_at + interval '1 second')))::float8 AS elapsed) AS e
$$;
COMMENT ON FUNCTION embed.grown_rate IS 'Internal: the rate now';

CREATE OR REPLACE FUNCTION embed.permits(
    limiter text, wanted integer, purpose text DEFAULT 'document', OUT granted integer, OUT wait_seconds float8
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bucket embed.limiter;
    now timestamptz;
    capacity float8;
    borrowed float8;
BEGIN
    SELECT l.* INTO bucket FROM embed.limiter AS l WHERE l.name = limiter FOR UPDATE;
    IF bucket.name IS NULL THEN
        PERFORM embed.refuse('embed.permits', format('there is no limiter %L', limiter), 'embed.available names it.', '42704');
    ELSIF wanted IS NULL OR wanted < 1 OR purpose NOT IN ('document', 'query') THEN
        PERFORM embed.refuse('embed.permits', 'wanted must be at least 1, purpose document or query');
    END IF;
    now := clock_timestamp();  -- after the wait for the row
    bucket.rate := embed.grown_rate(bucket, now);
    -- A second's worth may be saved up. What a minute can see is then the rate and that; so a little less is given.
    capacity := greatest(1, bucket.rate / 60);
    bucket.tokens := least(
        capacity, bucket.tokens + 0.98 * bucket.rate / 60 * greatest(0, extract(epoch FROM now - bucket.filled_at))
    );
    bucket.tokens := bucket.tokens - embed.fold_debits(limiter);
    -- Somebody waits for the answer to a query: it may take what documents would have had next.
    borrowed := CASE purpose WHEN 'query' THEN greatest(1, capacity / 4) ELSE 0 END;
    granted := least(wanted, greatest(0, floor(bucket.tokens + borrowed)));
    bucket.tokens := bucket.tokens - granted;
    wait_seconds := CASE
        WHEN granted = wanted THEN 0
        ELSE greatest(0.01, (least(wanted - granted, capacity) - bucket.tokens - borrowed) * 60 / (0.98 * bucket.rate))
    END;
    UPDATE embed.limiter AS l SET
        rate = bucket.rate, tokens = bucket.tokens, filled_at = now, grown_at = now, granted = l.granted + permits.granted,
        wanting_at = CASE WHEN permits.granted < wanted THEN now ELSE l.wanting_at END
    WHERE l.name = limiter;
END
$$;
COMMENT ON FUNCTION embed.permits IS 'For workers: leave for so many requests to a model, and how long to wait for more';
GRANT EXECUTE ON FUNCTION embed.permits TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.return_permits(limiter text, count integer) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE embed.limiter AS l SET tokens = l.tokens + return_permits.count, granted = l.granted - return_permits.count
    WHERE l.name = limiter AND return_permits.count > 0
$$;
COMMENT ON FUNCTION embed.return_permits IS 'For workers: leave that was not used';
GRANT EXECUTE ON FUNCTION embed.return_permits TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.throttled(limiter text) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    -- Several refusals within a second are one event: the requests were on their way together.
    UPDATE embed.limiter AS l SET
        throttles = l.throttles + 1,
        wall = CASE WHEN fresh THEN l.rate ELSE l.wall END,
        rate = CASE WHEN fresh THEN greatest(1, l.rate / 2) ELSE l.rate END,
        tokens = CASE WHEN fresh THEN least(l.tokens, 0) ELSE l.tokens END,
        grown_at = CASE WHEN fresh THEN clock_timestamp() ELSE l.grown_at END,
        throttled_at = CASE WHEN fresh THEN clock_timestamp() ELSE l.throttled_at END
    FROM (
        SELECT o.name, o.throttled_at IS NULL OR clock_timestamp() - o.throttled_at > interval '1 second' AS fresh
        FROM embed.limiter AS o WHERE o.name = limiter FOR UPDATE
    ) AS state
    WHERE l.name = state.name
$$;
COMMENT ON FUNCTION embed.throttled IS 'For workers: the model refused a request as one too many';
GRANT EXECUTE ON FUNCTION embed.throttled TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.set_quota(limiter text, requests_per_minute float8) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE embed.limiter AS l SET ceiling = requests_per_minute, rate = requests_per_minute, wall = NULL WHERE l.name = limiter;
    IF NOT FOUND THEN
        PERFORM embed.refuse('embed.set_quota', format('there is no limiter %L', limiter), 'SELECT name FROM embed.limiter;', '42704');
    END IF;
END
$$;
COMMENT ON FUNCTION embed.set_quota IS 'The requests per minute that the account may make of a model (Service Quotas says it)';
