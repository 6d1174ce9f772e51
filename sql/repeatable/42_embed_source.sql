-- The table that a vectorizer watches: its key, its content, and who may see it.
--
-- A row's key is one text whatever its primary key is: the JSON array of the key columns, written the same way in every session.
-- These functions run as their caller, who must be able to do to the source what the vectorizer will.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.checked_source(caller text, source regclass) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    relation pg_class;
    problem text;
BEGIN
    SELECT c.* INTO relation FROM pg_class AS c WHERE c.oid = source;
    problem := CASE
        WHEN relation.oid IS NULL THEN 'is not there'
        WHEN relation.relkind NOT IN ('r', 'p') THEN 'is no table'
        WHEN relation.relpersistence = 't' THEN 'is temporary'
        WHEN relation.relispartition THEN 'is a partition: name the table that it is a part of'
        WHEN relation.relnamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) THEN 'belongs to PostgreSQL'
        WHEN relation.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhparent = source)
        THEN 'has children by inheritance, whose rows its primary key does not tell apart'
    END;
    IF problem IS NOT NULL THEN
        PERFORM embed.refuse(caller, format('the source %s %s', source, problem));
    END IF;
    IF NOT has_table_privilege(source, 'SELECT') OR NOT has_table_privilege(source, 'TRIGGER') THEN
        PERFORM embed.refuse(
            caller, format('%I may not SELECT from %s and put triggers on it', current_user, source),
            format('GRANT SELECT, TRIGGER ON %s TO %I;', source, current_user), '42501'
        );
    END IF;
END
$$;
COMMENT ON FUNCTION embed.checked_source IS 'Internal: refuses what no vectorizer can watch';

CREATE OR REPLACE FUNCTION embed.key_columns(caller text, source regclass) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    refused text;
    keys jsonb;
BEGIN
    WITH RECURSIVE key AS (
        SELECT a.attname, a.atttypid, k.place, co.collisdeterministic IS FALSE AS loose
        FROM pg_index AS i
        CROSS JOIN unnest(i.indkey::smallint[]) WITH ORDINALITY AS k(number, place)
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number
        LEFT JOIN pg_collation AS co ON co.oid = a.attcollation
        WHERE i.indrelid = source AND i.indisprimary AND k.place <= i.indnkeyatts
    ), base(place, type) AS (
        SELECT key.place, key.atttypid FROM key
        UNION ALL
        SELECT base.place, t.typbasetype FROM base JOIN pg_type AS t ON t.oid = base.type WHERE t.typtype = 'd'
    ), known AS (
        SELECT key.place, key.attname, key.loose, key.atttypid, t.oid AS type,
            CASE
                WHEN t.oid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'uuid'::regtype, 'date'::regtype,
                    'timestamp'::regtype, 'bool'::regtype) THEN 'plain'
                WHEN t.oid IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype) OR t.typtype = 'e' THEN 'text'
                WHEN t.oid = 'numeric'::regtype THEN 'numeric'
                WHEN t.oid = 'timestamptz'::regtype THEN 'timestamptz'
                WHEN t.oid = 'bytea'::regtype THEN 'bytea'
            END AS kind,
            (SELECT quote_ident(n.nspname) FROM pg_namespace AS n WHERE n.oid = t.typnamespace) || '.' || quote_ident(t.typname) AS name
        FROM key
        JOIN base USING (place)
        JOIN pg_type AS t ON t.oid = base.type AND t.typtype <> 'd'
    )
    SELECT jsonb_agg(jsonb_build_object('name', k.attname, 'kind', k.kind, 'type', k.name) ORDER BY k.place),
        string_agg(
            CASE
                WHEN k.kind IS NULL THEN format('%I of type %s', k.attname, format_type(k.atttypid, NULL))
                WHEN k.loose THEN format('%I with a collation that takes different texts as equal', k.attname)
            END, ', ' ORDER BY k.place
        )
    INTO keys, refused
    FROM known AS k;
    IF keys IS NULL THEN
        PERFORM embed.refuse(
            caller, format('the source %s has no primary key', source), format('ALTER TABLE %s ADD PRIMARY KEY (...);', source)
        );
    ELSIF refused IS NOT NULL THEN
        PERFORM embed.refuse(
            caller, format('the primary key of %s has %s', source, refused),
            'A key may be made of integers, numeric, text, varchar, char, uuid, date, timestamp, timestamptz, boolean, bytea and enums.'
        );
    END IF;
    RETURN keys;
END
$$;
COMMENT ON FUNCTION embed.key_columns IS 'Internal: the primary key, [{"name", "kind", "type"}], or an error that names what is unusual';

CREATE OR REPLACE FUNCTION embed.key_of(keys jsonb, row_name text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- The same text in every session, whatever its TimeZone and bytea_output, and for numbers that are equal. Integers, which most keys
    -- are, need no jsonb for that.
    SELECT CASE
        WHEN bool_and(k.type ~ '^pg_catalog\.int[248]$')
        THEN '((''['' || ' || string_agg(format('%1$s.%2$I::text', row_name, k.name), ' || '', '' || ' ORDER BY k.place) || ' || '']'') COLLATE "C")'
        ELSE '(jsonb_build_array(' || string_agg(
            CASE k.kind
                WHEN 'plain' THEN format('%1$s.%2$I', row_name, k.name)
                WHEN 'text' THEN format('%1$s.%2$I::text', row_name, k.name)
                WHEN 'numeric' THEN format('trim_scale(%1$s.%2$I)', row_name, k.name)
                WHEN 'timestamptz' THEN format('(%1$s.%2$I AT TIME ZONE ''UTC'')', row_name, k.name)
                WHEN 'bytea' THEN format('encode(%1$s.%2$I, ''hex'')', row_name, k.name)
            END, ', ' ORDER BY k.place
        ) || ')::text COLLATE "C")'
    END
    FROM ROWS FROM (jsonb_to_recordset(keys) AS (name text, kind text, type text)) WITH ORDINALITY AS k(name, kind, type, place)
$$;
COMMENT ON FUNCTION embed.key_of IS 'Internal: the expression that makes the key of a row';

CREATE OR REPLACE FUNCTION embed.key_parts(keys jsonb, key_name text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(
        CASE k.kind
            WHEN 'timestamptz' THEN format('((%s ->> %s)::timestamp AT TIME ZONE ''UTC'')', key_name, k.place - 1)
            WHEN 'bytea' THEN format('decode(%s ->> %s, ''hex'')', key_name, k.place - 1)
            ELSE format('(%s ->> %s)::%s', key_name, k.place - 1, k.type)
        END, ', ' ORDER BY k.place
    )
    FROM ROWS FROM (jsonb_to_recordset(keys) AS (name text, kind text, type text)) WITH ORDINALITY AS k(name, kind, type, place)
$$;
COMMENT ON FUNCTION embed.key_parts IS 'Internal: the expressions that give the key columns of a key (a jsonb value of that name) again';

CREATE OR REPLACE FUNCTION embed.key_names(keys jsonb, row_name text DEFAULT NULL) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(coalesce(row_name || '.', '') || quote_ident(k.name), ', ' ORDER BY k.place)
    FROM ROWS FROM (jsonb_to_recordset(keys) AS (name text)) WITH ORDINALITY AS k(name, place)
$$;
COMMENT ON FUNCTION embed.key_names IS 'Internal: the key columns, in the order of the primary key';

CREATE OR REPLACE FUNCTION embed.key_equal(keys jsonb, one text, other text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(format('%1$s.%3$I = %2$s.%3$I', one, other, k.name), ' AND ' ORDER BY k.place)
    FROM ROWS FROM (jsonb_to_recordset(keys) AS (name text)) WITH ORDINALITY AS k(name, place)
$$;
COMMENT ON FUNCTION embed.key_equal IS 'Internal: that two rows have the same key';

CREATE OR REPLACE FUNCTION embed.content_expression(
    caller text, source regclass, content text, OUT expression text, OUT columns text[]
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    attempt refcursor;
    clone regclass;
    index_oid oid;
    problem text;
    trusted_owner oid;
BEGIN
    BEGIN
        -- A cursor takes one statement only.
        OPEN attempt FOR EXECUTE format(E'SELECT (%s\n) FROM ONLY %s', content, source);
        CLOSE attempt;
        -- What an index takes is one value, immutable, of the row's own columns and nothing else.
        EXECUTE format('CREATE TEMPORARY TABLE embed_content_check (LIKE %s)', source);
        clone := 'pg_temp.embed_content_check'::regclass;
        EXECUTE format(E'CREATE INDEX embed_content_check_index ON pg_temp.embed_content_check ((%s\n))', content);
    EXCEPTION WHEN OTHERS THEN
        PERFORM embed.refuse(
            caller, format('the content cannot be used: %s', SQLERRM),
            'It must be one text, made of the row''s own columns by immutable functions, as coalesce(title, '''') || body.'
        );
    END;
    index_oid := 'pg_temp.embed_content_check_index'::regclass;
    SELECT
        CASE
            WHEN i.indnatts <> 1 OR i.indpred IS NOT NULL THEN 'it is more than one expression'
            WHEN i.indexprs::text ~ ':varattno 0 ' THEN 'it names the row as a whole: name its columns'
            WHEN (SELECT t.typcategory FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid WHERE a.attrelid = index_oid) <> 'S'
            THEN format('it is of type %s, not text', (SELECT format_type(a.atttypid, NULL) FROM pg_attribute AS a WHERE a.attrelid = index_oid))
        END
    INTO problem FROM pg_index AS i WHERE i.indexrelid = index_oid;

    SELECT array_agg(a.attname::text ORDER BY a.attnum) INTO columns
    FROM pg_attribute AS a
    WHERE a.attrelid = clone AND EXISTS (
        SELECT FROM pg_depend AS d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = index_oid
            AND d.refclassid = 'pg_class'::regclass AND d.refobjid = clone AND d.refobjsubid = a.attnum
    );
    IF problem IS NULL AND columns IS NULL THEN
        problem := 'it names no column';
    END IF;

    -- The expression runs as the owner of the vectorizers, at every write: code of somebody else's would run as the owner too.
    trusted_owner := 'vectordb_owner'::regrole;
    SELECT coalesce(problem, format('it uses the function %s, which belongs to %s', p.oid::regprocedure, p.proowner::regrole)) INTO problem
    FROM pg_depend AS d
    LEFT JOIN pg_operator AS o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
    LEFT JOIN pg_cast AS c ON d.refclassid = 'pg_cast'::regclass AND c.oid = d.refobjid
    JOIN pg_proc AS p ON p.oid = coalesce(o.oprcode, c.castfunc, CASE WHEN d.refclassid = 'pg_proc'::regclass THEN d.refobjid END)
    JOIN pg_roles AS r ON r.oid = p.proowner
    WHERE d.classid = 'pg_class'::regclass AND d.objid = index_oid AND p.proowner <> trusted_owner AND NOT r.rolsuper
        -- Whoever owns an extension may put functions of their own into it.
        AND NOT EXISTS (
            SELECT FROM pg_depend AS e JOIN pg_extension AS x ON e.refclassid = 'pg_extension'::regclass AND x.oid = e.refobjid
            WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e' AND embed.is_trusted(x.extowner)
        )
    UNION ALL SELECT problem
    LIMIT 1;

    -- PostgreSQL 18 has generated columns that are not stored; the rows that a trigger is given do not have them.
    IF problem IS NULL THEN
        SELECT format('the column %I is generated but not stored', a.attname) INTO problem
        FROM pg_attribute AS a
        WHERE a.attrelid = source AND a.attname = ANY (columns) AND a.attgenerated NOT IN ('', 's')
        LIMIT 1;
    END IF;
    expression := pg_get_indexdef(index_oid, 1, false);
    DROP TABLE pg_temp.embed_content_check;
    IF problem IS NOT NULL THEN
        PERFORM embed.refuse(
            caller, format('the content cannot be used: %s', problem),
            'It must be one text, made of the row''s own columns by functions of PostgreSQL, of an extension, or of vectordb_owner.'
        );
    END IF;
END
$$;
COMMENT ON FUNCTION embed.content_expression IS
    'Internal: the content as PostgreSQL writes it, and the columns it names; or an error that says why it cannot be used';

CREATE OR REPLACE FUNCTION embed.template_fields(caller text, source regclass, template text) RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stray text;
    fields text[];
BEGIN
    IF template IS NULL THEN
        RETURN '{}';
    ELSIF template !~ '\$chunk(?![a-z0-9_])' THEN
        PERFORM embed.refuse(caller, format('the template %L has no $chunk', template), 'As in ''$title: $chunk''.');
    END IF;
    SELECT array_agg(DISTINCT m[1]), min(m[1]) FILTER (WHERE a.attname IS NULL) INTO fields, stray
    FROM regexp_matches(template, '\$([a-z_][a-z0-9_]*)', 'g') AS m
    LEFT JOIN pg_attribute AS a ON a.attrelid = source AND a.attname = m[1] AND a.attnum > 0 AND a.attgenerated IN ('', 's')
    WHERE m[1] <> 'chunk';
    IF stray IS NOT NULL THEN
        PERFORM embed.refuse(caller, format('the template names $%s, but %s has no such column', stray, source));
    END IF;
    RETURN coalesce(fields, '{}');
END
$$;
COMMENT ON FUNCTION embed.template_fields IS 'Internal: the columns that a template names';

CREATE OR REPLACE FUNCTION embed.let_owner_read(caller text, source regclass, columns text[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    home pg_namespace;
    owner oid;
    hidden text;
BEGIN
    SELECT n.* INTO home FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = source;
    SELECT c.relowner INTO owner FROM pg_class AS c WHERE c.oid = source;
    SELECT string_agg(quote_ident(c), ', ') INTO hidden
    FROM unnest(columns) AS c WHERE NOT has_column_privilege('vectordb_owner', source, c, 'SELECT');
    IF hidden IS NOT NULL AND pg_has_role(owner, 'USAGE') THEN
        EXECUTE format('GRANT SELECT (%s) ON %s TO vectordb_owner', hidden, source);
    ELSIF hidden IS NOT NULL THEN
        PERFORM embed.refuse(
            caller, format('vectordb_owner may not read %s of %s', hidden, source),
            format('As the owner of the table: GRANT SELECT (%s) ON %s TO vectordb_owner;', hidden, source), '42501'
        );
    END IF;
    IF has_schema_privilege('vectordb_owner', home.oid, 'USAGE') THEN
        NULL;
    ELSIF pg_has_role(home.nspowner, 'USAGE') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO vectordb_owner', home.nspname);
    ELSE
        PERFORM embed.refuse(
            caller, format('vectordb_owner may not use the schema %I', home.nspname),
            format('As its owner: GRANT USAGE ON SCHEMA %I TO vectordb_owner;', home.nspname), '42501'
        );
    END IF;
END
$$;
COMMENT ON FUNCTION embed.let_owner_read IS
    'Internal: gives vectordb_owner SELECT on these columns when the caller owns the table, else says who must';

CREATE OR REPLACE FUNCTION embed.assert_sees_all(caller text, source regclass) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- A row that a policy hides looks like a row that was deleted, and its embeddings would be removed.
    IF row_security_active(source) AND (
        NOT EXISTS (
            SELECT FROM pg_policy AS p
            WHERE p.polrelid = source AND p.polpermissive AND p.polcmd IN ('r', '*')
                AND pg_get_expr(p.polqual, p.polrelid) = 'true'
                AND EXISTS (SELECT FROM unnest(p.polroles) AS o WHERE o = 0 OR pg_has_role(current_user, o, 'USAGE'))
        )
        OR EXISTS (
            SELECT FROM pg_policy AS p
            WHERE p.polrelid = source AND NOT p.polpermissive AND p.polcmd IN ('r', '*')
                AND EXISTS (SELECT FROM unnest(p.polroles) AS o WHERE o = 0 OR pg_has_role(current_user, o, 'USAGE'))
        )
    ) THEN
        PERFORM embed.refuse(
            caller, format('row-level security hides rows of %s from vectordb_owner', source),
            format(
                'CREATE POLICY vectorizer ON %s FOR SELECT TO vectordb_owner USING (true); and no restrictive policy for it. '
                'Readers of the embeddings see those of the rows that the table''s policies show them.', source
            ), '42501'
        );
    END IF;
END
$$;
COMMENT ON FUNCTION embed.assert_sees_all IS 'Internal: refuses a source of which policies may hide rows from vectordb_owner';
