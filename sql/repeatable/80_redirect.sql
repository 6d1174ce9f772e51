-- Views that were made on functions which there are no more under that name, or in that schema.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION s3vl.redirect_views(functions oid[], pattern text, replacement text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found record;
BEGIN
    FOR found IN
        -- With this search path every other name in a definition is written out.
        SELECT DISTINCT format('%I.%I', n.nspname, c.relname) AS name, pg_get_viewdef(c.oid) AS definition,
            coalesce('WITH (' || array_to_string(c.reloptions, ', ') || ')', '') AS options
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_rewrite AS w ON w.ev_class = c.oid
        JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
        WHERE c.relkind = 'v' AND d.refclassid = 'pg_proc'::regclass AND d.refobjid = ANY (functions)
        ORDER BY 1
    LOOP
        BEGIN
            -- In its place, so that it keeps its owner, its grants and what is built on it.
            EXECUTE format(
                'CREATE OR REPLACE VIEW %s %s AS %s',
                found.name, found.options, regexp_replace(found.definition, pattern, replacement, 'g')
            );
            RAISE NOTICE 'the view % reads from the new functions of s3vl now', found.name;
        EXCEPTION
            WHEN OTHERS THEN
                RAISE WARNING 'the view % is built on old functions of s3vl and cannot be changed to the new ones: %', found.name, SQLERRM;
        END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION s3vl.redirect_views IS
    'Internal: makes views on these functions anew, with a regular expression replaced in their definitions; runs as their owner';
