-- s3vl.delete_vectors: vectors out of an index, by their keys.
--
-- SELECT s3vl.delete_vectors(ARRAY['17', '4'], 'stdlib');
--
-- vector_ids   any number; a key that stands there twice is deleted once
-- returns      how many distinct keys are in the index no more: all, or it is an error. The service does not say which were
--              there, so keys that were not count as well
--
-- No part of the transaction, and safe to repeat, as s3vl.put_vectors is.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION s3vl.delete_vectors(vector_ids text[], index_name text DEFAULT NULL, index_arn text DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER COST 1000000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller constant text := 's3vl.delete_vectors';
    target s3vl.index_registry;
    keys text[];
BEGIN
    IF vector_ids IS NULL THEN
        PERFORM s3vl.raise_null(caller, 'vector_ids');
    END IF;
    target := s3vl.opened_index(caller, index_name, index_arn, 'write');
    PERFORM s3vl.check_written_keys(caller, vector_ids);
    SELECT array_agg(k.key ORDER BY k.place) INTO keys
    FROM (SELECT u.key, min(u.place) AS place FROM unnest(vector_ids) WITH ORDINALITY AS u(key, place) GROUP BY u.key) AS k;
    IF keys IS NULL THEN
        RETURN 0;
    END IF;
    RETURN s3vl.write_items(caller, 'delete_vectors', target, s3vl.begin_write(caller, target), keys, NULL, NULL);
END
$$;
COMMENT ON FUNCTION s3vl.delete_vectors IS
    'Deletes vectors from a registered index by their keys; how many distinct keys are gone. No part of the transaction; safe to '
    'repeat';
GRANT EXECUTE ON FUNCTION s3vl.delete_vectors TO vectordb_writer, vectordb_worker;
