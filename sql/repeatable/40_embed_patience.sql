-- How the functions of embed wait for who is using a table: in short tries.
--
-- Whoever waits for a strong lock makes all wait that come later, also those who want no more than to read. So none is waited for
-- longer than a quarter of a second at a time; between the tries everybody else goes on.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.holders(relations oid[]) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(DISTINCT format('%s of %s', l.pid, c.oid::regclass), ', ')
    FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
    WHERE l.locktype = 'relation' AND l.granted AND l.pid <> pg_backend_pid() AND l.relation = ANY (relations)
        AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
$$;
COMMENT ON FUNCTION embed.holders IS 'Internal: the server processes that hold a lock of these tables, for a message';

CREATE OR REPLACE FUNCTION embed.patiently(caller text, statement text, relations oid[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    before constant text := current_setting('lock_timeout');
    allowed constant interval := CASE WHEN before = '0' THEN interval '10 s' ELSE before::interval END;
    ends constant timestamptz := clock_timestamp() + allowed;
BEGIN
    PERFORM set_config('lock_timeout', '250ms', true);
    LOOP
        BEGIN
            EXECUTE statement;
            EXIT;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            IF clock_timestamp() >= ends THEN
                PERFORM embed.refuse(
                    caller, format('another transaction was in the way for %s (of server process %s)', allowed, coalesce(embed.holders(relations), 'unknown')),
                    'Again when it has ended: SELECT * FROM pg_stat_activity shows what it does. SET lock_timeout = ''60s'' waits longer.', '55P03'
                );
            END IF;
        END;
        PERFORM pg_sleep(0.25 + random() / 4);
    END LOOP;
    PERFORM set_config('lock_timeout', before, true);
END
$$;
COMMENT ON FUNCTION embed.patiently IS
    'Internal: runs a statement, with the caller''s rights, again and again until no lock is in its way, at most for lock_timeout, else 10 s. '
    'It is done whole or not at all';
