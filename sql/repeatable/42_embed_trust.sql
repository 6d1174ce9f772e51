-- Whose code runs when the owner of the vectorizers reads a source, or writes to it.
--
-- The source may be anybody's table, and its owner may change it at any time: give it policies, triggers, checks and rules, or columns
-- of types with casts, all of which call functions as whoever reads or writes. vectordb_owner may call Lambda and read all
-- that is embedded, so no such function may run as vectordb_owner, unless it belongs to who is a member of it (or is a superuser).
--
-- What is looked at is locked before. Otherwise it would be the source's owner who decides what there is between the look and the use.

SET LOCAL ROLE vectordb_owner;

CREATE OR REPLACE FUNCTION embed.is_trusted(role oid) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT pg_has_role(role, 'vectordb_owner', 'MEMBER') $$;
COMMENT ON FUNCTION embed.is_trusted IS 'Internal: whether a role''s code may run as vectordb_owner';

CREATE OR REPLACE FUNCTION embed.base_type(type oid) RETURNS oid
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE base AS (
        SELECT t.oid, t.typtype, t.typbasetype FROM pg_type AS t WHERE t.oid = type
        UNION ALL
        SELECT t.oid, t.typtype, t.typbasetype FROM base JOIN pg_type AS t ON t.oid = base.typbasetype WHERE base.typtype = 'd'
    )
    SELECT base.oid FROM base WHERE base.typtype <> 'd'
$$;
COMMENT ON FUNCTION embed.base_type IS 'Internal: the type under a domain, or the type itself';

CREATE OR REPLACE FUNCTION embed.is_trusted_type(type oid) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- PostgreSQL's own types have numbers below 16384. A cast can only be made by the owner of one of its types; one of a domain is never used.
    SELECT t.oid < 16384 OR embed.is_trusted(t.typowner) FROM pg_type AS t WHERE t.oid = embed.base_type(type)
$$;
COMMENT ON FUNCTION embed.is_trusted_type IS 'Internal: whether casts of a type run nobody else''s code';

CREATE OR REPLACE FUNCTION embed.text_of(source regclass, column_name text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- concat takes a type's output function whatever casts there are; for PostgreSQL's own types the two may differ (boolean).
    SELECT format(CASE WHEN embed.base_type(a.atttypid) < 16384 THEN '%I::text' ELSE 'CASE WHEN num_nulls(%1$I) = 0 THEN concat(%1$I) END' END, a.attname)
    FROM pg_attribute AS a WHERE a.attrelid = source AND a.attname = column_name
$$;
COMMENT ON FUNCTION embed.text_of IS 'Internal: the expression of a column as text, by no cast that its owner may make';

CREATE OR REPLACE FUNCTION embed.cast_columns(v embed.vectorizer, g embed.generation) RETURNS text[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ARRAY(SELECT k.name FROM jsonb_to_recordset(v.keys) AS k(name text)) || v.content_columns || ARRAY(SELECT jsonb_array_elements_text(coalesce(g.destination -> 'metadata', '[]')))
$$;
COMMENT ON FUNCTION embed.cast_columns IS 'Internal: the columns whose types'' casts are used';

CREATE OR REPLACE FUNCTION embed.strange_type(source regclass, columns text[]) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    types oid[];
    strange record;
BEGIN
    -- As the parser sees the columns: a transaction of REPEATABLE READ would read in the catalog what they were.
    EXECUTE format(
        'SELECT ARRAY[%s]::oid[] FROM (SELECT (NULL::%s).*) AS s', (SELECT string_agg(format('pg_typeof(s.%I)', c), ', ' ORDER BY place) FROM unnest(columns) WITH ORDINALITY AS u(c, place)), source
    ) INTO types;
    FOR strange IN SELECT u.name, u.type FROM unnest(columns, types) AS u(name, type) WHERE NOT coalesce(embed.is_trusted_type(u.type), false) LOOP
        RETURN concat_ws(
            ', which belongs to ', format('the column %I is of the type %s', strange.name, format_type(strange.type, NULL)),
            (SELECT t.typowner::regrole FROM pg_type AS t WHERE t.oid = embed.base_type(strange.type))
        );
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION embed.strange_type IS 'Internal: a column with a type of somebody''s whose code must not run as vectordb_owner; NULL: none';

CREATE OR REPLACE FUNCTION embed.assert_own_types(source regclass, columns text[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    problem constant text := embed.strange_type(source, columns);
BEGIN
    IF problem IS NOT NULL THEN
        PERFORM embed.refuse('embed', format('%s would run somebody else''s code as vectordb_owner: %s', source, problem), 'Give the type to a member of vectordb_owner, or let embed.drop_vectorizer end it.', '42501');
    END IF;
END
$$;
COMMENT ON FUNCTION embed.assert_own_types IS 'Internal: as embed.assert_own_code, for triggers, whose statement has locked the source';

CREATE OR REPLACE FUNCTION embed.same(anyelement, anyelement) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$ SELECT true $$;
COMMENT ON FUNCTION embed.same IS 'Internal: true of two values of one type, and no function at all of others, to which no cast helps: the statement is not even planned';

CREATE OR REPLACE FUNCTION embed.guarded_key(source regclass, keys jsonb, row_name text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- A query of the catalog would cost as much as the enqueuing of a row. Nor may it be a condition that is evaluated: who plans a
    -- statement evaluates what is constant in a cast's function in LANGUAGE sql. Columns of other types: embed.types_guard.
    SELECT format('CASE WHEN %s THEN %s END', coalesce(string_agg(
        format('embed.same(%s.%I, NULL::%s)', row_name, a.attname, format_type(a.atttypid, NULL)), ' AND '
    ), 'true'), embed.key_of(keys, row_name))
    FROM jsonb_to_recordset(keys) AS k(name text) JOIN pg_attribute AS a ON a.attrelid = source AND a.attname = k.name AND a.atttypid < 16384
$$;
COMMENT ON FUNCTION embed.guarded_key IS 'Internal: as embed.key_of, in a statement that fails when a column that is of a type of PostgreSQL''s is of another';

CREATE OR REPLACE FUNCTION embed.types_guard(columns text[]) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format(
        $guard$
    IF current_setting('transaction_isolation') <> 'read committed' OR EXISTS (
        SELECT FROM pg_attribute AS a WHERE a.attrelid = TG_RELID AND a.attname = ANY (%1$L::name[]) AND a.atttypid >= 16384
    ) THEN
        PERFORM embed.assert_own_types(TG_RELID, %1$L);
    END IF;$guard$, columns
    )
$$;
COMMENT ON FUNCTION embed.types_guard IS 'Internal: what a trigger function does before it names these columns';

CREATE OR REPLACE FUNCTION embed.strange_function(source regclass, written boolean) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH members AS (
        SELECT source::oid AS oid UNION SELECT t.relid FROM pg_partition_tree(source) AS t
    ), called(classid, objid, what) AS (
        SELECT 'pg_policy'::regclass, p.oid, 'policy ' || quote_ident(p.polname)
        FROM pg_policy AS p
        WHERE p.polrelid = source AND row_security_active(source) AND (written OR p.polcmd IN ('r', '*'))
            AND EXISTS (SELECT FROM unnest(p.polroles) AS o WHERE o = 0 OR pg_has_role(current_user, o, 'USAGE'))
        UNION ALL
        SELECT 'pg_trigger'::regclass, t.oid, 'trigger ' || quote_ident(t.tgname)
        FROM pg_trigger AS t JOIN members AS m ON m.oid = t.tgrelid WHERE written AND t.tgenabled <> 'D' AND t.tgtype & 16 <> 0
        UNION ALL
        SELECT 'pg_constraint'::regclass, c.oid, 'constraint ' || quote_ident(c.conname)
        FROM pg_constraint AS c JOIN members AS m ON m.oid = c.conrelid WHERE written
        UNION ALL
        SELECT 'pg_attrdef'::regclass, d.oid, 'column ' || quote_ident(a.attname)
        FROM pg_attrdef AS d JOIN members AS m ON m.oid = d.adrelid JOIN pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
        WHERE written AND a.attgenerated <> ''
        UNION ALL
        -- Already who plans a statement evaluates what is constant in an index, in statistics and in the key of partitions.
        SELECT 'pg_class'::regclass, i.indexrelid, 'index ' || i.indexrelid::regclass FROM pg_index AS i JOIN members AS m ON m.oid = i.indrelid
        UNION ALL
        SELECT 'pg_class'::regclass, m.oid, 'partitioning of ' || m.oid::regclass FROM members AS m
        UNION ALL
        SELECT 'pg_statistic_ext'::regclass, x.oid, 'statistics ' || quote_ident(x.stxname) FROM pg_statistic_ext AS x JOIN members AS m ON m.oid = x.stxrelid
    ), found AS (
        SELECT format('its %s calls %s, which belongs to %s', c.what, p.oid::regprocedure, p.proowner::regrole) AS said
        FROM called AS c
        JOIN pg_depend AS d ON d.classid = c.classid AND d.objid = c.objid
        LEFT JOIN pg_operator AS o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
        JOIN pg_proc AS p ON p.oid = coalesce(o.oprcode, CASE WHEN d.refclassid = 'pg_proc'::regclass THEN d.refobjid END)
        WHERE NOT embed.is_trusted(p.proowner)
        UNION ALL
        SELECT format('its %s names the type %s, which belongs to %s', c.what, format_type(t.oid, NULL), t.typowner::regrole)
        FROM called AS c
        JOIN pg_depend AS d ON d.classid = c.classid AND d.objid = c.objid AND d.refclassid = 'pg_type'::regclass
        JOIN pg_type AS t ON t.oid = d.refobjid
        WHERE c.classid <> 'pg_class'::regclass AND NOT embed.is_trusted(t.typowner)
        UNION ALL
        SELECT format('it has the rule %I', r.rulename)
        FROM pg_rewrite AS r JOIN members AS m ON m.oid = r.ev_class JOIN pg_class AS c ON c.oid = m.oid
        WHERE written AND r.ev_type = '2' AND NOT embed.is_trusted(c.relowner)
    )
    SELECT f.said FROM found AS f LIMIT 1
$$;
COMMENT ON FUNCTION embed.strange_function IS
    'Internal: what would call somebody''s code as vectordb_owner when a source is read, or a column of it is written; NULL: nothing';

CREATE OR REPLACE FUNCTION embed.refuse_strange_code(caller text, source regclass, columns text[], written text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    member regclass;
    problem text;
BEGIN
    -- Of check constraints, too, to find out whether there can be any row.
    PERFORM set_config('constraint_exclusion', 'off', true);
    FOR member IN SELECT source UNION SELECT t.relid FROM pg_partition_tree(source) AS t LOOP
        -- Parsing locks, until the end of the transaction, and runs nothing. LOCK TABLE would want more than SELECT on columns.
        EXECUTE 'PREPARE embed_lock AS ' || CASE
            WHEN written IS NULL THEN format('SELECT FROM ONLY %s', member) ELSE format('UPDATE ONLY %1$s SET %2$I = %2$I', member, written)
        END;
        DEALLOCATE embed_lock;
    END LOOP;
    problem := CASE
        -- What has changed since the transaction began is not in the catalog as it sees it.
        WHEN current_setting('transaction_isolation') <> 'read committed'
            AND NOT embed.is_trusted((SELECT c.relowner FROM pg_class AS c WHERE c.oid = source))
        THEN 'it might, which a transaction of REPEATABLE READ or SERIALIZABLE cannot see'
        ELSE coalesce(embed.strange_type(source, array_remove(columns || written, NULL)), embed.strange_function(source, written IS NOT NULL))
    END;
    IF problem IS NOT NULL THEN
        PERFORM embed.refuse(
            caller, format('%s would run somebody else''s code as %s: %s', source, current_user, problem),
            CASE WHEN written IS NULL THEN 'Give that to a member of vectordb_owner; of policies, name the roles they are for (TO ...).'
                ELSE 'Give that to a member of vectordb_owner, or keep the vectors out of the table: embed.to_table().' END, '42501'
        );
    END IF;
END
$$;
COMMENT ON FUNCTION embed.refuse_strange_code IS
    'Internal: locks a source, for reading or for writing a column of it, and refuses one that would run somebody else''s code as the caller';

CREATE OR REPLACE FUNCTION embed.assert_own_code(caller text, source regclass, columns text[], written text DEFAULT NULL) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT embed.refuse_strange_code(caller, source, columns, written) $$;
COMMENT ON FUNCTION embed.assert_own_code IS 'Internal: as embed.refuse_strange_code, for what vectordb_owner does';

CREATE OR REPLACE FUNCTION embed.assert_harmless(caller text, v embed.vectorizer, g embed.generation, written boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM embed.assert_own_code(caller, v.source, embed.cast_columns(v, g), CASE WHEN written THEN g.destination ->> 'column' END);
    PERFORM embed.assert_sees_all(caller, v.source);
END
$$;
COMMENT ON FUNCTION embed.assert_harmless IS 'Internal: refuses a source that vectordb_owner cannot read whole, or not without running somebody else''s code';
