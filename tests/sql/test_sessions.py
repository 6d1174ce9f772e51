"""What a session can set, and in whose session code can run: neither shows more, nor changes what is sent and answered."""

import re

import psycopg
import pytest

from tests.sql.cases import failure
from tests.sql.doubles import FUNCTION_ARN, index_arn

SOURCES = "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 's3vl'::regnamespace"


def numbered(text):
    """As debug_print_plan writes a constant: its bytes as numbers."""
    return " ".join(str(byte) for byte in text.encode())


# --- in whose session it is

# A table's owner puts code into an index; others' sessions run it: whoever gives the command, or autovacuum.
TRAP = """
    CREATE TABLE trap.loot (who text, what text);
    CREATE FUNCTION trap.take(statement text) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        EXECUTE 'INSERT INTO trap.loot SELECT session_user, r::text FROM ' || statement || ' AS r';
    EXCEPTION WHEN OTHERS THEN
        INSERT INTO trap.loot VALUES (session_user, SQLSTATE || ' ' || SQLERRM);
    END $$;
    CREATE FUNCTION trap.all(n integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN
        PERFORM trap.take(s) FROM unnest(ARRAY[
            $s$ s3vl.query_vectors('[1,1,0,1]'::public.vector, 'tenants', top_k => 100) $s$,
            $s$ s3vl.get_vectors('{secret}', 'private') $s$,
            $s$ s3vl.list_indexes() $s$,
            $s$ s3vl.list_copies() $s$,
            $s$ s3vl.validate_config() $s$,
            $s$ s3vl.put_vectors('{x}', ARRAY['[1,2,3,4]']::public.vector[], index_name => 'tenants') $s$
        ]) AS s;
        RETURN n;
    END $$;
    CREATE TABLE trap.laid (n integer);
    CREATE INDEX ON trap.laid (trap.all(n));
    INSERT INTO trap.laid VALUES (1);
    CREATE MATERIALIZED VIEW trap.viewed AS SELECT trap.all(1);
    DELETE FROM trap.loot;
"""


@pytest.mark.parametrize(
    ("whose", "command"),
    [
        ("superuser", "ANALYZE trap.laid"),  # as autovacuum does
        ("superuser", "REINDEX TABLE trap.laid"),
        ("superuser", "REFRESH MATERIALIZED VIEW trap.viewed"),
        ("vectordb_admin", "ANALYZE"),
        ("acme", "ANALYZE trap.laid"),
    ],
)
def test_code_of_a_table_s_owner_has_nothing_of_the_session_in_which_it_runs(database, superuser, whose, command):
    if whose == "acme" and database.server.version < 17:
        pytest.skip("before PostgreSQL 17 nobody can let a stranger analyse a table")
    superuser.execute("CREATE SCHEMA trap AUTHORIZATION vectordb_app")
    try:
        with database.login("vectordb_app") as owner:
            owner.execute(TRAP)
            if whose == "acme":
                owner.execute("GRANT MAINTAIN ON trap.laid TO PUBLIC; GRANT USAGE ON SCHEMA trap TO PUBLIC")
        if whose == "superuser":
            superuser.execute(command)
        else:
            with database.login(whose) as victim:
                victim.execute(command)
        loot = superuser.execute("SELECT who, what FROM trap.loot").fetchall()
    finally:
        superuser.execute("DROP SCHEMA trap CASCADE")
    refused = "42501 functions of s3vl cannot run inside VACUUM, ANALYZE, CREATE INDEX, REINDEX, CLUSTER or REFRESH"
    assert len(loot) >= 5  # there are no copies to list
    assert "vectordb_app" not in {who for who, _ in loot}
    assert [what for _, what in loot if not what.startswith(refused)] == []
    assert database.vectors.calls == []


def test_who_asks_is_asked_in_one_place(superuser):
    assert [name for name, source in superuser.execute(SOURCES) if "session_user" in source] == ["login"]


def test_asking_leaves_what_a_session_listens_to(app):
    app.execute("LISTEN news")
    app.execute("SELECT FROM s3vl.list_indexes()")
    assert app.execute("SELECT * FROM pg_listening_channels()").fetchall() == [("news",)]


# --- what it has set


def test_no_function_s_text_depends_on_what_a_backslash_means(superuser):
    """standard_conforming_strings is the caller's: with it off '\\]' is ']', and a pattern another one."""
    found = [
        name
        for name, source in superuser.execute(SOURCES)
        if "\\" in re.sub(r"E'(?:[^'\\]|\\.|'')*'", "", re.sub(r"--[^\n]*", "", source))
    ]
    assert found == []


def test_arns_stay_withheld_whatever_a_backslash_means(database):
    database.vectors.refusal = ("ValidationException", f"not {index_arn('many')} today", 400)
    with database.login(options="-c standard_conforming_strings=off -c escape_string_warning=on") as session:
        state, message, _, _ = failure(session, "SELECT * FROM s3vl.query_vectors('[0,0]', 'many')")
    assert (state, message) == ("22023", "s3vl.query_vectors: ValidationException: not (ARN withheld) today")


def test_a_position_is_the_caller_s_whatever_a_backslash_means(database):
    values = "ARRAY['a', 'b'], ARRAY['[1,0,0,0,0,0,0,0]', '[1,0,0,0,0,0,0,0]']::public.vector[]"
    with database.login(options="-c standard_conforming_strings=off") as session:
        _, message, _, _ = failure(
            session,
            f"""SELECT s3vl.put_vectors({values}, ARRAY['{{}}', '{{"deep": {{"er": 1}}}}']::jsonb[], 'copies')""",
        )
    assert message.startswith("s3vl.put_vectors: InvalidRequest: metadata[2].deep must be ")


def test_a_printed_plan_shows_no_arn(database):
    """debug_print_plan is anybody's to set; a plan holds the values of variables."""
    printed = []
    database.vectors.refusal = ("ValidationException", f"not {index_arn('private')} today", 400)
    with database.login() as session:
        session.add_notice_handler(lambda diagnosis: printed.append(str(diagnosis.message_detail)))
        session.execute("SET client_min_messages = log")
        session.execute("SET debug_print_plan = on; SET debug_print_rewritten = on; SET debug_print_parse = on")
        with pytest.raises(psycopg.Error):
            session.execute("SELECT * FROM s3vl.query_vectors('[0,0]', 'many')")
        session.execute("SELECT * FROM s3vl.validate_config()")
        session.execute("SELECT * FROM s3vl.get_config()")
    text = " ".join("\n".join(printed).split())
    assert numbered("s3vl.query_vectors") in text  # so plans are there, and their values
    assert numbered(FUNCTION_ARN) not in text
    assert numbered(index_arn("private")) not in text


@pytest.mark.parametrize("encoding", ["LATIN1", "WIN1251", "EUC_JP"])
def test_errors_arrive_in_every_encoding(database, encoding):
    """A message that the client's encoding cannot say is replaced by one that says only that."""
    database.as_admin("SELECT s3vl.assign_vectorizer('many', 'words')")
    try:
        with database.login(client_encoding=encoding) as session:
            state, _, _, hint = failure(session, "SELECT * FROM s3vl.query_vectors('[0,0]', 'many')")
    finally:
        database.as_admin("SELECT s3vl.assign_vectorizer('many', NULL)")
    assert state == "42809"
    assert hint.startswith("embed.search('words', ...) searches it")


def test_every_message_is_ascii(superuser):
    assert [name for name, source in superuser.execute(SOURCES) if not source.isascii()] == []


@pytest.mark.parametrize(
    "setting",
    [
        "extra_float_digits = -15",
        "bytea_output = escape",
        "DateStyle = German",
        "IntervalStyle = sql_standard",
        "TimeZone = 'Asia/Kathmandu'",
        "standard_conforming_strings = off",
        "array_nulls = off",
        "transform_null_equals = on",
        "quote_all_identifiers = on",
        "plan_cache_mode = force_generic_plan",
        "default_transaction_isolation = serializable",
        "client_encoding = LATIN1",
    ],
)
def test_what_is_sent_and_answered_is_the_same_under_every_setting(database, app, setting):
    third = 0.333333343  # the fewest digits that are these 32 bits
    app.execute(f"SET {setting}")
    app.execute(
        "SELECT s3vl.put_vectors(ARRAY['é'], ARRAY[ARRAY[1/3.0, 1, 0, 0, 0, 0, 0, 0]],"
        " ARRAY['{\"sum\": 0.30000000000000004}'::jsonb], 'copies')"
    )
    try:
        (vector, metadata) = database.vectors.contents("copies")["é"]
        assert (vector[0], metadata) == (third, {"sum": 0.30000000000000004})
        found = app.execute(
            "SELECT vector_id, embedding[1] = '0.333333343'::float8, metadata::text"
            " FROM s3vl.get_vectors(ARRAY['é'], 'copies')"
        ).fetchall()
        assert found == [("é", True, '{"sum": 0.30000000000000004}')]
        # The sum is exactly this, and in fewer digits another number.
        statement = (
            "SELECT vector_id FROM s3vl.query_vectors('[1,1,0,0,0,0,0,0]', 'copies',"
            " metadata_filter => s3vl.filter_in('sum', ARRAY[0.1::float8 + 0.2]))"
        )
        assert app.execute(statement).fetchall() == [("é",)]
    finally:
        database.vectors.clear("copies")
