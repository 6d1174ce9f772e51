-- How many requests a model is asked: a bucket that fills with the rate, shared by all who ask.
--
-- The rate is never above the quota that is declared, also when nobody has declared one: what the account may ask is shared with
-- others, and finding out how much it is would be at their cost. When the model refuses, the rate is cut at once and goes back to a
-- little below the wall, the rate at which the quota seems to end, within seconds; there it stays for a while and then grows, slowly at
-- first and faster and faster (as CUBIC does, RFC 9438). So most of the time is spent near what the model takes, a wall that is no
-- more is left behind within half a minute, and a refusal that says nothing about the quota (the service is short of capacity, and
-- refuses whatever the rate) does not move the wall. The rate grows only while there is more to ask than it allows.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.declare_limit(embedding jsonb, limits jsonb) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    -- Without a quota that is known: a cautious one. Service Quotas says the account's.
    INSERT INTO embed.limiter AS l (name, ceiling, rate, tokens)
    SELECT embed.limiter_name(embedding), quota, quota, 1
    FROM coalesce((limits ->> 'requests_per_minute')::float8, 1000) AS quota
    ON CONFLICT (name) DO UPDATE SET ceiling = excluded.ceiling, rate = excluded.ceiling, wall = NULL, throttled_rate = NULL
    WHERE limits ? 'requests_per_minute' AND l.ceiling <> excluded.ceiling
$$;
COMMENT ON FUNCTION embed.declare_limit IS 'Internal: the quota that a vectorizer says its model has';

CREATE OR REPLACE FUNCTION embed.grown_rate(l embed.limiter, now timestamptz) RETURNS float8
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- A second, or the time between two requests.
    step constant float8 := greatest(1, 60 / l.rate);
    quiet constant float8 := date_part('epoch', now - l.throttled_at) / step;
    elapsed constant float8 := greatest(0, date_part('epoch', now - greatest(l.grown_at, l.throttled_at + make_interval(secs => step)))) / step;
BEGIN
    RETURN CASE
        WHEN l.wanting_at IS NULL OR now - l.wanting_at > interval '10 seconds' THEN l.rate
        -- Those that were on their way when the model refused are still being answered.
        WHEN quiet < 1 THEN l.rate
        ELSE least(
            l.ceiling,
            CASE
                WHEN l.wall IS NULL OR quiet > 60 THEN l.rate + 0.02 * l.ceiling * elapsed
                -- From half to nineteen twentieths of the wall in two seconds.
                WHEN l.rate < 0.95 * l.wall THEN least(0.95 * l.wall, l.rate + 0.225 * l.wall * elapsed)
                -- At the wall after six more, a third above it after twelve, twice as fast after twenty.
                ELSE l.rate + 0.05 * l.wall * 3 * ((quiet - 1) / 6) ^ 2 / 6 * elapsed
            END
        )
    END;
END
$$;
COMMENT ON FUNCTION embed.grown_rate IS 'Internal: the rate now';

CREATE OR REPLACE FUNCTION embed.filled(l embed.limiter, now timestamptz) RETURNS embed.limiter
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    l.rate := embed.grown_rate(l, now);
    -- A second's worth may be saved up. What a minute can see is then the rate and that; so a little less is given.
    l.tokens := least(
        greatest(1, l.rate / 60), l.tokens + 0.98 * l.rate / 60 * greatest(0, date_part('epoch', now - l.filled_at))
    );
    l.filled_at := now;
    l.grown_at := now;
    RETURN l;
END
$$;
COMMENT ON FUNCTION embed.filled IS 'Internal: the bucket now';

CREATE OR REPLACE FUNCTION embed.after_refusal(l embed.limiter, now timestamptz) RETURNS embed.limiter
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    least_rate constant float8 := least(l.ceiling, greatest(l.ceiling / 20, 30));
    passed constant bigint := l.granted - l.granted_before;
    again boolean;
BEGIN
    l.throttles := l.throttles + 1;
    l.granted_before := l.granted;
    -- Several refusals within a second are one event: the requests were on their way together.
    IF now - l.throttled_at <= interval '1 second' THEN
        RETURN l;
    END IF;
    -- At about the same rate as the last time, and so many were answered since that it is not by chance: there the quota ends.
    -- Otherwise it is lower by much, or the model refuses whatever the rate; in both cases half as much is right, and the next tells.
    again := l.throttled_rate IS NOT NULL AND l.rate BETWEEN 0.75 * l.throttled_rate AND l.throttled_rate / 0.75
        AND passed >= least(10, l.rate / 30);
    l.wall := CASE WHEN again AND l.rate > 1.01 * least_rate THEN l.rate ELSE greatest(l.wall, l.rate) END;
    l.throttled_rate := l.rate;
    l.rate := greatest(least_rate, l.rate * CASE WHEN again THEN 0.8 ELSE 0.5 END);
    l.tokens := least(l.tokens, 0);
    l.grown_at := now;
    l.throttled_at := now;
    RETURN l;
END
$$;
COMMENT ON FUNCTION embed.after_refusal IS 'Internal: the bucket when the model has refused';

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
    bucket := embed.filled(bucket, now);
    capacity := greatest(1, bucket.rate / 60);
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
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bucket embed.limiter;
BEGIN
    SELECT l.* INTO bucket FROM embed.limiter AS l WHERE l.name = limiter FOR UPDATE;
    bucket := embed.after_refusal(bucket, clock_timestamp());
    UPDATE embed.limiter AS l SET
        rate = bucket.rate, wall = bucket.wall, tokens = bucket.tokens, grown_at = bucket.grown_at, throttled_at = bucket.throttled_at,
        throttled_rate = bucket.throttled_rate, granted_before = bucket.granted_before, throttles = bucket.throttles
    WHERE l.name = limiter;
END
$$;
COMMENT ON FUNCTION embed.throttled IS 'For workers: the model refused a request as one too many';
GRANT EXECUTE ON FUNCTION embed.throttled TO vectordb_worker;

CREATE OR REPLACE FUNCTION embed.set_quota(limiter text, requests_per_minute float8) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE embed.limiter AS l SET ceiling = requests_per_minute, rate = requests_per_minute, wall = NULL, throttled_rate = NULL WHERE l.name = limiter;
    IF NOT FOUND THEN
        PERFORM embed.refuse('embed.set_quota', format('there is no limiter %L', limiter), 'SELECT name FROM embed.limiter;', '42704');
    END IF;
END
$$;
COMMENT ON FUNCTION embed.set_quota IS 'The requests per minute that the account may make of a model (Service Quotas says it)';
