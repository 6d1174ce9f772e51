-- vectordb: after [45]*_embed_*.sql
--
-- The functions that capture changes are written for each vectorizer when it is made. Those that are there already are written anew when
-- how that is done has changed; no lock of a user's table is taken, and whoever writes one runs the new function from his next statement on.

SET LOCAL ROLE vectordb_owner;

DO $$
DECLARE
    vectorizer record;
    all_written boolean := true;
BEGIN
    FOR vectorizer IN
        SELECT v.id, v.name FROM embed.vectorizer AS v WHERE EXISTS (SELECT FROM pg_class AS c WHERE c.oid = v.source) ORDER BY v.id
    LOOP
        BEGIN
            PERFORM embed.write_capture(vectorizer.id);
        EXCEPTION WHEN OTHERS THEN
            -- One table that was altered in a way that its vectorizer cannot follow is no reason to upgrade nothing.
            all_written := false;
            RAISE WARNING 'what captures changes for the vectorizer % stays as it was: %', vectorizer.name, SQLERRM
                USING HINT = format('Then SELECT embed.refresh(%L);', vectorizer.name);
        END;
    END LOOP;
    -- What rang before there was an inbox (010_embed_inbox.sql), and what captures wrote for it.
    IF all_written AND EXISTS (
        SELECT FROM pg_attribute AS a WHERE a.attrelid = 'embed.work'::regclass AND a.attname = 'bell' AND NOT a.attisdropped
    ) THEN
        DROP TRIGGER IF EXISTS rings ON embed.work;
        ALTER TABLE embed.work DROP COLUMN bell;
        ALTER TABLE embed.bell DROP COLUMN bell;
    END IF;
END
$$;
