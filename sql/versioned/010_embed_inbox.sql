-- Writers of a watched table append what changed to an inbox, and workers put it into the queue (sql/repeatable/47_embed_fold.sql).

SET LOCAL ROLE vectordb_owner;

-- No index and no constraint that is looked up: whoever writes a watched table appends here, and waits for nobody.
CREATE TABLE embed.inbox (
    vectorizer_id integer NOT NULL,
    rings boolean NOT NULL,
    queued_at timestamptz NOT NULL,
    key text COLLATE "C" NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_threshold = -1);
COMMENT ON TABLE embed.inbox IS
    'What changed, as often as it changed, until a worker that looks for work folds it into embed.work (embed.fold)';
COMMENT ON COLUMN embed.inbox.rings IS 'The transaction that writes it calls the worker when it commits: one row of a statement';

COMMENT ON COLUMN embed.work.version IS
    'The transaction that wrote it, so that a result can be told from the result of what the row was before. What one transaction writes '
    'twice nobody has seen between';
COMMENT ON COLUMN embed.work.operation IS 'u: embed the row as it is now, if it is there. d: the row is gone';

-- Bells hang on the inbox from now on. Captures that were written before fill embed.work.bell until 59_embed_capture_again.sql writes them
-- anew; it drops this column too.
ALTER TABLE embed.bell ALTER COLUMN bell DROP NOT NULL;
