-- Bells: a transaction that enqueued something calls the worker when it commits, unless somebody is on the way already.
--
-- A bell is a hint. It rings just before the commit is visible, so the worker looks a second time half a second later; one that is
-- rung twice finds nothing; one that is lost, or was not rung because a worker seemed to be near, is made up for by the sweep.
-- Nothing of it can fail a user's transaction, and nobody waits for anybody.
--
-- Until when all are silent is in a sequence, embed.bell_<id>, in milliseconds since 1970. What is written to a sequence is there for
-- everybody at once, and belongs to no transaction. But of those who look at it at the same time each waits for the others, so a
-- session remembers what it read there, in a setting of its own (embed.silent_<id>), and most commits end with a look at that. Four
-- times a second at most, one of those that commit finds out whether the worker is to be called, and calls it. (Where a clock goes back,
-- a session that remembers more is silent until it has come as far again.)

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.milliseconds() RETURNS bigint
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$ SELECT (date_part('epoch', clock_timestamp()) * 1000)::bigint $$;
COMMENT ON FUNCTION embed.milliseconds IS 'Internal: since 1970, as sequences hold a time';

CREATE OR REPLACE FUNCTION embed.somebody_comes(v embed.vectorizer) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
-- As in embed.claim.
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET jit = off
AS $$
DECLARE
    leases_from constant timestamptz := clock_timestamp() + make_interval(secs => greatest((v.limits ->> 'lease_seconds')::integer - 10, 0));
    generation record;
    rung constant bigint := pg_sequence_last_value(to_regclass(format('embed.rung_%s', v.id)));
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
    END LOOP;
    -- The last bell has not been answered. After five seconds it was not heard. What waits in the queue says nothing of it: perhaps
    -- those who put it there leave it at this moment to whoever asks this.
    RETURN coalesce(
        embed.milliseconds() - rung BETWEEN 0 AND 4999 AND rung > coalesce(pg_sequence_last_value('embed.looked'), 0), false
    );
END
$$;
COMMENT ON FUNCTION embed.somebody_comes IS 'Internal: whether a worker is at the queue, or was called and has not come yet';

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
        WHERE w.vectorizer_id = v.id AND w.priority < 100 AND w.not_before <= clock_timestamp()
        LIMIT most::bigint * batch
    ) AS d;
    due := due + (SELECT count(*) FROM (SELECT FROM embed.inbox AS i WHERE i.vectorizer_id = v.id LIMIT most::bigint * batch) AS c);
    RETURN json_build_object('relay', json_build_array(
        json_build_object('vectorizer', v.id, 'tickets', least(most, greatest(1, ceil(due::numeric / batch)))::integer)
    ));
END
$$;
COMMENT ON FUNCTION embed.bell_payload IS 'Internal: what the worker is told: to work, or to send so many tickets';

CREATE OR REPLACE FUNCTION embed.is_silent(place regclass) RETURNS boolean
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
-- Nobody is silent for longer than ten seconds: more was written by a clock that has gone back since.
AS $$ SELECT pg_sequence_last_value(place) - date_part('epoch', clock_timestamp()) * 1000 BETWEEN 1 AND 11000 $$;
COMMENT ON FUNCTION embed.is_silent IS 'Internal: whether nobody rings at this moment; NULL: nobody ever did';

DROP FUNCTION IF EXISTS embed.elected(embed.vectorizer, regclass);
CREATE OR REPLACE FUNCTION embed.elected(v embed.vectorizer) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_due boolean := false;
BEGIN
    -- One of those that commit at this moment.
    IF pg_try_advisory_xact_lock(hashtext('embed.ring'), v.id) THEN
        is_due := NOT embed.somebody_comes(v);
        IF is_due THEN
            PERFORM setval(format('embed.rung_%s', v.id)::regclass, embed.milliseconds());
        END IF;
    END IF;
    RAISE EXCEPTION SQLSTATE 'EMB02';  -- gives the lock back now: the transaction may have long to go
EXCEPTION WHEN SQLSTATE 'EMB02' THEN
    RETURN is_due;
END
$$;
COMMENT ON FUNCTION embed.elected IS 'Internal: whether the caller is to call the worker';

CREATE OR REPLACE FUNCTION embed.ring(vectorizer_id integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    place constant regclass := to_regclass(format('embed.bell_%s', vectorizer_id));
    setup embed.config;
    v embed.vectorizer;
    problem text;
BEGIN
    IF place IS NULL OR embed.is_silent(place) THEN
        RETURN false;
    END IF;
    SELECT c.* INTO setup FROM embed.config AS c;
    SELECT f.* INTO v FROM embed.vectorizer AS f WHERE f.id = vectorizer_id;
    IF setup.worker_arn IS NULL OR v.id IS NULL OR v.state <> 'active' THEN
        RETURN false;
    END IF;
    -- Before anything is found out, or all who commit meanwhile would find it out as well. It holds for a quarter of a second: a worker
    -- that ended meanwhile looks a second time after twice as long.
    PERFORM setval(place, embed.milliseconds() + 250);
    IF NOT embed.elected(v) THEN
        RETURN false;
    END IF;
    BEGIN
        PERFORM FROM aws_lambda.invoke(setup.worker_arn, embed.bell_payload(v, setup.has_queue), invocation_type => 'Event') AS i;
        RETURN true;
    EXCEPTION WHEN OTHERS OR query_canceled THEN
        -- Everybody who commits would wait for a worker that cannot be reached. A statement_timeout that ends here ends the call, not the commit.
        PERFORM setval(place, embed.milliseconds() + 10000);
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
BEGIN
    INSERT INTO embed.bell (vectorizer_id)
    SELECT ring_later.vectorizer_id WHERE to_regclass(format('embed.bell_%s', vectorizer_id)) IS NOT NULL;
END
$$;
COMMENT ON FUNCTION embed.ring_later IS 'Internal: rings when this transaction commits, for what no row of embed.inbox rings for';

CREATE OR REPLACE FUNCTION embed.at_commit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    place regclass;
BEGIN
    -- What most commits do for a bell, so as little as can be. Compared as texts of 13 digits: whatever a user has set there is no error.
    IF current_setting('embed.silent_' || NEW.vectorizer_id, true) COLLATE "C" > (date_part('epoch', clock_timestamp()) * 1000)::bigint::text THEN
        RETURN NULL;
    END IF;
    place := to_regclass('embed.bell_' || NEW.vectorizer_id);
    IF embed.is_silent(place) THEN
        PERFORM set_config('embed.silent_' || NEW.vectorizer_id, pg_sequence_last_value(place)::text, false);
    ELSIF place IS NOT NULL THEN  -- or this very transaction has dropped the vectorizer
        -- In the next round, after all that is deferred to this commit: checks of constraints may take long.
        INSERT INTO embed.bell (vectorizer_id) VALUES (NEW.vectorizer_id);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION embed.at_commit IS 'Internal: the deferred trigger of embed.inbox';

CREATE OR REPLACE FUNCTION embed.at_last() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM embed.bell AS b WHERE b.id = NEW.id;
    PERFORM embed.ring(NEW.vectorizer_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION embed.at_last IS 'Internal: the deferred trigger of embed.bell';

DROP TRIGGER IF EXISTS rings ON embed.bell;
CREATE CONSTRAINT TRIGGER rings AFTER INSERT ON embed.bell DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION embed.at_last();

-- So a transaction that is rolled back does not ring, nor what a savepoint takes back.
DROP TRIGGER IF EXISTS rings ON embed.inbox;
CREATE CONSTRAINT TRIGGER rings AFTER INSERT ON embed.inbox DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (NEW.rings) EXECUTE FUNCTION embed.at_commit();
