"""Embeddings in S3 Vectors: which vectors are seen, what becomes of the others, who may search, and what reconciliation finds."""

import json

import psycopg
import pytest

from tests.sql.cases import DECLARED, failure
from tests.sql.doubles import index_arn
from tests.sql.embed_cases import vector

INDEX, TENANT_INDEX = "embedded", "embedded-tenants"


@pytest.fixture(scope="session")
def indexes(vectors):
    for name in (INDEX, TENANT_INDEX):
        vectors.create(name, 3)


@pytest.fixture
def s3(database, bench, vectors, indexes, monkeypatch):
    """A bench with two empty indexes; `s3.contents()` is what is in the first."""
    arns = [index["arn"] for index in DECLARED] + [index_arn(INDEX), index_arn(TENANT_INDEX)]
    monkeypatch.setenv("VECTORDB_INDEX_ARNS", json.dumps(arns))
    for name in (INDEX, TENANT_INDEX):
        vectors.clear(name)
        bench.run("SELECT s3vl.register_index(%s, %s)", name, index_arn(name))
        bench.run("UPDATE s3vl.index_registry SET dimension = 3, metric = 'cosine' WHERE index_name = %s", name)
    bench.run("SELECT s3vl.scope_index(%s, 'tenant')", TENANT_INDEX)
    yield S3(bench, vectors)
    bench.clear()
    bench.run("DELETE FROM embed.s3_intent")
    bench.run("DELETE FROM embed.s3_garbage")
    bench.run("DELETE FROM embed.s3_listing")
    for name in (INDEX, TENANT_INDEX):
        bench.run("SELECT s3vl.unregister_index(%s)", name)


class S3:
    """A worker's steps, one by one."""

    def __init__(self, bench, vectors):
        self.bench, self.vectors = bench, vectors
        self.worker = bench.worker

    def declare(self, index=INDEX, metadata="{}", **parts):
        return self.bench.vectorizer(destination=f"embed.to_s3_vectors('{index}', metadata => '{metadata}')", **parts)

    def contents(self, index=INDEX):
        return self.vectors.contents(index)

    def intend(self, claim, items):
        """The keys' beginnings, by row; the items get their vectors' keys."""
        wanted = [
            {k: item[k] for k in ("key", "version", "lease")}
            | {"chunks": [n for n, chunk in enumerate(item["chunks"]) if chunk["embedding"]]}
            for item in items
        ]
        rows = self.worker.rows(
            "SELECT * FROM embed.intend(%s, %s, %s)", claim.vectorizer, claim.generation, json.dumps(wanted)
        )
        prefixes = {row["key"]: row["prefix"] for row in rows}
        for item in items:
            for n, chunk in enumerate(item["chunks"]):
                chunk["data"] = chunk.pop("embedding")
                chunk["vector_key"] = (
                    f"{prefixes[item['key']]}{n}" if chunk["data"] and item["key"] in prefixes else None
                )
        return prefixes

    def put(self, claim, items, index=INDEX):
        records = {
            chunk["vector_key"]: (json.loads(chunk["data"]), claim.contents[item["key"]]["metadata"] or {})
            for item in items
            for chunk in item["chunks"]
            if chunk["vector_key"]
        }
        if records:
            self.vectors.put(index, records)

    def begin(self, vectorizer, generation=1, index=INDEX, lease=60):
        """Claimed, embedded, put, not finished: (claim, items)."""
        claim = self.worker.read(self.worker.claim(vectorizer, generation, lease=lease))
        items = self.worker.items(claim)
        self.intend(claim, items)
        self.put(claim, items, index)
        return claim, items

    def drain(self, vectorizer, generation=1, index=INDEX):
        self.worker.advance(vectorizer, generation)
        done = 0
        while True:
            claim, items = self.begin(vectorizer, generation, index)
            if not claim.rows:
                return done
            done += sum(outcome == "done" for outcome in self.worker.finish(claim, items).values())

    def collect(self, index=INDEX, *, later=False):
        """Delete what is garbage now (later: or will be); how many."""
        if later:
            self.bench.run("UPDATE embed.s3_garbage SET due_at = clock_timestamp()")
            self.bench.run("UPDATE embed.s3_intent SET expires_at = clock_timestamp()")
        total = 0
        while found := self.worker.rows("SELECT * FROM embed.garbage(3)"):
            for row in found:
                assert row["index_arn"] == index_arn(index)
                self.vectors._ask("DeleteVectors", {"indexArn": row["index_arn"], "keys": row["vector_keys"]})
                self.worker.rows("SELECT embed.collected(%s, %s)", row["index_arn"], row["vector_keys"])
                total += len(row["vector_keys"])
        return total

    def list_index(self, index=INDEX, page=4):
        """What the worker does for a listing; how many pages."""
        pages = 0
        while rows := self.worker.rows("SELECT * FROM embed.listing()"):
            asked = {"indexArn": index_arn(index), "maxResults": page}
            answer = self.vectors._ask(
                "ListVectors", asked | ({"nextToken": rows[0]["next_token"]} if rows[0]["next_token"] else {})
            )
            keys = [vector["key"] for vector in answer["vectors"]]
            self.worker.rows(
                "SELECT embed.listed(%s, %s, %s, %s::text[], %s)", *rows[0].values(), keys, answer.get("nextToken")
            )
            pages += 1
        return pages

    def search(self, text, k=3, user=None, more=""):
        statement = f"SELECT key::text, chunk_number, chunk, round(distance::numeric, 6) FROM embed.search('docs', %s, %s{more})"
        if user is None:
            return self.bench.run(statement, vector(text), k)
        with self.bench.database.login(user) as session:
            return session.execute(statement, [vector(text), k]).fetchall()

    def status(self, column):
        return self.bench.value(f"SELECT {column} FROM embed.status")


def test_rows_are_found_by_their_vectors(s3):
    s3.bench.docs(5)
    number = s3.declare()
    assert s3.drain(number) == 5
    assert len(s3.contents()) == 5
    assert s3.search("body 3", 1) == [("[3]", 0, "body 3", 0)]
    assert len(s3.search("body 3", 5)) == 5
    assert s3.bench.reconciled() == (0, 0, 0, 0)
    assert s3.status("coverage") == 1
    assert s3.status("hidden_garbage") == 0


def test_keys_are_of_one_attempt_and_do_not_say_the_primary_key(s3):
    s3.bench.run("CREATE TABLE app.docs (id text PRIMARY KEY, body text)")
    s3.bench.run("INSERT INTO app.docs VALUES ('the secret name', 'one\n\ntwo')")
    number = s3.declare()
    claim, _ = s3.begin(number) if not s3.worker.advance(number) else (None, None)
    row = claim.rows[0]
    first = sorted(s3.contents())
    assert [key.rsplit("/", 2)[1:] for key in first] == [
        [f"{row['version']}.{row['lease']}", "0"],
        [f"{row['version']}.{row['lease']}", "1"],
    ]
    assert all(key.startswith(f"{number}.1/") and "secret" not in key for key in first)
    # Its lease ends; another attempt writes keys of its own.
    s3.bench.run("UPDATE embed.work SET lease_until = clock_timestamp(), not_before = clock_timestamp()")
    s3.drain(number)
    assert len(s3.contents()) == 4
    assert not set(first) & {key for (key,) in s3.bench.run("SELECT vector_key FROM embeddings.docs_generation_1")}


def test_an_update_shows_the_new_vector_and_wastes_the_old_one(s3):
    s3.bench.docs(3)
    number = s3.declare()
    s3.drain(number)
    s3.bench.run("UPDATE app.docs SET body = 'other words' WHERE id = 2")
    # Not embedded yet: neither what it was nor what it is.
    assert sorted(key for key, *_ in s3.search("body 2", 3)) == ["[1]", "[3]"]
    s3.drain(number)
    assert s3.search("other words", 1) == [("[2]", 0, "other words", 0)]
    assert len(s3.contents()) == 4
    assert s3.status("hidden_garbage") == 1
    # Searches that are under way may still want it.
    assert s3.collect() == 0
    assert s3.collect(later=True) == 1
    assert len(s3.contents()) == 3
    assert s3.status("hidden_garbage") == 0


def test_a_deleted_row_is_not_found_and_its_vectors_go(s3):
    s3.bench.docs(3)
    number = s3.declare()
    s3.drain(number)
    s3.bench.run("DELETE FROM app.docs WHERE id = 2")
    assert [key for key, *_ in s3.search("body 2", 3)] != []
    assert "[2]" not in [key for key, *_ in s3.search("body 2", 3)]
    s3.drain(number)
    s3.collect(later=True)
    assert len(s3.contents()) == 2


def test_unchanged_chunks_keep_their_vectors_also_when_they_move(s3):
    s3.bench.run("CREATE TABLE app.docs (id bigint PRIMARY KEY, body text)")
    s3.bench.run("INSERT INTO app.docs VALUES (1, 'one\n\ntwo\n\nthree')")
    number = s3.declare()
    s3.drain(number)
    before = dict(s3.bench.run("SELECT chunk, vector_key FROM embeddings.docs_generation_1"))
    s3.worker.embedded.clear()
    s3.bench.run("UPDATE app.docs SET body = 'new\n\none\n\nthree\n\none'")
    s3.drain(number)
    assert s3.worker.embedded == ["new"]
    after = s3.bench.run("SELECT chunk, vector_key FROM embeddings.docs_generation_1 ORDER BY chunk_number")
    assert [chunk for chunk, _ in after] == ["new", "one", "three", "one"]
    assert [key for chunk, key in after if chunk != "new"] == [before["one"], before["three"], before["one"]]
    assert s3.bench.run("SELECT vector_key FROM embed.s3_garbage") == [(before["two"],)]


def test_a_zombie_changes_nothing_and_what_it_put_is_collected(s3):
    s3.bench.docs(1)
    number = s3.declare()
    s3.worker.advance(number)
    late = s3.begin(number)
    s3.bench.run("UPDATE app.docs SET body = 'newer'")
    s3.drain(number)
    assert s3.worker.finish(*late) == {"[1]": "changed"}
    assert s3.search("newer", 5) == [("[1]", 0, "newer", 0)]
    assert len(s3.contents()) == 2
    assert s3.collect() == 1  # its put has ended, so nothing is waited for
    assert len(s3.contents()) == 1


def test_a_worker_that_dies_after_its_put_leaves_an_intent(s3):
    s3.bench.docs(2)
    number = s3.declare()
    s3.worker.advance(number)
    s3.begin(number)
    assert s3.bench.value("SELECT count(*) FROM embed.s3_intent") == 2
    assert s3.bench.value(
        "SELECT max(abs(extract(epoch FROM i.expires_at - w.lease_until) - 960)) < 0.001 FROM embed.s3_intent AS i, embed.work AS w"
    )
    s3.bench.run("UPDATE embed.work SET lease_until = clock_timestamp(), not_before = clock_timestamp()")
    s3.drain(number)
    assert s3.collect() == 0
    s3.bench.run("UPDATE embed.s3_intent SET expires_at = clock_timestamp()")
    assert s3.collect() == 2
    assert len(s3.contents()) == 2
    assert len(s3.search("body 1", 5)) == 2


def test_a_result_whose_intent_was_collected_does_not_count(s3):
    """Or a row would be shown whose vector is being deleted."""
    s3.bench.docs(1)
    number = s3.declare()
    s3.worker.advance(number)
    claim, items = s3.begin(number)
    s3.collect(later=True)
    assert s3.worker.finish(claim, items) == {"[1]": "incomplete"}
    assert s3.drain(number) == 1
    assert s3.search("body 1", 1) == [("[1]", 0, "body 1", 0)]


def test_an_intent_needs_a_lease(s3):
    s3.bench.docs(2)
    number = s3.declare()
    s3.worker.advance(number)
    claim = s3.worker.read(s3.worker.claim(number))
    s3.bench.run("UPDATE app.docs SET body = 'changed' WHERE id = 1")
    assert set(s3.intend(claim, s3.worker.items(claim))) == {"[2]"}
    s3.bench.run("UPDATE embed.work SET lease_until = clock_timestamp() WHERE key = '[2]'")
    assert s3.intend(claim, s3.worker.items(claim)) == {}
    assert s3.bench.value("SELECT count(*) FROM embed.s3_intent") == 1


def test_over_fetching_goes_on_until_enough_are_seen(s3):
    s3.bench.docs(120)
    number = s3.declare()
    s3.drain(number)
    # As much hidden garbage as there are vectors, all of it nearer.
    s3.vectors.put(INDEX, {f"{number}.1/{'0' * 32}/1.1/{n}": (json.loads(vector("body 7")), {}) for n in range(450)})
    found = s3.search("body 7", 100)
    assert len({key for key, *_ in found}) == 100
    assert found[0][:3] == ("[7]", 0, "body 7")
    assert [row[3] for row in found] == sorted(row[3] for row in found)


def test_a_metadata_column_goes_with_the_vector_and_its_change_is_seen(s3):
    s3.bench.run("CREATE TABLE app.docs (id bigint PRIMARY KEY, body text, lang text, year integer, tags text[])")
    s3.bench.run("INSERT INTO app.docs VALUES (1, 'one', 'en', 2001, '{a,b}'), (2, 'two', 'de', 2002, NULL)")
    number = s3.declare(metadata="{lang,year,tags}")
    s3.drain(number)
    assert sorted((m for _, m in s3.contents().values()), key=lambda m: m["year"]) == [
        {"lang": "en", "year": 2001, "tags": ["a", "b"]},
        {"lang": "de", "year": 2002},
    ]
    only_german = """, metadata_filter => '{"lang": "de"}'"""
    assert [key for key, *_ in s3.search("one", 5, more=only_german)] == ["[2]"]
    s3.bench.run("UPDATE app.docs SET lang = 'fr' WHERE id = 2")
    assert s3.bench.work() == [(1, "[2]", "u")]
    s3.drain(number)
    s3.collect(later=True)
    assert sorted(m["lang"] for _, m in s3.contents().values()) == ["en", "fr"]
    # Past the triggers: found by what is embedded, metadata included.
    s3.bench.run("ALTER TABLE app.docs DISABLE TRIGGER USER")
    s3.bench.run("UPDATE app.docs SET year = 1 WHERE id = 1")
    s3.bench.run("ALTER TABLE app.docs ENABLE TRIGGER USER")
    assert s3.bench.reconciled() == (0, 1, 0, 0)


def test_readers_of_the_source_search_and_others_do_not(s3):
    s3.bench.docs(2)
    number = s3.declare()
    s3.drain(number)
    with s3.bench.database.login("vectordb_app") as session:
        state, _, _, hint = failure(session, f"SELECT * FROM embed.search('docs', '{vector('body 1')}')")
        said = "As an administrator: GRANT SELECT ON app.docs TO vectordb_app; SELECT embed.refresh('docs');"
        assert (state, hint) == ("42501", said)
        assert failure(session, f"SELECT * FROM s3vl.query_vectors('{vector('body 1')}', '{INDEX}')")[0] == "42809"
        assert failure(session, "SELECT * FROM embed.s3_garbage")[0] == "42501"
    s3.bench.run("GRANT USAGE ON SCHEMA app TO vectordb_app")
    s3.bench.run("GRANT SELECT ON app.docs TO vectordb_app")
    s3.bench.run("SELECT embed.refresh('docs')")
    assert s3.search("body 1", 1, "vectordb_app") == [("[1]", 0, "body 1", 0)]
    # Who may read the key only may not ask how near the other columns are to a text.
    s3.bench.run("GRANT USAGE ON SCHEMA app TO globex; GRANT SELECT (id) ON app.docs TO globex")
    with s3.bench.database.login("globex") as session:
        asked = f"SELECT * FROM embed.candidates('docs', '{vector('body 1')}', 10, 0, NULL, NULL)"
        assert failure(session, asked)[0] == "42501"


def test_tenants_and_row_level_security(s3):
    s3.bench.run("CREATE TABLE app.docs (id bigint PRIMARY KEY, body text, tenant text)")
    s3.bench.run(
        "INSERT INTO app.docs SELECT n, 'body ' || n, CASE n % 2 WHEN 0 THEN 'acme' ELSE 'globex' END FROM generate_series(1, 6) AS n"
    )
    s3.bench.run("ALTER TABLE app.docs ENABLE ROW LEVEL SECURITY")
    s3.bench.run("CREATE POLICY own ON app.docs FOR SELECT USING (tenant = current_user)")
    s3.bench.run("CREATE POLICY all_of_it ON app.docs FOR SELECT TO vectordb_owner USING (true)")
    s3.bench.run("GRANT USAGE ON SCHEMA app TO acme, globex")
    s3.bench.run("GRANT SELECT ON app.docs TO acme, globex")
    with pytest.raises(psycopg.Error, match="tenant key 'tenant', which is not among the metadata"):
        s3.declare(TENANT_INDEX)
    number = s3.declare(TENANT_INDEX, metadata="{tenant}")
    s3.drain(number, index=TENANT_INDEX)
    assert len(s3.search("body 1", 6)) == 6
    assert sorted(key for key, *_ in s3.search("body 1", 6, "acme")) == ["[2]", "[4]", "[6]"]
    assert sorted(key for key, *_ in s3.search("body 1", 6, "globex")) == ["[1]", "[3]", "[5]"]


def test_row_level_security_without_a_tenant_key_is_refused(s3):
    """How near a hidden row is to a vector would be told to whoever asks for candidates directly."""
    s3.bench.docs(1)
    number = s3.declare()
    s3.drain(number)
    s3.bench.run("ALTER TABLE app.docs ENABLE ROW LEVEL SECURITY")
    s3.bench.run("CREATE POLICY seen ON app.docs FOR SELECT USING (true)")
    s3.bench.run("GRANT USAGE ON SCHEMA app TO vectordb_app")
    s3.bench.run("GRANT SELECT ON app.docs TO vectordb_app")
    s3.bench.run("SELECT embed.refresh('docs')")
    with s3.bench.database.login("vectordb_app") as session:
        assert failure(session, f"SELECT * FROM embed.search('docs', '{vector('body 1')}')")[0] == "0A000"
        assert (
            failure(session, f"SELECT * FROM embed.candidates('docs', '{vector('body 1')}', 10, 0, NULL, NULL)")[0]
            == "0A000"
        )


def test_writes_advance_the_index_s_epoch(s3):
    def epoch():
        return s3.bench.value("SELECT s3vl.write_epoch(r) FROM s3vl.index_registry AS r WHERE index_name = %s", INDEX)

    s3.bench.docs(1)
    number = s3.declare()
    seen = [epoch()]
    s3.drain(number)
    seen.append(epoch())
    s3.bench.run("DELETE FROM app.docs")
    s3.drain(number)
    seen.append(epoch())
    s3.collect(later=True)
    seen.append(epoch())
    assert len(set(seen)) == 4


def test_reconcile_compares_the_manifest_with_the_source(s3):
    s3.bench.docs(6)
    number = s3.declare()
    s3.drain(number)
    s3.bench.run("ALTER TABLE app.docs DISABLE TRIGGER USER")
    s3.bench.run("UPDATE app.docs SET body = 'went past' WHERE id = 1")
    s3.bench.run("DELETE FROM app.docs WHERE id = 2")
    s3.bench.run("INSERT INTO app.docs VALUES (7, 't', 'new', 0)")
    s3.bench.run("ALTER TABLE app.docs ENABLE TRIGGER USER")
    assert s3.bench.reconciled(repair="true") == (1, 1, 1, 3)
    s3.drain(number)
    assert s3.bench.reconciled() == (0, 0, 0, 0)
    assert s3.search("new", 1) == [("[7]", 0, "new", 0)]


def test_reconcile_compares_the_index_with_the_manifest(s3):
    s3.bench.docs(10)
    number = s3.declare()
    s3.drain(number)
    s3.collect(later=True)
    lost = s3.bench.value("SELECT vector_key FROM embeddings.docs_generation_1 WHERE id = 4")
    s3.vectors._ask("DeleteVectors", {"indexArn": index_arn(INDEX), "keys": [lost]})
    orphan = f"{number}.1/{'a' * 32}/1.1/0"
    s3.vectors.put(INDEX, {orphan: ([1.0, 2.0, 3.0], {}), "somebody's": ([1.0, 2.0, 3.0], {})})
    s3.bench.reconciled()
    assert s3.list_index() == 3
    columns = "vectors_missing, vectors_orphan"
    assert s3.bench.run(f"SELECT {columns} FROM embed.status") == [(1, 1)]
    assert s3.bench.value("SELECT strange FROM embed.s3_listing") == 1
    assert s3.bench.work() == []
    s3.bench.reconciled(repair="true")
    s3.list_index()
    assert s3.drain(number) == 1
    assert s3.collect() == 1
    s3.bench.reconciled()
    s3.list_index()
    assert s3.bench.run(f"SELECT {columns} FROM embed.status") == [(0, 0)]
    assert orphan not in s3.contents()
    assert "somebody's" in s3.contents()
    assert s3.search("body 4", 1) == [("[4]", 0, "body 4", 0)]


def test_what_is_put_during_a_listing_is_neither_missing_nor_orphan(s3):
    s3.bench.docs(3)
    number = s3.declare()
    s3.drain(number)
    s3.bench.reconciled(repair="true")
    s3.bench.run("INSERT INTO app.docs SELECT n, 't', 'later ' || n, 0 FROM generate_series(4, 9) AS n")
    begun = s3.begin(number)
    assert s3.list_index() == 3
    assert s3.worker.finish(*begun) == {f"[{n}]": "done" for n in range(4, 10)}
    assert s3.bench.run("SELECT vectors_missing, vectors_orphan FROM embed.status") == [(0, 0)]
    assert s3.collect() == 0


def test_a_dropped_vectorizer_gives_its_index_back_when_it_is_empty(s3):
    s3.bench.docs(3)
    number = s3.declare()
    s3.drain(number)
    s3.bench.run("SELECT embed.drop_vectorizer('docs')")
    owner = "SELECT vectorizer FROM s3vl.index_registry WHERE index_name = 'embedded'"
    assert s3.bench.value(owner) == "docs"
    assert s3.collect(later=True) == 3
    assert s3.bench.value(owner) is None
    assert s3.contents() == {}


def test_an_empty_one_gives_it_back_at_once_and_kept_vectors_keep_it(s3):
    owner = "SELECT vectorizer FROM s3vl.index_registry WHERE index_name = 'embedded'"
    s3.bench.docs(1)
    s3.declare()
    s3.bench.run("SELECT embed.drop_vectorizer('docs')")
    assert s3.bench.value(owner) is None
    s3.drain(s3.declare())
    s3.bench.run("SELECT embed.drop_vectorizer('docs', keep_embeddings => true)")
    assert s3.collect(later=True) == 0
    s3.worker.rows("SELECT embed.collected(%s, '{}')", index_arn(INDEX))
    assert (s3.bench.value(owner), len(s3.contents())) == ("docs", 1)
    s3.bench.run("DROP TABLE embeddings.docs_generation_1")


def test_an_index_belongs_to_one_vectorizer(s3):
    s3.bench.docs(1)
    s3.declare()
    with pytest.raises(psycopg.Error, match="the index 'embedded' belongs to the vectorizer 'docs'"):
        s3.declare(name="others")


def test_a_new_generation_in_the_same_index(s3):
    s3.bench.docs(3)
    number = s3.declare()
    s3.drain(number)
    assert s3.bench.value("SELECT embed.alter_vectorizer('docs', template => 'of it: $chunk')") == 2
    s3.drain(number, 2)
    s3.drain(number, 1)
    assert len(s3.contents()) == 6
    s3.bench.run("SELECT embed.cutover('docs')")
    assert len(s3.search("body 1", 6)) == 3
    s3.bench.run("SELECT embed.abandon('docs', 1)")
    assert s3.collect(later=True) == 3
    assert {key.split("/")[0] for key in s3.contents()} == {f"{number}.2"}
    assert s3.search("body 1", 1) == [("[1]", 0, "body 1", 0)]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ("destination => embed.to_s3_vectors('nowhere')", "the index 'nowhere' is not registered"),
        ("destination => embed.to_s3_vectors('embedded', '{missing}')", "app.docs has no column missing"),
        (
            "destination => embed.to_s3_vectors('embedded', '{extra}')",
            "the column extra is of type jsonb, which metadata cannot have",
        ),
        (
            "destination => embed.to_s3_vectors('embedded'), delivery => embed.deliver_sync_lambda()",
            "S3 Vectors takes no part in a transaction",
        ),
    ],
)
def test_what_does_not_fit_is_refused(s3, parts, message):
    s3.bench.docs(1)
    s3.bench.run("ALTER TABLE app.docs ADD COLUMN extra jsonb")
    with pytest.raises(psycopg.Error) as caught:
        s3.bench.run(
            f"SELECT embed.create_vectorizer('docs', 'app.docs', 'body', embedding => embed.http('http://model.test', 'fake', 3), {parts})"
        )
    assert message in str(caught.value)
