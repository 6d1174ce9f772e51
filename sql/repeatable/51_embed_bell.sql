-- Bells: a transaction that enqueued something calls the worker when it commits, unless somebody is on the way already.
--
-- A bell is a hint. It rings just before the commit is visible, so the worker looks a second time half a second later; one that is
-- rung twice finds nothing; one that is lost, or was not rung because a worker seemed to be near, is made up for by the sweep.
-- Nothing of it can fail a user's transaction, and nobody waits for anybody: no lock is taken.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.somebody_comes(v embed.vectorizer) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
-- As in embed.claim.
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET jit = off
AS $$
DECLARE
    now constant timestamptz := clock_timestamp();
    leases_from constant timestamptz := now + make_interval(secs => greatest((v.limits ->> 'lease_seconds')::integer - 10, 0));
    generation record;
    oldest timestamptz;
BEGIN
    FOR generation IN SELECT g.number FROM embed.generation AS g WHERE g.vectorizer_id = v.id AND g.state IN ('live', 'building') LOOP
        -- A worker took some within the last ten seconds. It looks again when it is done with that.
        IF EXISTS (
            SELECT FROM embed.work AS w
            WHERE w.vectorizer_id = v.id AND w.generation = generation.number AND w.priority IN (0, 5, 9) AND w.not_before > leases_from
                AND w.lease IS NOT NULL
        ) THEN
            RETURN true;
        END IF;
        -- Another transaction's has waited for less than five seconds: that one rang. For longer: the bell was not heard.
        SELECT w.not_before INTO oldest FROM embed.work AS w
        WHERE w.vectorizer_id = v.id AND w.generation = generation.number AND w.priority = 0 AND w.not_before <= now
        ORDER BY w.not_before LIMIT 1;
        IF oldest > now - interval '5 seconds' AND oldest < transaction_timestamp() THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END
$$;
COMMENT ON FUNCTION embed.somebody_comes IS 'Internal: whether a worker is at the queue, or was called lately for what is in it';

CREATE OR REPLACE FUNCTION embed.bell_payload(v embed.vectorizer, has_queue boolean) RETURNS json
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most constant integer := least((v.delivery ->> 'maximum_concurrency')::integer, 100);
    batch constant integer := (v.limits ->> 'batch_rows')::integer;
    due bigint;
BEGIN
    IF v.delivery ->> 'mode' <> 'queue' OR NOT has_queue THEN
        RETURN json_build_object('vectorizer', v.id);
    END IF;
    -- A ticket is one more worker. What a worker leaves over at its end comes back as its ticket.
    SELECT count(*) INTO due FROM (
        SELECT FROM embed.work AS w
        JOIN embed.generation AS g ON g.vectorizer_id = w.vectorizer_id AND g.number = w.generation AND g.state IN ('live', 'building')
        WHERE w.vectorizer_id = v.id AND w.not_before <= clock_timestamp()
        LIMIT most::bigint * batch
    ) AS d;
    RETURN json_build_object('relay', json_build_array(
        json_build_object('vectorizer', v.id, 'tickets', greatest(1, ceil(due::numeric / batch))::integer)
    ));
END
$$;
COMMENT ON FUNCTION embed.bell_payload IS 'Internal: what the worker is told: to work, or to send so many tickets';

CREATE OR REPLACE FUNCTION embed.ring(vectorizer_id integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    now_ms constant bigint := extract(epoch FROM clock_timestamp()) * 1000;
    place constant regclass := to_regclass(format('embed.bell_%s', vectorizer_id));
    setup embed.config;
    v embed.vectorizer;
    chosen boolean;
    problem text;
BEGIN
    -- A sequence: what is written to it is there for everybody at once, and nobody waits. Most commits end here.
    IF place IS NULL OR pg_sequence_last_value(place) > now_ms THEN
        RETURN false;
    END IF;
    SELECT c.* INTO setup FROM embed.config AS c;
    SELECT f.* INTO v FROM embed.vectorizer AS f WHERE f.id = vectorizer_id;
    IF setup.worker_arn IS NULL OR v.id IS NULL OR v.state <> 'active' OR embed.somebody_comes(v) THEN
        RETURN false;
    END IF;
    -- One of those that commit at this moment. The lock is held for this step only: the transaction may have long to go.
    IF NOT pg_try_advisory_lock(hashtext('embed.ring'), vectorizer_id) THEN
        RETURN false;
    END IF;
    chosen := coalesce(pg_sequence_last_value(place), 0) <= now_ms;
    IF chosen THEN
        PERFORM setval(place, now_ms + 250);
    END IF;
    PERFORM pg_advisory_unlock(hashtext('embed.ring'), vectorizer_id);
    IF NOT chosen THEN
        RETURN false;
    END IF;
    BEGIN
        PERFORM FROM aws_lambda.invoke(setup.worker_arn, embed.bell_payload(v, setup.has_queue), invocation_type => 'Event') AS i;
        RETURN true;
    EXCEPTION WHEN OTHERS THEN
        -- Everybody who commits would wait for a worker that cannot be reached.
        PERFORM setval(place, now_ms + 10000);
        problem := SQLSTATE;
    END;
    RAISE LOG 'embed.ring: the worker could not be called for the vectorizer % (SQLSTATE %); the sweep will find what is queued', v.name, problem;
    RETURN false;
END
$$;
COMMENT ON FUNCTION embed.ring IS
    'Calls the worker for a vectorizer, unless one is at it or was called less than a quarter of a second ago; whether it was called. Never an error';

CREATE OR REPLACE FUNCTION embed.ring_later(vectorizer_id integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    name constant text := format('embed.rings_%s', vectorizer_id);
BEGIN
    -- Once for a transaction; what a savepoint takes back is taken back here as well.
    IF coalesce(current_setting(name, true), '') <> 'yes' AND embed.worker_arn() IS NOT NULL THEN
        INSERT INTO embed.bell (vectorizer_id) VALUES (vectorizer_id);
        PERFORM set_config(name, 'yes', true);
    END IF;
END
$$;
COMMENT ON FUNCTION embed.ring_later IS 'Internal: rings when this transaction commits';

CREATE OR REPLACE FUNCTION embed.at_commit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM embed.bell AS b WHERE b.id = NEW.id;
    PERFORM set_config(format('embed.rings_%s', NEW.vectorizer_id), '', true);
    PERFORM embed.ring(NEW.vectorizer_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION embed.at_commit IS 'Internal: the deferred trigger of embed.bell';

DROP TRIGGER IF EXISTS rings ON embed.bell;
CREATE CONSTRAINT TRIGGER rings AFTER INSERT ON embed.bell DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION embed.at_commit();
