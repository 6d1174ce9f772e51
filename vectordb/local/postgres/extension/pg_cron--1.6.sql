-- pg_cron as RDS and Aurora offer it: its tables, its functions and their words. Its scheduler runs outside of the server (cron/).
-- https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/PostgreSQL_pg_cron.html, https://github.com/citusdata/pg_cron
-- Left out: schedules of the odd forms that its parser lets pass by accident.

DO $$
DECLARE
    wanted CONSTANT text := current_setting('cron.database_name');  -- an error where pg_cron is not preloaded, as there
BEGIN
    IF NOT 'pg_cron' = ANY (regexp_split_to_array(current_setting('shared_preload_libraries'), '\s*,\s*')) THEN
        RAISE EXCEPTION 'pg_cron can only be loaded via shared_preload_libraries'
            USING HINT = 'Add pg_cron to the shared_preload_libraries configuration variable in postgresql.conf.';
    ELSIF current_database() <> wanted THEN
        RAISE EXCEPTION 'can only create extension in database %', wanted
            USING DETAIL = 'Jobs must be scheduled from the database configured in cron.database_name, since the pg_cron background '
                           'worker reads job descriptions from this database.',
                  HINT = format('Add cron.database_name = ''%s'' in postgresql.conf to use the current database.', current_database());
    END IF;
END
$$;

CREATE SCHEMA cron;
CREATE SEQUENCE cron.jobid_seq;
CREATE SEQUENCE cron.runid_seq;

CREATE TABLE cron.job (
    jobid bigint PRIMARY KEY DEFAULT nextval('cron.jobid_seq'),
    schedule text NOT NULL,
    command text NOT NULL,
    nodename text NOT NULL DEFAULT 'localhost',
    nodeport integer NOT NULL DEFAULT current_setting('port')::integer,
    database text NOT NULL DEFAULT current_database(),
    username text NOT NULL DEFAULT current_user,
    active boolean NOT NULL DEFAULT true,
    jobname text,
    CONSTRAINT jobname_username_uniq UNIQUE (jobname, username)
);

CREATE TABLE cron.job_run_details (
    jobid bigint,
    runid bigint PRIMARY KEY DEFAULT nextval('cron.runid_seq'),
    job_pid integer,
    database text,
    username text,
    command text,
    status text,
    return_message text,
    start_time timestamptz,
    end_time timestamptz
);

SELECT pg_extension_config_dump('cron.job', '');
SELECT pg_extension_config_dump('cron.jobid_seq', '');
SELECT pg_extension_config_dump('cron.job_run_details', '');
SELECT pg_extension_config_dump('cron.runid_seq', '');

-- Everybody sees what is his own; the members of rds_superuser see and change all.
ALTER TABLE cron.job ENABLE ROW LEVEL SECURITY;
ALTER TABLE cron.job_run_details ENABLE ROW LEVEL SECURITY;
CREATE POLICY cron_job_policy ON cron.job USING (username = current_user);
CREATE POLICY cron_job_run_details_policy ON cron.job_run_details USING (username = current_user);
CREATE POLICY rds_superuser_policy ON cron.job USING (pg_has_role(current_user, 'rds_superuser', 'USAGE'));
CREATE POLICY rds_superuser_policy ON cron.job_run_details USING (pg_has_role(current_user, 'rds_superuser', 'USAGE'));
GRANT SELECT ON cron.job, cron.jobid_seq, cron.runid_seq TO PUBLIC;
GRANT SELECT, DELETE ON cron.job_run_details TO PUBLIC;

-- Whether a schedule is one: five fields of numbers, names, ranges, lists and steps (what follows them is ignored), a name with @, or
-- '[1-59] seconds'. cron/schedule.py reads the same forms.
CREATE FUNCTION cron._is_schedule(schedule text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    fields CONSTANT text[] := regexp_split_to_array(lower(btrim(schedule, E' \t\n')), '[ \t\n]+');
    lowest CONSTANT integer[] := '{0,0,1,1,0}';
    highest CONSTANT integer[] := '{59,23,31,12,7}';
    names text[];
    item text;
    parts text[];
    value integer;
BEGIN
    IF fields[1] ~ '^@' THEN
        RETURN fields[1] IN ('@reboot', '@restart', '@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly');
    ELSIF lower(schedule) ~ '^\s*\d{1,9}\s*seconds?\s*$' THEN
        RETURN substring(schedule FROM '\d+')::integer BETWEEN 1 AND 59;
    ELSIF cardinality(fields) < 5 THEN
        RETURN false;
    END IF;
    FOR field IN 1 .. 5 LOOP
        CONTINUE WHEN field = 3 AND fields[3] = '$';
        names := CASE field
            WHEN 4 THEN '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}'
            WHEN 5 THEN '{sun,mon,tue,wed,thu,fri,sat,sun}'
            ELSE '{}'
        END;
        FOREACH item IN ARRAY string_to_array(fields[field], ',') LOOP
            parts := regexp_match(item, '^(?:\*|([a-z]+|\d{1,9})(?:-([a-z]+|\d{1,9}))?)(?:/(\d{1,9}))?$');
            IF parts IS NULL OR parts[3] IS NOT NULL AND (
                NOT parts[3]::integer BETWEEN 1 AND highest[field] OR parts[1] IS NOT NULL AND parts[2] IS NULL)
            THEN
                RETURN false;
            END IF;
            FOREACH item IN ARRAY array_remove(parts[1:2], NULL) LOOP
                value := CASE WHEN item ~ '^\d' THEN item::integer ELSE array_position(names, item) - 1 + lowest[field] END;
                IF value IS NULL OR NOT value BETWEEN lowest[field] AND highest[field] THEN
                    RETURN false;
                END IF;
            END LOOP;
        END LOOP;
    END LOOP;
    RETURN true;
END
$$;

-- The functions below run as their caller, who may not write to cron.job: they insert into a view whose trigger may. A default value of
-- the view tells the trigger who calls, and nobody has the privilege to give that column another value.
CREATE VIEW cron._request AS
    SELECT NULL::text AS operation, NULL::bigint AS jobid, NULL::text AS jobname, NULL::text AS schedule, NULL::text AS command,
        NULL::text AS database, NULL::text AS username, NULL::boolean AS active, NULL::name AS caller
    WHERE false;
ALTER VIEW cron._request ALTER COLUMN caller SET DEFAULT current_user;
GRANT SELECT (jobid), INSERT (operation, jobid, jobname, schedule, command, database, username, active) ON cron._request TO PUBLIC;

-- Raises unless the user may run jobs in the database.
CREATE FUNCTION cron._check_target(caller name, username text, database text, verb text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    may_log_in boolean;
BEGIN
    IF username IS NOT NULL THEN
        IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = caller) THEN
            RAISE EXCEPTION 'must be superuser to %', verb USING ERRCODE = 'internal_error';
        END IF;
        SELECT rolcanlogin INTO may_log_in FROM pg_roles WHERE rolname = username;
        IF may_log_in IS NULL THEN
            RAISE EXCEPTION 'role "%" does not exist', username USING ERRCODE = 'internal_error';
        ELSIF NOT may_log_in THEN
            RAISE EXCEPTION 'role "%" can not log in', username
                USING ERRCODE = 'internal_error', DETAIL = 'Jobs may only be run by roles that have the LOGIN attribute.';
        END IF;
    END IF;
    IF database IS NOT NULL AND NOT has_database_privilege(coalesce(username, caller), database, 'CONNECT') THEN
        RAISE EXCEPTION 'User % does not have CONNECT privilege on %', coalesce(username, caller), database USING ERRCODE = 'internal_error';
    END IF;
END
$$;

CREATE FUNCTION cron._check_schedule(schedule text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT cron._is_schedule(schedule) THEN
        RAISE EXCEPTION 'invalid schedule: %', schedule USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Use cron format (e.g. 5 4 * * *), or interval format ''[1-59] seconds''';
    END IF;
END
$$;

CREATE FUNCTION cron._schedule(request cron._request) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    target CONSTANT text := coalesce(request.database, current_setting('cron.database_name'));
    made bigint;
BEGIN
    PERFORM cron._check_schedule(request.schedule);
    PERFORM cron._check_target(request.caller, request.username, target, 'create a job for another role');
    INSERT INTO cron.job (schedule, command, database, username, active, jobname)
    VALUES (request.schedule, request.command, target, coalesce(request.username, request.caller), coalesce(request.active, true),
        request.jobname)
    ON CONFLICT ON CONSTRAINT jobname_username_uniq
    DO UPDATE SET schedule = EXCLUDED.schedule, command = EXCLUDED.command, database = EXCLUDED.database
    RETURNING jobid INTO made;
    RETURN made;
END
$$;

CREATE FUNCTION cron._alter(request cron._request) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM cron._check_target(request.caller, request.username, request.database, 'alter username');
    IF request.schedule IS NOT NULL THEN
        PERFORM cron._check_schedule(request.schedule);
    END IF;
    IF num_nonnulls(request.schedule, request.command, request.database, request.username, request.active) = 0 THEN
        RAISE EXCEPTION 'no updates specified' USING ERRCODE = 'internal_error',
            HINT = 'You must specify at least one job attribute to change when calling alter_job';
    END IF;
    UPDATE cron.job SET
        schedule = coalesce(request.schedule, schedule), command = coalesce(request.command, command),
        database = coalesce(request.database, database), username = coalesce(request.username, username),
        active = coalesce(request.active, active)
    WHERE jobid = request.jobid AND (username = request.caller OR (SELECT rolsuper FROM pg_roles WHERE rolname = request.caller));
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Job % does not exist or you don''t own it', request.jobid USING ERRCODE = 'internal_error';
    END IF;
END
$$;

CREATE FUNCTION cron._unschedule(request cron._request) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner text;
    found_job bigint;
BEGIN
    SELECT jobid, username INTO found_job, owner FROM cron.job
    WHERE CASE WHEN request.jobname IS NULL THEN jobid = request.jobid
        ELSE jobname = request.jobname AND username = request.caller END;
    IF found_job IS NULL THEN
        RAISE EXCEPTION 'could not find valid entry for job %', coalesce(quote_literal(request.jobname), request.jobid::text)
            USING ERRCODE = 'internal_error';
    ELSIF owner <> request.caller AND NOT has_table_privilege(request.caller, 'cron.job', 'DELETE') THEN
        RAISE EXCEPTION 'permission denied for table job' USING ERRCODE = 'insufficient_privilege';
    END IF;
    DELETE FROM cron.job WHERE jobid = found_job;
END
$$;

CREATE FUNCTION cron._carry_out() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    CASE NEW.operation
        WHEN 'schedule' THEN
            IF num_nonnulls(NEW.database, NEW.username, NEW.active) > 0 AND NOT has_function_privilege(
                NEW.caller, 'cron.schedule_in_database(text,text,text,text,text,boolean)', 'EXECUTE')
            THEN
                RAISE EXCEPTION 'permission denied for function schedule_in_database' USING ERRCODE = 'insufficient_privilege';
            END IF;
            NEW.jobid := cron._schedule(NEW);
        WHEN 'alter' THEN
            IF NOT has_function_privilege(NEW.caller, 'cron.alter_job(bigint,text,text,text,text,boolean)', 'EXECUTE') THEN
                RAISE EXCEPTION 'permission denied for function alter_job' USING ERRCODE = 'insufficient_privilege';
            END IF;
            PERFORM cron._alter(NEW);
        WHEN 'unschedule' THEN
            PERFORM cron._unschedule(NEW);
    END CASE;
    RETURN NEW;
END
$$;
CREATE TRIGGER carry_out INSTEAD OF INSERT ON cron._request FOR EACH ROW EXECUTE FUNCTION cron._carry_out();

CREATE FUNCTION cron.schedule(schedule text, command text) RETURNS bigint
LANGUAGE sql STRICT
AS $$ INSERT INTO cron._request (operation, schedule, command) VALUES ('schedule', $1, $2) RETURNING jobid $$;

CREATE FUNCTION cron.schedule(job_name text, schedule text, command text) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    made bigint;
BEGIN
    IF num_nulls($1, $2, $3) > 0 THEN
        RAISE EXCEPTION '% can not be NULL', CASE WHEN $1 IS NULL THEN 'job_name' WHEN $2 IS NULL THEN 'schedule' ELSE 'command' END
            USING ERRCODE = 'internal_error';
    END IF;
    INSERT INTO cron._request (operation, jobname, schedule, command) VALUES ('schedule', $1, $2, $3) RETURNING jobid INTO made;
    RETURN made;
END
$$;

CREATE FUNCTION cron.schedule_in_database(
    job_name text, schedule text, command text, database text, username text DEFAULT NULL, active boolean DEFAULT true)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    made bigint;
BEGIN
    IF num_nulls($1, $2, $3) > 0 THEN
        RAISE EXCEPTION '% can not be NULL', CASE WHEN $1 IS NULL THEN 'job_name' WHEN $2 IS NULL THEN 'schedule' ELSE 'command' END
            USING ERRCODE = 'internal_error';
    END IF;
    INSERT INTO cron._request (operation, jobname, schedule, command, database, username, active)
    VALUES ('schedule', $1, $2, $3, $4, $5, coalesce($6, true)) RETURNING jobid INTO made;
    RETURN made;
END
$$;

CREATE FUNCTION cron.alter_job(
    job_id bigint, schedule text DEFAULT NULL, command text DEFAULT NULL, database text DEFAULT NULL, username text DEFAULT NULL,
    active boolean DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF $1 IS NULL THEN
        RAISE EXCEPTION 'job_id can not be NULL' USING ERRCODE = 'internal_error';
    END IF;
    INSERT INTO cron._request (operation, jobid, schedule, command, database, username, active) VALUES ('alter', $1, $2, $3, $4, $5, $6);
END
$$;

CREATE FUNCTION cron.unschedule(job_id bigint) RETURNS boolean
LANGUAGE sql STRICT
AS $$ INSERT INTO cron._request (operation, jobid) VALUES ('unschedule', $1); SELECT true $$;

CREATE FUNCTION cron.unschedule(job_name text) RETURNS boolean
LANGUAGE sql STRICT
AS $$ INSERT INTO cron._request (operation, jobname) VALUES ('unschedule', $1); SELECT true $$;

-- Whoever has USAGE on the schema may schedule for himself; the rest is for whom an administrator grants it to.
REVOKE ALL ON FUNCTION cron.alter_job, cron.schedule_in_database FROM PUBLIC;
REVOKE ALL ON FUNCTION cron._schedule, cron._alter, cron._unschedule, cron._carry_out, cron._check_target, cron._check_schedule FROM PUBLIC;
GRANT USAGE ON SCHEMA cron TO rds_superuser WITH GRANT OPTION;
GRANT ALL ON ALL TABLES IN SCHEMA cron TO rds_superuser WITH GRANT OPTION;
REVOKE ALL ON cron._request FROM rds_superuser;
GRANT ALL ON FUNCTION cron.alter_job, cron.schedule_in_database, cron.unschedule(bigint), cron.unschedule(text),
    cron.schedule(text, text), cron.schedule(text, text, text) TO rds_superuser WITH GRANT OPTION;
