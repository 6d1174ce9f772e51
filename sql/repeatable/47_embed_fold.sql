-- The inbox: whoever writes a watched table appends what changed, and a worker that looks for work puts it into the queue.
--
-- A change is in the inbox when it is committed, or in the queue, or in neither because it was embedded since. Folding takes rows of
-- the inbox that are committed, gives their keys a new version in the queue, and takes the lease away from who has it; both in one
-- statement. So whoever claims such a key reads the source after the change, and whoever claimed it before is refused from then on.
-- What was finished before the change was folded stands until that: the key is in the queue again, and is embedded once more. For the
-- same reason it does not matter in what order a key's changes are folded, nor by how many workers.
--
-- A writer waits for nobody here, and nobody for a writer: rows that are not committed are not seen.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.fold(rows integer DEFAULT 5000) RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
-- A key that a transaction in progress has queued, as sync_lambda does, is not waited for. From the oldest on, however full it is.
SET lock_timeout = '20ms' SET synchronize_seqscans = off SET enable_seqscan = on SET enable_sort = on SET jit = off
AS $$
DECLARE
    size integer := rows;
    most integer := rows;
    folded integer := 0;
    left_over integer := 0;
    waits integer := 0;
    came integer;
BEGIN
    WHILE most > 0 AND waits < 20 LOOP
        BEGIN
            -- Into all generations that the vectorizer has by now: a change that is seen here was committed after any that its transaction
            -- could know of, and of a vectorizer that is gone there are none.
            WITH taken AS (
                DELETE FROM embed.inbox AS i
                WHERE i.ctid = ANY (ARRAY(SELECT o.ctid FROM embed.inbox AS o LIMIT size OFFSET left_over FOR UPDATE SKIP LOCKED))
                RETURNING i.vectorizer_id, i.queued_at, i.key
            ), changed AS (
                SELECT t.vectorizer_id, t.key, min(t.queued_at) AS queued_at
                FROM taken AS t GROUP BY t.vectorizer_id, t.key
            ), queued AS (
                INSERT INTO embed.work AS w (vectorizer_id, generation, key, version, operation, not_before, queued_at)
                -- Not as deleted: it may have come back, by a change that was folded before. Who works on it looks whether it is there.
                SELECT c.vectorizer_id, g.number, c.key, txid_current(), 'u', c.queued_at, c.queued_at
                FROM changed AS c JOIN embed.generation AS g ON g.vectorizer_id = c.vectorizer_id
                ORDER BY c.vectorizer_id, g.number, c.key
                ON CONFLICT (vectorizer_id, generation, key) DO UPDATE SET
                    version = excluded.version, operation = excluded.operation, priority = 0, attempts = 0,
                    not_before = least(w.not_before, excluded.not_before), lease = NULL, lease_until = NULL, last_error = NULL
            )
            SELECT count(*) INTO came FROM taken;
            folded := folded + came;
            EXIT WHEN came < size;
            most := most - came;
            size := least(size * 2, most);
        EXCEPTION WHEN lock_not_available THEN
            -- Half as many after each wait, twice as many after each success: what is held is found and left for later, the rest goes in.
            waits := waits + 1;
            IF size = 1 THEN
                left_over := left_over + 1;
            END IF;
            size := greatest(1, size / 2);
        END;
    END LOOP;
    RETURN folded;
END
$$;
COMMENT ON FUNCTION embed.fold IS
    'Internal: puts at most so many changes from the inbox into the queue; how many. What another worker is folding is left to it';

CREATE OR REPLACE FUNCTION embed.fold_for(at_most interval) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ends constant timestamptz := clock_timestamp() + at_most;
BEGIN
    LOOP
        EXIT WHEN embed.fold(5000) < 5000 OR clock_timestamp() > ends;
    END LOOP;
END
$$;
COMMENT ON FUNCTION embed.fold_for IS 'Internal: folds all that is in the inbox, as far as it comes in so long a time';
