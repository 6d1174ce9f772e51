-- Applied when the rows are there, as the master: an index that grows row by row takes seven times as long.
SET ROLE vectordb_owner;
CREATE INDEX IF NOT EXISTS entries_embedding ON stdlib.entries
    USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 100);
RESET ROLE;
