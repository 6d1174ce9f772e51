-- vectordb: after [45]*_embed_*.sql
--
-- The functions that capture changes are written for each vectorizer when it is made. Those that are there already are written anew when
-- how that is done has changed; no lock of a user's table is taken, and whoever writes one runs the new function from his next statement on.

SET LOCAL ROLE vectordb_owner;

DO $$
DECLARE
    vectorizer_id integer;
BEGIN
    FOR vectorizer_id IN SELECT v.id FROM embed.vectorizer AS v ORDER BY v.id LOOP
        PERFORM embed.write_capture(vectorizer_id);
    END LOOP;
    -- What rang before there was an inbox (010_embed_inbox.sql), and what captures wrote for it.
    IF EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = 'embed.work'::regclass AND a.attname = 'bell' AND NOT a.attisdropped) THEN
        DROP TRIGGER IF EXISTS rings ON embed.work;
        ALTER TABLE embed.work DROP COLUMN bell;
        ALTER TABLE embed.bell DROP COLUMN bell;
    END IF;
END
$$;
